// What a Tokenizer is made of; shared by the files that build one.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "text/added_tokens.h"
#include "text/decode_steps.h"
#include "text/normalize.h"
#include "text/post_process.h"
#include "text/pretokenize.h"
#include "text/token_model.h"
#include "text/tokenizer.h"

namespace posttrain {

struct TokenizerFile;

struct TokenizerParts {
  std::unique_ptr<Normalizer> normalizer;       // may be null
  std::unique_ptr<PreTokenizer> pre_tokenizer;  // may be null
  std::unique_ptr<TokenModel> model;
  AddedTokens added;
  std::unique_ptr<DecodeStep> decoder;
  Surround surround;
  int32_t vocab_size = 0;
  std::optional<int32_t> bos, eos, pad;
  std::vector<int32_t> stops;
  std::map<std::string, std::string> special_texts;  // "bos_token" -> "<s>"
  std::string chat_template;
  // Filled when first asked for: Tokenizer::special_tokens().
  mutable std::once_flag specials_once;
  mutable std::vector<std::string> specials;
};

std::shared_ptr<TokenizerParts> tokenizer_parts_from_file(const TokenizerFile& file, const std::string& where);
// Adds what the other files of a model directory say.
void read_tokenizer_directory(TokenizerParts& parts, const std::filesystem::path& dir);
void set_vocab_size(TokenizerParts& parts);

}  // namespace posttrain
