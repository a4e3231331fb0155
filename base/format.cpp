#include "base/format.h"

#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>

#include "base/json.h"

namespace posttrain {

std::string formatted(const char* format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, arguments);
  va_end(arguments);
  std::string text(length > 0 ? static_cast<size_t>(length) : 0, '\0');
  std::vsnprintf(text.data(), text.size() + 1, format, again);
  va_end(again);
  return text;
}

std::string number_text(double value) {
  return value == std::floor(value) && std::abs(value) < 1e15 ? std::to_string(static_cast<int64_t>(value))
                                                              : Json(value).dump();
}

std::string duration_text(double seconds) {
  if (seconds < 10) return formatted("%.1f s", seconds);
  if (seconds < 90) return formatted("%.0f s", seconds);
  return seconds < 5400 ? formatted("%.1f min", seconds / 60) : formatted("%.1f h", seconds / 3600);
}

}  // namespace posttrain
