#include "text/loss_mask.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/json.h"

namespace posttrain {
namespace {

using Bytes = std::pair<size_t, size_t>;

size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// What a message says, less a think block that templates may show elsewhere or not at all.
std::string spoken(const Json& message) {
  if (!message.contains("content") || !message["content"].is_string()) return "";
  const std::string content = message["content"].get<std::string>();
  const size_t think = content.rfind("</think>");
  return std::string(trimmed(think == std::string::npos ? content : std::string_view(content).substr(think + 8)));
}

// Where the earliest of the tokens ends at or behind `from`, looking up to `bound`.
std::optional<size_t> end_of_token(const std::string& text, size_t from, size_t bound,
                                   const std::vector<std::string>& tokens) {
  size_t best = std::string::npos, best_end = 0;
  for (const std::string& token : tokens) {
    const size_t at = token.empty() ? std::string::npos : text.find(token, from);
    if (at < best) best = at, best_end = at + token.size();
  }
  if (best == std::string::npos || best_end > bound) return std::nullopt;
  return best_end;
}

class SpanFinder {
 public:
  SpanFinder(const Tokenizer& tokenizer, const ChatTemplate& chat, const Json& messages, const Json& tools,
             const Json& kwargs, const std::string& text)
      : specials_(tokenizer.special_tokens()),
        chat_(chat),
        messages_(messages),
        tools_(tools),
        kwargs_(kwargs.is_object() ? kwargs : Json::object()),
        text_(text) {
    for (const int32_t id : tokenizer.stop_ids()) stops_.push_back(tokenizer.token(id));
  }

  Bytes find(size_t index, size_t from) {
    const std::string said = spoken(messages_[index]);
    const size_t start = start_of(index, from, said);
    const size_t bound = bound_of(index, start);
    size_t behind = start;
    if (!said.empty()) {
      const size_t at = text_.find(said, start);
      if (at != std::string::npos && at + said.size() <= bound) behind = at + said.size();
    }
    if (const auto end = end_of_token(text_, behind, bound, stops_)) return {start, *end};
    if (const auto end = end_of_token(text_, behind, bound, specials_)) return {start, *end};
    const size_t last = text_.find_last_not_of(" \t\r\n", bound == 0 ? 0 : bound - 1);
    return {start, last == std::string::npos || last < start ? bound : last + 1};
  }

 private:
  // The text of the first `count` messages, or nothing when the template refuses so few.
  std::optional<std::string> rendered(size_t count, bool ask) {
    Json some = Json::array();
    for (size_t i = 0; i < count; ++i) some.push_back(messages_[i]);
    Json kwargs = kwargs_;
    kwargs["add_generation_prompt"] = ask;
    try {
      return chat_.render(some, tools_, kwargs).text;
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  // Behind the text that asks for the answer, as far as the whole conversation shows it.
  size_t start_of(size_t index, size_t from, const std::string& said) {
    const auto asked = rendered(index, true);
    size_t start = asked ? std::max(common_prefix(*asked, text_), from) : from;
    if (asked && start == asked->size()) return start;
    // The template shows the past otherwise than it asks for it: what is said can't begin behind its own text.
    const size_t at = said.empty() ? std::string::npos : text_.find(said, from);
    if (!asked && at == std::string::npos) {
      throw Error("chat", "messages[" + std::to_string(index) + "]", "an assistant message that the template shows",
                  said);
    }
    if (at != std::string::npos && (!asked || at < start)) start = at;
    return start;
  }

  size_t bound_of(size_t index, size_t start) {
    const auto with = rendered(index + 1, false);
    const bool is_prefix = with && with->size() >= start && text_.starts_with(*with);
    return is_prefix ? with->size() : text_.size();
  }

  const std::vector<std::string>& specials_;
  const ChatTemplate& chat_;
  const Json& messages_;
  const Json& tools_;
  const Json kwargs_;
  const std::string& text_;
  std::vector<std::string> stops_;
};

// How many of `ids` lie wholly before byte `end`: those that encoding the text up to there gives too.
template <class Encode>
size_t tokens_before(const Encode& encode, const std::string& text, size_t end, const std::vector<int32_t>& ids) {
  const std::vector<int32_t> head = encode(std::string_view(text).substr(0, end));
  return static_cast<size_t>(std::ranges::mismatch(head, ids).in1 - head.begin());
}

}  // namespace

std::vector<Bytes> assistant_spans(const Tokenizer& tokenizer, const ChatTemplate& chat, const Json& messages,
                                   const Json& tools, const Json& kwargs, const RenderedChat& rendered) {
  if (!rendered.generated.empty()) return rendered.generated;
  SpanFinder finder(tokenizer, chat, messages, tools, kwargs, rendered.text);
  std::vector<Bytes> spans;
  size_t from = 0;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].value("role", Json()) != "assistant") continue;
    const Bytes span = finder.find(i, from);
    from = span.second;
    if (span.second > span.first) spans.push_back(span);
  }
  return spans;
}

namespace {

template <class Encode>
TokenizedExample tokenize_with(const Encode& encode, const Tokenizer& tokenizer, const ChatTemplate& chat,
                               const Json& messages, const Json& tools, const Json& kwargs, bool last_turn_only) {
  const RenderedChat rendered = chat.render(messages, tools, kwargs);
  auto spans = assistant_spans(tokenizer, chat, messages, tools, kwargs, rendered);
  if (last_turn_only && spans.size() > 1) spans.erase(spans.begin(), spans.end() - 1);
  TokenizedExample example;
  example.ids = encode(rendered.text);
  example.loss.assign(example.ids.size(), 0);
  for (const auto& [begin, end] : spans) {
    const size_t first = tokens_before(encode, rendered.text, begin, example.ids);
    size_t last = tokens_before(encode, rendered.text, end, example.ids);
    // A token that holds the span's end and more belongs to it as well, unless the span ends with a token of its own.
    if (encode(std::string_view(rendered.text).substr(0, end)).size() > last) ++last;
    std::fill(example.loss.begin() + static_cast<std::ptrdiff_t>(std::min(first, example.ids.size())),
              example.loss.begin() + static_cast<std::ptrdiff_t>(std::min(last, example.ids.size())), uint8_t{1});
  }
  return example;
}

}  // namespace

TokenizedExample tokenize_chat(const Tokenizer& tokenizer, const ChatTemplate& chat, const Json& messages,
                               const Json& tools, const Json& kwargs, bool last_turn_only) {
  const auto encode = [&](std::string_view text) { return tokenizer.encode(text); };
  return tokenize_with(encode, tokenizer, chat, messages, tools, kwargs, last_turn_only);
}

TokenizedExample tokenize_guarded_chat(const Tokenizer& tokenizer, const ChatTemplate& chat, const Json& messages,
                                       const Json& tools, const Json& kwargs) {
  const auto encode = [&](std::string_view text) { return tokenizer.encode_guarded(text); };
  return tokenize_with(encode, tokenizer, chat, messages, tools, kwargs, false);
}

}  // namespace posttrain
