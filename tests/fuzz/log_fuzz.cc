// Whatever lies in a log folder, opening it either works or is refused; what works can be read to
// the end, and opened again with the same result.
#include <string>

#include "fuzz/fuzz.h"
#include "support/memory_fs.h"
#include "wal/format.h"
#include "wal/log.h"

namespace cairn::fuzz {
namespace {

constexpr char kDir[] = "/log";
constexpr wal::LogId kId{'f', 'u', 'z', 'z'};

wal::LogOptions Options() {
  return {.dir = kDir, .identity = {.id = kId}, .start_offset = 0, .salt_seed = 7};
}

// A good log of some records, so that the input need not invent checksums.
std::string GoodSegment(test::MemoryFs& files, Input& input) {
  wal::OpenReport report;
  const auto log = wal::Log::Open(files, Options(), &report);
  Require(log.ok(), "an empty folder becomes a log");
  const int records = input.Byte() % 8;
  for (int i = 0; i < records; ++i) {
    (*log)->Append(std::string(input.Byte(), 'r'));
    Require((*log)->Flush(1000 + i).ok(), "a log can be written");
    if (input.Byte() % 2 == 0) Require((*log)->SyncNow().ok(), "a log can be synced");
  }
  return std::string(kDir) + "/" + files.List(kDir)->front();
}

// Opens the log and reads all of it; the end offset, or nothing when it is refused.
std::string Read(test::MemoryFs& files) {
  wal::OpenReport report;
  const auto log = wal::Log::Open(files, Options(), &report);
  if (!log.ok()) return "refused";
  std::string all;
  const auto reader = (*log)->NewReader((*log)->first_offset());
  if (!reader.ok()) return "no reader";
  while (true) {
    const auto record = (*reader)->Next();
    if (!record.ok()) return all + std::string(absl::StatusCodeToString(record.status().code()));
    all += record->payload;
  }
}

}  // namespace
}  // namespace cairn::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using cairn::fuzz::Require;
  cairn::fuzz::Input input(data, size);
  cairn::test::MemoryFs files;
  const std::string path = cairn::fuzz::GoodSegment(files, input);
  std::string content = files.Content(path);
  const int edits = input.Byte() % 6;
  for (int i = 0; i < edits && !content.empty(); ++i) {
    const size_t at = input.Number() % content.size();
    switch (input.Byte() % 4) {
      case 0:
        content[at] = static_cast<char>(input.Byte());
        break;
      case 1:
        content.resize(at);
        break;
      case 2:
        content.insert(at, input.Take(input.Byte()));
        break;
      default:
        content.append(content.substr(at, input.Byte()));
    }
  }
  content += input.Rest();
  files.SetContent(path, content);
  const std::string once = cairn::fuzz::Read(files);
  Require(cairn::fuzz::Read(files) == once, "opening again gives the same");
  return 0;
}
