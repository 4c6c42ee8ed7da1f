#include "exec/effects.h"

#include "absl/strings/numbers.h"

namespace cairn::exec {
namespace {

void AppendHeader(char type, size_t value, std::string* out) {
  char digits[absl::numbers_internal::kFastToBufferSize + 3];
  digits[0] = type;
  char* end = absl::numbers_internal::FastIntToBuffer(static_cast<uint64_t>(value), digits + 1);
  *end++ = '\r';
  *end++ = '\n';
  out->append(digits, static_cast<size_t>(end - digits));
}

}  // namespace

void AppendCommand(std::span<const std::string_view> args, std::string* out) {
  AppendHeader('*', args.size(), out);
  for (const std::string_view arg : args) {
    AppendHeader('$', arg.size(), out);
    out->append(arg);
    out->append("\r\n");
  }
}

void Effects::Add(int db, std::span<const std::string_view> args) {
  AppendCommand(args, &bytes_);
  parts_.push_back({.db = db, .end = bytes_.size()});
}

void Effects::AddRaw(int db, std::string_view bytes) {
  bytes_.append(bytes);
  parts_.push_back({.db = db, .end = bytes_.size()});
}

}  // namespace cairn::exec
