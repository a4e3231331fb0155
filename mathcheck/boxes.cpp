#include "mathcheck/boxes.h"

#include <algorithm>
#include <vector>

#include "base/letters.h"

namespace posttrain::mathcheck {

namespace {

struct Box {
  size_t begin, end;  // of the whole command
  std::string_view content;
};

size_t box_command(std::string_view text, size_t at) {
  for (const std::string_view name : {"\\boxed", "\\fbox", "\\framebox"}) {
    if (text.substr(at).starts_with(name) && (at + name.size() >= text.size() || !is_letter(text[at + name.size()])))
      return name.size();
  }
  return 0;
}

// For each opening brace the place of its closing one, 0 where there is none.
std::vector<uint32_t> match_braces(std::string_view text) {
  std::vector<uint32_t> match(text.size());
  std::vector<uint32_t> open;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '{' || text[i + 1] == '}')) {
      ++i;
    } else if (text[i] == '{') {
      open.push_back(static_cast<uint32_t>(i));
    } else if (text[i] == '}' && !open.empty()) {
      match[open.back()] = static_cast<uint32_t>(i);
      open.pop_back();
    }
  }
  return match;
}

std::vector<Box> find_boxes(std::string_view text) {
  std::vector<Box> boxes;
  const std::vector<uint32_t> match = match_braces(text);
  for (size_t at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', at)) {
    const size_t name = box_command(text, at);
    if (name == 0) {
      ++at;
      continue;
    }
    size_t from = at + name;
    while (from < text.size() && text[from] == ' ') ++from;
    size_t end = from;
    if (from < text.size() && text[from] == '{' && match[from] != 0) {
      end = match[from];
      boxes.push_back({at, end + 1, text.substr(from + 1, end - from - 1)});
      at = end + 1;
      continue;
    }
    // Without braces, or never closed: to the end of the formula or line.
    const bool open = from < text.size() && text[from] == '{';
    if (open) ++from;
    end = std::min(text.find_first_of(open ? "$\n" : "$\n ", from), text.size());
    std::string_view content = text.substr(from, end - from);
    while (!content.empty() && (content.back() == '.' || content.back() == ',')) content.remove_suffix(1);
    boxes.push_back({at, end, content});
    at = std::max(end, at + 1);
  }
  return boxes;
}

// Boxes within a box are one box.
std::string without_boxes(std::string_view content) {
  std::string out;
  for (size_t at = 0; at < content.size();) {
    const size_t name = content[at] == '\\' ? box_command(content, at) : 0;
    if (name == 0) out += content[at++];
    at += name;
  }
  return out;
}

struct Between {
  bool joins = false, alternative = false;
  std::string name;  // "y" in "and y ="
};

// What stands between two boxes, if it is nothing but a connector and perhaps a name.
Between between(std::string_view text) {
  Between out;
  if (text.size() > 80) return out;
  std::string word;
  std::string_view rest = text;
  bool connector = false;
  while (!rest.empty()) {
    const char c = rest[0];
    if (is_letter(c)) {
      size_t n = 0;
      while (n < rest.size() && is_letter(rest[n])) ++n;
      const std::string_view w = rest.substr(0, n);
      rest.remove_prefix(n);
      if (w == "and" || w == "or" || w == "und" || w == "et") {
        connector = true;
        out.alternative = out.alternative || w == "or";
      } else if (w == "text" || w == "quad" || w == "qquad" || w == "mbox") {
        continue;
      } else if (n == 1 && out.name.empty()) {
        out.name = w;
      } else {
        return out;
      }
    } else if (c == ',' || c == ';' || c == '&') {
      connector = true;
      rest.remove_prefix(1);
    } else if (c == '=') {
      if (out.name.empty()) return out;
      rest.remove_prefix(1);
    } else if (std::string_view(" $\n\t\\()[]{}~*:").find(c) != std::string_view::npos) {
      rest.remove_prefix(1);
    } else {
      return out;
    }
  }
  out.joins = connector;
  return out;
}

// "x" where "x =" stands directly before.
std::string name_before(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '$')) text.remove_suffix(1);
  if (text.empty() || text.back() != '=') return {};
  text.remove_suffix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.empty() || !is_letter(text.back())) return {};
  if (text.size() > 1 && (is_letter(text[text.size() - 2]) || text[text.size() - 2] == '\\')) return {};
  return std::string(1, text.back());
}

}  // namespace

std::optional<std::string> boxed_answer(std::string_view text) {
  if (text.find("\\boxed") == std::string_view::npos && text.find("\\fbox") == std::string_view::npos &&
      text.find("\\framebox") == std::string_view::npos) {
    return std::nullopt;
  }
  std::vector<Box> boxes = find_boxes(text);
  // "boxed as asked with \boxed{}": a box without an answer hides none.
  std::erase_if(boxes, [](const Box& b) { return b.content.find_first_not_of(" ?.$\n\t") == std::string_view::npos; });
  if (boxes.empty()) return std::nullopt;
  size_t first = boxes.size() - 1;
  bool alternative = false;
  std::vector<std::string> names;
  while (first > 0 && boxes.size() - first < 20) {
    const Between gap = between(text.substr(boxes[first - 1].end, boxes[first].begin - boxes[first - 1].end));
    if (!gap.joins) break;
    alternative = alternative || gap.alternative;
    names.insert(names.begin(), gap.name);
    --first;
  }
  names.insert(names.begin(), name_before(text.substr(0, boxes[first].begin)));
  const bool named = boxes.size() - first > 1 && std::ranges::none_of(names, &std::string::empty);
  std::string out;
  for (size_t i = first; i < boxes.size(); ++i) {
    if (i > first) out += alternative ? " \\text{ or } " : ", ";
    if (named) out += names[i - first] + " = ";
    out += without_boxes(boxes[i].content);
  }
  return out;
}

}  // namespace posttrain::mathcheck
