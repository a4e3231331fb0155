#include "model/prompt_carry.h"

#include "base/error.h"

namespace posttrain::model {
namespace {

size_t carried_bytes(const nn::Heads& rows) {
  return static_cast<size_t>(rows.rows * rows.heads * rows.width) * sizeof(float);
}

}  // namespace

void PromptCarry::keep(nn::Buffer& part, nn::Heads from) {
  if (part.bytes() != carried_bytes(from)) part = backend_.alloc(carried_bytes(from));
  const int width = from.heads * from.width;
  backend_.copy_heads(from.rows, 1, width, {from.data, from.stride, 0}, {part.f32(), width, 0}, nn::Into::overwrite);
}

void PromptCarry::give(const nn::Buffer& part, nn::Heads to) {
  PT_ASSERT(part.bytes() == carried_bytes(to), part.bytes(), to.rows, to.heads, to.width);
  const int width = to.heads * to.width;
  backend_.copy_heads(to.rows, 1, width, {part.f32(), width, 0}, {to.data, to.stride, 0}, nn::Into::overwrite);
}

void PromptCarry::keep_zeros(int64_t rows, int64_t key_floats, int64_t value_floats) {
  for (size_t i = 1; i < parts_.size(); ++i) {
    const int64_t width = i % 2 == 1 ? key_floats : value_floats;
    parts_[i] = backend_.alloc(static_cast<size_t>(rows * width) * sizeof(float));
  }
}

}  // namespace posttrain::model
