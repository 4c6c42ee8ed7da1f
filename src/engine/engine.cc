#include "engine/engine.h"

#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "base/random.h"
#include "engine/engine_impl.h"
#include "engine/run_file.h"
#include "engine/store.h"

namespace cairn::engine {

namespace {

// Clients cannot know it, so they cannot choose keys that all collide.
uint64_t NewSeed() {
  uint64_t seed = 0;
  base::FillRandomBytes({reinterpret_cast<char*>(&seed), sizeof seed});
  return seed;
}

const uint64_t kHashSeed = NewSeed();

// Run files belong to one store: beside a new one they are left over from a store that is gone, and
// must not be applied to it.
absl::Status RemoveRunFiles(base::FileSystem& fs, const std::string& run_dir) {
  const auto names = fs.List(run_dir);
  if (absl::IsNotFound(names.status())) return absl::OkStatus();
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (!IsRunFileName(name)) continue;
    const absl::Status status = fs.Remove(fmt::format("{}/{}", run_dir, name));
    if (!status.ok()) return status;
  }
  return fs.SyncDir(run_dir);
}

}  // namespace

uint64_t Engine::Hash(std::string_view key) {
  return XXH3_64bits_withSeed(key.data(), key.size(), kHashSeed);
}

bool Engine::Exists(base::FileSystem& fs, const std::string& dir) {
  return fs.Exists(fmt::format("{}/store/{}", dir, kLmdbDataFile));
}

absl::StatusOr<std::unique_ptr<Engine>> Engine::Open(base::FileSystem& fs, Options options,
                                                     OpenReport* report) {
  OpenReport unused;
  const std::string store_dir = options.dir + "/store";
  for (const std::string& dir : {options.dir, store_dir}) {
    if (absl::Status status = fs.CreateDir(dir); !status.ok()) return status;
  }
  if (!Exists(fs, options.dir)) {
    const absl::Status status = RemoveRunFiles(fs, options.dir + "/run");
    if (!status.ok()) return status;
  }
  auto store =
      OpenLmdbStore({.dir = store_dir, .map_size = options.map_size, .first = options.first});
  if (!store.ok()) return store.status();
  // LMDB makes its file lasting, but not the file's name.
  if (absl::Status status = fs.SyncDir(store_dir); !status.ok()) return status;
  auto engine = EngineImpl::Create(fs, std::move(options), *std::move(store),
                                   report != nullptr ? report : &unused);
  if (!engine.ok()) return engine.status();
  return *std::move(engine);
}

}  // namespace cairn::engine
