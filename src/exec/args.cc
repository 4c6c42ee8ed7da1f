#include "exec/args.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "base/check.h"
#include "base/numbers.h"
#include "resp/errors.h"

namespace cairn::exec {

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return absl::ascii_tolower(static_cast<unsigned char>(x)) ==
           absl::ascii_tolower(static_cast<unsigned char>(y));
  });
}

bool Args::Take(std::string_view word) {
  if (!More() || !EqualsIgnoreCase(argv_[next_], word)) return false;
  ++next_;
  return true;
}

bool Args::TakeWith(std::string_view word, size_t following) {
  return left() > following && Take(word);
}

std::string_view Args::Next() {
  if (!error_.empty()) return {};
  if (next_ >= argv_.size()) {
    Syntax();
    return {};
  }
  return argv_[next_++];
}

int64_t Args::Int(int64_t min, int64_t max, std::string_view error) {
  const std::string_view text = Next();
  if (!ok()) return 0;
  const auto value = base::ParseInt64(text);
  if (!value.has_value() || *value < min || *value > max) {
    Error(error.empty() ? resp::errors::kNotInteger : error);
    return 0;
  }
  return *value;
}

int Args::Int32() {
  const int64_t value = Int();
  if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
    Error(resp::errors::kNotInt32);
    return 0;
  }
  return static_cast<int>(value);
}

void Args::Syntax() {
  Error(resp::errors::kSyntax);
}

void Args::Error(std::string_view text) {
  if (error_.empty()) error_.assign(text);
}

Effect Args::Reply(Context& ctx) const {
  CAIRN_CHECK(!error_.empty());
  return ctx.Fail(error_);
}

}  // namespace cairn::exec
