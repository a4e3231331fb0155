// Pre-tokenizers: how a text is cut into words before the model sees it. The components of tokenizer.json's
// "pre_tokenizer", with the behaviour of the tokenizers library.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"

namespace posttrain {

using Json = nlohmann::ordered_json;

// Words of one stretch of text, in order, none empty. A component cuts words further or rewrites their text.
struct Words {
  std::string_view text;
  std::vector<Span> spans;
  bool at_start = true;  // spans[0] is where the whole input begins
  std::string owned;     // what `text` views after a rewrite
  std::vector<Span> scratch, matches;

  std::string_view word(const Span& span) const { return text.substr(span.begin, span.end - span.begin); }
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void apply(Words& words) const = 0;
};

// A null `config` gives null. When the last thing done is the byte-level rewriting, it is left to the model (a
// BPE with raw_bytes) if `may_leave_bytes`, and `leaves_bytes` says so.
// Throws Error(where, field, ...) for a component or a value that is not known.
std::unique_ptr<PreTokenizer> make_pre_tokenizer(const Json& config, const std::string& where, bool may_leave_bytes,
                                                 bool& leaves_bytes);

}  // namespace posttrain
