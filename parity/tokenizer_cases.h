// Checks a tokenizer against recorded cases: JSONL with "kind" encode, decode, stream or chat, as the tokenizers
// library and transformers' apply_chat_template answered them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace posttrain {

struct CaseFailure {
  size_t line = 0;
  std::string kind, field, expected, got;
};

struct TokenizerReport {
  size_t cases = 0, passed = 0, failed = 0;
  std::vector<CaseFailure> first_failures;  // at most 10
};

// Fields of a case: encode: text, ids, ids_with_special (when add_special differs), decoded (when it is not text),
// decoded_skip_special (when it is not decoded). decode: ids, text, text_skip_special. stream: ids, skip_special,
// chunks (null: nothing yet), text. chat: messages, tools, kwargs, text, ids.
// Throws Error for a file that can't be read or a line that is no case.
TokenizerReport check_tokenizer_cases(const Tokenizer& tokenizer, const std::filesystem::path& file);

}  // namespace posttrain
