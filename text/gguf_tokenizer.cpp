#include "text/gguf_tokenizer.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "text/gguf_pre.h"
#include "text/tokenizer_file.h"
#include "text/tokenizer_parts.h"

namespace posttrain {
namespace {

enum TokenType : int32_t { kUnknown = 2, kControl = 3, kUser = 4 };

void byte_level_bpe(TokenizerFile& file, const GgufTokenizer& parts, const std::string& where) {
  const GgufPreTokenizer pre = gguf_pre_tokenizer(parts.pre, where);
  for (size_t i = 0; i < parts.merges.size(); ++i) {
    const std::string& merge = parts.merges[i];
    const size_t space = merge.find(' ', 1);
    if (space == std::string::npos || space + 1 == merge.size()) {
      throw Error(where, "tokenizer.ggml.merges[" + std::to_string(i) + "]", "'left right'", "'" + merge + "'");
    }
    file.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  file.rest["normalizer"] = pre.normalizer;
  file.rest["pre_tokenizer"] = pre.pre_tokenizer;
  file.rest["decoder"] = byte_level_json(true);
  file.rest["model"] = {{"type", "BPE"}, {"ignore_merges", pre.ignore_merges}};
}

// SentencePiece's BPE has no list of merges: any two neighbours that form a token may merge, best score first.
void merges_from_scores(TokenizerFile& file, const GgufTokenizer& parts) {
  struct Merge {
    float score;
    size_t left_chars, right_chars;
    int32_t left, right;
    size_t cut;
    int32_t whole;
  };
  std::unordered_map<std::string_view, int32_t> ids;
  for (size_t i = 0; i < parts.tokens.size(); ++i) ids.emplace(parts.tokens[i], static_cast<int32_t>(i));
  std::vector<Merge> merges;
  for (size_t i = 0; i < parts.tokens.size(); ++i) {
    const std::string_view token = parts.tokens[i];
    if (token.size() > 256) continue;
    size_t chars = 0, total = 0;
    for (size_t at = 0; at < token.size(); at += utf8_at(token, at).length) ++total;
    for (size_t at = 0; at + utf8_at(token, at).length < token.size();) {
      at += utf8_at(token, at).length;
      ++chars;
      const auto left = ids.find(token.substr(0, at)), right = ids.find(token.substr(at));
      if (left == ids.end() || right == ids.end()) continue;
      merges.push_back(
          {parts.scores[i], chars, total - chars, left->second, right->second, at, static_cast<int32_t>(i)});
    }
  }
  std::ranges::stable_sort(merges, [](const Merge& a, const Merge& b) {
    return std::tuple(-a.score, b.left_chars, b.right_chars, a.whole, a.left) <
           std::tuple(-b.score, a.left_chars, a.right_chars, b.whole, b.left);
  });
  for (const Merge& merge : merges) {
    const std::string& token = parts.tokens[static_cast<size_t>(merge.whole)];
    file.merges.emplace_back(token.substr(0, merge.cut), token.substr(merge.cut));
  }
}

void sentence_piece_bpe(TokenizerFile& file, const GgufTokenizer& parts, const std::string& where) {
  if (parts.scores.size() != parts.tokens.size()) {
    throw Error(where, "tokenizer.ggml.scores", std::to_string(parts.tokens.size()) + " numbers",
                std::to_string(parts.scores.size()));
  }
  for (const float score : parts.scores) {
    if (!std::isfinite(score)) throw Error(where, "tokenizer.ggml.scores", "finite numbers", std::to_string(score));
  }
  merges_from_scores(file, parts);
  const Json to_meta = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}};
  Json normalizers = Json::array(), decoders = Json::array();
  if (parts.add_space_prefix) normalizers.push_back({{"type", "Prepend"}, {"prepend", "\u2581"}});
  normalizers.push_back(to_meta);
  decoders.push_back({{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}});
  decoders.push_back({{"type", "ByteFallback"}});
  decoders.push_back({{"type", "Fuse"}});
  if (parts.add_space_prefix) decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  file.rest["normalizer"] = {{"type", "Sequence"}, {"normalizers", normalizers}};
  file.rest["pre_tokenizer"] = nullptr;
  file.rest["decoder"] = {{"type", "Sequence"}, {"decoders", decoders}};
  file.rest["model"] = {{"type", "BPE"}, {"fuse_unk", true}, {"byte_fallback", true}};
  if (parts.unk) file.rest["model"]["unk_token"] = parts.tokens[static_cast<size_t>(*parts.unk)];
}

Json added_tokens(const GgufTokenizer& parts) {
  Json added = Json::array();
  for (size_t i = 0; i < parts.types.size(); ++i) {
    const int32_t type = parts.types[i];
    if (type != kUnknown && type != kControl && type != kUser) continue;
    added.push_back({{"id", i},
                     {"content", parts.tokens[i]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", type != kUser}});
  }
  return added;
}

Json post_processor(const GgufTokenizer& parts) {
  Json single = Json::array(), special = Json::object();
  const auto put = [&](int32_t id) {
    const std::string& text = parts.tokens[static_cast<size_t>(id)];
    single.push_back({{"SpecialToken", {{"id", text}, {"type_id", 0}}}});
    special[text] = {{"id", text}, {"ids", Json::array({id})}, {"tokens", Json::array({text})}};
  };
  if (parts.add_bos && parts.bos) put(*parts.bos);
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  if (parts.add_eos && parts.eos) put(*parts.eos);
  if (special.empty()) return nullptr;
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", single}, {"special_tokens", special}};
}

}  // namespace

TokenizerFile tokenizer_file_from_gguf(const GgufTokenizer& parts, const std::string& where) {
  const size_t count = parts.tokens.size();
  if (!parts.types.empty() && parts.types.size() != count) {
    throw Error(where, "tokenizer.ggml.token_type", std::to_string(count) + " numbers",
                std::to_string(parts.types.size()));
  }
  for (const auto& id : {parts.bos, parts.eos, parts.pad, parts.unk}) {
    if (id && (*id < 0 || static_cast<size_t>(*id) >= count)) {
      throw Error(where, "tokenizer.ggml special token ids", "ids below " + std::to_string(count), std::to_string(*id));
    }
  }
  TokenizerFile file;
  for (size_t i = 0; i < count; ++i) file.vocab.emplace_back(parts.tokens[i], static_cast<int64_t>(i));
  file.rest = {
      {"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", added_tokens(parts)}};
  if (parts.model == "gpt2") {
    byte_level_bpe(file, parts, where);
  } else if (parts.model == "llama") {
    sentence_piece_bpe(file, parts, where);
  } else {
    throw Error(where, "tokenizer.ggml.model", "gpt2 or llama", "'" + parts.model + "'");
  }
  file.rest["post_processor"] = post_processor(parts);
  return file;
}

GgufTokenizer gguf_tokenizer(const GgufHeader& header) {
  const std::string key = "tokenizer.ggml.";
  GgufTokenizer parts;
  const auto text = [&](const std::string& name) { return header.has(name) ? header.text(name) : ""; };
  const auto id = [&](const char* name) -> std::optional<int32_t> {
    if (!header.has(key + name)) return std::nullopt;
    return static_cast<int32_t>(std::clamp<int64_t>(header.integer(key + name), -1, INT32_MAX));
  };
  parts.model = header.text(key + "model");
  parts.pre = text(key + "pre");
  parts.tokens = header.texts(key + "tokens");
  if (header.has(key + "merges")) parts.merges = header.texts(key + "merges");
  if (header.has(key + "token_type")) {
    for (const double type : header.numbers(key + "token_type"))
      parts.types.push_back(type >= 0 && type < 100 ? static_cast<int32_t>(type) : 0);
  }
  if (header.has(key + "scores")) {
    for (const double score : header.numbers(key + "scores")) parts.scores.push_back(static_cast<float>(score));
  }
  parts.bos = id("bos_token_id");
  parts.eos = id("eos_token_id");
  parts.pad = id("padding_token_id");
  parts.unk = id("unknown_token_id");
  parts.add_bos = header.integer(key + "add_bos_token", parts.model == "llama") != 0;
  parts.add_eos = header.integer(key + "add_eos_token", 0) != 0;
  parts.add_space_prefix = header.integer(key + "add_space_prefix", 1) != 0;
  parts.chat_template = text("tokenizer.chat_template");
  return parts;
}

GgufHeader read_gguf_header(const std::filesystem::path& file) {
  const MappedFile map(file);
  return parse_gguf({map.data(), map.size()}, file.string());
}

Tokenizer Tokenizer::from_gguf_parts(const GgufTokenizer& parts, const std::string& where) {
  auto built = tokenizer_parts_from_file(tokenizer_file_from_gguf(parts, where), where);
  built->bos = parts.bos;
  built->eos = parts.eos;
  built->pad = parts.pad;
  if (parts.eos) built->stops = {*parts.eos};
  const auto name = [&](const char* role, const std::optional<int32_t>& id) {
    if (id) built->special_texts[role] = parts.tokens[static_cast<size_t>(*id)];
  };
  name("bos_token", parts.bos);
  name("eos_token", parts.eos);
  name("pad_token", parts.pad);
  name("unk_token", parts.unk);
  built->chat_template = parts.chat_template;
  return Tokenizer(std::move(built));
}

}  // namespace posttrain
