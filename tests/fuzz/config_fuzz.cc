// A configuration that is accepted can be rewritten, and the result gives the same options again.
#include <string>

#include "config/parser.h"
#include "config/rewrite.h"
#include "fuzz/fuzz.h"
#include "support/memory_fs.h"

namespace {

bool Load(cairn::base::FileSystem& files, std::string_view text,
          cairn::config::ServerOptions* options) {
  const auto directives = cairn::config::ParseText(files, text, "fuzz.conf");
  return directives.ok() && cairn::config::Apply(*directives, *options).ok();
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  cairn::test::MemoryFs files;
  cairn::config::ServerOptions options;
  if (!Load(files, text, &options)) return 0;
  const auto once = cairn::config::Rewrite(files, text, "fuzz.conf", options);
  cairn::fuzz::Require(once.ok(), "what was accepted can be rewritten");
  cairn::config::ServerOptions again;
  cairn::fuzz::Require(Load(files, *once, &again), "what was rewritten is accepted");
  const auto twice = cairn::config::Rewrite(files, *once, "fuzz.conf", again);
  cairn::fuzz::Require(twice.ok() && *twice == *once, "rewriting again changes nothing");
  return 0;
}
