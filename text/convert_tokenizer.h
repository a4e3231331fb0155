// Tokenizers between tokenizer.json and the metadata of GGUF files, for byte-level BPE.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "formats/gguf.h"

namespace posttrain {

using GgufMetadata = std::vector<std::pair<std::string, GgufValue>>;

// Every tokenizer.* entry of another GGUF file, as it is; the ids that the model knows itself are left out.
GgufMetadata gguf_tokenizer_of(const GgufHeader& header);
// The same of a GGUF file's path, or from tokenizer.json and the chat template of a model directory; empty, with a
// warning, when it has none that GGUF can hold (anything but byte-level BPE).
GgufMetadata gguf_tokenizer_of(const std::filesystem::path& model);

// The tokenizer of a GGUF file as tokenizer.json and tokenizer_config.json, or the files of a model directory (or of
// the one around a tokenizer.json) as they are, written into `dir`.
void save_tokenizer_files(const std::filesystem::path& model, const std::filesystem::path& dir);

}  // namespace posttrain
