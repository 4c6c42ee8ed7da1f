// Commands for the stream, as RESP arrays, each with the database it acts on.
//
// A buffer of the executor, reused for all commands. Loop thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::exec {

// Appends one command as a RESP array of bulk strings.
void AppendCommand(std::span<const std::string_view> args, std::string* out);

class Effects {
 public:
  struct Part {
    int db;
    size_t end;  // its bytes end here, and begin where the part before ends
  };

  void Clear() {
    bytes_.clear();
    parts_.clear();
    if (bytes_.capacity() > kKeptBytes) std::string().swap(bytes_);  // an assignment would keep it
  }
  void Add(int db, std::span<const std::string_view> args);
  void Add(int db, std::initializer_list<std::string_view> args) {
    Add(db, std::span<const std::string_view>(args.begin(), args.size()));
  }
  // A command that is RESP already.
  void AddRaw(int db, std::string_view bytes);

  [[nodiscard]] bool empty() const { return parts_.empty(); }
  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  static constexpr size_t kKeptBytes = 1U << 20;

  std::string bytes_;
  std::vector<Part> parts_;
};

}  // namespace cairn::exec
