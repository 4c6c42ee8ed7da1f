// How the server with failpoints (failpoint_hook.cc) is told what to do: environment variables.
//
// Constants.
#pragma once

namespace cairn::crash {

// The place at which the process is killed; "*" = any. Without it none is.
inline constexpr char kEnvFailpoint[] = "CAIRN_FAILPOINT";
// It is killed there with a chance of one in so many (default 1), by a seed (default 1).
inline constexpr char kEnvFailpointOneIn[] = "CAIRN_FAILPOINT_ONE_IN";
inline constexpr char kEnvFailpointSeed[] = "CAIRN_FAILPOINT_SEED";
// A file to which the name of each place is added, one a line, when it is passed the first time.
inline constexpr char kEnvFailpointSeen[] = "CAIRN_FAILPOINT_SEEN";

}  // namespace cairn::crash
