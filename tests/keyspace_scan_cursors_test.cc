// SCAN's numbers.
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "keyspace/scan_cursors.h"

namespace cairn::keyspace {
namespace {

constexpr uint64_t kLargestExactDouble = uint64_t{1} << 53;

TEST(ScanCursorsTest, FindsWhatWasAdded) {
  ScanCursors cursors(42);
  const uint64_t a = cursors.Add(0, "a");
  const uint64_t b = cursors.Add(3, std::string("b\0", 2));
  EXPECT_NE(a, b);
  EXPECT_EQ(cursors.Find(0, a), "a");
  EXPECT_EQ(cursors.Find(0, a), "a") << "a client may ask again";
  EXPECT_EQ(cursors.Find(3, b), std::string("b\0", 2));
  EXPECT_EQ(cursors.Find(0, b), std::nullopt) << "of another database";
  EXPECT_EQ(cursors.Find(0, b + 1), std::nullopt) << "not given yet";
  EXPECT_EQ(cursors.Find(0, a - 1), std::nullopt);
  EXPECT_EQ(cursors.Find(0, 0), std::nullopt);
}

TEST(ScanCursorsTest, NumbersFitADoubleAndAreNeverZero) {
  for (const uint64_t start : {uint64_t{0}, uint64_t{1}, kLargestExactDouble, UINT64_MAX}) {
    ScanCursors cursors(start);
    for (int i = 0; i < 3; ++i) {
      const uint64_t cursor = cursors.Add(0, "k");
      EXPECT_GT(cursor, 0U);
      EXPECT_LT(cursor, kLargestExactDouble);
    }
  }
}

TEST(ScanCursorsTest, AnotherStartGivesOtherNumbers) {
  ScanCursors before(0x123456789abcdULL);
  const uint64_t cursor = before.Add(0, "k");
  ScanCursors after(0x0fedcba987654ULL);
  after.Add(0, "k");
  EXPECT_EQ(after.Find(0, cursor), std::nullopt);
}

TEST(ScanCursorsTest, ForgetsTheOldestWhenThereAreTooMany) {
  ScanCursors cursors(0);
  std::vector<uint64_t> given;
  for (int i = 0; i < 65'536; ++i) given.push_back(cursors.Add(0, std::to_string(i)));
  EXPECT_EQ(cursors.Find(0, given[0]), "0");
  for (int i = 0; i < 10; ++i) given.push_back(cursors.Add(0, "more"));
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(cursors.Find(0, given[i]), std::nullopt) << i;
  EXPECT_EQ(cursors.Find(0, given[10]), "10");
  EXPECT_EQ(cursors.Find(0, given.back()), "more");
}

TEST(ScanCursorsTest, ForgetsTheOldestWhenTheyAreTooLarge) {
  ScanCursors cursors(0);
  const std::string megabyte(1U << 20, 'k');
  std::vector<uint64_t> given;
  for (int i = 0; i < 17; ++i) given.push_back(cursors.Add(0, megabyte));
  EXPECT_EQ(cursors.Find(0, given[0]), std::nullopt);
  EXPECT_TRUE(cursors.Find(0, given[1]).has_value());
  // One that is larger than all together may be stays: its client is there and waits.
  const uint64_t huge = cursors.Add(0, std::string(20U << 20, 'k'));
  EXPECT_TRUE(cursors.Find(0, huge).has_value());
  EXPECT_EQ(cursors.Find(0, given.back()), std::nullopt);
  const uint64_t next = cursors.Add(0, "small");
  EXPECT_EQ(cursors.Find(0, next), "small");
  EXPECT_EQ(cursors.Find(0, huge), std::nullopt);
}

}  // namespace
}  // namespace cairn::keyspace
