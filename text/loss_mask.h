// Conversations and prompt/completion pairs as ids with a mask: which tokens the model is to learn.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "text/chat.h"
#include "text/tokenizer.h"

namespace posttrain {

struct TokenizedExample {
  std::vector<int32_t> ids;
  std::vector<uint8_t> loss;  // one per id: 1 where the token is to be predicted
};

// The bytes of chat.render(messages).text that the assistant says, in order: from behind what the template writes to
// ask for an answer to the end of the token that ends the turn, that token included. {% generation %} blocks decide
// where the template has them. Throws Error when an assistant message does not show in the text.
std::vector<std::pair<size_t, size_t>> assistant_spans(const Tokenizer& tokenizer, const ChatTemplate& chat,
                                                       const Json& messages, const Json& tools, const Json& kwargs,
                                                       const RenderedChat& rendered);

// ids = encode(rendered text); the mask holds on every token that shares a byte with an assistant span.
TokenizedExample tokenize_chat(const Tokenizer& tokenizer, const ChatTemplate& chat, const Json& messages,
                               const Json& tools, const Json& kwargs, bool last_turn_only = false);

// The same for messages with guarded parts (Tokenizer::guard).
TokenizedExample tokenize_guarded_chat(const Tokenizer& tokenizer, const ChatTemplate& chat, const Json& messages,
                                       const Json& tools, const Json& kwargs);

}  // namespace posttrain
