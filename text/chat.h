// Chat templates: messages to the text a model was trained on, as transformers' apply_chat_template makes it.
#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/tokenizer.h"

namespace posttrain {

using Json = nlohmann::ordered_json;

struct RenderedChat {
  std::string text;
  // Bytes of `text` inside {% generation %} blocks; most templates have none.
  std::vector<std::pair<size_t, size_t>> generated;
};

// A parsed template; immutable, so many threads may render at once.
class ChatTemplate {
 public:
  // Throws Error("<where>:<line>:<column>", ...) for a template that can't be parsed.
  ChatTemplate(std::string_view source, const std::string& where);
  // A template that sees the special tokens' texts of `tokenizer`.
  ChatTemplate(std::string_view source, const Tokenizer& tokenizer, const std::string& where);
  // The template of `tokenizer` and its special tokens' texts. Throws Error when it has none.
  ChatTemplate(const Tokenizer& tokenizer, const std::string& where);

  // `messages`: a list of {"role", "content", ...}. `tools`: a list, or null. `kwargs`: an object with what else the
  // template sees, e.g. {"add_generation_prompt": true, "enable_thinking": false}, or null.
  // Throws Error with line and column for what the template does wrong, refuses, or takes too much time or space for.
  RenderedChat render(const Json& messages, const Json& tools, const Json& kwargs) const;

  const std::string& source() const;

 private:
  struct Parsed;
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace posttrain
