#include "text/tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "text/tokenizer_file.h"
#include "text/tokenizer_parts.h"

namespace posttrain {
namespace {

constexpr std::string_view guard_mark = "\xEF\xB7\x90";  // U+FDD0, no character

std::string without_marks(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t mark = std::min(text.find(guard_mark, at), text.size());
    out += text.substr(at, mark - at);
    at = mark + guard_mark.size();
  }
  return out;
}

// Bytes of the UTF-8 character that begins there.
size_t character_bytes(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

}  // namespace

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
  return encode(text, add_special, false);
}

std::vector<int32_t> Tokenizer::encode_guarded(std::string_view text) const {
  return encode(text, false, text.find(guard_mark) != std::string_view::npos);
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool add_special, bool guarded) const {
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
  std::string buffer, unmarked;
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
      words.at_start = raw.data() == text.data() && part.data() == normal.data();
      if (guarded) part = unmarked = without_marks(part);
      words.text = part;
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

const std::vector<std::string>& Tokenizer::special_tokens() const {
  std::call_once(parts_->specials_once, [this] {
    for (const auto& [id, token] : parts_->added.by_id()) {
      const bool ends = std::ranges::find(parts_->stops, id) != parts_->stops.end();
      if ((token.special || ends) && !token.content.empty()) parts_->specials.push_back(token.content);
    }
  });
  return parts_->specials;
}

std::string Tokenizer::guard(std::string_view untrusted) const {
  std::string text = without_marks(untrusted);
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return text;
  const size_t last = text.find_last_not_of(" \t\r\n");
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == first) out += guard_mark;
    size_t marked_at = 0;  // bytes behind i
    for (const std::string& token : special_tokens()) {
      if (text[i] != token[0] || text.compare(i, token.size(), token) != 0) continue;
      marked_at = character_bytes(token[0]);
      if (marked_at >= token.size()) marked_at = std::string::npos;  // a single character can't be taken apart
      break;
    }
    if (marked_at == std::string::npos) {
      i += character_bytes(text[i]) - 1;
      continue;
    }
    if (marked_at == 0) {
      out += text[i];
    } else {
      out += text.substr(i, marked_at);
      out += guard_mark;
      i += marked_at - 1;
    }
    if (i == last) out += guard_mark;
  }
  return out;
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
