#include "rewards/blocks.h"

#include <algorithm>

#include "base/letters.h"

namespace posttrain::rewards {

namespace {

struct Fence {
  char sign = 0;  // 0: the line is none
  size_t length = 0, indent = 0;
  std::string_view rest;
};

Fence fence_of(std::string_view line) {
  Fence out;
  out.indent = std::min(line.find_first_not_of(" \t"), line.size());
  line.remove_prefix(out.indent);
  if (line.empty() || (line[0] != '`' && line[0] != '~')) return {};
  out.length = std::min(line.find_first_not_of(line[0]), line.size());
  if (out.length < 3) return {};
  out.sign = line[0];
  out.rest = line.substr(out.length);
  return out;
}

bool blank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

std::string first_word(std::string_view info) {
  const size_t begin = std::min(info.find_first_not_of(" \t"), info.size());
  info.remove_prefix(begin);
  info = info.substr(0, info.find_first_of(" \t\r{,:"));
  return lower_case(info);
}

}  // namespace

std::vector<Block> fenced_blocks(std::string_view text) {
  std::vector<Block> out;
  Fence open;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    const Fence fence = fence_of(line);
    if (open.sign == 0) {
      // Backticks behind backticks are code within a line: ```x```.
      if (fence.sign == 0 || (fence.sign == '`' && fence.rest.find('`') != std::string_view::npos)) continue;
      open = fence;
      out.push_back({first_word(fence.rest), "", false});
      continue;
    }
    if (fence.sign == open.sign && fence.length >= open.length && blank(fence.rest)) {
      out.back().closed = true;
      open = {};
      continue;
    }
    line.remove_prefix(std::min({open.indent, line.find_first_not_of(" \t"), line.size()}));
    out.back().content += line;
    if (end < text.size()) out.back().content += '\n';
  }
  return out;
}

}  // namespace posttrain::rewards
