// Line charts as static SVG: readable without scripts, in print and in a diff.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace posttrain::report {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  // x ascending; a NaN y breaks the line
  bool dots = false;                              // few measured points: mark each
};

struct Chart {
  std::string title;
  std::string unit;  // shown behind values; "%" multiplies them by 100
  bool from_zero = false;
  bool smooth = false;  // the line is a moving mean and the raw points stay faintly visible
  std::vector<Series> series;
  std::vector<std::pair<double, std::string>> marks;  // vertical lines with a label: where stages begin
  bool step_axis = true;                              // numbers below; else only the marks
};

// Whether any point has a finite value.
bool has_numbers(const std::vector<std::pair<double, double>>& points);
// How many steps the moving mean of a smooth chart with n points covers (odd; 1 = none).
int64_t smoothing_window(size_t points);
// "95.4%", "26.2 tokens", "3e-4"; "-" for NaN.
std::string chart_value(const Chart& chart, double value);
// At most `limit` points that keep the least and the greatest value of every piece.
std::vector<std::pair<double, double>> downsampled(const std::vector<std::pair<double, double>>& points, size_t limit);

// One <svg> of width x height user units; colours come from the classes s0 to s5 and .axis, .grid of the page.
std::string chart_svg(const Chart& chart, int width, int height);

}  // namespace posttrain::report
