// The pre-tokenizers that GGUF files name (tokenizer.ggml.pre), as tokenizer.json says them.
#pragma once

#include <string>

#include "base/json.h"

namespace posttrain {

struct GgufPreTokenizer {
  Json pre_tokenizer, normalizer;
  bool ignore_merges = false;
};

// Throws Error naming `where` for a name that is not known.
GgufPreTokenizer gguf_pre_tokenizer(const std::string& name, const std::string& where);

// The name of a tokenizer.json's pre_tokenizer; "" when GGUF files have none that is known here.
std::string gguf_pre_name(const Json& pre_tokenizer);

// A ByteLevel pre-tokenizer, decoder or post-processor.
Json byte_level_json(bool use_regex);

}  // namespace posttrain
