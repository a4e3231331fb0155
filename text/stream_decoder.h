// Decoding token by token: text comes out as soon as it can no longer change.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace posttrain {

// The chunks are those of the tokenizers library's DecodeStream; joined they are decode(all ids), less an incomplete
// character at the end. One per sequence, not shared between threads.
class StreamDecoder {
 public:
  explicit StreamDecoder(Tokenizer tokenizer, bool skip_special = true)
      : tokenizer_(std::move(tokenizer)), skip_special_(skip_special) {}

  // The text that `id` completes; nothing while a character is incomplete or when the token has no text.
  std::optional<std::string> push(int32_t id);

 private:
  Tokenizer tokenizer_;
  bool skip_special_;
  std::vector<int32_t> ids_;  // those of the last chunk, for context, and the ones since
  size_t context_ = 0;        // how many of them are in prefix_
  std::string prefix_;        // decode(the context)
};

}  // namespace posttrain
