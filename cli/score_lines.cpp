#include "cli/score_lines.h"

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/lines.h"

namespace posttrain::cli {
namespace {

constexpr size_t kBlockBytes = 8 << 20;

struct Line {
  std::string text, out;
  bool bad = false;
};

std::string name_of_line(int64_t number) {
  return "line " + std::to_string(number);
}

void answer(Line& line, int64_t number, const LineJudge& with) {
  if (is_blank(line.text)) return;
  try {
    line.out = to_line(with.judge(parse_json_line(line.text, name_of_line(number)), number));
  } catch (const std::exception& error) {
    line.bad = true;
    line.out = to_line(Json{{"error", error.what()}, {"line", number}});
  }
}

// False at the end of the input.
bool read_block(size_t most, std::vector<Line>& lines) {
  lines.clear();
  std::string text;
  for (size_t bytes = 0; lines.size() < most && bytes < kBlockBytes; bytes += text.size()) {
    if (!std::getline(std::cin, text)) return false;
    lines.push_back({.text = text});
    if (std::cin.rdbuf()->in_avail() <= 0) break;  // a slow writer gets its answers at once
  }
  return true;
}

}  // namespace

std::string row_text(const Json& row, const char* name, int64_t number) {
  if (!row.is_object() || !row.contains(name)) throw Error(name_of_line(number), name, "text", "nothing");
  if (!row[name].is_string()) throw Error(name_of_line(number), name, "text", to_line(row[name]));
  return row[name].get<std::string>();
}

int score_lines(const LineJudge& with) {
  std::vector<Line> lines;
  int64_t number = 0, bad = 0;
  for (bool more = true; more;) {
    more = read_block(with.block, lines);
    with.for_each(lines.size(), [&](size_t i) { answer(lines[i], number + static_cast<int64_t>(i) + 1, with); });
    for (const Line& line : lines) {
      bad += line.bad ? 1 : 0;
      if (!line.out.empty()) std::printf("%s\n", line.out.c_str());
    }
    std::fflush(stdout);
    number += static_cast<int64_t>(lines.size());
  }
  if (bad == 0) return 0;
  std::fprintf(stderr, "error: %lld of %lld lines could not be read; each has an object with \"error\" in its place\n",
               static_cast<long long>(bad), static_cast<long long>(number));
  return 2;
}

}  // namespace posttrain::cli
