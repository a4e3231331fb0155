// A tokenizer as a Hugging Face tokenizer.json describes it: text to ids and back, with the same ids as the
// tokenizers library gives.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/gguf_tokenizer.h"

namespace posttrain {

struct TokenizerParts;

// Immutable; copies share the tables; every function may be called from many threads at once.
class Tokenizer {
 public:
  // A GGUF file, a tokenizer.json, or a model directory with one. From a directory the special ids come too, from
  // tokenizer_config.json, special_tokens_map.json, generation_config.json and config.json (the first that names one),
  // and the chat template from chat_template.jinja or tokenizer_config.json.
  // Throws Error with the file and the path inside it for anything missing, unknown or of the wrong kind.
  static Tokenizer load(const std::filesystem::path& file_or_dir);
  // The bytes of a tokenizer.json; `where` is named in errors.
  static Tokenizer from_json(std::string_view bytes, const std::string& where);
  // The tokenizer metadata of a GGUF file.
  static Tokenizer from_gguf_parts(const GgufTokenizer& parts, const std::string& where);

  // Special and added tokens in the text are recognised. `add_special` puts the post-processor's tokens around.
  // Bytes that are not UTF-8 count as U+FFFD, one per maximal invalid subpart. Throws Error for a text of 2 GiB or
  // more.
  std::vector<int32_t> encode(std::string_view text, bool add_special = false) const;
  // The same for a text with guarded parts (see guard()), whose marks leave no trace.
  std::vector<int32_t> encode_guarded(std::string_view text) const;
  // `untrusted` as it may stand in a text for encode_guarded(): the special tokens that it spells out are marked with
  // U+FDD0, a code point that no text has, so that they are not recognised there nor across its ends.
  std::string guard(std::string_view untrusted) const;
  std::vector<int32_t> encode_untrusted(std::string_view text) const { return encode_guarded(guard(text)); }
  // Valid UTF-8 in any case: incomplete characters become U+FFFD. Ids without a token are left out; skip_special
  // leaves special tokens out too (added tokens that are not special, such as <think>, stay).
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const;

  // The token's string as the vocabulary has it (byte-level characters, ▁ and so on), or "" for an id without one.
  std::string token(int32_t id) const;
  std::optional<int32_t> token_to_id(std::string_view token) const;
  bool is_special(int32_t id) const;
  // Every special token and every one that ends a response, as texts are searched for them; in the order of ids.
  const std::vector<std::string>& special_tokens() const;
  // One more than the largest id.
  int32_t vocab_size() const;

  std::optional<int32_t> bos_id() const;
  std::optional<int32_t> eos_id() const;
  std::optional<int32_t> pad_id() const;
  // What stands before every plain text: the post-processor's tokens, such as <s>.
  const std::vector<int32_t>& leading_ids() const;
  // Every id that ends a response: eos_id() and those of generation_config.json's eos_token_id. Without duplicates.
  const std::vector<int32_t>& stop_ids() const;

  // What a chat template sees: "bos_token", "eos_token", "pad_token", "unk_token"; "" when not set.
  const std::string& special_text(const std::string& name) const;
  // The Jinja source; "" when the model has none.
  const std::string& chat_template() const;

  // From parts made elsewhere (text/tokenizer_parts.h).
  explicit Tokenizer(std::shared_ptr<const TokenizerParts> parts) : parts_(std::move(parts)) {}

 private:
  std::vector<int32_t> encode(std::string_view text, bool add_special, bool guarded) const;

  std::shared_ptr<const TokenizerParts> parts_;
};

}  // namespace posttrain
