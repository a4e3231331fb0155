// Low-rank adapters as PEFT writes them, merged into a model's weights: W + scale * B A.
#pragma once

#include <filesystem>

#include "model/transformer.h"

namespace posttrain::model {

// Reads adapter_config.json and adapter_model.safetensors of `dir` and merges every pair. The sum runs as in training
// (lora.h), so in float32 the weights are those that were trained, bit for bit. Throws Error for what is missing,
// misshapen, of no matrix of this model, or of a kind that a plain product does not cover (DoRA, trained biases, ranks
// by pattern).
void merge_adapter(Transformer& model, const std::filesystem::path& dir);

}  // namespace posttrain::model
