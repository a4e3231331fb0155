// Tokens that are found in the text before the model sees it: special ones and those added after training.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"

namespace posttrain {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;      // left out by decode(skip_special)
  bool single_word = false;  // only between characters that are not of a word
  bool lstrip = false;       // takes the white space before it
  bool rstrip = false;       // and behind it
  bool normalized = false;   // searched in the normalised text, in its own normalised form
};

class AddedTokens {
 public:
  // A later token with the same content replaces the earlier one. `normalized_content` is what is searched for.
  void add(const AddedToken& token, std::string_view normalized_content);

  // Cuts `text` at the tokens that are searched in raw (normalized = false) or in normalised text: calls
  // part(text_between, -1) and part(token_text, id), left to right; leftmost match first, the longest one there.
  using Part = std::function<void(std::string_view text, int32_t id)>;
  void split(std::string_view text, bool normalized, const Part& part) const;

  const AddedToken* find(int32_t id) const;
  std::optional<int32_t> find(std::string_view content) const;
  bool is_special(std::string_view content) const;
  const std::map<int32_t, AddedToken>& by_id() const { return by_id_; }

 private:
  std::map<int32_t, AddedToken> by_id_;
  std::map<std::string, int32_t, std::less<>> by_content_;
  ByteTrie raw_, normalized_;
};

}  // namespace posttrain
