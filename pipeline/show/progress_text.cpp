#include "pipeline/show/progress_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/format.h"

namespace posttrain::pipeline {
namespace {

struct Character {
  uint32_t code = 0;
  size_t bytes = 0;
  bool valid = true;
};

// The UTF-8 character at the start of `text` (not empty); an invalid byte is one character of its own.
Character first_character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xf0 && lead < 0xf5   ? 4
                        : lead >= 0xe0 && lead < 0xf0 ? 3
                        : lead >= 0xc2 && lead < 0xe0 ? 2
                                                      : 0;
  if (length == 0 || text.size() < length) return {lead, 1, false};
  uint32_t code = lead & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {lead, 1, false};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {lead, 1, false};
  return {code, length};
}

bool is_control(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e || code == 0x200f || code == 0x061c ||
         (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0x2028 || code == 0x2029;
}

// The blocks that terminals draw two columns wide (Unicode East Asian Width W and F, coarse).
int columns(uint32_t code) {
  if (code >= 0x300 && code < 0x370) return 0;
  const bool wide = (code >= 0x1100 && code < 0x1160) || (code >= 0x2e80 && code < 0xa4d0) ||
                    (code >= 0xac00 && code < 0xd7a4) || (code >= 0xf900 && code < 0xfb00) ||
                    (code >= 0xfe30 && code < 0xfe70) || (code >= 0xff00 && code < 0xff61) ||
                    (code >= 0x1f300 && code < 0x1fa00) || (code >= 0x20000 && code < 0x3fffe);
  return wide ? 2 : 1;
}

// The length of "ESC [ ... letter" at the start of `text`, 0 when there is none.
size_t escape_length(std::string_view text) {
  if (text.size() < 2 || text[0] != '\x1b' || text[1] != '[') return 0;
  size_t i = 2;
  while (i < text.size() && (text[i] < '@' || text[i] > '~')) ++i;
  return std::min(i + 1, text.size());
}

}  // namespace

std::string grouped(int64_t value) {
  std::string digits = std::to_string(std::abs(value));
  for (auto i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<size_t>(i), ",");
  return value < 0 ? "-" + digits : digits;
}

std::string short_number(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? "-" : value > 0 ? "inf" : "-inf";
  const double size = std::abs(value);
  if (size >= 1e6) return formatted("%.3g", value);
  if (size >= 1000) return grouped(std::llround(value));
  if (size >= 100) return formatted("%.0f", value);
  if (size >= 10) return formatted("%.1f", value);
  if (size >= 0.001) return formatted("%.*f", size >= 1 ? 2 : size >= 0.1 ? 3 : 4, value);
  if (size == 0) return "0";
  std::string text = formatted("%.1e", value);  // 3.0e-04 is read as 3e-4
  const size_t e = text.find('e');
  std::string mantissa = text.substr(0, e);
  if (mantissa.ends_with(".0")) mantissa.resize(mantissa.size() - 2);
  return mantissa + "e" + std::to_string(std::stoi(text.substr(e + 1)));
}

std::string percent(double fraction) {
  return std::isfinite(fraction) ? formatted("%.1f%%", 100 * fraction) : "-";
}

std::string rate(double per_second) {
  if (!std::isfinite(per_second)) return "-";
  if (per_second >= 1e6) return formatted("%.1fM", per_second / 1e6);
  if (per_second >= 1e4) return formatted("%.0fk", per_second / 1e3);
  if (per_second >= 1e3) return formatted("%.1fk", per_second / 1e3);
  return formatted("%.0f", per_second);
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e9) return "-";
  const auto s = static_cast<long long>(seconds + 0.5);
  if (s >= 3600) return formatted("%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  return formatted("%lld:%02lld", s / 60, s % 60);
}

std::string sparkline(std::span<const double> history, int width, bool unicode) {
  static constexpr std::array<const char*, 8> blocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::array<const char*, 8> letters = {"_", ".", ":", "-", "=", "+", "*", "#"};
  if (history.empty() || width <= 0) return {};
  const size_t pieces = std::min(history.size(), static_cast<size_t>(width));
  std::vector<double> means(pieces);
  for (size_t i = 0; i < pieces; ++i) {
    const size_t begin = i * history.size() / pieces, end = (i + 1) * history.size() / pieces;
    double sum = 0;
    int64_t count = 0;
    for (size_t j = begin; j < end; ++j) {
      if (std::isfinite(history[j])) sum += history[j], ++count;
    }
    means[i] = count > 0 ? sum / static_cast<double>(count) : std::nan("");
  }
  double low = INFINITY, high = -INFINITY;
  for (const double m : means) {
    if (std::isfinite(m)) low = std::min(low, m), high = std::max(high, m);
  }
  std::string out;
  for (const double m : means) {
    if (!std::isfinite(m)) {
      out += ' ';
      continue;
    }
    const double height = high > low ? (m - low) / (high - low) : 0.5;
    const auto level = static_cast<size_t>(std::clamp(height * 7.999, 0.0, 7.0));
    out += unicode ? blocks[level] : letters[level];
  }
  return out;
}

std::string bar(double fraction, int width, bool unicode) {
  const auto full = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * width + 0.5);
  std::string out;
  for (int i = 0; i < width; ++i) out += i < full ? (unicode ? "━" : "=") : (unicode ? "╌" : "-");
  return out;
}

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    if (const size_t escape = escape_length(text); escape > 0) {
      text.remove_prefix(escape);
      continue;
    }
    const Character c = first_character(text);
    width += columns(c.code);
    text.remove_prefix(c.bytes);
  }
  return width;
}

std::string clipped(const std::string& text, int width) {
  std::string_view rest = text;
  std::string out;
  bool coloured = false;
  while (!rest.empty()) {
    if (const size_t escape = escape_length(rest); escape > 0) {
      out += rest.substr(0, escape);
      coloured = true;
      rest.remove_prefix(escape);
      continue;
    }
    const Character c = first_character(rest);
    width -= columns(c.code);
    if (width < 0) break;
    out += rest.substr(0, c.bytes);
    rest.remove_prefix(c.bytes);
  }
  if (coloured && !rest.empty()) out += "\x1b[0m";
  return out;
}

std::string printable(std::string_view text, bool lines) {
  std::string out;
  while (!text.empty()) {
    if (const size_t escape = escape_length(text); escape > 0) {
      text.remove_prefix(escape);
      continue;
    }
    const Character c = first_character(text);
    if (!c.valid) {
      out += "\xef\xbf\xbd";
    } else if (lines && c.code == '\n') {
      out += '\n';
    } else if (c.code == '\t' || c.code == '\n') {
      out += ' ';
    } else if (!is_control(c.code)) {
      out += text.substr(0, c.bytes);
    }
    text.remove_prefix(c.bytes);
  }
  return out;
}

}  // namespace posttrain::pipeline
