// Pages of SCANRANGE, for tests that walk a range by them.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "support/command_harness.h"

namespace cairn::test {

struct Page {
  std::string next;
  std::vector<std::string> keys;  // with WITHVALUES in RESP2: keys and values in turn
};

// `argv` = what follows the command's name.
inline Page RangePage(TestClient& client, std::vector<std::string> argv) {
  argv.insert(argv.begin(), "SCANRANGE");
  const TestReply reply = client.Run(argv);
  EXPECT_EQ(reply.reply().size(), 2U) << reply.Show();
  if (reply.reply().size() != 2) return {};
  Page page{.next = std::string(reply.reply()[0].text()), .keys = {}};
  for (const resp::Reply item : reply.reply()[1]) page.keys.emplace_back(item.text());
  return page;
}

// All pages put together; `between` is called after each.
inline std::vector<std::string> WalkPages(
    TestClient& client, std::string min, std::string max, bool reverse,
    const std::vector<std::string>& options, const std::function<void()>& between = [] {}) {
  std::vector<std::string> keys;
  while (true) {
    std::vector<std::string> argv = {min, max};
    argv.insert(argv.end(), options.begin(), options.end());
    if (reverse) argv.emplace_back("REV");
    Page page = RangePage(client, argv);
    keys.insert(keys.end(), page.keys.begin(), page.keys.end());
    if (page.next.empty()) return keys;
    (reverse ? max : min) = std::move(page.next);
    between();
  }
}

}  // namespace cairn::test
