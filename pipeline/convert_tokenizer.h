// Tokenizers between tokenizer.json and the metadata of GGUF files, for byte-level BPE.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "model/gguf.h"

namespace posttrain::pipeline {

using GgufMetadata = std::vector<std::pair<std::string, model::GgufValue>>;

// Every tokenizer.* entry of another GGUF file, as it is; the ids that the model knows itself are left out.
GgufMetadata gguf_tokenizer_of(const model::GgufHeader& header);
// From tokenizer.json and the chat template of a model directory; empty, with a warning, when it has none that GGUF can
// hold (anything but byte-level BPE).
GgufMetadata gguf_tokenizer_of(const std::filesystem::path& dir);

// tokenizer.json and tokenizer_config.json from a GGUF file's byte-level BPE. Throws Error for another kind.
void write_tokenizer_files(const model::GgufHeader& header, const std::filesystem::path& dir);

// The tokenizer's files of one model directory into another.
void copy_tokenizer_files(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace posttrain::pipeline
