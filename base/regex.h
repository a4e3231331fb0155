// The one door to PCRE2: patterns written for Oniguruma (as tokenizer.json has them) with the same matches.
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
  // Throws Error(where, ...) when the pattern does not compile.
  Regex(const std::string& pattern, const std::string& where);
  ~Regex();
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  // Appends all non-overlapping matches in valid UTF-8 `text`, left to right; empty matches are left out.
  // Throws Failure when the pattern needs more steps or memory than any sane pattern does.
  void find_all(std::string_view text, std::vector<Span>& matches) const;

 private:
  struct Code;
  std::unique_ptr<Code> code_;
  std::string where_;
};

}  // namespace posttrain
