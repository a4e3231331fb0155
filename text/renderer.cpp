#include "text/renderer.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace posttrain {
namespace {

constexpr std::string_view kThink = "<think>", kThinkEnd = "</think>";

std::string content_of(const Json& message) {
  const bool text = message.contains("content") && message["content"].is_string();
  return text ? message["content"].get<std::string>() : "";
}

// What a message says in its think block, without the white space around it; "" when it has none.
std::string thought(const Json& message) {
  if (message.contains("reasoning_content") && message["reasoning_content"].is_string())
    return message["reasoning_content"].get<std::string>();
  const std::string content = content_of(message);
  const size_t end = content.rfind(kThinkEnd);
  if (end == std::string::npos) return "";
  const size_t open = content.find(kThink);
  const size_t begin = open < end ? open + kThink.size() : 0;
  const std::string inside = content.substr(begin, end - begin);
  const size_t first = inside.find_first_not_of(" \t\r\n");
  return first == std::string::npos ? "" : inside.substr(first, inside.find_last_not_of(" \t\r\n") - first + 1);
}

void guard_contents(const Tokenizer& tokenizer, Json& message) {
  for (const char* key : {"content", "reasoning_content"}) {
    if (!message.contains(key)) continue;
    Json& content = message[key];
    if (content.is_string()) content = tokenizer.guard(content.get<std::string>());
    if (!content.is_array()) continue;
    for (Json& part : content) {
      if (part.is_object() && part.contains("text") && part["text"].is_string())
        part["text"] = tokenizer.guard(part["text"].get<std::string>());
    }
  }
}

// No loss on the prompt.
RenderedExample learnt(std::vector<int32_t> prompt, const std::vector<int32_t>& answer) {
  RenderedExample example;
  auto& [ids, loss] = example.tokens;
  ids = std::move(prompt);
  loss.assign(ids.size(), 0);
  ids.insert(ids.end(), answer.begin(), answer.end());
  loss.resize(ids.size(), 1);
  return example;
}

}  // namespace

void ChatSettings::visit(Visitor& v) {
  v("system", system, {.doc = "System message of conversations that have none; \"\" = none"});
  v("template", template_file, {.doc = "A Jinja file instead of the model's own chat template", .path = true});
  v("enable_thinking", enable_thinking, {.doc = "What templates that ask for it are told; null = nothing"});
  v("kwargs", kwargs, {.doc = "What else the template sees, by name"});
  v("answers", answers,
    {.doc = "rendered: conversations as the template shows them, every answer learnt; verbatim: the last answer as it "
            "stands, behind the rendered prompt, as sampling would have made it",
     .choices = {"rendered", "verbatim"}});
  v("split_special_tokens", split_special_tokens,
    {.doc = "Special tokens spelled out in the messages of data are plain text; false: they are recognised, as "
            "transformers does. What a model wrote never makes special tokens"});
}

Renderer::Renderer(Tokenizer tokenizer, const ChatSettings& settings, const std::string& where)
    : tokenizer_(std::move(tokenizer)), settings_(settings), where_(where) {
  kwargs_ = settings.kwargs.is_object() ? settings.kwargs : Json::object();
  if (settings.enable_thinking) kwargs_["enable_thinking"] = *settings.enable_thinking;
  if (!settings.template_file.empty()) {
    chat_.emplace(read_file(settings.template_file), tokenizer_, settings.template_file);
  } else if (!tokenizer_.chat_template().empty()) {
    chat_.emplace(tokenizer_, where + ": chat template");
  }
}

const ChatTemplate& Renderer::chat() const {
  if (!chat_) throw Error(where_, "chat template", "one: problems that are conversations need it", "none");
  return *chat_;
}

// The messages that the template is shown: the system message before them, untrusted contents guarded.
Json Renderer::prepared(const Json& messages) const {
  Json all = Json::array();
  if (!settings_.system.empty() && (messages.empty() || messages[0].value("role", "") != "system"))
    all.push_back({{"role", "system"}, {"content", settings_.system}});
  for (const Json& message : messages) {
    all.push_back(message);
    Json& last = all.back();
    const bool untrusted = settings_.split_special_tokens || last.value("untrusted", Json()) == true;
    last.erase("untrusted");
    if (untrusted) guard_contents(tokenizer_, last);
  }
  return all;
}

std::vector<int32_t> Renderer::prompt(const text::Problem& problem) const {
  if (!problem.messages.is_null()) return prompt(problem.messages, problem.tools);
  if (problem.untrusted.empty()) return plain_prompt(problem.prompt);
  std::string text;
  size_t at = 0;
  for (const auto& [begin, end] : problem.untrusted) {
    text += problem.prompt.substr(at, begin - at) + tokenizer_.guard(problem.prompt.substr(begin, end - begin));
    at = end;
  }
  return plain_prompt(text + problem.prompt.substr(at));
}

std::vector<int32_t> Renderer::prompt(const Json& messages, const Json& tools) const {
  Json kwargs = kwargs_;
  kwargs["add_generation_prompt"] = true;
  return tokenizer_.encode_guarded(chat().render(prepared(messages), tools, kwargs).text);
}

std::vector<int32_t> Renderer::plain_prompt(std::string_view text) const {
  std::vector<int32_t> ids = tokenizer_.leading_ids();
  const auto body = tokenizer_.encode_guarded(text);
  ids.insert(ids.end(), body.begin(), body.end());
  return ids;
}

std::vector<int32_t> Renderer::answer(std::string_view text) const {
  std::vector<int32_t> ids = tokenizer_.encode_guarded(text);
  const auto end = tokenizer_.eos_id();
  if (end && (ids.empty() || ids.back() != *end)) ids.push_back(*end);
  return ids;
}

RenderedExample Renderer::example(const text::Document& document) const {
  if (!document.messages.is_null()) return conversation(document);
  const std::string_view text = document.text, rest = text.substr(document.prompt_bytes);
  return learnt(plain_prompt(text.substr(0, document.prompt_bytes)),
                document.ends ? answer(rest) : tokenizer_.encode_guarded(rest));
}

RenderedExample Renderer::conversation(const text::Document& document) const {
  if (settings_.answers == "verbatim") {
    const Json last = prepared(Json::array({document.messages.back()})).back();
    return learnt(prompt(Json(document.messages.begin(), document.messages.end() - 1), document.tools),
                  answer(content_of(last)));
  }
  const Json messages = prepared(document.messages);
  RenderedExample example;
  const std::string shown = chat().render(messages, document.tools, kwargs_).text;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].value("role", "") != "assistant") continue;
    const std::string thinks = thought(messages[i]);
    if (thinks.empty() || shown.find(thinks) != std::string::npos) continue;
    if (i + 1 < messages.size()) {
      ++example.lost_thoughts;
      continue;
    }
    throw Error(where_, "chat template",
                "one that shows the think block of the last answer, or chat.answers \"verbatim\": what is learnt must "
                "be what is sampled",
                "it leaves out \"" + thinks.substr(0, 60) + "\"");
  }
  example.tokens = tokenize_guarded_chat(tokenizer_, chat(), messages, document.tools, kwargs_);
  return example;
}

}  // namespace posttrain
