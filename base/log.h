// The one door to the logging library. Logs go to stderr; what a command answers goes to stdout.
#pragma once

#include <string>

namespace posttrain {

enum class LogLevel { debug, info, warning, error };

// Below `level` nothing is printed. Call once at start.
void set_log_level(LogLevel level);
void log(LogLevel level, const std::string& message);

inline void log_debug(const std::string& message) {
  log(LogLevel::debug, message);
}
inline void log_info(const std::string& message) {
  log(LogLevel::info, message);
}
inline void log_warning(const std::string& message) {
  log(LogLevel::warning, message);
}
inline void log_error(const std::string& message) {
  log(LogLevel::error, message);
}

}  // namespace posttrain
