// Builds a tokenizer from what a tokenizer.json says.
#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "text/bpe.h"
#include "text/config_fields.h"
#include "text/tokenizer_file.h"
#include "text/tokenizer_parts.h"
#include "text/unigram.h"
#include "text/word_level.h"

namespace posttrain {
namespace {

Vocabulary make_vocabulary(const TokenizerFile& file, const std::string& where) {
  Vocabulary vocabulary;
  vocabulary.reserve(std::max(file.vocab.size(), file.scored_vocab.size()));
  for (const auto& [token, id] : file.vocab) vocabulary.add(token, id, where);
  for (size_t i = 0; i < file.scored_vocab.size(); ++i) {
    vocabulary.add(file.scored_vocab[i].first, static_cast<int64_t>(i), where);
  }
  return vocabulary;
}

BpeOptions bpe_options(const Json& model, const std::string& where) {
  BpeOptions options;
  if (model.contains("unk_token") && !model["unk_token"].is_null()) {
    options.unk_token = string_field(model, "unk_token", where);
  }
  options.continuing_subword_prefix = string_field(model, "continuing_subword_prefix", where, "");
  options.end_of_word_suffix = string_field(model, "end_of_word_suffix", where, "");
  options.fuse_unk = bool_field(model, "fuse_unk", false, where);
  options.byte_fallback = bool_field(model, "byte_fallback", false, where);
  options.ignore_merges = bool_field(model, "ignore_merges", false, where);
  const Json dropout = model.value("dropout", Json());
  if (!dropout.is_null() && dropout != 0) throw Error(where, "dropout", "null", to_line(dropout));
  return options;
}

std::unique_ptr<TokenModel> make_unigram(const TokenizerFile& file, const Json& model, const std::string& where) {
  Vocabulary vocabulary = make_vocabulary(file, where + ".vocab");
  std::vector<double> scores(static_cast<size_t>(vocabulary.size()));
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = file.scored_vocab[i].second;
  std::optional<int32_t> unk;
  if (model.contains("unk_id") && !model["unk_id"].is_null()) {
    unk = static_cast<int32_t>(std::clamp<int64_t>(integer_field(model, "unk_id", where), -1, Vocabulary::kMaxId));
  }
  return std::make_unique<Unigram>(std::move(vocabulary), std::move(scores), unk,
                                   bool_field(model, "byte_fallback", false, where), where);
}

// Whether words come to the model as raw bytes is settled by the model's kind and the pre-tokenizer together.
void make_model(TokenizerParts& parts, const TokenizerFile& file, const std::string& where) {
  const Json model = file.rest.value("model", Json());
  const std::string model_where = where + ": model";
  if (!model.is_object()) throw Error(where, "model", "an object", to_line(model).substr(0, 80));
  const std::string type = string_field(model, "type", model_where, file.merges.empty() ? "" : "BPE");
  BpeOptions options;
  if (type == "BPE") options = bpe_options(model, model_where);
  const bool may_take_bytes = type == "BPE" && !options.byte_fallback && options.continuing_subword_prefix.empty() &&
                              options.end_of_word_suffix.empty();
  parts.pre_tokenizer = make_pre_tokenizer(file.rest.value("pre_tokenizer", Json()), where + ": pre_tokenizer",
                                           may_take_bytes, options.raw_bytes);
  if (type == "BPE") {
    parts.model = std::make_unique<Bpe>(make_vocabulary(file, model_where + ".vocab"), file.merges, std::move(options),
                                        model_where);
  } else if (type == "Unigram") {
    parts.model = make_unigram(file, model, model_where);
  } else if (type == "WordLevel") {
    parts.model = std::make_unique<WordLevel>(make_vocabulary(file, model_where + ".vocab"),
                                              string_field(model, "unk_token", model_where, ""));
  } else {
    throw Error(model_where, "type", "BPE, Unigram or WordLevel", type.empty() ? "nothing" : type);
  }
}

void add_tokens(TokenizerParts& parts, const Json& list, const std::string& where) {
  if (list.is_null()) return;
  if (!list.is_array()) throw Error(where, "", "a list", to_line(list).substr(0, 80));
  std::string buffer;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string item = where + "[" + std::to_string(i) + "]";
    if (!list[i].is_object()) throw Error(item, "", "an object", to_line(list[i]).substr(0, 80));
    AddedToken token;
    token.content = string_field(list[i], "content", item);
    if (token.content.empty()) continue;
    const int64_t id = integer_field(list[i], "id", item);
    if (id < 0 || id >= Vocabulary::kMaxId) throw Error(item, "id", "0..3999999", std::to_string(id));
    // A token that the model knows keeps the model's id.
    token.id = parts.model->vocabulary().find(token.content).value_or(static_cast<int32_t>(id));
    token.special = bool_field(list[i], "special", false, item);
    token.single_word = bool_field(list[i], "single_word", false, item);
    token.lstrip = bool_field(list[i], "lstrip", false, item);
    token.rstrip = bool_field(list[i], "rstrip", false, item);
    token.normalized = bool_field(list[i], "normalized", !token.special, item);
    const bool rewrite = token.normalized && parts.normalizer;
    parts.added.add(token, rewrite ? parts.normalizer->apply(token.content, buffer) : token.content);
  }
}

}  // namespace

std::shared_ptr<TokenizerParts> tokenizer_parts_from_file(const TokenizerFile& file, const std::string& where) {
  auto parts = std::make_shared<TokenizerParts>();
  parts->normalizer = make_normalizer(file.rest.value("normalizer", Json()), where + ": normalizer");
  make_model(*parts, file, where);
  parts->decoder = make_decode_step(file.rest.value("decoder", Json()), where + ": decoder");
  parts->surround = make_surround(file.rest.value("post_processor", Json()), where + ": post_processor");
  add_tokens(*parts, file.rest.value("added_tokens", Json()), where + ": added_tokens");
  set_vocab_size(*parts);
  for (const auto* list : {&parts->surround.before, &parts->surround.after}) {
    for (const int32_t id : *list) {
      if (id >= 0 && id < parts->vocab_size) continue;
      throw Error(where + ": post_processor", "", "ids below " + std::to_string(parts->vocab_size), std::to_string(id));
    }
  }
  return parts;
}

void set_vocab_size(TokenizerParts& parts) {
  parts.vocab_size = parts.model->vocabulary().size();
  if (!parts.added.by_id().empty())
    parts.vocab_size = std::max(parts.vocab_size, parts.added.by_id().rbegin()->first + 1);
}

}  // namespace posttrain
