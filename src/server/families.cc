#include "server/families.h"

#include <vector>

#include "commands/families.h"

namespace cairn::server {

std::span<const exec::RowTable> DataFamilies() {
  static const std::vector<exec::RowTable> families = {
      commands::StringCommands(), commands::StringEditCommands(), commands::KeyCommands(),
      commands::ObjectCommands(), commands::ExpiryCommands(),     commands::DatabaseCommands(),
      commands::ScanCommands(),   commands::RangeCommands(),      commands::EchoCommands()};
  return families;
}

std::span<const exec::RowTable> AllFamilies() {
  static const std::vector<exec::RowTable> families = [] {
    std::vector<exec::RowTable> all(DataFamilies().begin(), DataFamilies().end());
    all.insert(all.end(), {ConnectionCommands(), ClientCommands(), ConfigCommands(),
                           AdminCommands(), DebugCommands(), IntrospectionCommands()});
    return all;
  }();
  return families;
}

}  // namespace cairn::server
