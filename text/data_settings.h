// How every stage takes its data: what becomes of examples that are too long, and in which order they come.
#pragma once

#include <string>

#include "base/params.h"

namespace posttrain::text {

struct DataSettings {
  std::string overlong = "drop";   // refuse | drop | cut
  std::string order = "shuffled";  // shuffled | file

  bool in_file_order() const { return order == "file"; }
  void visit(Visitor& v) {
    v("overlong", overlong,
      {.doc = "What does not fit the model's positions (a prompt with its longest answer, an example, a pair; examples "
              "also row_tokens) is counted before the first step, then: drop leaves it out, cut keeps a prompt's last "
              "and an answer's first tokens, refuse ends the run with its file and line",
       .choices = {"refuse", "drop", "cut"}});
    v("order", order,
      {.doc = "shuffled: anew in each pass, by the seed; file: as it stands there, pass after pass",
       .choices = {"shuffled", "file"}});
  }
};

}  // namespace posttrain::text
