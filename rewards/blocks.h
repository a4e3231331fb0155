// Fenced blocks of a reply, by the rules of CommonMark (section 4.5): ``` or ~~~, three or more, closed by as many.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posttrain::rewards {

struct Block {
  std::string info;     // the first word behind the fence, in lower case: "python", "" where there is none
  std::string content;  // its lines, less the fence's own indentation
  bool closed = true;   // false: it ends with the text
};

// In the order of the text; a fence may stand indented, as in a list. Linear in the text's length.
std::vector<Block> fenced_blocks(std::string_view text);

}  // namespace posttrain::rewards
