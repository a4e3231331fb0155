// tokenizer.json taken apart: the large tables as plain lists (hundreds of thousands of entries), the rest as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace posttrain {

struct TokenizerFile {
  std::vector<std::pair<std::string, int64_t>> vocab;        // model.vocab of BPE and word models
  std::vector<std::pair<std::string, double>> scored_vocab;  // model.vocab of Unigram: id = position
  std::vector<std::pair<std::string, std::string>> merges;   // model.merges, either format
  Json rest;                                                 // everything else
};

// Throws Error(where, ...) with line and column for bad JSON, with the path for values of the wrong kind.
TokenizerFile parse_tokenizer_file(std::string_view bytes, const std::string& where);

}  // namespace posttrain
