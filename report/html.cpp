#include "report/html.h"

#include <cstdint>

#include "base/format.h"
#include "base/letters.h"

namespace posttrain::report {
namespace {

std::string code_span(const std::string& code) {
  return "<b class=\"code\">" + code + "</b>";
}

// Length and code of the UTF-8 character at the start; length 0 for an invalid byte.
size_t decode(std::string_view text, uint32_t& code) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t length = lead < 0x80                    ? 1
                        : lead >= 0xc2 && lead < 0xe0  ? 2
                        : lead >= 0xe0 && lead < 0xf0  ? 3
                        : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                       : 0;
  if (length == 0 || text.size() < length) return 0;
  code = length == 1 ? lead : lead & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const bool bad = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000) || code > 0x10ffff ||
                   (code >= 0xd800 && code < 0xe000);
  return bad ? 0 : length;
}

bool steers_direction(uint32_t c) {
  return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x061c ||
         c == 0x2028 || c == 0x2029 || c == 0xfeff;
}

// "<think>", "</answer>", "<|im_end|>", "<eos>": the length of a special token's spelling at the start, or 0.
size_t tag_length(std::string_view text) {
  if (text.size() < 3 || text[0] != '<') return 0;
  for (size_t i = 1; i < text.size() && i < 32; ++i) {
    const char c = text[i];
    if (c == '>') return i > 1 ? i + 1 : 0;
    if (!is_letter_or_digit(c) && c != '/' && c != '|' && c != '_') return 0;
  }
  return 0;
}

std::string escaped(std::string_view text, bool codes) {
  const std::string replacement = "\xef\xbf\xbd";
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    uint32_t code = 0;
    const size_t length = decode(text, code);
    if (length == 0) {
      out += codes ? code_span(formatted("\\x%02x", static_cast<unsigned char>(text[0]))) : replacement;
    } else if (code == '&') {
      out += "&amp;";
    } else if (code == '<') {
      out += "&lt;";
    } else if (code == '>') {
      out += "&gt;";
    } else if (code == '"') {
      out += "&quot;";
    } else if (code == '\'') {
      out += "&#39;";
    } else if ((code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7f && code < 0xa0)) {
      out += codes ? code_span(formatted("\\x%02x", code)) : replacement;
    } else if (steers_direction(code)) {
      out += codes ? code_span(formatted("U+%04X", code)) : replacement;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace

std::string escape_html(std::string_view text) {
  return escaped(text, true);
}

std::string escape_plain(std::string_view text) {
  return escaped(text, false);
}

std::string completion_html(std::string_view text, size_t limit) {
  const size_t all = text.size();
  if (all > limit) {
    size_t cut = limit;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
    text = text.substr(0, cut);
  }
  std::string out;
  bool thinking = false, answering = false;
  const auto close = [&] {
    if (thinking || answering) out += "</span>";
    thinking = answering = false;
  };
  size_t plain = 0, at = 0;
  const auto flush = [&] { out += escape_html(text.substr(plain, at - plain)); };
  while (at < text.size()) {
    const size_t length = tag_length(text.substr(at));
    if (length == 0) {
      ++at;
      continue;
    }
    flush();
    const std::string_view tag = text.substr(at, length);
    if (tag == "</think>" || tag == "</answer>" || tag == "<think>" || tag == "<answer>") close();
    out += "<i class=\"tag\">" + escape_html(tag) + "</i>";
    if (tag == "<think>") out += "<span class=\"think\">", thinking = true;
    if (tag == "<answer>") out += "<span class=\"answer\">", answering = true;
    at += length;
    plain = at;
  }
  flush();
  close();
  if (all > text.size()) out += "<b class=\"code\">… " + std::to_string(all - text.size()) + " more bytes</b>";
  return out;
}

std::string csp_hash(std::string_view sha256_hex) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out = "'sha256-";
  uint32_t bits = 0;
  int count = 0;
  for (const char c : sha256_hex) {
    bits = bits << 4 | static_cast<uint32_t>(digits.find(c));
    count += 4;
    if (count >= 6) {
      count -= 6;
      out += letters[bits >> count & 63u];
    }
  }
  if (count > 0) out += letters[bits << (6 - count) & 63u];
  while ((out.size() - 8) % 4 != 0) out += '=';
  return out + "'";
}

}  // namespace posttrain::report
