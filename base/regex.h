// The one door to PCRE2: patterns written for Oniguruma (as tokenizer.json has them) or for ECMA-262 with the flag u
// (as JSON Schema has them: \d and \w are ASCII, $ is the very end), with the same matches.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace posttrain {

struct Span {
  uint32_t begin, end;  // bytes of a text
};

// Immutable after construction; find_all may run in many threads at once.
class Regex {
 public:
  enum class Dialect : uint8_t { oniguruma, ecma };
  // Throws Error(where, ...) when the pattern does not compile.
  Regex(const std::string& pattern, const std::string& where, Dialect dialect = Dialect::oniguruma);
  ~Regex();
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  // Appends all non-overlapping matches in valid UTF-8 `text`, left to right; empty matches are left out.
  // Throws Failure when the pattern needs more steps or memory than any sane pattern does.
  void find_all(std::string_view text, std::vector<Span>& matches) const;

  // Whether there is any match, an empty one included. Throws as find_all does.
  bool found_in(std::string_view text) const;

 private:
  struct Code;
  std::unique_ptr<Code> code_;
  std::string where_;
};

}  // namespace posttrain
