#include "text/convert_tokenizer.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "text/gguf_pre.h"
#include "text/gguf_tokenizer.h"
#include "text/tokenizer.h"
#include "text/tokenizer_file.h"

namespace posttrain {
namespace {

constexpr int normal_token = 1, control_token = 3, user_token = 4;

GgufMetadata metadata_from(const TokenizerFile& file, const std::string& pre, bool add_bos) {
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
  for (const auto& [token, id] : file.vocab) place(token, id, normal_token);
  for (const Json& added : file.rest.value("added_tokens", Json::array())) {
    place(added.at("content").get<std::string>(), added.at("id").get<int64_t>(),
          added.at("special").get<bool>() ? control_token : user_token);
  }
  for (const auto& [left, right] : file.merges) merges.push_back(left + " " + right);
  return {{"tokenizer.ggml.model", GgufValue::of(std::string("gpt2"))},
          {"tokenizer.ggml.pre", GgufValue::of(pre)},
          {"tokenizer.ggml.tokens", GgufValue::of(std::move(tokens))},
          {"tokenizer.ggml.token_type", GgufValue::of(GgufKind::i32, std::move(types))},
          {"tokenizer.ggml.merges", GgufValue::of(std::move(merges))},
          {"tokenizer.ggml.add_bos_token", GgufValue::of(add_bos)}};
}

void write_tokenizer_files(const GgufHeader& header, const std::filesystem::path& dir) {
  if (!header.has("tokenizer.ggml.model")) return log_warning(header.where + " has no tokenizer");
  const GgufTokenizer parts = gguf_tokenizer(header);
  const TokenizerFile file = tokenizer_file_from_gguf(parts, header.where);
  Json json = file.rest;
  Json& model = json["model"];
  // Appended, not looked up: an ordered object searches from its beginning.
  auto& vocab = (model["vocab"] = Json::object()).get_ref<Json::object_t&>();
  for (const auto& [token, id] : file.vocab) vocab.emplace_back(token, id);
  model["merges"] = Json::array();
  for (const auto& [left, right] : file.merges) model["merges"].push_back({left, right});
  write_file_atomically(dir / "tokenizer.json", to_line(json) + "\n");
  const Tokenizer tokenizer = Tokenizer::from_gguf_parts(parts, header.where);
  Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}};
  for (const char* role : {"bos_token", "eos_token", "pad_token", "unk_token"}) {
    if (!tokenizer.special_text(role).empty()) config[role] = tokenizer.special_text(role);
  }
  if (!parts.chat_template.empty()) config["chat_template"] = parts.chat_template;
  write_file_atomically(dir / "tokenizer_config.json", to_pretty(config) + "\n");
}

}  // namespace

GgufMetadata gguf_tokenizer_of(const GgufHeader& header) {
  GgufMetadata result;
  for (const auto& [key, value] : header.metadata) {
    const bool known = key == "tokenizer.ggml.bos_token_id" || key == "tokenizer.ggml.eos_token_id" ||
                       key == "tokenizer.ggml.padding_token_id";
    if (key.starts_with("tokenizer.") && !known) result.emplace_back(key, value);
  }
  return result;
}

GgufMetadata gguf_tokenizer_of(const std::filesystem::path& model) {
  if (is_gguf(model)) return gguf_tokenizer_of(read_gguf_header(model));
  const auto file = model / "tokenizer.json";
  if (!std::filesystem::exists(file)) {
    log_warning(model.string() + " has no tokenizer.json: the GGUF file gets no tokenizer");
    return {};
  }
  try {
    const TokenizerFile parsed = parse_tokenizer_file(read_file(file), file.string());
    const std::string pre = gguf_pre_name(parsed.rest.value("pre_tokenizer", Json()));
    if (parsed.vocab.empty() || pre.empty()) {
      log_warning(file.string() + " is no byte-level BPE that GGUF has a name for: the file gets no tokenizer");
      return {};
    }
    const Tokenizer tokenizer = Tokenizer::load(model);
    const std::vector<int32_t> around = tokenizer.encode("", true);
    GgufMetadata metadata = metadata_from(parsed, pre, !around.empty() && around.front() == tokenizer.bos_id());
    if (!tokenizer.chat_template().empty())
      metadata.emplace_back("tokenizer.chat_template", GgufValue::of(tokenizer.chat_template()));
    return metadata;
  } catch (const Json::exception& e) {
    throw Error(file.string(), std::string("not a tokenizer: ") + e.what());
  }
}

void save_tokenizer_files(const std::filesystem::path& model, const std::filesystem::path& dir) {
  if (is_gguf(model)) return write_tokenizer_files(read_gguf_header(model), dir);
  const auto from = std::filesystem::is_directory(model) ? model : model.parent_path();
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
                           "vocab.json", "merges.txt", "tokenizer.model", "chat_template.jinja"}) {
    if (std::filesystem::exists(from / name)) write_file_atomically(dir / name, read_file(from / name));
  }
}

}  // namespace posttrain
