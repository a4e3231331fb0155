#include "distill/teacher_cache.h"

#include <bit>
#include <cstring>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "base/folders.h"
#include "base/rng.h"

namespace posttrain::distill {
namespace {

constexpr char magic[] = "PTTOPK01";
constexpr size_t header_bytes = 8 + 3 * sizeof(int64_t);

template <class T>
void append(std::string& bytes, std::span<const T> values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

template <class T>
T read_at(const std::byte* from, size_t index) {
  T value;
  std::memcpy(&value, from + index * sizeof(T), sizeof(T));
  return value;
}

uint64_t hash_ids(std::span<const int32_t> ids) {
  return hash_name({reinterpret_cast<const char*>(ids.data()), ids.size_bytes()});
}

}  // namespace

uint64_t cache_key(std::span<const rollout::TrainSample> examples, int64_t k, double temperature) {
  uint64_t key = Rng({static_cast<uint64_t>(k), std::bit_cast<uint64_t>(temperature)}).at(0);
  for (const auto& example : examples) {
    key = Rng({key, hash_ids(*example.prompt), hash_ids(example.completion->ids)}).at(0);
  }
  return key;
}

void write_teacher_cache(const std::filesystem::path& file, model::Transformer& teacher,
                         std::span<const rollout::TrainSample> examples, int64_t k, double temperature,
                         int64_t micro_batch_tokens, const std::function<void(int64_t, int64_t)>& progress) {
  PT_ASSERT(k > 0, k);
  const int64_t kept = std::min<int64_t>(k, teacher.arch().vocab);
  std::vector<int64_t> begin = {0};
  for (const auto& example : examples) begin.push_back(begin.back() + std::ssize(example.completion->ids));
  std::vector<int32_t> ids;
  std::vector<float> logp;
  for (const auto& [first, last] : rollout::micro_batches(examples, micro_batch_tokens)) {
    progress(static_cast<int64_t>(first), std::ssize(examples));
    const auto rows = teacher.likeliest(rollout::pack_samples(examples.subspan(first, last - first), temperature), k);
    ids.insert(ids.end(), rows.ids.begin(), rows.ids.end());
    logp.insert(logp.end(), rows.logp.begin(), rows.logp.end());
  }
  std::string bytes(magic, 8);
  const uint64_t key = cache_key(examples, k, temperature);
  const int64_t sizes[] = {kept, std::ssize(examples)};
  append(bytes, std::span<const uint64_t>(&key, 1));
  append(bytes, std::span<const int64_t>(sizes));
  append(bytes, std::span<const int64_t>(begin));
  append(bytes, std::span<const int32_t>(ids));
  append(bytes, std::span<const float>(logp));
  make_folders(file.parent_path());
  write_file_atomically(file, bytes);
}

TeacherCache::TeacherCache(const std::filesystem::path& file, uint64_t key) : map_(file) {
  const auto damaged = [&](const char* what) { return Error(file.string(), what, "a teacher cache", "a damaged one"); };
  if (map_.size() < header_bytes || std::memcmp(map_.data(), magic, 8) != 0) throw damaged("header");
  const std::byte* at = map_.data() + 8;
  if (read_at<uint64_t>(at, 0) != key) {
    throw Error(file.string(), "key", "the stage's examples, top_k and temperature", "a cache of others");
  }
  k_ = read_at<int64_t>(at, 1);
  examples_ = read_at<int64_t>(at, 2);
  const auto rest = static_cast<int64_t>((map_.size() - header_bytes) / sizeof(int64_t));
  if (k_ < 1 || k_ > (1 << 24) || examples_ < 0 || examples_ + 1 > rest) throw damaged("sizes");
  begin_ = map_.data() + header_bytes;
  const auto tokens = read_at<int64_t>(begin_, static_cast<size_t>(examples_));
  if (tokens < 0 || tokens > rest) throw damaged("begin");
  const size_t entries = static_cast<size_t>(tokens) * static_cast<size_t>(k_);
  ids_ = begin_ + static_cast<size_t>(examples_ + 1) * sizeof(int64_t);
  logp_ = ids_ + entries * sizeof(int32_t);
  if (logp_ + entries * sizeof(float) != map_.data() + map_.size()) throw damaged("size");
}

nn::Likeliest TeacherCache::rows(std::span<const size_t> examples) const {
  nn::Likeliest out;
  for (const size_t example : examples) {
    PT_ASSERT(example < static_cast<size_t>(examples_), example, examples_);
    const auto first = read_at<int64_t>(begin_, example), last = read_at<int64_t>(begin_, example + 1);
    for (int64_t t = first; t < last; ++t) {
      for (int64_t j = 0; j < k_; ++j) {
        const auto entry = static_cast<size_t>(t * k_ + j);
        out.ids.push_back(read_at<int32_t>(ids_, entry));
        out.logp.push_back(read_at<float>(logp_, entry));
      }
      out.begin.push_back(static_cast<int32_t>(out.ids.size()));
    }
  }
  return out;
}

}  // namespace posttrain::distill
