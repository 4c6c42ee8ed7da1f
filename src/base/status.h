// Bridges between the standard library's string views and abseil's, which are different types in
// Debian's build.
//
// Pure; thread-safe.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace cairn::base {

// The text of a status; valid as long as the status.
inline std::string_view Message(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

inline absl::Status MakeStatus(absl::StatusCode code, std::string_view text) {
  return {code, absl::string_view(text.data(), text.size())};
}
inline absl::Status InvalidArgument(std::string_view text) {
  return MakeStatus(absl::StatusCode::kInvalidArgument, text);
}
inline absl::Status DataLoss(std::string_view text) {
  return MakeStatus(absl::StatusCode::kDataLoss, text);
}
inline absl::Status FailedPrecondition(std::string_view text) {
  return MakeStatus(absl::StatusCode::kFailedPrecondition, text);
}

}  // namespace cairn::base
