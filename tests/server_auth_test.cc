#include <string>

#include <gtest/gtest.h>

#include "server/auth.h"

namespace cairn::server {
namespace {

TEST(ServerAuth, SecretsAreEqualWhenAllBytesAre) {
  EXPECT_TRUE(SecretsEqual("", ""));
  EXPECT_TRUE(SecretsEqual("secret", "secret"));
  EXPECT_TRUE(SecretsEqual(std::string("a\0b", 3), std::string("a\0b", 3)));
  EXPECT_FALSE(SecretsEqual("secret", "Secret"));
  EXPECT_FALSE(SecretsEqual("secret", "secreT"));
  EXPECT_FALSE(SecretsEqual(std::string("a\0b", 3), std::string("a\0c", 3)));
}

// The comparison wraps around the shorter one: repetitions and prefixes must not pass.
TEST(ServerAuth, LengthsCount) {
  EXPECT_FALSE(SecretsEqual("aa", "a"));
  EXPECT_FALSE(SecretsEqual("a", "aa"));
  EXPECT_FALSE(SecretsEqual("abab", "ab"));
  EXPECT_FALSE(SecretsEqual("", "a"));
  EXPECT_FALSE(SecretsEqual("a", ""));
  EXPECT_FALSE(SecretsEqual(std::string(1, '\0'), ""));
  EXPECT_FALSE(SecretsEqual("", std::string(1, '\0')));
}

TEST(ServerAuth, EveryBitCounts) {
  const std::string password = "correct horse battery staple";
  for (size_t i = 0; i < password.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = password;
      other[i] = static_cast<char>(other[i] ^ (1 << bit));
      EXPECT_FALSE(SecretsEqual(other, password)) << i << " " << bit;
    }
  }
}

TEST(ServerAuth, WhoMayComeIn) {
  EXPECT_TRUE(MayLogIn("default", "secret", "secret"));
  EXPECT_FALSE(MayLogIn("default", "wrong", "secret"));
  EXPECT_FALSE(MayLogIn("default", "", "secret"));
  EXPECT_FALSE(MayLogIn("root", "secret", "secret"));
  EXPECT_FALSE(MayLogIn("Default", "secret", "secret"));
  // Without a password everybody is let in already, and any password will do.
  EXPECT_TRUE(MayLogIn("default", "anything", ""));
  EXPECT_FALSE(MayLogIn("root", "anything", ""));
}

}  // namespace
}  // namespace cairn::server
