// The directives whose value has a syntax of its own: bind, save, client-output-buffer-limit,
// rename-command, latency-tracking-info-percentiles, notify-keyspace-events.
//
// Constants that live as long as the process. Syntax and error texts as Redis 7.2's.
#pragma once

#include "config/row.h"

namespace cairn::config {

// Up to 16 addresses or host names; "-" in front: may be missing on the machine; "*" and "::*": all
// interfaces. No word at all: no TCP. The last line counts.
extern const ListKind kBindKind;

// Pairs of seconds and changes. In a file lines add up and `save ""` drops the earlier ones; CONFIG
// SET replaces.
extern const ListKind kSaveKind;

// Groups of class (normal, replica or its old name slave, pubsub), hard limit, soft limit, seconds.
// Classes that are not named keep their limits.
extern const ListKind kOutputBufferKind;

// Percentiles from 0 to 100, at most six decimals.
extern const ListKind kPercentilesKind;

// One word of event letters (notify_events.h).
extern const WordKind kNotifyKind;

// `from to`, to = "" takes the command away. Lines add up. File only; whether `from` exists is
// checked by the commands room.
extern const ListKind kRenameKind;

}  // namespace cairn::config
