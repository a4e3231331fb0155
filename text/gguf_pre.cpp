#include "text/gguf_pre.h"

#include <map>

#include "base/error.h"

namespace posttrain {
namespace {

constexpr const char* kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kDeepSeekPattern =
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
    "?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";

Json split_then_bytes(std::initializer_list<const char*> patterns) {
  Json parts = Json::array();
  for (const char* pattern : patterns) {
    parts.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}});
  }
  parts.push_back(byte_level_json(false));
  return {{"type", "Sequence"}, {"pretokenizers", parts}};
}

// What decides about ids: trim_offsets is about places in the text only.
Json essence(Json pre) {
  if (!pre.is_object()) return pre;
  pre.erase("trim_offsets");
  if (pre.contains("pretokenizers")) {
    for (Json& part : pre["pretokenizers"]) part = essence(part);
  }
  return pre;
}

}  // namespace

Json byte_level_json(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

GgufPreTokenizer gguf_pre_tokenizer(const std::string& name, const std::string& where) {
  static const std::map<std::string, std::string> kKinds = {{"", "gpt2"},
                                                            {"default", "gpt2"},
                                                            {"gpt-2", "gpt2"},
                                                            {"gpt2", "gpt2"},
                                                            {"olmo", "gpt2"},
                                                            {"phi-2", "gpt2"},
                                                            {"smollm", "digits"},
                                                            {"starcoder", "digits"},
                                                            {"refact", "digits"},
                                                            {"codeshell", "digits"},
                                                            {"command-r", "digits"},
                                                            {"llama-bpe", "llama3"},
                                                            {"llama3", "llama3"},
                                                            {"llama-v3", "llama3"},
                                                            {"smaug-bpe", "llama3"},
                                                            {"qwen2", "qwen2"},
                                                            {"deepseek-r1-qwen", "qwen2"},
                                                            {"deepseek-v3", "deepseek"}};
  const auto found = kKinds.find(name);
  if (found == kKinds.end()) {
    throw Error(where, "tokenizer.ggml.pre", "smollm, gpt-2, llama-bpe, qwen2, deepseek-v3 or a relative",
                "'" + name + "'");
  }
  const std::string& kind = found->second;
  if (kind == "gpt2") return {byte_level_json(true), nullptr};
  if (kind == "digits") {
    const Json digits = {{"type", "Digits"}, {"individual_digits", true}};
    return {{{"type", "Sequence"}, {"pretokenizers", Json::array({digits, byte_level_json(true)})}}, nullptr};
  }
  if (kind == "llama3") return {split_then_bytes({kLlama3Pattern}), nullptr, true};
  if (kind == "qwen2") return {split_then_bytes({kQwen2Pattern}), {{"type", "NFC"}}};
  return {split_then_bytes({R"(\p{N}{1,3})", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+", kDeepSeekPattern}), nullptr};
}

std::string gguf_pre_name(const Json& pre_tokenizer) {
  for (const char* name : {"smollm", "gpt-2", "qwen2", "llama-bpe", "deepseek-v3"}) {
    if (essence(gguf_pre_tokenizer(name, "").pre_tokenizer) == essence(pre_tokenizer)) return name;
  }
  return "";
}

}  // namespace posttrain
