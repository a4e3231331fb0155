// Post-processors: the special tokens put around an encoded text. From tokenizer.json's "post_processor".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace posttrain {

struct Surround {
  std::vector<int32_t> before, after;
};

// Throws Error(where, field, ...) for what is not known.
Surround make_surround(const Json& config, const std::string& where);

}  // namespace posttrain
