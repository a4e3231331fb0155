#include "cli/error_lines.h"

#include <cstring>

#include "base/error.h"
#include "base/json.h"
#include "base/node.h"

namespace posttrain::cli {
namespace {

struct Told {
  std::string file, key, expected, got, message;
  int line = 0, column = 0;
};

std::string as_line(const Told& told) {
  Json out = {{"event", "error"}};
  const auto add = [&out](const char* name, const std::string& text) {
    if (!text.empty()) out[name] = text;
  };
  add("file", told.file);
  if (told.line > 0) out["line"] = told.line;
  if (told.line > 0 && told.column > 0) out["column"] = told.column;
  add("key", told.key);
  add("expected", told.expected);
  add("got", told.got);
  out["message"] = told.message;
  return to_line(out) + "\n";
}

Told told_of(const Problem& problem) {
  Told told{.file = problem.where.source ? problem.where.source->name : "",
            .key = problem.path,
            .message = problem.message,
            .line = problem.where.line,
            .column = problem.where.column};
  // What readers of settings say, taken apart again.
  const std::string begin = "expected ", middle = ", got ";
  const size_t at = problem.message.rfind(middle);
  if (problem.message.starts_with(begin) && at != std::string::npos) {
    told.expected = problem.message.substr(begin.size(), at - begin.size());
    told.got = problem.message.substr(at + middle.size());
  }
  return told;
}

}  // namespace

bool wants_json(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0 || std::strcmp(argv[i], "--progress=json") == 0) return true;
    if (std::strcmp(argv[i], "--progress") == 0 && i + 1 < argc && std::strcmp(argv[i + 1], "json") == 0) return true;
  }
  return false;
}

std::string error_lines(const std::exception& error) {
  if (const auto* problems = dynamic_cast<const Problems*>(&error)) {
    std::string lines;
    for (const Problem& problem : problems->list) lines += as_line(told_of(problem));
    return lines;
  }
  Told told{.message = error.what()};
  if (const auto* one = dynamic_cast<const Error*>(&error)) {
    told.file = one->where;
    told.key = one->field;
    told.expected = one->expected;
    told.got = one->got;
  }
  return as_line(told);
}

std::string error_line(const std::string& message) {
  return as_line({.message = message});
}

}  // namespace posttrain::cli
