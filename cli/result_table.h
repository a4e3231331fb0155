// What a run came to, for a person: the sentence, and each task's figures before and after.
#pragma once

#include <string>

#include "store/store.h"

namespace posttrain::cli {

std::string result_table(const store::Store& run);

}  // namespace posttrain::cli
