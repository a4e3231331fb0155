// Errors as programs read them: with --json each is an object on a line of its own, among the other events.
#pragma once

#include <exception>
#include <string>

namespace posttrain::cli {

// Whether --json (or --progress json) stands among the words.
bool wants_json(int argc, const char* const* argv);

// {"event":"error","file","line","column","key","expected","got","message"}, one a line, for every problem that the
// error holds; what it does not know is left out.
std::string error_lines(const std::exception& error);
// The same for a message alone.
std::string error_line(const std::string& message);

}  // namespace posttrain::cli
