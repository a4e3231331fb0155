#include "text/normalize.h"

#include <functional>
#include <utility>
#include <vector>

#include "base/unicode.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/config_fields.h"
#include "text/pattern.h"

namespace posttrain {
namespace {

class Form final : public Normalizer {
 public:
  explicit Form(NormalForm form) : form_(form) {}
  std::string_view apply(std::string_view text, std::string& buffer) const override {
    return normal_form(text, form_, buffer);
  }

 private:
  NormalForm form_;
};

// Anything that makes a new string.
class Rewrite final : public Normalizer {
 public:
  explicit Rewrite(std::function<std::string(std::string_view)> rewrite) : rewrite_(std::move(rewrite)) {}
  std::string_view apply(std::string_view text, std::string& buffer) const override {
    buffer = rewrite_(text);
    return buffer;
  }

 private:
  std::function<std::string(std::string_view)> rewrite_;
};

class NormalizerSequence final : public Normalizer {
 public:
  std::vector<std::unique_ptr<Normalizer>> parts;
  std::string_view apply(std::string_view text, std::string& buffer) const override {
    std::string other;
    for (const auto& part : parts) {
      const std::string_view result = part->apply(text, other);
      if (result.data() == other.data()) {
        buffer.swap(other);
        text = buffer;
      } else {
        text = result;
      }
    }
    return text;
  }
};

std::string replace(std::string_view text, const Pattern& pattern, const std::string& content) {
  std::vector<Span> matches;
  pattern(text, matches);
  std::string out;
  size_t at = 0;
  for (const Span& match : matches) {
    out.append(text.substr(at, match.begin - at)).append(content);
    at = match.end;
  }
  return out.append(text.substr(at));
}

std::string strip(std::string_view text, bool left, bool right) {
  const auto is_space = [&](size_t at) { return char_class(utf8_at(text, at).code) & kSpace; };
  size_t begin = 0, end = text.size();
  while (left && begin < end && is_space(begin)) begin += utf8_length(text[begin]);
  while (right && end > begin) {
    size_t last = end - 1;
    while ((static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    if (!is_space(last)) break;
    end = last;
  }
  return std::string(text.substr(begin, end - begin));
}

// Keeps the characters for which keep(code) holds.
template <class Keep>
std::string filter(std::string_view text, const Keep& keep) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_at(text, at);
    if (keep(step.code)) out.append(text.substr(at, step.length));
    at += step.length;
  }
  return out;
}

std::unique_ptr<Normalizer> rewrite(std::function<std::string(std::string_view)> function) {
  return std::make_unique<Rewrite>(std::move(function));
}

}  // namespace

std::unique_ptr<Normalizer> make_normalizer(const Json& config, const std::string& where) {
  if (config.is_null()) return nullptr;
  const std::string type = component_type(config, where);
  if (type == "Sequence") {
    auto sequence = std::make_unique<NormalizerSequence>();
    const Json& parts = array_field(config, "normalizers", where);
    for (size_t i = 0; i < parts.size(); ++i) {
      auto part = make_normalizer(parts[i], where + ".normalizers[" + std::to_string(i) + "]");
      if (part) sequence->parts.push_back(std::move(part));
    }
    if (sequence->parts.empty()) return nullptr;
    return sequence;
  }
  if (type == "NFC") return std::make_unique<Form>(NormalForm::nfc);
  if (type == "NFD") return std::make_unique<Form>(NormalForm::nfd);
  if (type == "NFKC") return std::make_unique<Form>(NormalForm::nfkc);
  if (type == "NFKD") return std::make_unique<Form>(NormalForm::nfkd);
  if (type == "Lowercase") return rewrite(lowercase);
  if (type == "ByteLevel") return rewrite(bytes_to_chars);
  if (type == "Prepend") {
    return rewrite([prefix = string_field(config, "prepend", where)](std::string_view text) {
      return text.empty() ? std::string() : prefix + std::string(text);
    });
  }
  if (type == "Replace") {
    return rewrite([pattern = make_pattern(config.value("pattern", Json()), where + ".pattern"),
                    content = string_field(config, "content", where)](std::string_view text) {
      return replace(text, pattern, content);
    });
  }
  if (type == "Strip") {
    const bool left = bool_field(config, "strip_left", true, where);
    const bool right = bool_field(config, "strip_right", true, where);
    return rewrite([left, right](std::string_view text) { return strip(text, left, right); });
  }
  if (type == "StripAccents") {
    return rewrite(
        [](std::string_view text) { return filter(text, [](char32_t c) { return !(char_class(c) & kMark); }); });
  }
  throw Error(where, "type",
              "ByteLevel, Lowercase, NFC, NFD, NFKC, NFKD, Prepend, Replace, Sequence, Strip or "
              "StripAccents",
              type);
}

}  // namespace posttrain
