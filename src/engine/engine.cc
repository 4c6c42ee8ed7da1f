#include "engine/engine.h"

#include <utility>

#include <xxhash.h>

#include "base/random.h"
#include "engine/engine_impl.h"
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

}  // namespace

uint64_t Engine::Hash(std::string_view key) {
  return XXH3_64bits_withSeed(key.data(), key.size(), kHashSeed);
}

absl::StatusOr<std::unique_ptr<Engine>> Engine::Open(base::FileSystem& fs, Options options,
                                                     OpenReport* report) {
  OpenReport unused;
  const std::string store_dir = options.dir + "/store";
  for (const std::string& dir : {options.dir, store_dir}) {
    if (absl::Status status = fs.CreateDir(dir); !status.ok()) return status;
  }
  auto store = OpenLmdbStore({.dir = store_dir, .map_size = options.map_size});
  if (!store.ok()) return store.status();
  // LMDB makes its file lasting, but not the file's name.
  if (absl::Status status = fs.SyncDir(store_dir); !status.ok()) return status;
  auto engine = EngineImpl::Create(fs, std::move(options), *std::move(store),
                                   report != nullptr ? report : &unused);
  if (!engine.ok()) return engine.status();
  return *std::move(engine);
}

}  // namespace cairn::engine
