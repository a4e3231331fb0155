// Decoders: how the strings of tokens become text again. The components of tokenizer.json's "decoder".
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace posttrain {

using Json = nlohmann::ordered_json;

// A step rewrites the list of strings; at the end they are joined and repaired to valid UTF-8.
class DecodeStep {
 public:
  virtual ~DecodeStep() = default;
  virtual void apply(std::vector<std::string>& tokens) const = 0;
};

// A null `config` gives a step that puts a space between tokens. Throws Error(where, field, ...) for what is not known.
std::unique_ptr<DecodeStep> make_decode_step(const Json& config, const std::string& where);

}  // namespace posttrain
