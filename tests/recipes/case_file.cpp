#include "tests/recipes/case_file.h"

#include <sstream>
#include <stdexcept>

#include "base/file.h"

namespace posttrain::recipes {

std::string replaced(std::string text, const std::vector<std::pair<std::string, std::string>>& names) {
  for (const auto& [name, value] : names) {
    const std::string mark = "@" + name + "@";
    for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += value.size()) {
      text.replace(at, mark.size(), value);
    }
  }
  return text;
}

std::string take_word(std::string& text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return text.clear(), "";
  const auto end = text.find_first_of(" \t", begin);
  std::string word = text.substr(begin, end - begin);
  const auto next = end == std::string::npos ? end : text.find_first_not_of(" \t", end);
  text = next == std::string::npos ? "" : text.substr(next);
  return word;
}

CaseFile read_case(const std::filesystem::path& file, const std::vector<std::pair<std::string, std::string>>& names) {
  std::istringstream in(replaced(read_file(file), names));
  CaseFile out;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with("--- ")) {
      std::string words = line.substr(4);
      std::string verb = take_word(words);
      out.sections.push_back({.line = number, .verb = std::move(verb), .words = std::move(words), .body = ""});
    } else if (!out.sections.empty()) {
      out.sections.back().body += line + "\n";
    } else if (line.starts_with("#")) {
      out.title += line.substr(1) + "\n";
    } else if (!line.empty()) {
      throw std::runtime_error(file.string() + ":" + std::to_string(number) + ": text before the first section");
    }
  }
  if (out.title.empty()) throw std::runtime_error(file.string() + ": no comment says what the case shows");
  if (out.sections.empty()) throw std::runtime_error(file.string() + ": no sections");
  return out;
}

}  // namespace posttrain::recipes
