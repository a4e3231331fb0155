#include "base/utf8.h"

#include <cstring>

namespace posttrain {

Utf8Step utf8_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) -> uint32_t { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  const uint32_t lead = byte(at);
  if (lead < 0x80) return {lead, 1, true};
  constexpr Utf8Step kBad{0xFFFD, 1, false};
  // Unicode 3.9, table 3-7: only the second byte has ranges of its own.
  uint32_t low = 0x80, high = 0xBF, more = 0, code = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    more = 1, code = lead & 0x1F;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    more = 2, code = lead & 0x0F;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    more = 3, code = lead & 0x07;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return kBad;
  }
  for (uint32_t i = 1; i <= more; ++i) {
    const uint32_t next = byte(at + i);
    if (next < low || next > high) return {0xFFFD, i, false};
    code = code << 6 | (next & 0x3F);
    low = 0x80, high = 0xBF;
  }
  return {code, more + 1, true};
}

void append_utf8(std::string& text, char32_t code) {
  const auto put = [&](uint32_t b) { text += static_cast<char>(b); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

bool is_valid_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    uint64_t eight = 0;
    if (at + 8 <= text.size()) {
      std::memcpy(&eight, text.data() + at, 8);
      if ((eight & 0x8080808080808080ull) == 0) {
        at += 8;
        continue;
      }
    }
    const Utf8Step step = utf8_at(text, at);
    if (!step.valid) return false;
    at += step.length;
  }
  return true;
}

std::string repair_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_at(text, at);
    if (step.valid) {
      out.append(text.substr(at, step.length));
    } else {
      append_utf8(out, 0xFFFD);
    }
    at += step.length;
  }
  return out;
}

}  // namespace posttrain
