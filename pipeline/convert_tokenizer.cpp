#include "pipeline/convert_tokenizer.h"

#include <array>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

namespace posttrain::pipeline {
namespace {

using model::GgufKind;
using model::GgufValue;

constexpr int normal_token = 1, control_token = 3, user_token = 4;

// How llama.cpp names the pre-tokenizers, and what they are in tokenizer.json.
struct PreTokenizer {
  const char* name;
  const char* json;
};
constexpr std::array<PreTokenizer, 4> pre_tokenizers = {{
    {"smollm", R"({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true},
      {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}]})"},
    {"gpt-2", R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true})"},
    {"qwen2", R"({"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex":
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
      "behavior": "Isolated", "invert": false},
      {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]})"},
    {"llama-bpe", R"({"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex":
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
      "behavior": "Isolated", "invert": false},
      {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]})"},
}};

// The name of a tokenizer.json's pre-tokenizer; empty when it is none of the table.
std::string pre_name(const Json& pre) {
  for (const PreTokenizer& known : pre_tokenizers) {
    if (parse_json(known.json, "table") == pre) return known.name;
  }
  return "";
}

std::string chat_template_of(const std::filesystem::path& dir) {
  if (std::filesystem::exists(dir / "chat_template.jinja")) return read_file(dir / "chat_template.jinja");
  if (!std::filesystem::exists(dir / "tokenizer_config.json")) return "";
  const Json config = read_json(dir / "tokenizer_config.json");
  const bool text = config.contains("chat_template") && config["chat_template"].is_string();
  return text ? config["chat_template"].get<std::string>() : "";
}

std::string merge_text(const Json& merge) {
  if (merge.is_string()) return merge.get<std::string>();
  return merge.at(0).get<std::string>() + " " + merge.at(1).get<std::string>();
}

GgufMetadata metadata_from(const Json& json, const std::string& pre) {
  std::vector<std::string> tokens, merges;
  std::vector<double> types;
  const auto place = [&](const std::string& token, int64_t id, int type) {
    if (id < 0 || id > 1 << 24) return;
    if (tokens.size() <= static_cast<size_t>(id)) {
      tokens.resize(static_cast<size_t>(id) + 1);
      types.resize(tokens.size(), normal_token);
    }
    tokens[static_cast<size_t>(id)] = token;
    types[static_cast<size_t>(id)] = type;
  };
  for (const auto& [token, id] : json.at("model").at("vocab").items()) place(token, id.get<int64_t>(), normal_token);
  for (const Json& added : json.at("added_tokens")) {
    place(added.at("content").get<std::string>(), added.at("id").get<int64_t>(),
          added.at("special").get<bool>() ? control_token : user_token);
  }
  for (const Json& merge : json.at("model").at("merges")) merges.push_back(merge_text(merge));
  return {{"tokenizer.ggml.model", GgufValue::of(std::string("gpt2"))},
          {"tokenizer.ggml.pre", GgufValue::of(pre)},
          {"tokenizer.ggml.tokens", GgufValue::of(std::move(tokens))},
          {"tokenizer.ggml.token_type", GgufValue::of(GgufKind::i32, std::move(types))},
          {"tokenizer.ggml.merges", GgufValue::of(std::move(merges))},
          {"tokenizer.ggml.add_bos_token", GgufValue::of(false)}};
}

Json added_token(int64_t id, const std::string& content, bool special) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", special}};
}

}  // namespace

GgufMetadata gguf_tokenizer_of(const model::GgufHeader& header) {
  GgufMetadata result;
  for (const auto& [key, value] : header.metadata) {
    const bool known = key == "tokenizer.ggml.bos_token_id" || key == "tokenizer.ggml.eos_token_id" ||
                       key == "tokenizer.ggml.padding_token_id";
    if (key.starts_with("tokenizer.") && !known) result.emplace_back(key, value);
  }
  return result;
}

GgufMetadata gguf_tokenizer_of(const std::filesystem::path& dir) {
  const auto file = dir / "tokenizer.json";
  if (!std::filesystem::exists(file)) {
    log_warning(dir.string() + " has no tokenizer.json: the GGUF file gets no tokenizer");
    return {};
  }
  try {
    const Json json = read_json(file);
    const std::string pre = pre_name(json.at("pre_tokenizer"));
    if (json.at("model").at("type") != "BPE" || pre.empty()) {
      log_warning(file.string() + " is no byte-level BPE that GGUF has a name for: the file gets no tokenizer");
      return {};
    }
    GgufMetadata metadata = metadata_from(json, pre);
    const std::string chat = chat_template_of(dir);
    if (!chat.empty()) metadata.emplace_back("tokenizer.chat_template", GgufValue::of(chat));
    return metadata;
  } catch (const Json::exception& e) {
    throw Error(file.string(), std::string("not a tokenizer: ") + e.what());
  }
}

void write_tokenizer_files(const model::GgufHeader& header, const std::filesystem::path& dir) {
  if (!header.has("tokenizer.ggml.model")) return log_warning(header.where + " has no tokenizer");
  const std::string kind = header.text("tokenizer.ggml.model");
  const std::string pre = header.has("tokenizer.ggml.pre") ? header.text("tokenizer.ggml.pre") : "gpt-2";
  const PreTokenizer* known = nullptr;
  for (const PreTokenizer& candidate : pre_tokenizers) {
    if (pre == candidate.name || (pre == "default" && candidate.name == std::string("gpt-2"))) known = &candidate;
  }
  if (kind != "gpt2" || known == nullptr) {
    return log_warning(header.where + ": the tokenizer '" + kind + "/" + pre + "' can't be written as tokenizer.json");
  }
  const auto& tokens = header.texts("tokenizer.ggml.tokens");
  const auto& types = header.numbers("tokenizer.ggml.token_type");
  if (types.size() != tokens.size()) {
    throw Error(header.where, "tokenizer.ggml.token_type", std::to_string(tokens.size()) + " values",
                std::to_string(types.size()));
  }
  Json vocab = Json::object(), added = Json::array();
  for (size_t id = 0; id < tokens.size(); ++id) {
    vocab[tokens[id]] = id;
    const int type = static_cast<int>(types[id]);
    if (type == control_token || type == user_token) {
      added.push_back(added_token(static_cast<int64_t>(id), tokens[id], type == control_token));
    }
  }
  const Json json = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer", parse_json(known->json, "table")},
      {"post_processor", nullptr},
      {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
      {"model",
       {{"type", "BPE"},
        {"dropout", nullptr},
        {"unk_token", nullptr},
        {"continuing_subword_prefix", nullptr},
        {"end_of_word_suffix", nullptr},
        {"fuse_unk", false},
        {"byte_fallback", false},
        {"ignore_merges", pre == "llama-bpe"},
        {"vocab", vocab},
        {"merges", header.texts("tokenizer.ggml.merges")}}}};
  write_file_atomically(dir / "tokenizer.json", to_line(json) + "\n");
  Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}};
  const auto name = [&](const char* key, const char* field) {
    const int64_t id = header.integer(key, -1);
    if (id >= 0 && id < static_cast<int64_t>(tokens.size())) config[field] = tokens[static_cast<size_t>(id)];
  };
  name("tokenizer.ggml.bos_token_id", "bos_token");
  name("tokenizer.ggml.eos_token_id", "eos_token");
  name("tokenizer.ggml.padding_token_id", "pad_token");
  if (header.has("tokenizer.chat_template")) config["chat_template"] = header.text("tokenizer.chat_template");
  write_file_atomically(dir / "tokenizer_config.json", to_pretty(config) + "\n");
}

void copy_tokenizer_files(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
                           "vocab.json", "merges.txt", "tokenizer.model", "chat_template.jinja"}) {
    if (std::filesystem::exists(from / name)) std::filesystem::copy_file(from / name, to / name);
  }
}

}  // namespace posttrain::pipeline
