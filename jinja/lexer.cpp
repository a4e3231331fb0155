#include "jinja/lexer.h"

#include <array>

#include "base/error.h"
#include "base/letters.h"
#include "base/unicode.h"
#include "base/utf8.h"

namespace posttrain::jinja {
namespace {

// \r\n and \r are \n, and one newline at the very end does not count.
std::string normal_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else if (i + 1 == source.size() || source[i + 1] != '\n') {
      out += '\n';
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

size_t skip_space(std::string_view text, size_t at) {
  while (at < text.size()) {
    const Utf8Step step = utf8_at(text, at);
    if (!(char_class(step.code) & kSpace)) break;
    at += step.length;
  }
  return at;
}

std::string_view without_trailing_space(std::string_view text) {
  while (!text.empty()) {
    size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    if (!(char_class(utf8_at(text, last).code) & kSpace)) break;
    text = text.substr(0, last);
  }
  return text;
}

bool is_name_start(char c) {
  return is_letter(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
 public:
  Lexer(std::string_view source, const std::string& where) : source_(normal_newlines(source)), where_(where) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      const size_t open = find_tag(at_);
      if (open == std::string::npos) {
        emit_text(std::string_view(source_).substr(at_));
        at_ = source_.size();
        break;
      }
      read_tag(open);
    }
    push(Token::Kind::end, "", source_.size());
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(size_t at, const std::string& message) { throw Error(place_text(where_, place(at)), message); }

  // Places are asked for in increasing order nearly always, so counting goes on from the last one.
  Place place(size_t at) {
    if (at < counted_) counted_ = 0, place_ = {};
    for (; counted_ < at && counted_ < source_.size(); ++counted_) {
      if (source_[counted_] == '\n') {
        ++place_.line;
        place_.column = 1;
      } else {
        ++place_.column;
      }
    }
    return place_;
  }

  void push(Token::Kind kind, std::string text, size_t at) { tokens_.push_back({kind, std::move(text), place(at)}); }
  void emit_text(std::string_view text) {
    if (!text.empty()) push(Token::Kind::text, std::string(text), at_);
  }

  size_t find_tag(size_t from) const {
    for (size_t at = source_.find('{', from); at != std::string::npos; at = source_.find('{', at + 1)) {
      const char next = at + 1 < source_.size() ? source_[at + 1] : '\0';
      if (next == '{' || next == '%' || next == '#') return at;
    }
    return std::string::npos;
  }

  // The text before the tag at `open`, less what the tag strips; `sign` is the character behind the tag's opening.
  void emit_text_before(size_t open, char kind, char sign) {
    std::string_view text = std::string_view(source_).substr(at_, open - at_);
    if (sign == '-') {
      text = without_trailing_space(text);
    } else if (sign != '+' && kind != '{') {
      const size_t newline = text.rfind('\n');
      const size_t line = newline == std::string_view::npos ? 0 : newline + 1;
      const bool starts_line = line > 0 || at_ == 0 || source_[at_ - 1] == '\n';
      if (starts_line && skip_space(text, line) == text.size()) text = text.substr(0, line);
    }
    emit_text(text);
  }

  void read_tag(size_t open) {
    const char kind = source_[open + 1];
    const char sign = open + 2 < source_.size() ? source_[open + 2] : '\0';
    const bool signed_tag = sign == '-' || (sign == '+' && kind != '{');
    emit_text_before(open, kind, signed_tag ? sign : '\0');
    at_ = open + (signed_tag ? 3 : 2);
    if (kind == '#') {
      const size_t close = source_.find("#}", at_);
      if (close == std::string::npos) fail(open, "a comment that never ends");
      after_close(close, "#}", close > at_ ? source_[close - 1] : '\0');
      return;
    }
    if (kind == '%' && read_raw(open)) return;
    push(kind == '{' ? Token::Kind::output_begin : Token::Kind::block_begin, "", open);
    read_code(open, kind);
  }

  // Behind the closing mark: "-" strips all white space, a block or comment without a sign takes one newline.
  void after_close(size_t close, std::string_view mark, char sign) {
    at_ = close + mark.size();
    if (sign == '-') {
      at_ = skip_space(source_, at_);
    } else if (sign != '+' && mark != "}}" && at_ < source_.size() && source_[at_] == '\n') {
      ++at_;
    }
  }

  // {% raw %} ... {% endraw %}
  bool read_raw(size_t open) {
    size_t at = skip_space(source_, at_);
    if (source_.compare(at, 3, "raw") != 0) return false;
    at = skip_space(source_, at + 3);
    const char sign = at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at++] : '\0';
    if (source_.compare(at, 2, "%}") != 0) return false;
    after_close(at, "%}", sign);
    for (size_t end = source_.find("{%", at_); end != std::string::npos; end = source_.find("{%", end + 2)) {
      size_t name = end + 2;
      const char end_sign =
          name < source_.size() && (source_[name] == '-' || source_[name] == '+') ? source_[name++] : '\0';
      name = skip_space(source_, name);
      if (source_.compare(name, 6, "endraw") != 0) continue;
      name = skip_space(source_, name + 6);
      const char close_sign =
          name < source_.size() && (source_[name] == '-' || source_[name] == '+') ? source_[name++] : '\0';
      if (source_.compare(name, 2, "%}") != 0) continue;
      emit_text_before(end, '%', end_sign);
      after_close(name, "%}", close_sign);
      return true;
    }
    fail(open, "raw without endraw");
  }

  void read_code(size_t open, char kind) {
    const std::string_view close = kind == '{' ? "}}" : "%}";
    std::string braces;  // open brackets: inside them "}}" does not end the tag
    while (true) {
      at_ = skip_space(source_, at_);
      if (at_ >= source_.size()) fail(open, "a tag that never ends");
      if (braces.empty()) {
        const bool is_signed = source_[at_] == '-' || (source_[at_] == '+' && kind != '{');
        if (source_.compare(at_ + (is_signed ? 1 : 0), 2, close) == 0) {
          push(kind == '{' ? Token::Kind::output_end : Token::Kind::block_end, "", at_);
          after_close(at_ + (is_signed ? 1 : 0), close, is_signed ? source_[at_] : '\0');
          return;
        }
      }
      read_token(braces);
    }
  }

  void read_token(std::string& braces) {
    const char c = source_[at_];
    const size_t start = at_;
    if (is_name_start(c)) {
      while (at_ < source_.size() && (is_name_start(source_[at_]) || is_digit(source_[at_]))) ++at_;
      push(Token::Kind::name, source_.substr(start, at_ - start), start);
    } else if (is_digit(c)) {
      read_number();
    } else if (c == '"' || c == '\'') {
      read_string(c);
    } else {
      read_sign(braces);
    }
  }

  void read_number() {
    const size_t start = at_;
    bool is_float = false;
    std::string digits;
    const auto take_digits = [&] {
      while (at_ < source_.size() && (is_digit(source_[at_]) || source_[at_] == '_')) {
        if (source_[at_] != '_') digits += source_[at_];
        ++at_;
      }
    };
    take_digits();
    const auto digit_at = [&](size_t i) { return i < source_.size() && is_digit(source_[i]); };
    if (at_ < source_.size() && source_[at_] == '.' && digit_at(at_ + 1)) {
      is_float = true;
      digits += source_[at_++];
      take_digits();
    }
    if (at_ < source_.size() && (source_[at_] | 0x20) == 'e') {
      const bool has_sign = at_ + 1 < source_.size() && (source_[at_ + 1] == '-' || source_[at_ + 1] == '+');
      if (digit_at(at_ + (has_sign ? 2 : 1))) {
        is_float = true;
        digits += source_[at_++];
        if (has_sign) digits += source_[at_++];
        take_digits();
      }
    }
    push(is_float ? Token::Kind::number : Token::Kind::integer, std::move(digits), start);
  }

  // Escapes are those of a Python string; an unknown one stays as it is written.
  void read_string(char quote) {
    const size_t start = at_++;
    std::string text;
    while (true) {
      if (at_ >= source_.size()) fail(start, "a string that never ends");
      const char c = source_[at_++];
      if (c == quote) break;
      if (c != '\\') {
        text += c;
        continue;
      }
      if (at_ >= source_.size()) fail(start, "a string that never ends");
      read_escape(start, text);
    }
    push(Token::Kind::string, std::move(text), start);
  }

  void read_escape(size_t start, std::string& text) {
    static constexpr std::string_view kFrom = "nrtfbav0\\'\"\n", kTo("\n\r\t\f\b\a\v\0\\'\"", 11);
    const char c = source_[at_++];
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits > 0) {
      uint32_t code = 0;
      for (size_t i = 0; i < digits; ++i) {
        const char h = at_ < source_.size() ? source_[at_++] : '\0';
        const int value = is_digit(h) ? h - '0' : (h | 0x20) >= 'a' && (h | 0x20) <= 'f' ? (h | 0x20) - 'a' + 10 : -1;
        if (value < 0) fail(start, "a string with a broken escape");
        code = code << 4 | static_cast<uint32_t>(value);
      }
      if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        fail(start, "a string with an escape that is no character");
      append_utf8(text, code);
      return;
    }
    const size_t known = kFrom.find(c);
    if (known == std::string_view::npos) {
      text += '\\';
      text += c;
    } else if (known < kTo.size()) {
      text += kTo[known];
    }  // a newline behind a backslash goes
  }

  void read_sign(std::string& braces) {
    static constexpr std::array<std::string_view, 27> kSigns = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                                "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                                ">",  "<",  "=",  ".",  ":",  "|",  ",", ";", "!"};
    for (const std::string_view sign : kSigns) {
      if (source_.compare(at_, sign.size(), sign) != 0) continue;
      if (sign == "(" || sign == "[" || sign == "{") braces += sign == "(" ? ')' : sign == "[" ? ']' : '}';
      if (sign == ")" || sign == "]" || sign == "}") {
        if (braces.empty() || braces.back() != sign[0]) fail(at_, "unexpected '" + std::string(sign) + "'");
        braces.pop_back();
      }
      push(Token::Kind::sign, std::string(sign), at_);
      at_ += sign.size();
      return;
    }
    fail(at_, "unexpected character '" + source_.substr(at_, utf8_at(source_, at_).length) + "'");
  }

  std::string source_;
  const std::string& where_;
  size_t at_ = 0;
  size_t counted_ = 0;
  Place place_;
  std::vector<Token> tokens_;
};

}  // namespace

std::string place_text(const std::string& where, const Place& place) {
  return where + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

std::vector<Token> tokenize_template(std::string_view source, const std::string& where) {
  return Lexer(source, where).run();
}

}  // namespace posttrain::jinja
