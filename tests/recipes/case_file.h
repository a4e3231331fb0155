// A case: one readable text file. Its first lines (comments, `#`) say what it shows; then sections, each a line
// `--- VERB WORDS` and the lines below it. runner.h says what each verb does.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace posttrain::recipes {

struct Section {
  int line = 0;  // in the file, from 1
  std::string verb, words, body;
};

struct CaseFile {
  std::string title;
  std::vector<Section> sections;
};

// @NAME@ in the text is replaced first, by names' second of each pair. Throws std::runtime_error("<file>:<line>: ...").
CaseFile read_case(const std::filesystem::path& file, const std::vector<std::pair<std::string, std::string>>& names);

std::string replaced(std::string text, const std::vector<std::pair<std::string, std::string>>& names);

// "  a b " -> "a", leaving "b": the first word of a text.
std::string take_word(std::string& text);

}  // namespace posttrain::recipes
