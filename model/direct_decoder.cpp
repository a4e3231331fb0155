#include "model/direct_decoder.h"

#include "base/error.h"

namespace posttrain::model {

DirectDecoder::DirectDecoder(Transformer& transformer, int sequences, int64_t most_positions)
    : transformer_(transformer),
      blocks_per_sequence_((most_positions + nn::KvPool::block - 1) / nn::KvPool::block),
      pool_(transformer.make_kv_pool(blocks_per_sequence_ * sequences)),
      lengths_(static_cast<size_t>(sequences)) {}

nn::Sampled DirectDecoder::append(const std::vector<std::vector<int32_t>>& tokens, const nn::SamplingFilter& filter,
                                  std::span<const double> uniforms) {
  PT_ASSERT(tokens.size() == lengths_.size(), tokens.size(), lengths_.size());
  DecodeBatch batch;
  for (size_t s = 0; s < tokens.size(); ++s) {
    if (tokens[s].empty()) continue;
    const auto table = static_cast<int32_t>(batch.tables.size());
    const auto first_block = static_cast<int64_t>(s) * blocks_per_sequence_;
    for (int64_t b = 0; b < blocks_per_sequence_; ++b) batch.tables.push_back(static_cast<int32_t>(first_block + b));
    for (const int32_t id : tokens[s]) {
      const int64_t position = lengths_[s]++;
      PT_ASSERT(position < blocks_per_sequence_ * nn::KvPool::block, position);
      batch.ids.push_back(id);
      batch.positions.push_back(static_cast<int32_t>(position));
      batch.slots.push_back(static_cast<int32_t>(first_block * nn::KvPool::block + position));
      batch.table_begin.push_back(table);
      batch.lengths.push_back(static_cast<int32_t>(position + 1));
    }
    batch.sample_rows.push_back(static_cast<int32_t>(batch.ids.size() - 1));
    batch.filters.push_back(filter);
    batch.uniforms.push_back(uniforms.empty() ? 0.5 : uniforms[s]);
  }
  return transformer_.decode(*pool_, batch);
}

void DirectDecoder::cut(int sequence, int64_t length) {
  int64_t& now = lengths_[static_cast<size_t>(sequence)];
  PT_ASSERT(length >= 0 && length <= now, length, now);
  now = length;
}

}  // namespace posttrain::model
