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

Json Renderer::with_system(const Json& messages) const {
  if (settings_.system.empty() || (!messages.empty() && messages[0].value("role", "") == "system")) return messages;
  Json all = Json::array({{{"role", "system"}, {"content", settings_.system}}});
  for (const Json& message : messages) all.push_back(message);
  return all;
}

std::vector<int32_t> Renderer::prompt(const text::Problem& problem) const {
  return problem.messages.is_null() ? plain_prompt(problem.prompt) : prompt(problem.messages, problem.tools);
}

std::vector<int32_t> Renderer::prompt(const Json& messages, const Json& tools) const {
  Json kwargs = kwargs_;
  kwargs["add_generation_prompt"] = true;
  return tokenizer_.encode(chat().render(with_system(messages), tools, kwargs).text);
}

std::vector<int32_t> Renderer::plain_prompt(std::string_view text) const {
  std::vector<int32_t> ids = tokenizer_.leading_ids();
  const auto body = tokenizer_.encode(text);
  ids.insert(ids.end(), body.begin(), body.end());
  return ids;
}

RenderedExample Renderer::example(const text::Document& document) const {
  if (!document.messages.is_null()) return conversation(document);
  const std::string_view text = document.text;
  RenderedExample example;
  auto& [ids, loss] = example.tokens;
  ids = plain_prompt(text.substr(0, document.prompt_bytes));
  loss.assign(ids.size(), 0);
  const auto answer = tokenizer_.encode(text.substr(document.prompt_bytes));
  ids.insert(ids.end(), answer.begin(), answer.end());
  if (document.ends && tokenizer_.eos_id()) ids.push_back(*tokenizer_.eos_id());
  loss.resize(ids.size(), 1);
  return example;
}

RenderedExample Renderer::conversation(const text::Document& document) const {
  const Json messages = with_system(document.messages);
  RenderedExample example;
  if (settings_.answers == "verbatim") {
    auto& [ids, loss] = example.tokens;
    ids = prompt(Json(messages.begin(), messages.end() - 1), document.tools);
    loss.assign(ids.size(), 0);
    const auto answer = tokenizer_.encode(content_of(messages.back()));
    ids.insert(ids.end(), answer.begin(), answer.end());
    if (tokenizer_.eos_id()) ids.push_back(*tokenizer_.eos_id());
    loss.resize(ids.size(), 1);
    return example;
  }
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
  example.tokens = tokenize_chat(tokenizer_, chat(), messages, document.tools, kwargs_);
  return example;
}

}  // namespace posttrain
