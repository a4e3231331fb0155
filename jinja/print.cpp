#include "jinja/print.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/unicode.h"
#include "base/utf8.h"

namespace posttrain::jinja {
namespace {

// Shortest digits that read back the same, with an exponent below 1e-4 and from 1e16 on.
std::string float_repr(double v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
  char buffer[40];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific);
  std::string digits(buffer, result.ptr);
  const size_t e = digits.find('e');
  const int exponent = std::atoi(digits.c_str() + e + 1);
  if (exponent < -4 || exponent >= 16)
    return digits;  // to_chars writes at least two digits of exponent, as Python does
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::fixed);
  std::string text(buffer, fixed.ptr);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

std::string hex(const char* format, uint32_t code) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, format, code);
  return buffer;
}

bool is_printable(char32_t code) {
  return code == ' ' || (code >= 0x21 && code < 0x7F) ||
         (code >= 0xA1 && code != 0xAD && !(char_class(code) & kSpace) && char_class(code) != 0);
}

std::string text_repr(const std::string& text) {
  const char quote = text.find('\'') != std::string::npos && text.find('"') == std::string::npos ? '"' : '\'';
  std::string out(1, quote);
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_at(text, at);
    const char32_t c = step.code;
    if (c == static_cast<unsigned char>(quote) || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_printable(c)) {
      out.append(text, at, step.length);
    } else {
      out += c < 0x100 ? hex("\\x%02x", c) : c < 0x10000 ? hex("\\u%04x", c) : hex("\\U%08x", c);
    }
    at += step.length;
  }
  return out + quote;
}

std::string json_text(const std::string& text, bool ensure_ascii) {
  std::string out = "\"";
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_at(text, at);
    const char32_t c = step.code;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        if (c < 0x20 || (ensure_ascii && c >= 0x7F && c < 0x10000)) {
          out += c == 0x7F ? "\x7F" : hex("\\u%04x", c);
        } else if (ensure_ascii && c >= 0x10000) {
          out += hex("\\u%04x", 0xD800 + ((c - 0x10000) >> 10)) + hex("\\u%04x", 0xDC00 + ((c - 0x10000) & 0x3FF));
        } else {
          out.append(text, at, step.length);
        }
    }
    at += step.length;
  }
  return out + '"';
}

class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {}

  void write(const Value& value) {
    if (value.is_text()) {
      out += json_text(value.text(), style_.ensure_ascii);
    } else if (value.is_none()) {
      out += "null";
    } else if (value.is_boolean()) {
      out += value.truthy() ? "true" : "false";
    } else if (value.is_float()) {
      const double v = value.number();
      out += std::isnan(v) ? "NaN" : std::isinf(v) ? (v > 0 ? "Infinity" : "-Infinity") : float_repr(v);
    } else if (value.is_integer()) {
      out += std::to_string(value.integer());
    } else if (value.is_list()) {
      surround('[', ']', value.items(), [&](const Value& item) { write(item); });
    } else if (value.is_dict()) {
      auto pairs = value.pairs();
      if (style_.sort_keys) {
        std::ranges::stable_sort(pairs, [](const auto& a, const auto& b) { return compare(a.first, b.first) < 0; });
      }
      surround('{', '}', pairs, [&](const auto& pair) {
        write_key(pair.first);
        out += style_.key_separator;
        write(pair.second);
      });
    } else {
      throw Fault("tojson can't write " + value.type());
    }
  }

  std::string out;

 private:
  template <class Range, class Write>
  void surround(char open, char close, const Range& range, const Write& write_item) {
    out += open;
    ++level_;
    bool first = true;
    for (const auto& item : range) {
      if (!first) out += style_.item_separator;
      first = false;
      new_line();
      write_item(item);
    }
    --level_;
    if (!first) new_line();
    out += close;
  }
  void new_line() {
    if (style_.indent < 0) return;
    out += '\n';
    out.append(static_cast<size_t>(level_ * style_.indent), ' ');
  }
  void write_key(const Value& key) {
    if (key.is_text()) {
      write(key);
    } else if (key.is_number() || key.is_none()) {
      out += '"';
      write(key);
      out += '"';
    } else {
      throw Fault("a key of JSON can't be " + key.type());
    }
  }

  const JsonStyle& style_;
  int level_ = 0;
};

}  // namespace

std::string to_str(const Value& value) {
  if (value.is_text()) return value.text();
  if (value.is_undefined()) return "";
  return to_repr(value);
}

std::string to_repr(const Value& value) {
  if (value.is_text()) return text_repr(value.text());
  if (value.is_undefined()) return "Undefined";
  if (value.is_none()) return "None";
  if (value.is_boolean()) return value.truthy() ? "True" : "False";
  if (value.is_float()) return float_repr(value.number());
  if (value.is_integer()) return std::to_string(value.integer());
  if (value.is_list()) {
    std::string out = value.is_tuple() ? "(" : "[";
    for (size_t i = 0; i < value.items().size(); ++i) out += (i ? ", " : "") + to_repr(value.items()[i]);
    if (value.is_tuple()) return out + (value.items().size() == 1 ? ",)" : ")");
    return out + "]";
  }
  if (value.is_dict()) {
    std::string out = "{";
    for (size_t i = 0; i < value.pairs().size(); ++i) {
      out += (i ? ", " : "") + to_repr(value.pairs()[i].first) + ": " + to_repr(value.pairs()[i].second);
    }
    return out + "}";
  }
  return "<" + value.type() + ">";
}

std::string to_json(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  writer.write(value);
  return std::move(writer.out);
}

}  // namespace posttrain::jinja
