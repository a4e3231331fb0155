#include "text/decode_steps.h"

#include <functional>
#include <utility>

#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/config_fields.h"
#include "text/pattern.h"

namespace posttrain {
namespace {

using Tokens = std::vector<std::string>;

class Step final : public DecodeStep {
 public:
  explicit Step(std::function<void(Tokens&)> run) : run_(std::move(run)) {}
  void apply(Tokens& tokens) const override { run_(tokens); }

 private:
  std::function<void(Tokens&)> run_;
};

class DecodeSequence final : public DecodeStep {
 public:
  std::vector<std::unique_ptr<DecodeStep>> parts;
  void apply(Tokens& tokens) const override {
    for (const auto& part : parts) part->apply(tokens);
  }
};

void fuse(Tokens& tokens) {
  std::string all;
  for (const std::string& token : tokens) all += token;
  tokens.assign(1, all);
}

void byte_level(Tokens& tokens) {
  std::string all;
  for (const std::string& token : tokens) {
    // A token with a foreign character, such as an added one, stands for its own bytes.
    const auto bytes = chars_to_bytes(token);
    all += bytes ? *bytes : token;
  }
  tokens.assign(1, repair_utf8(all));
}

int hex_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                : -1;
}

// The byte of "<0xE9>", or -1.
int byte_token(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  const int high = hex_digit(token[3]), low = hex_digit(token[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// A run of byte tokens becomes its text, or one U+FFFD per byte when it is not UTF-8 as a whole.
void byte_fallback(Tokens& tokens) {
  Tokens out;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (is_valid_utf8(bytes)) {
      out.push_back(bytes);
    } else {
      out.insert(out.end(), bytes.size(), "\uFFFD");
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    const int byte = byte_token(token);
    if (byte >= 0) {
      bytes += static_cast<char>(byte);
    } else {
      flush();
      out.push_back(std::move(token));
    }
  }
  flush();
  tokens = std::move(out);
}

std::string replaced(const std::string& text, const Pattern& pattern, const std::string& content) {
  std::vector<Span> matches;
  pattern(text, matches);
  std::string out;
  size_t at = 0;
  for (const Span& match : matches) {
    out.append(text, at, match.begin - at).append(content);
    at = match.end;
  }
  return out.append(text, at);
}

// Up to `start` copies of `content` go from the front, up to `stop` from the back.
std::string stripped(const std::string& text, const std::string& content, int64_t start, int64_t stop) {
  if (content.empty()) return text;
  size_t begin = 0, end = text.size();
  while (start-- > 0 && text.compare(begin, content.size(), content) == 0) begin += content.size();
  while (stop-- > 0 && end >= begin + content.size() &&
         text.compare(end - content.size(), content.size(), content) == 0) {
    end -= content.size();
  }
  return text.substr(begin, end - begin);
}

// Metaspace: the replacement is a space, except in the first token when one was put there for encoding.
void metaspace(Tokens& tokens, const std::string& replacement, bool prepended) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = replaced(tokens[i], literal_pattern(replacement), i == 0 && prepended ? "" : " ");
  }
}

void word_piece(Tokens& tokens, const std::string& prefix, bool cleanup) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    std::string& token = tokens[i];
    if (i > 0) token = token.starts_with(prefix) ? token.substr(prefix.size()) : " " + token;
    if (!cleanup) continue;
    static constexpr std::pair<const char*, const char*> kTidy[] = {
        {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
        {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (const auto& [from, to] : kTidy) token = replaced(token, literal_pattern(from), to);
  }
}

void bpe_suffix(Tokens& tokens, const std::string& suffix) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = replaced(tokens[i], literal_pattern(suffix), i + 1 == tokens.size() ? "" : " ");
  }
}

std::unique_ptr<DecodeStep> step(std::function<void(Tokens&)> run) {
  return std::make_unique<Step>(std::move(run));
}

}  // namespace

std::unique_ptr<DecodeStep> make_decode_step(const Json& config, const std::string& where) {
  if (config.is_null()) {
    return step([](Tokens& tokens) {
      for (size_t i = 1; i < tokens.size(); ++i) tokens[i].insert(0, 1, ' ');
    });
  }
  const std::string type = component_type(config, where);
  if (type == "Sequence") {
    auto sequence = std::make_unique<DecodeSequence>();
    const Json& parts = array_field(config, "decoders", where);
    for (size_t i = 0; i < parts.size(); ++i) {
      const std::string part = where + ".decoders[" + std::to_string(i) + "]";
      if (parts[i].is_null()) throw Error(part, "", "an object with a \"type\"", "null");
      sequence->parts.push_back(make_decode_step(parts[i], part));
    }
    return sequence;
  }
  if (type == "ByteLevel") return step(byte_level);
  if (type == "Fuse") return step(fuse);
  if (type == "ByteFallback") return step(byte_fallback);
  if (type == "Replace") {
    return step([pattern = make_pattern(config.value("pattern", Json()), where + ".pattern"),
                 content = string_field(config, "content", where)](Tokens& tokens) {
      for (std::string& token : tokens) token = replaced(token, pattern, content);
    });
  }
  if (type == "Strip") {
    return step([content = string_field(config, "content", where), start = integer_field(config, "start", where),
                 stop = integer_field(config, "stop", where)](Tokens& tokens) {
      for (std::string& token : tokens) token = stripped(token, content, start, stop);
    });
  }
  if (type == "Metaspace") {
    const std::string scheme = string_field(config, "prepend_scheme", where,
                                            bool_field(config, "add_prefix_space", true, where) ? "always" : "never");
    return step([replacement = string_field(config, "replacement", where, "\u2581"),
                 prepended = scheme != "never"](Tokens& tokens) { metaspace(tokens, replacement, prepended); });
  }
  if (type == "WordPiece") {
    return step([prefix = string_field(config, "prefix", where, "##"),
                 cleanup = bool_field(config, "cleanup", true, where)](Tokens& tokens) {
      word_piece(tokens, prefix, cleanup);
    });
  }
  if (type == "BPEDecoder") {
    return step(
        [suffix = string_field(config, "suffix", where, "</w>")](Tokens& tokens) { bpe_suffix(tokens, suffix); });
  }
  throw Error(where, "type",
              "BPEDecoder, ByteFallback, ByteLevel, Fuse, Metaspace, Replace, Sequence, Strip or WordPiece", type);
}

}  // namespace posttrain
