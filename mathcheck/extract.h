// Where in a reply the answer stands.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posttrain::mathcheck {

enum class Policy : uint8_t {
  box,      // only a \boxed{} counts
  marked,   // a box, else what follows "####", <answer>, "the answer is", "Answer:" in any language
  lenient,  // else the last expression of the text
};

// Whether an answer may stand in a thought.
enum class Think : uint8_t {
  automatic,  // behind </think>; nothing where a thought was begun and never ended
  required,   // behind </think> only: the template opens the thought itself
  off,        // anywhere
};
constexpr auto enum_names(Think) {
  return std::to_array({"auto", "required", "off"});
}

struct Answer {
  bool found = false;
  std::string text;  // what is to be parsed
  std::string raw;   // the whole phrase it was taken from, for answers in words; same as text for a box
  const char* place = "none";
};

// The last box (a box in a box is one; boxes joined by commas, "and" or "or" form a list); else what directly follows
// the last marker; else the last expression. Linear in the reply's length.
Answer extract_answer(std::string_view reply, Policy policy, Think think = Think::automatic);
// The part of a reply in which its answer may stand; nothing when there is none.
std::optional<std::string_view> behind_thought(std::string_view reply, Think think);

}  // namespace posttrain::mathcheck
