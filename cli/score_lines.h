// Rows of stdin, one JSON object a line, judged side by side and answered on stdout in their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/json.h"

namespace posttrain::cli {

struct LineJudge {
  // What to answer to a row; `number` counts lines from 1. Called on several threads. What it throws becomes an object
  // with "error" in the row's place.
  std::function<Json(const Json& row, int64_t number)> judge;
  // Calls its second argument for every number below its first, on as many threads as it likes.
  std::function<void(size_t, const std::function<void(size_t)>&)> for_each;
  size_t block;  // most lines that are read before any is answered
};

// Text of a row; throws Error naming the line and the field.
std::string row_text(const Json& row, const char* name, int64_t number);

// Reads to the end of stdin, in blocks, so that memory stays small whatever its length. Blank lines have no answer.
// Returns the exit status: 2 when a line could not be read.
int score_lines(const LineJudge& with);

}  // namespace posttrain::cli
