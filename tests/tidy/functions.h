// Where functions begin and end, by their braces.
//
// Pure; thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::tidy {

struct Function {
  std::string name;       // the word before the parameters; of a test its suite and name as well
  size_t first_line = 0;  // of the head
  size_t last_line = 0;   // of the closing brace
};

// The functions with a body at namespace or class scope, in the order of their ends. What stands
// inside a function (lambdas, local classes) is part of it. `code` is CodeOnly(text).
std::vector<Function> Functions(std::string_view code);

}  // namespace cairn::tidy
