// The tokenizer metadata of a GGUF file, as plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "formats/gguf.h"

namespace posttrain {

struct GgufTokenizer {
  std::string model;                // tokenizer.ggml.model: "gpt2" (byte-level BPE) or "llama" (SentencePiece)
  std::string pre;                  // tokenizer.ggml.pre: which pre-tokenizer, e.g. "smollm", "qwen2", "llama-bpe"
  std::vector<std::string> tokens;  // tokenizer.ggml.tokens
  std::vector<int32_t> types;  // tokenizer.ggml.token_type: 1 normal, 2 unknown, 3 control, 4 user, 5 unused, 6 byte
  std::vector<float> scores;   // tokenizer.ggml.scores ("llama" only)
  std::vector<std::string> merges;            // tokenizer.ggml.merges, "left right" ("gpt2" only)
  std::optional<int32_t> bos, eos, pad, unk;  // tokenizer.ggml.bos_token_id, ...
  bool add_bos = false, add_eos = false, add_space_prefix = true;
  std::string chat_template;  // tokenizer.chat_template
};

// Throws Error naming the file and the key for what is missing or of the wrong kind.
GgufTokenizer gguf_tokenizer(const GgufHeader& header);

// The metadata of a file; its weights are not read.
GgufHeader read_gguf_header(const std::filesystem::path& file);

}  // namespace posttrain
