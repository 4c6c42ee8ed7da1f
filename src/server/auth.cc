#include "server/auth.h"

namespace cairn::server {

bool SecretsEqual(std::string_view a, std::string_view b) {
  // Every byte of `a` is looked at whatever `b` is; a different length only sets the outcome.
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference = static_cast<unsigned char>(
        difference | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(other)));
  }
  return difference == 0;
}

bool MayLogIn(std::string_view user, std::string_view password, std::string_view required) {
  const bool equal = required.empty() || SecretsEqual(password, required);
  return equal && user == "default";
}

}  // namespace cairn::server
