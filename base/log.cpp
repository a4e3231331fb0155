#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace posttrain {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// spdlog keeps its own registry of loggers; this is the only place that touches it.
spdlog::logger& logger() {
  auto found = spdlog::get("posttrain");
  if (!found) {
    found = spdlog::stderr_color_mt("posttrain");
    found->set_pattern("%^%l%$: %v");
  }
  return *found;
}

}  // namespace

void set_log_level(LogLevel level) {
  logger().set_level(level_of(level));
}

void log(LogLevel level, const std::string& message) {
  logger().log(level_of(level), message);
}

}  // namespace posttrain
