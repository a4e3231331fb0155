// tokenizer.json taken apart: the large tables as plain lists (hundreds of thousands of entries), the rest as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "text/gguf_tokenizer.h"

namespace posttrain {

struct TokenizerFile {
  std::vector<std::pair<std::string, int64_t>> vocab;        // model.vocab of BPE and word models
  std::vector<std::pair<std::string, double>> scored_vocab;  // model.vocab of Unigram: id = position
  std::vector<std::pair<std::string, std::string>> merges;   // model.merges, either format
  Json rest;                                                 // everything else
};

// The tokenizer.json of a GGUF file's tokenizer.
TokenizerFile tokenizer_file_from_gguf(const GgufTokenizer& parts, const std::string& where);

// Throws Error(where, ...) with line and column for bad JSON, with the path for values of the wrong kind.
TokenizerFile parse_tokenizer_file(std::string_view bytes, const std::string& where);

}  // namespace posttrain
