// A key picked at random, for RANDOMKEY.
//
// An ordered store cannot draw evenly without counting, so this comes near it: from the top, one
// byte after another is drawn among those that keys go on with, then a random number of steps is
// taken. Every key can come up; small databases are drawn from evenly.
//
// Loop thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "keyspace/txn.h"

namespace cairn::keyspace {

struct RandomKeyResult {
  // Some key that has not expired. Missing when there is none, when `txn` has failed, or when
  // `searched_to` is there.
  std::optional<std::string> key;
  // So many keys were deleted or have expired that the draw gave up: it met none that is alive up
  // to this one, from the lowest on. Behind it there may be some.
  std::optional<std::string> searched_to;
};

// Draws from `db`. `seed` = any number: it decides which key comes up. Takes no longer than about a
// millisecond; among many deleted or expired keys some may come up far more often than others.
RandomKeyResult RandomKey(Txn& txn, int db, uint64_t seed);

}  // namespace cairn::keyspace
