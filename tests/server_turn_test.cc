// The order of a turn's end is the durability contract: server/turn.h says why.
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/turn.h"

namespace cairn::server {
namespace {

TEST(ServerTurn, PhasesStandInTheirOrder) {
  std::vector<std::string_view> names;
  for (const Turn::Phase& phase : Turn::Phases()) {
    names.push_back(phase.name);
    EXPECT_NE(phase.run, nullptr) << phase.name;
  }
  EXPECT_THAT(names, testing::ElementsAre("tasks", "expiry", "log", "mark", "release", "engine",
                                          "seal", "clients"));
}

}  // namespace
}  // namespace cairn::server
