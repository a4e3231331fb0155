#include "rewards/plain_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "base/letters.h"
#include "base/utf8.h"

namespace posttrain::rewards {
namespace {

constexpr int kMaxDepth = 100;
using Kind = PlainValue::Kind;

// Reads JSON tokens from text that may be hostile. Every reader returns false when the text is not what it should be.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }
  size_t position() const { return at_; }

  // A number: integers keep their digits.
  bool number(bool& integer, std::string_view& digits, double& value) {
    peek();
    if (take_word("NaN")) return special(integer, value, NAN);
    if (take_word("Infinity")) return special(integer, value, INFINITY);
    if (take_word("-Infinity")) return special(integer, value, -INFINITY);
    const size_t start = at_;
    if (at_ < text_.size() && text_[at_] == '-') ++at_;
    const size_t first = at_;
    while (digit()) ++at_;
    if (at_ == first || (text_[first] == '0' && at_ - first > 1)) return false;
    integer = true;
    if (at_ < text_.size() && text_[at_] == '.') {
      integer = false;
      const size_t point = ++at_;
      while (digit()) ++at_;
      if (at_ == point) return false;
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      integer = false;
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      const size_t exponent = at_;
      while (digit()) ++at_;
      if (at_ == exponent) return false;
    }
    digits = text_.substr(start, at_ - start);
    if (digits == "-0") digits = "0";
    const auto [end, error] = std::from_chars(text_.data() + start, text_.data() + at_, value);
    if (error == std::errc::result_out_of_range) value = out_of_range(digits);
    return true;
  }

  // A string; `out` null only checks it.
  bool string(std::string* out) {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        if (out != nullptr) out->push_back(c);
        continue;
      }
      if (at_ == text_.size() || !escape(text_[at_++], out)) return false;
    }
    return false;
  }

 private:
  bool digit() const { return at_ < text_.size() && is_digit(text_[at_]); }
  static bool special(bool& integer, double& value, double is) {
    integer = false;
    value = is;
    return true;
  }
  static double out_of_range(std::string_view digits) {
    const size_t e = digits.find_first_of("eE");
    const bool tiny = e != std::string_view::npos && e + 1 < digits.size() && digits[e + 1] == '-';
    const double size = tiny ? 0 : INFINITY;
    return digits[0] == '-' ? -size : size;
  }
  bool hex4(uint32_t& code) {
    if (at_ + 4 > text_.size()) return false;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, code, 16);
    at_ += 4;
    return error == std::errc() && end == text_.data() + at_;
  }
  bool escape(char kind, std::string* out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
    if (const size_t i = kNames.find(kind); i != std::string_view::npos) {
      if (out != nullptr) out->push_back(kValues[i]);
      return true;
    }
    uint32_t code = 0, low = 0;
    if (kind != 'u' || !hex4(code)) return false;
    if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      if (!hex4(low) || low < 0xdc00 || low > 0xdfff) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (out == nullptr) return true;
    append_utf8(*out, code);
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

bool build(Reader& in, PlainValue& out, int depth) {
  const char c = in.peek();
  if (c == '[' || c == '{') {
    if (depth == 0) return false;
    const char close = c == '[' ? ']' : '}';
    out.kind = c == '[' ? Kind::list : Kind::dict;
    in.take(c);
    if (in.take(close)) return true;
    do {
      PlainValue* item;
      if (c == '{') {
        auto& field = out.fields.emplace_back();
        if (!in.string(&field.name) || !in.take(':')) return false;
        item = &field.value;
      } else {
        item = &out.items.emplace_back();
      }
      if (!build(in, *item, depth - 1)) return false;
    } while (in.take(','));
    return in.take(close);
  }
  if (c == '"') {
    out.kind = Kind::text;
    return in.string(&out.text);
  }
  if (in.take_word("null")) return true;
  const bool yes = in.take_word("true");
  if (yes || in.take_word("false")) {
    out.kind = Kind::boolean;
    out.boolean = yes;
    return true;
  }
  bool integer = false;
  std::string_view digits;
  if (!in.number(integer, digits, out.number)) return false;
  out.kind = integer ? Kind::integer : Kind::number;
  if (integer) out.text = digits;
  return true;
}

bool close_enough(double got, double want) {
  return std::isfinite(got) && std::isfinite(want) && std::fabs(got - want) <= 1e-9 * std::max(1.0, std::fabs(want));
}

Match worse(Match a, Match b) {
  return std::min(a, b);
}

// `want` null: only read on, the value is already known to differ.
Match compare(Reader& in, const PlainValue* want, int depth);

Match compare_items(Reader& in, const PlainValue* want, int depth) {
  Match match = want != nullptr && want->kind == Kind::list ? Match::equal : Match::different;
  in.take('[');
  size_t count = 0;
  if (!in.take(']')) {
    do {
      const bool within = match == Match::equal && count < want->items.size();
      match = worse(match, compare(in, within ? &want->items[count] : nullptr, depth - 1));
      if (match == Match::malformed) return match;
      ++count;
    } while (in.take(','));
    if (!in.take(']')) return Match::malformed;
  }
  return match == Match::equal && count != want->items.size() ? Match::different : match;
}

Match compare_fields(Reader& in, const PlainValue* want, int depth) {
  Match match = want != nullptr && want->kind == Kind::dict ? Match::equal : Match::different;
  std::vector<bool> seen(match == Match::equal ? want->fields.size() : 0);
  in.take('{');
  if (!in.take('}')) {
    do {
      std::string key;
      in.peek();
      if (!in.string(match == Match::equal ? &key : nullptr) || !in.take(':')) return Match::malformed;
      const PlainValue* value = nullptr;
      for (size_t i = 0; match == Match::equal && i < seen.size(); ++i) {
        if (want->fields[i].name != key || seen[i]) continue;
        seen[i] = true;
        value = &want->fields[i].value;
        break;
      }
      match = worse(match, compare(in, value, depth - 1));
      if (match == Match::malformed) return match;
    } while (in.take(','));
    if (!in.take('}')) return Match::malformed;
  }
  const bool all = std::find(seen.begin(), seen.end(), false) == seen.end();
  return match == Match::equal && !all ? Match::different : match;
}

Match compare(Reader& in, const PlainValue* want, int depth) {
  const auto verdict = [](bool same) { return same ? Match::equal : Match::different; };
  const char c = in.peek();
  if (c == '[' || c == '{') {
    if (depth == 0) return Match::malformed;
    return c == '[' ? compare_items(in, want, depth) : compare_fields(in, want, depth);
  }
  if (c == '"') {
    const bool text = want != nullptr && want->kind == Kind::text;
    std::string got;
    if (!in.string(text ? &got : nullptr)) return Match::malformed;
    return verdict(text && got == want->text);
  }
  if (in.take_word("null")) return verdict(want != nullptr && want->kind == Kind::null);
  const bool yes = in.take_word("true");
  if (yes || in.take_word("false"))
    return verdict(want != nullptr && want->kind == Kind::boolean && want->boolean == yes);
  bool integer = false;
  std::string_view digits;
  double number = 0;
  if (!in.number(integer, digits, number)) return Match::malformed;
  if (want == nullptr || (want->kind != Kind::integer && want->kind != Kind::number)) return Match::different;
  if (integer && want->kind == Kind::integer) return verdict(digits == want->text);
  return verdict(close_enough(number, want->number));
}

}  // namespace

const PlainValue* PlainValue::find(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return &value;
  }
  return nullptr;
}

PlainValue parse_value(std::string_view json, const std::string& where) {
  Reader in(json);
  PlainValue value;
  if (!build(in, value, kMaxDepth) || !in.at_end()) {
    throw Error(where, "not JSON near byte " + std::to_string(in.position()));
  }
  return value;
}

std::string to_json(const PlainValue& value) {
  const auto quoted = [](const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      if (static_cast<unsigned char>(c) < 0x20) {
        char escaped[8];
        std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
        out += escaped;
      } else {
        out += c;
      }
    }
    return out + '"';
  };
  std::string out;
  switch (value.kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return value.boolean ? "true" : "false";
    case Kind::integer:
      return value.text;
    case Kind::text:
      return quoted(value.text);
    case Kind::number: {
      if (std::isnan(value.number)) return "NaN";
      if (std::isinf(value.number)) return value.number < 0 ? "-Infinity" : "Infinity";
      char shown[40];
      std::snprintf(shown, sizeof shown, "%.17g", value.number);
      out = shown;
      return out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
    }
    case Kind::list:
      for (const PlainValue& item : value.items) out += (out.empty() ? "" : ",") + to_json(item);
      return "[" + out + "]";
    case Kind::dict:
      for (const auto& [key, item] : value.fields) out += (out.empty() ? "" : ",") + quoted(key) + ":" + to_json(item);
      return "{" + out + "}";
  }
  return out;
}

Match match_value(std::string_view json, const PlainValue& want) {
  Reader in(json);
  const Match match = compare(in, &want, kMaxDepth);
  return in.at_end() ? match : Match::malformed;
}

bool is_value(std::string_view json) {
  Reader in(json);
  return compare(in, nullptr, kMaxDepth) != Match::malformed && in.at_end();
}

}  // namespace posttrain::rewards
