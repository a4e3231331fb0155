// What a model sees of problems, documents, pairs and questions to judges: plain text behind the tokenizer's leading
// tokens, conversations through the model's chat template. The only road from messages to ids.
//
// A message with {"untrusted": true} is a model's own text: special tokens that it spells out are text, not turns.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/params.h"
#include "text/chat.h"
#include "text/loss_mask.h"
#include "text/task.h"
#include "text/tokenizer.h"

namespace posttrain {

struct ChatSettings {
  std::string system = {}, template_file = {};
  std::optional<bool> enable_thinking = {};
  Json kwargs = {};
  std::string answers = "rendered";
  bool split_special_tokens = false;

  void visit(Visitor& v);
};

struct RenderedExample {
  TokenizedExample tokens;
  size_t lost_thoughts = 0;  // earlier answers whose think block the template leaves out
};

// Immutable; many threads may render at once.
class Renderer {
 public:
  // `where` names the model in errors. A model without a template renders plain text only.
  Renderer(Tokenizer tokenizer, const ChatSettings& settings, const std::string& where);

  // Ids that ask for an answer. Throws Error for a conversation when there is no template. Parts of a message or text
  // may be guarded (Tokenizer::guard).
  std::vector<int32_t> prompt(const text::Problem& problem) const;
  std::vector<int32_t> prompt(const Json& messages, const Json& tools) const;
  std::vector<int32_t> plain_prompt(std::string_view text) const;

  // Ids and loss mask of a training text. Throws Error when the template leaves out what the last answer thinks: what
  // is learnt would not be what is sampled.
  RenderedExample example(const text::Document& document) const;

  // Ids of an answer behind such a prompt, as sampling would have made them: the text, then the end token.
  std::vector<int32_t> answer(std::string_view text) const;

  bool has_template() const { return chat_.has_value(); }
  const Tokenizer& tokenizer() const { return tokenizer_; }

 private:
  const ChatTemplate& chat() const;
  Json prepared(const Json& messages) const;
  RenderedExample conversation(const text::Document& document) const;

  Tokenizer tokenizer_;
  ChatSettings settings_;
  std::string where_;
  Json kwargs_;
  std::optional<ChatTemplate> chat_;
};

}  // namespace posttrain
