#include "wal/log_id.h"

#include <cstdint>

#include <fmt/format.h>

#include "base/random.h"

namespace cairn::wal {

LogId NewLogId() {
  LogId id = kNoLogId;
  while (id == kNoLogId) base::FillRandomBytes(id);
  return id;
}

std::string FormatLogId(const LogId& id) {
  std::string text;
  for (const char byte : id) text += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  return text;
}

}  // namespace cairn::wal
