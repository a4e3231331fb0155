// A tiny model that has learnt a little, trained once for all cases.
#pragma once

#include <filesystem>

namespace posttrain::recipes {

// A model directory with its tokenizer: about 3,000 parameters that sometimes answer `chain` problems rightly. Kept
// beside the tests' programs and made again when the program is another one; processes share it behind a lock.
std::filesystem::path base_model();

}  // namespace posttrain::recipes
