// Small pieces of text for the display: numbers, times, bars, sparklines, widths.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace posttrain::pipeline {

// Three significant digits: "0.0712", "26.2", "1,234". NaN is "-".
std::string short_number(double value);
std::string grouped(int64_t value);    // 12,345
std::string percent(double fraction);  // 84.9%
std::string rate(double per_second);   // 12.3k
std::string duration(double seconds);  // 0:07, 12:34, 1:02:03
// Mean of equal pieces of the history, one character each, scaled between its least and its largest value.
std::string sparkline(std::span<const double> history, int width, bool unicode);
std::string bar(double fraction, int width, bool unicode);

// Columns on a terminal; escape sequences for colours count nothing.
int display_width(std::string_view text);
// The longest beginning that fits, with colours ended.
std::string clipped(const std::string& text, int width);
// Without control characters and escape sequences, invalid UTF-8 replaced; a line break stays when `lines`.
std::string printable(std::string_view text, bool lines = false);

}  // namespace posttrain::pipeline
