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

// Some key of `db` that has not expired; nullopt when there is none, or when `txn` has failed.
// `seed` = any number: it decides which one.
std::optional<std::string> RandomKey(Txn& txn, int db, uint64_t seed);

}  // namespace cairn::keyspace
