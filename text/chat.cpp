#include "text/chat.h"

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "jinja/parser.h"
#include "jinja/renderer.h"

namespace posttrain {

struct ChatTemplate::Parsed {
  Parsed(std::string_view text, const std::string& name)
      : where(name), source(is_valid_utf8(text) ? std::string(text) : repair_utf8(text)) {
    program = jinja::parse_template(source, where);
  }
  std::string where, source;
  jinja::Block program;
  std::vector<std::pair<std::string, jinja::Value>> special_tokens;
};

namespace {

// Reasoning goes by several names; templates read "reasoning_content" or "thinking".
Json with_reasoning(const Json& message) {
  if (!message.is_object()) return message;
  for (const char* name : {"reasoning_content", "thinking", "reasoning"}) {
    if (!message.contains(name) || message[name].is_null()) continue;
    Json out = message;
    if (!out.contains("thinking")) out["thinking"] = message[name];
    out["reasoning_content"] = message[name];
    return out;
  }
  return message;
}

}  // namespace

ChatTemplate::ChatTemplate(std::string_view source, const std::string& where)
    : parsed_(std::make_shared<const Parsed>(source, where)) {}

ChatTemplate::ChatTemplate(const Tokenizer& tokenizer, const std::string& where)
    : ChatTemplate(tokenizer.chat_template(), tokenizer, where) {}

ChatTemplate::ChatTemplate(std::string_view source, const Tokenizer& tokenizer, const std::string& where) {
  if (source.empty()) throw Error(where, "chat_template", "a template", "nothing");
  auto parsed = std::make_shared<Parsed>(source, where);
  for (const char* name : {"bos_token", "eos_token", "pad_token", "unk_token"}) {
    const std::string& text = tokenizer.special_text(name);
    if (!text.empty()) parsed->special_tokens.emplace_back(name, text);
  }
  parsed_ = std::move(parsed);
}

RenderedChat ChatTemplate::render(const Json& messages, const Json& tools, const Json& kwargs) const {
  if (!messages.is_array()) throw Error("chat", "messages", "a list", to_line(messages).substr(0, 80));
  Json conversation = Json::array();
  for (const Json& message : messages) {
    if (!message.is_object()) throw Error("chat", "messages", "objects", to_line(message).substr(0, 80));
    conversation.push_back(with_reasoning(message));
  }
  jinja::Output output;
  jinja::Renderer renderer(parsed_->program, parsed_->where);
  try {
    auto variables = parsed_->special_tokens;
    const auto set = [&](const std::string& name, const Json& value) {
      std::erase_if(variables, [&](const auto& variable) { return variable.first == name; });
      variables.emplace_back(name, jinja::Value::from_json(value));
    };
    set("messages", conversation);
    set("tools", tools);
    set("documents", Json());
    set("add_generation_prompt", Json(false));
    if (kwargs.is_object()) {
      for (const auto& [name, value] : kwargs.items()) set(name, value);
    }
    output = renderer.render(std::move(variables));
  } catch (const jinja::Fault& fault) {
    throw Error("chat", fault.what());  // values nested too deeply
  }
  return {std::move(output.text), std::move(output.generated)};
}

const std::string& ChatTemplate::source() const {
  return parsed_->source;
}

}  // namespace posttrain
