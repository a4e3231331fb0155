// Cutting a completion at its tags.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posttrain::rewards {

// A pair of tags such as <think> ... </think>.
struct TagPair {
  std::string open, close;
  static TagPair named(const std::string& name) { return {"<" + name + ">", "</" + name + ">"}; }
};

// ASCII white space off both ends.
std::string_view trim(std::string_view text);
// What stands between the first opening tag and the first closing tag after it; nothing when either is missing.
std::optional<std::string_view> first_inside(std::string_view text, const TagPair& tag);
// What stands in the last closed pair of tags; nothing when there is none.
std::optional<std::string_view> last_inside(std::string_view text, const TagPair& tag);
// True when nothing of the text shows: white space, and characters without width or ink (U+200B, U+FEFF, controls).
bool is_blank(std::string_view text);
// How often `tag` stands in the text, not overlapping. An empty tag is nowhere.
int count_of(std::string_view text, std::string_view tag);

}  // namespace posttrain::rewards
