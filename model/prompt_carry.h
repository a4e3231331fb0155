// A prompt whose answers are cut into several batches gets its gradient from all of them: each batch adds to what the
// one before left, and the last one takes the sum through the prompt's own rows. So every sum has the order that it has
// without a cut. Internal to model/.
#pragma once

#include <vector>

#include "nn/backend.h"

namespace posttrain::model {

// d loss / d (the prompt's last hidden states, and its keys and values in every layer), as far as the batches so far
// go.
class PromptCarry {
 public:
  PromptCarry(nn::Backend& backend, int layers) : backend_(backend), parts_(1 + 2 * static_cast<size_t>(layers)) {}

  // The rows of `from` are kept for the next batch.
  void keep_hidden(nn::Heads from) { keep(parts_[0], from); }
  void keep_keys(int layer, nn::Heads from) { keep(keys(layer), from); }
  void keep_values(int layer, nn::Heads from) { keep(values(layer), from); }
  // The rows of `to` begin with what was kept of as many.
  void give_hidden(nn::Heads to) { give(parts_[0], to); }
  void give_keys(int layer, nn::Heads to) { give(keys(layer), to); }
  void give_values(int layer, nn::Heads to) { give(values(layer), to); }
  // Keeps zeros for the keys and values of all layers.
  void keep_zeros(int64_t rows, int64_t key_floats, int64_t value_floats);

 private:
  nn::Buffer& keys(int layer) { return parts_[1 + 2 * static_cast<size_t>(layer)]; }
  nn::Buffer& values(int layer) { return parts_[2 + 2 * static_cast<size_t>(layer)]; }
  void keep(nn::Buffer& part, nn::Heads from);
  void give(const nn::Buffer& part, nn::Heads to);

  nn::Backend& backend_;
  std::vector<nn::Buffer> parts_;
};

}  // namespace posttrain::model
