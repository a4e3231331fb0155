#include "report/chart.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "report/html.h"

namespace posttrain::report {
namespace {

using Points = std::vector<std::pair<double, double>>;
constexpr size_t max_points = 400;
constexpr size_t colours = 6;  // classes s0 to s5

std::string number(double value) {
  const double size = std::abs(value);
  if (size >= 1e6) return formatted("%.3gM", value / 1e6);
  if (size >= 1e4) return formatted("%.3gk", value / 1e3);
  if (size >= 1000) return formatted("%.0f", value);
  if (size == 0) return "0";
  if (size < 1e-3) {
    std::string text = formatted("%.1e", value);
    const size_t e = text.find('e');
    std::string mantissa = text.substr(0, e);
    if (mantissa.ends_with(".0")) mantissa.resize(mantissa.size() - 2);
    return mantissa + "e" + std::to_string(std::stoi(text.substr(e + 1)));
  }
  return formatted("%.3g", value);
}

// A step of 1, 2 or 5 times a power of ten that cuts the range into at most `pieces`.
double nice_step(double range, int pieces) {
  const double raw = range / pieces, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double m : {1.0, 2.0, 5.0}) {
    if (m * power >= raw * (1 - 1e-9)) return m * power;
  }
  return 10 * power;
}

struct Range {
  double low, high;
};

Range values_of(const Chart& chart) {
  double low = INFINITY, high = -INFINITY;
  for (const Series& s : chart.series) {
    for (const auto& [x, y] : s.points) {
      if (std::isfinite(y)) low = std::min(low, y), high = std::max(high, y);
    }
  }
  if (low > high) return {0, 1};
  if (chart.from_zero) low = std::min(low, 0.0), high = std::max(high, 0.0);
  if (chart.unit == "%" && high > 0.9 && high <= 1) high = 1;
  if (high - low < 1e-12 * std::max(std::abs(high), 1e-300)) {
    const double room = high == 0 ? 1 : 0.1 * std::abs(high);
    return {chart.from_zero && low >= 0 ? 0 : low - room, high + room};
  }
  // Up (and down) to a round value, so that the grid frames the lines.
  const double step = nice_step(high - low, 3);
  high = chart.unit == "%" && high <= 1 ? std::min(1.0, std::ceil(high / step - 1e-9) * step)
                                        : std::ceil(high / step - 1e-9) * step;
  return {std::floor(low / step + 1e-9) * step, high};
}

Range steps_of(const Chart& chart) {
  double low = INFINITY, high = -INFINITY;
  for (const Series& s : chart.series) {
    if (s.points.empty()) continue;
    low = std::min(low, s.points.front().first);
    high = std::max(high, s.points.back().first);
  }
  if (low > high) return {0, 1};
  return high > low ? Range{low, high} : Range{low - 0.5, low + 0.5};
}

Points moving_mean(const Points& points, int64_t window) {
  Points out;
  const auto n = static_cast<int64_t>(points.size());
  for (int64_t i = 0; i < n; ++i) {
    const int64_t reach = std::min({window / 2, i, n - 1 - i});  // symmetric, so the ends are not pulled
    double sum = 0;
    int64_t count = 0;
    for (int64_t j = i - reach; j <= i + reach; ++j) {
      if (std::isfinite(points[j].second)) sum += points[j].second, ++count;
    }
    out.emplace_back(points[i].first, count > 0 ? sum / static_cast<double>(count) : NAN);
  }
  return out;
}

// Maps values to the picture.
struct Frame {
  double left, right, top, bottom;
  Range x, y;
  double px(double v) const { return left + (v - x.low) / (x.high - x.low) * (right - left); }
  double py(double v) const { return bottom - (v - y.low) / (y.high - y.low) * (bottom - top); }
};

std::string path(const Frame& frame, const Points& points, const std::string& classes) {
  std::string d;
  bool pen = false;
  for (const auto& [x, y] : points) {
    if (!std::isfinite(y)) {
      pen = false;
      continue;
    }
    d += formatted("%c%.1f %.1f", pen ? 'L' : 'M', frame.px(x), frame.py(y));
    pen = true;
  }
  return d.empty() ? d : "<path class=\"" + classes + "\" d=\"" + d + "\"/>";
}

std::string grid(const Chart& chart, const Frame& frame) {
  std::string out;
  const double scale = chart.unit == "%" ? 100 : 1;
  const double step = nice_step((frame.y.high - frame.y.low) * scale, frame.bottom - frame.top > 150 ? 5 : 3) / scale;
  for (double v = std::ceil(frame.y.low / step - 1e-9) * step; v <= frame.y.high + 1e-9 * step; v += step) {
    const double y = frame.py(v), shown = std::abs(v) < 1e-9 * step ? 0 : v;
    out += formatted("<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", frame.left, y, frame.right);
    out += formatted("<text class=\"axis\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", frame.left - 5, y + 3.5) +
           number(shown * scale) + (chart.unit == "%" ? "%" : "") + "</text>";
  }
  if (chart.step_axis) {
    const double x_step =
        std::max(1.0, nice_step(frame.x.high - frame.x.low, (frame.right - frame.left) > 400 ? 8 : 4));
    for (double v = std::ceil(frame.x.low / x_step - 1e-9) * x_step; v <= frame.x.high + 1e-9; v += x_step) {
      const char* anchor = frame.px(v) > frame.right - 8 ? "end" : "middle";
      out += formatted("<text class=\"axis\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", frame.px(v), frame.bottom + 13,
                       anchor) +
             number(v) + "</text>";
    }
  }
  for (size_t i = 0; i < chart.marks.size(); ++i) {
    const double x = frame.px(chart.marks[i].first);
    if (i > 0) out += formatted("<path class=\"mark\" d=\"M%.1f %.1fV%.1f\"/>", x, frame.top, frame.bottom);
    const bool late = x > frame.right - 50;
    out += formatted("<text class=\"axis\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", late ? frame.right + 8 : x + 2,
                     frame.bottom + 13, late ? "end" : "start") +
           escape_plain(chart.marks[i].second) + "</text>";
  }
  return out;
}

double last_value(const Series& series) {
  for (auto p = series.points.rbegin(); p != series.points.rend(); ++p) {
    if (std::isfinite(p->second)) return p->second;
  }
  return NAN;
}

// Names at the right end of the lines, moved apart where lines end close together.
std::string end_labels(const Chart& chart, const Frame& frame) {
  std::vector<std::pair<double, size_t>> places;
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const double last = last_value(chart.series[i]);
    if (std::isfinite(last)) places.emplace_back(frame.py(last) + 3.5, i);
  }
  std::sort(places.begin(), places.end());
  for (size_t i = 1; i < places.size(); ++i) places[i].first = std::max(places[i].first, places[i - 1].first + 12);
  double overflow = places.empty() ? 0 : places.back().first - (frame.bottom + 3);
  for (size_t i = places.size(); i-- > 0 && overflow > 0;) {
    places[i].first -= overflow;
    overflow = i > 0 ? places[i - 1].first + 12 - places[i].first : 0;
  }
  std::string out;
  for (const auto& [y, i] : places) {
    out += formatted("<text class=\"label t%zu\" x=\"%.1f\" y=\"%.1f\">", i % colours, frame.right + 6, y) +
           escape_plain(chart.series[i].name) + "</text>";
  }
  return out;
}

}  // namespace

bool has_numbers(const Points& points) {
  return std::any_of(points.begin(), points.end(), [](const auto& p) { return std::isfinite(p.second); });
}

int64_t smoothing_window(size_t points) {
  if (points < 20) return 1;
  return static_cast<int64_t>(points / 16) | 1;
}

std::string chart_value(const Chart& chart, double value) {
  if (!std::isfinite(value)) return "-";
  if (chart.unit == "%") return formatted("%.1f%%", 100 * value);
  return number(value) + (chart.unit.empty() ? "" : " " + chart.unit);
}

Points downsampled(const Points& points, size_t limit) {
  if (points.size() <= limit) return points;
  const size_t pieces = std::max<size_t>(1, limit / 2);
  Points out;
  for (size_t piece = 0; piece < pieces; ++piece) {
    const size_t begin = piece * points.size() / pieces, end = (piece + 1) * points.size() / pieces;
    size_t least = begin, greatest = begin;
    for (size_t i = begin; i < end; ++i) {
      if (!(points[i].second >= points[least].second)) least = i;
      if (!(points[i].second <= points[greatest].second)) greatest = i;
    }
    out.push_back(points[std::min(least, greatest)]);
    if (least != greatest) out.push_back(points[std::max(least, greatest)]);
  }
  return out;
}

std::string chart_svg(const Chart& chart, int width, int height) {
  size_t longest = 0;
  if (chart.series.size() > 1) {
    for (const Series& s : chart.series) longest = std::max(longest, s.name.size());
  }
  const double label_room = longest > 0 ? std::min(7.2 * static_cast<double>(longest) + 10, width * 0.35) : 12;
  const Frame frame{40, width - label_room, 10, height - 20.0, steps_of(chart), values_of(chart)};
  std::string out = formatted(
                        "<svg viewBox=\"0 0 %d %d\" role=\"img\" data-frame=\"%.1f %.1f %.1f %.1f\" "
                        "data-range=\"%.9g %.9g %.9g %.9g\" aria-label=\"",
                        width, height, frame.left, frame.right, frame.top, frame.bottom, frame.x.low, frame.x.high,
                        frame.y.low, frame.y.high) +
                    escape_plain(chart.title) + "\">" + grid(chart, frame);
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const Series& s = chart.series[i];
    const std::string name = "s" + std::to_string(i % colours);
    const int64_t window = chart.smooth ? smoothing_window(s.points.size()) : 1;
    if (window > 1) out += path(frame, downsampled(s.points, max_points), "raw " + name);
    out += path(frame, downsampled(window > 1 ? moving_mean(s.points, window) : s.points, max_points), "line " + name);
    if (s.dots || s.points.size() == 1) {
      for (const auto& [x, y] : s.points) {
        if (!std::isfinite(y)) continue;
        out += formatted("<circle class=\"dot d%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"/>", i % colours, frame.px(x),
                         frame.py(y));
      }
    }
  }
  if (longest > 0) out += end_labels(chart, frame);
  return out + "</svg>";
}

}  // namespace posttrain::report
