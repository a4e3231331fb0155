// posttrain parity --tokenizer DIR --cases FILE: a tokenizer against recorded answers.
#pragma once

#include <string>

namespace posttrain::cli {

// Prints one JSON object {"tokenizer", "cases", "passed", "failed", "failures": [the first ones]}. 0 when all passed,
// else 1.
int check_tokenizer(const std::string& tokenizer, const std::string& cases);

}  // namespace posttrain::cli
