// Whatever a run file holds, it is read or refused. Checksums are made right in half of the runs,
// so that what lies behind them is tried as well.
#include <cstring>
#include <string>

#include <xxhash.h>

#include "base/bytes.h"
#include "engine/format.h"
#include "engine/recovery.h"
#include "engine/run_file.h"
#include "fuzz/fuzz.h"
#include "support/memory_fs.h"

namespace cairn::fuzz {
namespace {

constexpr char kDir[] = "/run";

std::string GoodFile(test::MemoryFs& files, Input& input) {
  auto writer = engine::RunFileWriter::Create(
      files, kDir, {.sequence = 2, .meta = {.log_offset = 9, .blob = "blob"}});
  Require(writer.ok(), "a run file can be made");
  const int records = input.Byte() % 6;
  for (int i = 0; i < records; ++i) {
    const std::string key = "key" + std::to_string(i);
    const bool deleted = input.Byte() % 2 == 0;
    const std::string value(deleted ? 0 : input.Byte(), 'v');
    Require((*writer)->Add({engine::Table::kKeys, deleted, key, value}).ok(), "Add");
  }
  Require((*writer)->Finish().ok(), "Finish");
  return (*writer)->path();
}

// Makes the checksums of the header and of all blocks right, as far as they can be found.
void RepairChecksums(std::string* file) {
  const auto repair = [&](size_t at, size_t checksum_at, size_t end) {
    // header: the bytes before; block: the bytes before and behind
    XXH3_state_t* const state = XXH3_createState();
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, file->data() + at, checksum_at - at);
    if (end > checksum_at + 8) {
      XXH3_64bits_update(state, file->data() + checksum_at + 8, end - checksum_at - 8);
    }
    const uint64_t sum = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    std::memcpy(file->data() + checksum_at, &sum, sizeof sum);
  };
  constexpr size_t kHeader = 40;
  constexpr size_t kBlockHeader = 24;
  if (file->size() < kHeader) return;
  repair(0, kHeader - 8, kHeader);
  size_t at = kHeader;
  while (file->size() - at >= kBlockHeader) {
    const size_t bytes = base::LoadLittle32(file->data() + at + 4);
    if (bytes > file->size() - at - kBlockHeader) return;
    repair(at, at + 16, at + kBlockHeader + bytes);
    at += kBlockHeader + bytes;
  }
}

}  // namespace
}  // namespace cairn::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cairn::fuzz::Input input(data, size);
  cairn::test::MemoryFs files;
  cairn::fuzz::Require(files.CreateDir(cairn::fuzz::kDir).ok(), "CreateDir");
  const std::string path = cairn::fuzz::GoodFile(files, input);
  std::string content = files.Content(path);
  const bool repair = input.Byte() % 2 == 0;
  const int edits = input.Byte() % 6;
  for (int i = 0; i < edits && !content.empty(); ++i) {
    const size_t at = input.Number() % content.size();
    switch (input.Byte() % 3) {
      case 0:
        content[at] = static_cast<char>(input.Byte());
        break;
      case 1:
        content.resize(at);
        break;
      default:
        content.insert(at, input.Take(input.Byte()));
    }
  }
  if (repair) cairn::fuzz::RepairChecksums(&content);
  files.SetContent(path, content);
  cairn::engine::RunTarget target;
  uint64_t records = 0;
  const bool whole = cairn::engine::VerifyRunFile(files, path, &target, &records).ok();
  cairn::engine::OpenReport report;
  const auto run = cairn::engine::RecoverRunFiles(files, cairn::fuzz::kDir, {}, &report);
  if (run.ok() && run->has_value()) {
    cairn::fuzz::Require(whole, "what is taken up is whole");
    cairn::fuzz::Require((*run)->generation->records() <= records, "no record comes from nowhere");
  }
  return 0;
}
