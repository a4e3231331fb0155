#include "text/tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "text/tokenizer_file.h"
#include "text/tokenizer_parts.h"

namespace posttrain {

Tokenizer Tokenizer::load(const std::filesystem::path& file_or_dir) {
  if (is_gguf(file_or_dir)) {
    return from_gguf_parts(gguf_tokenizer(read_gguf_header(file_or_dir)), file_or_dir.string());
  }
  const bool is_dir = std::filesystem::is_directory(file_or_dir);
  const std::filesystem::path file = is_dir ? file_or_dir / "tokenizer.json" : file_or_dir;
  auto parts = tokenizer_parts_from_file(parse_tokenizer_file(read_file(file), file.string()), file.string());
  if (is_dir) read_tokenizer_directory(*parts, file_or_dir);
  return Tokenizer(std::move(parts));
}

Tokenizer Tokenizer::from_json(std::string_view bytes, const std::string& where) {
  return Tokenizer(tokenizer_parts_from_file(parse_tokenizer_file(bytes, where), where));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool add_special) const {
  if (text.size() >= size_t{1} << 31) throw Error("text", "", "fewer than 2 GiB", std::to_string(text.size()));
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = repair_utf8(text);
    text = repaired;
  }
  const TokenizerParts& parts = *parts_;
  std::vector<int32_t> ids;
  if (add_special) ids = parts.surround.before;
  Words words;
  std::string buffer;
  parts.added.split(text, false, [&](std::string_view raw, int32_t raw_id) {
    if (raw_id >= 0) {
      ids.push_back(raw_id);
      return;
    }
    const std::string_view normal = parts.normalizer ? parts.normalizer->apply(raw, buffer) : raw;
    parts.added.split(normal, true, [&](std::string_view part, int32_t id) {
      if (id >= 0) {
        ids.push_back(id);
        return;
      }
      words.text = part;
      words.at_start = raw.data() == text.data() && part.data() == normal.data();
      words.spans.assign(1, {0, static_cast<uint32_t>(part.size())});
      if (parts.pre_tokenizer) parts.pre_tokenizer->apply(words);
      for (const Span& span : words.spans) parts.model->encode(words.word(span), ids);
    });
  });
  if (add_special) ids.insert(ids.end(), parts.surround.after.begin(), parts.surround.after.end());
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  const Vocabulary& vocabulary = parts_->model->vocabulary();
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const int32_t id : ids) {
    const AddedToken* added = parts_->added.find(id);
    if (!added && !vocabulary.has(id)) continue;
    const std::string& token = added ? added->content : vocabulary.token(id);
    if (skip_special && parts_->added.is_special(token)) continue;
    tokens.push_back(token);
  }
  parts_->decoder->apply(tokens);
  std::string text;
  for (const std::string& token : tokens) text += token;
  return is_valid_utf8(text) ? text : repair_utf8(text);
}

std::string Tokenizer::token(int32_t id) const {
  if (const AddedToken* added = parts_->added.find(id)) return added->content;
  return parts_->model->vocabulary().has(id) ? parts_->model->vocabulary().token(id) : "";
}

std::optional<int32_t> Tokenizer::token_to_id(std::string_view token) const {
  const auto added = parts_->added.find(token);
  return added ? added : parts_->model->vocabulary().find(token);
}

bool Tokenizer::is_special(int32_t id) const {
  const AddedToken* added = parts_->added.find(id);
  return added && added->special;
}

int32_t Tokenizer::vocab_size() const {
  return parts_->vocab_size;
}

std::optional<int32_t> Tokenizer::bos_id() const {
  return parts_->bos;
}
std::optional<int32_t> Tokenizer::eos_id() const {
  return parts_->eos;
}
std::optional<int32_t> Tokenizer::pad_id() const {
  return parts_->pad;
}
const std::vector<int32_t>& Tokenizer::stop_ids() const {
  return parts_->stops;
}

const std::string& Tokenizer::special_text(const std::string& name) const {
  static const std::string none;
  const auto found = parts_->special_texts.find(name);
  return found == parts_->special_texts.end() ? none : found->second;
}

const std::vector<int32_t>& Tokenizer::leading_ids() const {
  return parts_->surround.before;
}

const std::string& Tokenizer::chat_template() const {
  return parts_->chat_template;
}

}  // namespace posttrain
