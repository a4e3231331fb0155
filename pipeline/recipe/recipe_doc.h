// The keys of recipes explained: for the terminal and as the reference in docs/recipes.md.
#pragma once

#include <string>
#include <vector>

namespace posttrain::pipeline {

// What is known about a key or section by its path or the tail of it ("stages.grpo.clip_low", "clip_low"); several
// when the tail fits several. Empty when nothing has that name.
std::string explain_key(const std::string& topic);

// Every path and key, for suggestions.
std::vector<std::string> known_keys();

// docs/recipes.md
std::string recipe_markdown();

}  // namespace posttrain::pipeline
