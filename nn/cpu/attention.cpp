// Attention: which queries share a job, where their keys and values lie, and who adds up which gradient.
//
// The queries of one key head are its rows in order and, within a row, the query heads of its group. A job takes up to
// kQueries of them, so several jobs of one sequence may run side by side. In backward one worker owns a key head of all
// segments that share rows, and takes them in order: that is the order of the sums in dk and dv.
#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/error.h"
#include "base/parallel.h"
#include "nn/cpu/backend.h"
#include "nn/cpu/kv_pool.h"

namespace posttrain::nn::cpu {
namespace {

constexpr int kForwardQueries = 28;

const float* at(const Heads& x, int64_t row, int head) {
  return x.data + row * x.stride + int64_t{head} * x.width;
}

float* at_mutable(const Heads& x, int64_t row, int head) {
  return x.data + row * x.stride + int64_t{head} * x.width;
}

int32_t blocks_of(int32_t positions) {
  return (positions + KvPool::block - 1) / KvPool::block;
}

void set_shape(const AttentionShape& shape, AttentionJob& job) {
  job.qk_width = shape.qk_width;
  job.v_width = shape.v_width;
  job.scale = shape.scale;
  job.softcap = shape.softcap;
}

void set_range(const AttentionShape& shape, int32_t high, AttentionJob& job, int i) {
  job.high[i] = high;
  job.low[i] = shape.window > 0 ? std::max(0, high - shape.window) : 0;
}

void check_shape(const AttentionShape& shape, const Heads& q, const Heads& out) {
  PT_ASSERT(shape.kv_heads > 0 && shape.q_heads % shape.kv_heads == 0, shape.q_heads, shape.kv_heads);
  PT_ASSERT(q.heads == shape.q_heads && q.width == shape.qk_width, q.heads, q.width);
  PT_ASSERT(out.heads == shape.q_heads && out.width == shape.v_width, out.heads, out.width);
}

// The runs of rows that segments read, each transposed once however many segments read it.
class Runs {
 public:
  explicit Runs(std::span<const Segment> segments) {
    for (const Segment& s : segments) {
      want(s.begin, s.length);
      if (s.prefix_length > 0) want(s.prefix_begin, s.prefix_length);
    }
    for (Run& run : runs_) {
      run.first_block = blocks_;
      blocks_ += blocks_of(run.count);
    }
  }

  // Blocks of all kv heads: [head][block][width][32].
  float* pack(const KernelTable& kernels, const Heads& x, Arena& arena) const {
    float* to = arena.floats(x.heads * blocks_ * x.width * KvPool::block);
    const auto n = static_cast<ptrdiff_t>(runs_.size());
    const int64_t floats = blocks_ * x.width * KvPool::block;
    parallel_for(n * x.heads, 1 + n * x.heads * 16384 / std::max<int64_t>(1, floats * x.heads),
                 [&](ptrdiff_t begin, ptrdiff_t end) {
                   for (ptrdiff_t i = begin; i < end; ++i) {
                     const Run& run = runs_[static_cast<size_t>(i % n)];
                     const int head = static_cast<int>(i / n);
                     kernels.transpose_blocks(run.count, x.width, at(x, run.begin, head), x.stride,
                                              to + head * floats + run.first_block * x.width * KvPool::block);
                   }
                 });
    return to;
  }

  const float* blocks(const float* packed, int width, int32_t begin, int head) const {
    const int64_t floats = int64_t{width} * KvPool::block;
    return packed + (head * blocks_ + runs_[by_begin_.at(begin)].first_block) * floats;
  }

 private:
  struct Run {
    int32_t begin, count;
    int64_t first_block = 0;
  };
  void want(int32_t begin, int32_t count) {
    const auto [found, is_new] = by_begin_.try_emplace(begin, runs_.size());
    if (is_new) {
      runs_.push_back({begin, count});
    } else {
      runs_[found->second].count = std::max(runs_[found->second].count, count);
    }
  }

  std::vector<Run> runs_;
  std::unordered_map<int32_t, size_t> by_begin_;
  int64_t blocks_ = 0;
};

// The prefix (if any) and the own rows of a segment as runs of key head `head`, without gradients.
int segment_runs(const Segment& s, const Runs& runs, const Heads& k, const Heads& v, const float* kt, const float* vt,
                 int head, KeyRun (&to)[2]) {
  int count = 0;
  const auto add = [&](int32_t begin, int32_t length, int32_t position) {
    KeyRun& run = to[count++];
    run = {};
    run.kt = runs.blocks(kt, k.width, begin, head);
    run.vt = vt ? runs.blocks(vt, v.width, begin, head) : nullptr;
    run.k = at(k, begin, head);
    run.v = at(v, begin, head);
    run.k_row = k.stride;
    run.v_row = v.stride;
    run.begin = position;
    run.count = length;
  };
  if (s.prefix_length > 0) add(s.prefix_begin, s.prefix_length, 0);
  add(s.begin, s.length, s.prefix_length);
  return count;
}

// Groups of segments that share rows, each in the order given.
std::vector<std::vector<int>> components(std::span<const Segment> segments) {
  struct Interval {
    int32_t begin, end;
    int segment;
  };
  std::vector<Interval> intervals;
  std::vector<int> root(segments.size());
  std::iota(root.begin(), root.end(), 0);
  const auto find = [&](int i) {
    while (root[static_cast<size_t>(i)] != i)
      i = root[static_cast<size_t>(i)] = root[static_cast<size_t>(root[static_cast<size_t>(i)])];
    return i;
  };
  for (size_t i = 0; i < segments.size(); ++i) {
    const Segment& s = segments[i];
    if (s.length > 0) intervals.push_back({s.begin, s.begin + s.length, static_cast<int>(i)});
    if (s.prefix_length > 0) {
      intervals.push_back({s.prefix_begin, s.prefix_begin + s.prefix_length, static_cast<int>(i)});
    }
  }
  std::sort(intervals.begin(), intervals.end(), [](const Interval& a, const Interval& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.segment < b.segment;
  });
  int32_t reach = -1;
  int owner = 0;
  for (const Interval& i : intervals) {
    if (i.begin < reach) {
      const int a = find(owner), b = find(i.segment);
      root[static_cast<size_t>(std::max(a, b))] = std::min(a, b);
    } else {
      owner = i.segment;
    }
    reach = std::max(reach, i.end);
  }
  std::vector<std::vector<int>> groups(segments.size());
  for (size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].length > 0) groups[static_cast<size_t>(find(static_cast<int>(i)))].push_back(static_cast<int>(i));
  }
  std::erase_if(groups, [](const std::vector<int>& g) { return g.empty(); });
  return groups;
}

// fn(i, row, query head) for queries begin + i of a key head.
template <class Fn>
void for_queries(int32_t begin, int count, int key_head, int group, const Fn& fn) {
  int32_t row = begin / group;
  int head = begin % group;
  for (int i = 0; i < count; ++i) {
    fn(i, row, key_head * group + head);
    if (++head == group) {
      head = 0;
      ++row;
    }
  }
}

// Into L2: what the next task will read.
void prefetch(const float* data, int64_t floats) {
  for (int64_t i = 0; i < floats; i += 16) __builtin_prefetch(data + i, 0, 2);
}

// Small tasks, several at a time: at least eight turns a thread, so that uneven ones even out.
template <class Fn>
void in_chunks(ptrdiff_t tasks, const Fn& fn) {
  const ptrdiff_t chunk = std::clamp<ptrdiff_t>(tasks / (8 * compute_threads()), 1, 16);
  parallel_tasks((tasks + chunk - 1) / chunk, [&](ptrdiff_t i) {
    for (ptrdiff_t task = i * chunk; task < std::min(tasks, (i + 1) * chunk); ++task) fn(task);
  });
}

struct QueryBlock {
  int segment, head;
  int32_t begin, end;  // queries
};

}  // namespace

void CpuBackend::attention(const AttentionShape& shape, std::span<const Segment> segments, Heads q, Heads k, Heads v,
                           Heads out, float* stats) {
  check_shape(shape, q, out);
  prepare_workers();
  const Runs runs(segments);
  const float* kt = runs.pack(kernels_, k, keys_);
  const int group = shape.q_heads / shape.kv_heads;
  std::vector<QueryBlock> tasks;
  for (size_t i = 0; i < segments.size(); ++i) {
    const int32_t queries = segments[i].length * group;
    for (int head = 0; head < shape.kv_heads; ++head) {
      for (int32_t begin = 0; begin < queries; begin += kForwardQueries) {
        tasks.push_back({static_cast<int>(i), head, begin, std::min(queries, begin + kForwardQueries)});
      }
    }
  }
  in_chunks(static_cast<ptrdiff_t>(tasks.size()), [&](ptrdiff_t number) {
    const QueryBlock& task = tasks[static_cast<size_t>(number)];
    const Segment& s = segments[static_cast<size_t>(task.segment)];
    KeyRun run[2];
    AttentionJob job;
    set_shape(shape, job);
    job.runs = segment_runs(s, runs, k, v, kt, nullptr, task.head, run);
    job.run = run;
    job.queries = task.end - task.begin;
    for_queries(task.begin, job.queries, task.head, group, [&](int i, int32_t row, int head) {
      const int64_t r = s.begin + row;
      job.q[i] = at(q, r, head);
      job.out[i] = at_mutable(out, r, head);
      job.stats[i] = stats ? stats + (r * shape.q_heads + head) * 2 : nullptr;
      set_range(shape, s.prefix_length + row + 1, job, i);
    });
    const int32_t longest = job.high[job.queries - 1];
    job.scratch = mine().floats(attention_scratch(job.queries, shape.qk_width, shape.v_width, longest, false));
    kernels_.attention(job);
  });
}

void CpuBackend::attention_backward(const AttentionShape& shape, std::span<const Segment> segments, Heads q, Heads k,
                                    Heads v, Heads out, const float* stats, Heads dout, Heads dq, Heads dk, Heads dv) {
  check_shape(shape, q, out);
  prepare_workers();
  const Runs runs(segments);
  const float* kt = runs.pack(kernels_, k, keys_);
  const float* vt = runs.pack(kernels_, v, values_);
  const int group = shape.q_heads / shape.kv_heads;
  const std::vector<std::vector<int>> groups = components(segments);
  const auto sequences = static_cast<ptrdiff_t>(groups.size());
  parallel_tasks(sequences * shape.kv_heads, [&](ptrdiff_t number) {
    const int key_head = static_cast<int>(number / sequences);
    for (const int index : groups[static_cast<size_t>(number % sequences)]) {
      const Segment& s = segments[static_cast<size_t>(index)];
      KeyRun run[2];
      AttentionJob job;
      set_shape(shape, job);
      job.runs = segment_runs(s, runs, k, v, kt, vt, key_head, run);
      job.run = run;
      for (int i = 0; i < job.runs; ++i) {
        const int32_t row = job.runs == 2 && i == 0 ? s.prefix_begin : s.begin;
        run[i].dk = at_mutable(dk, row, key_head);
        run[i].dv = at_mutable(dv, row, key_head);
        run[i].dk_row = dk.stride;
        run[i].dv_row = dv.stride;
      }
      const int32_t queries = s.length * group;
      for (int32_t begin = 0; begin < queries; begin += kQueries) {
        job.queries = std::min<int32_t>(kQueries, queries - begin);
        for_queries(begin, job.queries, key_head, group, [&](int i, int32_t row, int head) {
          const int64_t r = s.begin + row;
          job.q[i] = at(q, r, head);
          job.out[i] = at_mutable(out, r, head);
          job.dout[i] = at(dout, r, head);
          job.dq[i] = at_mutable(dq, r, head);
          job.stats[i] = const_cast<float*>(stats) + (r * shape.q_heads + head) * 2;
          set_range(shape, s.prefix_length + row + 1, job, i);
        });
        const int32_t longest = job.high[job.queries - 1];
        job.scratch = mine().floats(attention_scratch(job.queries, shape.qk_width, shape.v_width, longest, true));
        kernels_.attention_backward(job);
      }
    }
  });
}

std::unique_ptr<KvPool> CpuBackend::make_kv_pool(int layers, int kv_heads, int qk_width, int v_width, int64_t blocks) {
  return std::make_unique<CpuKvPool>(layers, kv_heads, qk_width, v_width, blocks);
}

void CpuBackend::kv_write(KvPool& pool, int layer, std::span<const int32_t> slots, Heads k, Heads v) {
  const auto& cache = static_cast<const CpuKvPool&>(pool);
  parallel_for(static_cast<ptrdiff_t>(slots.size()), 1 + 16384 / cache.head_floats(),
               [&](ptrdiff_t begin, ptrdiff_t end) {
                 for (ptrdiff_t m = begin; m < end; ++m) {
                   const int64_t id = slots[static_cast<size_t>(m)] / KvPool::block;
                   const int offset = slots[static_cast<size_t>(m)] % KvPool::block;
                   PT_ASSERT(slots[static_cast<size_t>(m)] >= 0 && id < cache.blocks, id, cache.blocks);
                   for (int head = 0; head < cache.kv_heads; ++head) {
                     const float* key = at(k, m, head);
                     float* kt = cache.keys(layer, id, head) + offset;
                     for (int d = 0; d < cache.qk_width; ++d) kt[d * KvPool::block] = key[d];
                     std::copy_n(at(v, m, head), cache.v_width, cache.values(layer, id, head) + offset * cache.v_width);
                   }
                 }
               });
}

void CpuBackend::kv_copy(KvPool& pool, int32_t from, int32_t to, int positions) {
  const auto& cache = static_cast<const CpuKvPool&>(pool);
  PT_ASSERT(from >= 0 && from < cache.blocks && to >= 0 && to < cache.blocks, from, to, cache.blocks);
  PT_ASSERT(positions >= 0 && positions <= KvPool::block, positions);
  for (int layer = 0; layer < cache.layers; ++layer) {
    for (int head = 0; head < cache.kv_heads; ++head) {
      for (int d = 0; d < cache.qk_width; ++d) {
        std::copy_n(cache.keys(layer, from, head) + d * KvPool::block, positions,
                    cache.keys(layer, to, head) + d * KvPool::block);
      }
      std::copy_n(cache.values(layer, from, head), positions * cache.v_width, cache.values(layer, to, head));
    }
  }
}

void CpuBackend::attention_paged(const AttentionShape& shape, const KvPool& pool, int layer, const PagedRows& rows,
                                 Heads q, Heads out) {
  check_shape(shape, q, out);
  prepare_workers();
  if (worker_runs_.size() < worker_scratch_.size()) worker_runs_.resize(worker_scratch_.size());
  const auto& cache = static_cast<const CpuKvPool&>(pool);
  const int group = shape.q_heads / shape.kv_heads;
  // Consecutive rows that name one table form a sequence; `segment` is its first row.
  std::vector<QueryBlock> tasks;
  const auto M = static_cast<int32_t>(rows.lengths.size());
  for (int32_t first = 0, last = 0; first < M; first = last) {
    for (last = first + 1; last < M && rows.table_begin[last] == rows.table_begin[first];) ++last;
    const int32_t queries = (last - first) * group;
    for (int head = 0; head < shape.kv_heads; ++head) {
      for (int32_t begin = 0; begin < queries; begin += kForwardQueries) {
        tasks.push_back({first, head, begin, std::min(queries, begin + kForwardQueries)});
      }
    }
  }
  const int64_t most_prefetched = std::min<int64_t>(cache.head_floats(), 1024);
  in_chunks(static_cast<ptrdiff_t>(tasks.size()), [&](ptrdiff_t number) {
    const QueryBlock& task = tasks[static_cast<size_t>(number)];
    AttentionJob job;
    set_shape(shape, job);
    job.queries = task.end - task.begin;
    int32_t longest = 0;
    if (static_cast<size_t>(number) + 1 < tasks.size()) {
      const QueryBlock& next = tasks[static_cast<size_t>(number) + 1];
      const int32_t id = rows.tables[static_cast<size_t>(rows.table_begin[static_cast<size_t>(next.segment)])];
      if (rows.lengths[static_cast<size_t>(next.segment)] > 0)
        prefetch(cache.keys(layer, id, next.head), most_prefetched);
    }
    for_queries(task.begin, job.queries, task.head, group, [&](int i, int32_t offset, int head) {
      const int32_t row = task.segment + offset;
      job.q[i] = at(q, row, head);
      job.out[i] = at_mutable(out, row, head);
      job.stats[i] = nullptr;
      set_range(shape, rows.lengths[static_cast<size_t>(row)], job, i);
      longest = std::max(longest, job.high[i]);
    });
    std::vector<KeyRun>& runs = worker_runs_[static_cast<size_t>(compute_worker())];
    runs.clear();
    const int32_t* table = rows.tables.data() + rows.table_begin[static_cast<size_t>(task.segment)];
    for (int32_t p = 0; p < longest; p += KvPool::block) {
      KeyRun run{};
      run.kt = cache.keys(layer, table[p / KvPool::block], task.head);
      run.v = cache.values(layer, table[p / KvPool::block], task.head);
      run.v_row = cache.v_width;
      run.begin = p;
      run.count = std::min(KvPool::block, longest - p);
      runs.push_back(run);
    }
    job.runs = static_cast<int>(runs.size());
    job.run = runs.data();
    job.scratch = mine().floats(attention_scratch(job.queries, shape.qk_width, shape.v_width, longest, false));
    kernels_.attention(job);
  });
}

}  // namespace posttrain::nn::cpu
