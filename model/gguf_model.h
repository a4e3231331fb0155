// Models inside GGUF files: their shape, the names of their tensors, and the row order of llama.cpp's q and k.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "formats/gguf_tensors.h"
#include "model/arch.h"
#include "model/transformer.h"
#include "model/weights.h"

namespace posttrain::model {

// The families read and written: llama, qwen2, qwen3. Throws Error for another or a feature that is not supported.
Arch gguf_arch(const GgufHeader& header);

// The shape of the model in a file.
Arch read_gguf_arch(const std::filesystem::path& file);

// Takes the frequency factors of Llama 3.x files, if there are any, from the mapped file `data`.
void gguf_rope_factors(const GgufHeader& header, const std::byte* data, Arch& arch);

// "model.layers.0.self_attn.q_proj.weight" -> "blk.0.attn_q.weight".
std::string gguf_name(const std::string& name);

// llama.cpp turns neighbouring values, Hugging Face those half a head apart: for the llama family rows of q and k
// are stored in another order. Whether `name` is such a tensor, and the reordering of its rows of `cols` floats.
bool gguf_reordered(const Arch& arch, const std::string& name);
std::vector<float> gguf_to_hugging_face(const std::vector<float>& rows, int heads, int64_t cols);
std::vector<float> hugging_face_to_gguf(const std::vector<float>& rows, int heads, int64_t cols);

// Widens a tensor of the file into a parameter, a few rows at a time, so that no second copy of a large table is held.
// `head_dim` > 0: the rows of each head are stored in llama.cpp's order.
void write_gguf_tensor(Weights& weights, const Parameter& parameter, const MappedFile& file, const GgufTensor& tensor,
                       int head_dim);

// What a model can be written as: f32, f16, bf16, q8_0; "" is f16. Nothing for any other name.
std::optional<GgufType> written_gguf_type(std::string_view name);

// Matrices as `type` (f32, f16, bf16 or q8_0; rows that are no multiple of 32 stay f16), vectors as f32.
// `tokenizer` is appended to the metadata (tokenizer.ggml.*, tokenizer.chat_template).
void save_gguf(const Transformer& model, const std::filesystem::path& file, GgufType type,
               const std::vector<std::pair<std::string, GgufValue>>& tokenizer);

}  // namespace posttrain::model
