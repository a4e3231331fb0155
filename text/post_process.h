// Post-processors: the special tokens put around an encoded text. From tokenizer.json's "post_processor".
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace posttrain {

using Json = nlohmann::ordered_json;

struct Surround {
  std::vector<int32_t> before, after;
};

// Throws Error(where, field, ...) for what is not known.
Surround make_surround(const Json& config, const std::string& where);

}  // namespace posttrain
