// The head: log-probabilities, gradients and samples without ever holding the logits of all rows. A task is some rows
// times one block of 128 columns; what remains of it are three numbers per row.
#include "nn/cpu/classifier.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "nn/cpu/backend.h"

namespace posttrain::nn::cpu {

// Rows to score. Where a row wants single logits they are written during the pass.
struct HeadPass {
  int64_t n;
  const float* h;
  const CpuWeight* w;
  float softcap;
  std::span<const float> inverse_temperature;  // per row
  std::span<const int32_t> targets = {};       // column whose z goes to target_z[row]
  float* target_z = nullptr;
  std::span<const int32_t> kept_begin = {}, kept_ids = {};  // columns whose z go to kept_z
  float* kept_z = nullptr;
  std::span<float* const> rows = {};  // per row: where its whole z goes, or null
};

namespace {

constexpr int64_t kChunkRows = 512;

GemmJob logits_job(const CpuWeight& w, int64_t n, const float* h, int64_t first_panel, int64_t last_panel, float* z,
                   int64_t z_row, float* scratch) {
  return {.rows = n,
          .k = w.in,
          .a = h,
          .a_row = w.in,
          .panels = w.forward.data(),
          .panel_bytes = w.forward_stride(),
          .panel_begin = first_panel,
          .panel_end = last_panel,
          .columns = w.out,
          .y = z - first_panel * kPanel,
          .y_row = z_row,
          .bias = nullptr,
          .add = false,
          .resume = false,
          .scratch = scratch};
}

void check(int64_t n, const HeadTargets& t) {
  PT_ASSERT(static_cast<int64_t>(t.ids.size()) == n, t.ids.size(), n);
  PT_ASSERT(t.kept_begin.empty() || static_cast<int64_t>(t.kept_begin.size()) == n + 1, t.kept_begin.size(), n);
}

bool is_restricted(const HeadTargets& t, int64_t i) {
  return !t.kept_begin.empty() && t.kept_begin[static_cast<size_t>(i)] < t.kept_begin[static_cast<size_t>(i) + 1];
}

}  // namespace

int64_t CpuBackend::head_block(const CpuWeight& w, const float* h, int64_t block, float inverse_temperature,
                               float softcap, float* z, float* stats) const {
  const int64_t first = block * kHeadBlock, columns = std::min<int64_t>(kHeadBlock, w.out - first);
  multiply_here(w.stored, logits_job(w, 1, h, first / kPanel, panels_of(first + columns), z, kHeadBlock, nullptr));
  kernels_.head_block(columns, inverse_temperature, softcap, z, stats);
  return columns;
}

void CpuBackend::head_pass(const HeadPass& pass, const std::function<void(int64_t, const float*)>& finish) {
  constexpr int64_t kRow = kHeadBlock + 16;  // not a multiple of 4 KB between rows
  const CpuWeight& w = *pass.w;
  const int64_t blocks = head_blocks(w.out), threads = compute_threads();
  prepare_workers();
  // At least two tasks a thread, else as many rows as keep the left operand in L2.
  int64_t task_rows = kRowBlock;
  while (task_rows > 16 && blocks * ((pass.n + task_rows - 1) / task_rows) < 2 * threads) task_rows /= 2;
  const int64_t chunk = std::max(kChunkRows, (int64_t{1} << 18) / blocks);
  for (int64_t row0 = 0; row0 < pass.n; row0 += chunk) {
    const int64_t rows = std::min(chunk, pass.n - row0), parts = (rows + task_rows - 1) / task_rows;
    float* stats = stats_.floats(rows * blocks * kStatsPerBlock);
    parallel_tasks(blocks * parts, [&](ptrdiff_t task) {
      const int64_t block = task / parts, part = task % parts, first = block * kHeadBlock;
      const int64_t columns = std::min<int64_t>(kHeadBlock, w.out - first);
      const int64_t begin = row0 + rows * part / parts, end = row0 + rows * (part + 1) / parts;
      float* z = mine().floats((end - begin) * kRow + gemm_scratch(end - begin, w.in, kHeadBlock / kPanel, false));
      multiply_here(w.stored, logits_job(w, end - begin, pass.h + begin * w.in, first / kPanel,
                                         panels_of(first + columns), z, kRow, z + (end - begin) * kRow));
      for (int64_t i = begin; i < end; ++i) {
        float* zi = z + (i - begin) * kRow;
        const auto row = static_cast<size_t>(i);
        kernels_.head_block(columns, pass.inverse_temperature[row], pass.softcap, zi,
                            stats + ((i - row0) * blocks + block) * kStatsPerBlock);
        if (pass.target_z && pass.targets[row] >= first && pass.targets[row] < first + columns) {
          pass.target_z[i] = zi[pass.targets[row] - first];
        }
        if (pass.kept_z) {
          const auto kept = pass.kept_ids.begin();
          const auto last = kept + pass.kept_begin[row + 1];
          auto id = std::lower_bound(kept + pass.kept_begin[row], last, static_cast<int32_t>(first));
          for (; id != last && *id < first + columns; ++id) pass.kept_z[id - kept] = zi[*id - first];
        }
        if (!pass.rows.empty() && pass.rows[row]) std::copy_n(zi, columns, pass.rows[row] + first);
      }
    });
    parallel_for(rows, std::max<int64_t>(1, 256 / blocks), [&](ptrdiff_t begin, ptrdiff_t end) {
      for (ptrdiff_t i = begin; i < end; ++i) finish(row0 + i, stats + i * blocks * kStatsPerBlock);
    });
  }
}

HeadScores CpuBackend::head_logprobs(int64_t n, const float* h, const Weight& weight, const HeadTargets& targets) {
  check(n, targets);
  const auto& w = static_cast<const CpuWeight&>(weight);
  HeadScores scores;
  const auto count = static_cast<size_t>(n);
  scores.logp.resize(count);
  scores.lse.resize(count);
  scores.entropy.resize(count);
  for (const int32_t id : targets.ids) PT_ASSERT(id >= 0 && id < w.out, id, w.out);
  const std::vector<float> inverse(count, targets.inverse_temperature);
  std::vector<float> target_z(count), kept_z(targets.kept_ids.size());
  HeadPass pass{.n = n, .h = h, .w = &w, .softcap = targets.softcap, .inverse_temperature = inverse};
  pass.targets = targets.ids;
  pass.target_z = target_z.data();
  pass.kept_begin = targets.kept_begin;
  pass.kept_ids = targets.kept_ids;
  if (!targets.kept_begin.empty()) pass.kept_z = kept_z.data();
  head_pass(pass, [&](int64_t i, const float* stats) {
    const auto row = static_cast<size_t>(i);
    SoftmaxRow softmax = merge_blocks(head_blocks(w.out), stats);
    scores.entropy[row] = softmax.entropy();
    if (is_restricted(targets, i)) {
      softmax =
          softmax_of_kept(kernels_, std::span<const float>(kept_z).subspan(
                                        static_cast<size_t>(targets.kept_begin[row]),
                                        static_cast<size_t>(targets.kept_begin[row + 1] - targets.kept_begin[row])));
    }
    scores.logp[row] = softmax.logp(target_z[row]);
    scores.lse[row] = static_cast<float>(softmax.lse());
  });
  return scores;
}

void CpuBackend::head_backward(int64_t n, const float* h, const Weight& weight, const HeadTargets& targets,
                               const HeadScores& scores, std::span<const float> dlogp, std::span<const float> dentropy,
                               float* dh, float* dw) {
  check(n, targets);
  PT_ASSERT(static_cast<int64_t>(dlogp.size()) == n && static_cast<int64_t>(scores.lse.size()) == n, dlogp.size(), n);
  const auto& w = static_cast<const CpuWeight&>(weight);
  PT_ASSERT(w.backward, w.out, w.in);
  const float inverse = targets.inverse_temperature;
  // The entropy is that of the whole distribution; where a kept set hides its lse, find it again.
  std::vector<float> whole_lse = scores.lse;
  if (!dentropy.empty() && !targets.kept_begin.empty()) {
    whole_lse =
        head_logprobs(n, h, w, {.ids = targets.ids, .inverse_temperature = inverse, .softcap = targets.softcap}).lse;
  }
  prepare_workers();
  const int64_t width = std::min<int64_t>(w.out, 1024), z_row = width + 16;
  const int64_t chunk = std::max(kChunkRows, (int64_t{1} << 19) / z_row);
  const auto slope = [&](float z) {
    if (targets.softcap <= 0) return inverse;
    const float t = z / (inverse * targets.softcap);
    return inverse * (1 - t * t);
  };
  for (int64_t row0 = 0; row0 < n; row0 += chunk) {
    const int64_t rows = std::min(chunk, n - row0);
    float* logits = logits_.floats(rows * z_row);
    for (int64_t first = 0; first < w.out; first += width) {
      const int64_t columns = std::min(width, w.out - first);
      const int64_t panels = panels_of(columns);
      // Tasks of some rows by four panels.
      const int64_t groups = (panels + 3) / 4, parts = (rows + kRowBlock - 1) / kRowBlock;
      parallel_tasks(groups * parts, [&](ptrdiff_t task) {
        const int64_t group = task / parts, part = task % parts;
        const int64_t panel0 = group * 4, panel1 = std::min(panels, panel0 + 4);
        const int64_t begin = rows * part / parts, end = rows * (part + 1) / parts;
        const int64_t c0 = panel0 * kPanel, c1 = std::min(columns, panel1 * kPanel);
        multiply_here(w.stored, logits_job(w, end - begin, h + (row0 + begin) * w.in, first / kPanel + panel0,
                                           first / kPanel + panel1, logits + begin * z_row + c0, z_row,
                                           mine().floats(gemm_scratch(end - begin, w.in, 4, false))));
        for (int64_t r = begin; r < end; ++r) {
          float* z = logits + r * z_row;
          const auto row = static_cast<size_t>(row0 + r);
          const bool restricted = is_restricted(targets, row0 + r);
          // d logp / d z = [target] - p: the ones that are not the same for all columns first, from the plain logits.
          std::vector<std::pair<int64_t, float>> extra;
          const auto scaled = [&](int64_t j) {
            const float capped = targets.softcap > 0 ? targets.softcap * std::tanh(z[j] / targets.softcap) : z[j];
            return capped * inverse;
          };
          if (restricted && dlogp[row] != 0) {
            const auto ids =
                targets.kept_ids.subspan(static_cast<size_t>(targets.kept_begin[row]),
                                         static_cast<size_t>(targets.kept_begin[row + 1] - targets.kept_begin[row]));
            for (auto id = std::lower_bound(ids.begin(), ids.end(), static_cast<int32_t>(first + c0));
                 id != ids.end() && *id < first + c1; ++id) {
              const float v = scaled(*id - first);
              extra.emplace_back(*id - first, -dlogp[row] * std::exp(v - scores.lse[row]) * slope(v));
            }
          }
          const int64_t target = targets.ids[row] - first;
          if (target >= c0 && target < c1) extra.emplace_back(target, dlogp[row] * slope(scaled(target)));
          HeadGradient gradient;
          gradient.columns = c1 - c0;
          gradient.inverse_temperature = inverse;
          gradient.softcap = targets.softcap;
          gradient.dlogp = restricted ? 0 : dlogp[row] * inverse;
          gradient.lse = whole_lse[row];
          gradient.dentropy = dentropy.empty() ? 0 : dentropy[row] * inverse;
          gradient.entropy = scores.entropy[row];
          kernels_.head_gradient(gradient, z + c0);
          for (const auto& [j, d] : extra) z[j] += d;
        }
      });
      multiply(w.stored, {.rows = rows,
                          .k = columns,
                          .a = logits,
                          .a_row = z_row,
                          .panels = static_cast<const std::byte*>(w.backward.data()) + first * w.row_bytes(),
                          .panel_bytes = w.backward_stride(),
                          .panel_begin = 0,
                          .panel_end = 0,
                          .columns = w.in,
                          .y = dh + row0 * w.in,
                          .y_row = w.in,
                          .bias = nullptr,
                          .add = false,
                          .resume = first > 0,
                          .scratch = nullptr});
      if (dw) outer_product(rows, logits, z_row, columns, h + row0 * w.in, w.in, dw + first * w.in);
    }
  }
}

namespace {

// The first index whose share of the running sum of e^(z - maximum) passes `left`, which is reduced on the way.
int64_t walk(std::span<const float> weights, double& left) {
  int64_t last = 0;
  for (size_t j = 0; j < weights.size(); ++j) {
    if (!(weights[j] > 0)) continue;
    last = static_cast<int64_t>(j);
    left -= static_cast<double>(weights[j]);
    if (left < 0) break;
  }
  return last;
}

}  // namespace

Sampled CpuBackend::head_sample(int64_t n, const float* h, const Weight& weight, float softcap,
                                std::span<const SamplingFilter> filters, std::span<const double> uniforms) {
  const auto& w = static_cast<const CpuWeight&>(weight);
  const auto count = static_cast<size_t>(n);
  PT_ASSERT(filters.size() == count && uniforms.size() == count, filters.size(), uniforms.size(), n);
  Sampled result;
  result.ids.resize(count);
  result.logp.resize(count);
  result.entropy.resize(count);
  result.kept_begin.assign(count + 1, 0);
  std::vector<float> inverse(count);
  for (size_t i = 0; i < count; ++i) inverse[i] = filters[i].temperature > 0 ? 1.0f / filters[i].temperature : 1.0f;
  const int64_t blocks = head_blocks(w.out);
  std::vector<std::vector<int32_t>> kept(count);

  const auto sample = [&](int64_t i, const float* stats, const float* row_z) {
    const auto row = static_cast<size_t>(i);
    const SoftmaxRow softmax = merge_blocks(blocks, stats);
    result.entropy[row] = softmax.entropy();
    float z[kHeadBlock], weights[kHeadBlock], unused[kStatsPerBlock];
    if (row_z) {
      kept[row] = surviving_ids({row_z, static_cast<size_t>(w.out)}, softmax, filters[row]);
      std::vector<float> kept_z, shares(kept[row].size());
      for (const int32_t id : kept[row]) kept_z.push_back(row_z[id]);
      const SoftmaxRow restricted = softmax_of_kept(kernels_, kept_z);
      kernels_.exp_shifted(static_cast<int64_t>(kept_z.size()), restricted.maximum, kept_z.data(), shares.data());
      double left = uniforms[row] * restricted.mass;
      const auto chosen = static_cast<size_t>(walk(shares, left));
      result.ids[row] = kept[row][chosen];
      result.logp[row] = restricted.logp(kept_z[chosen]);
      return;
    }
    // Walk the blocks' sums, then recompute the one block in which the draw falls.
    int64_t block = 0;
    const bool greedy = !(filters[row].temperature > 0);
    double left = uniforms[row] * softmax.mass;
    if (greedy) {
      while (block + 1 < blocks && stats[block * kStatsPerBlock] != softmax.maximum) ++block;
    } else {
      for (int64_t b = 0; b < blocks; ++b) {
        const float* s = stats + b * kStatsPerBlock;
        const double share =
            static_cast<double>(s[1]) * std::exp(static_cast<double>(s[0]) - static_cast<double>(softmax.maximum));
        if (!(share > 0)) continue;
        block = b;
        if (left < share) break;
        if (b + 1 < blocks) left -= share;
      }
    }
    const int64_t columns = head_block(w, h + i * w.in, block, inverse[row], softcap, z, unused);
    int64_t chosen = 0;
    if (greedy) {
      while (chosen + 1 < columns && z[chosen] != softmax.maximum) ++chosen;
    } else {
      kernels_.exp_shifted(columns, softmax.maximum, z, weights);
      chosen = walk({weights, static_cast<size_t>(columns)}, left);
    }
    result.ids[row] = static_cast<int32_t>(block * kHeadBlock + chosen);
    result.logp[row] = softmax.logp(z[chosen]);
  };

  // Filtered rows need their whole row of logits: few at a time.
  constexpr int64_t kFilteredRows = 64;
  for (int64_t begin = 0, end = 0; begin < n; begin = end) {
    const bool filtered = cpu::filters(filters[static_cast<size_t>(begin)], w.out);
    end = begin + 1;
    while (end < n && cpu::filters(filters[static_cast<size_t>(end)], w.out) == filtered &&
           !(filtered && end - begin == kFilteredRows)) {
      ++end;
    }
    const auto first = static_cast<size_t>(begin), rows = static_cast<size_t>(end - begin);
    HeadPass pass{.n = end - begin,
                  .h = h + begin * w.in,
                  .w = &w,
                  .softcap = softcap,
                  .inverse_temperature = std::span<const float>(inverse).subspan(first, rows)};
    std::vector<float*> whole(rows, nullptr);
    if (filtered) {
      float* z = logits_.floats(static_cast<int64_t>(rows) * w.out);
      for (size_t i = 0; i < rows; ++i) whole[i] = z + static_cast<int64_t>(i) * w.out;
      pass.rows = whole;
    }
    head_pass(pass, [&](int64_t i, const float* stats) { sample(begin + i, stats, whole[static_cast<size_t>(i)]); });
  }
  for (size_t i = 0; i < count; ++i) {
    result.kept_ids.insert(result.kept_ids.end(), kept[i].begin(), kept[i].end());
    result.kept_begin[i + 1] = static_cast<int32_t>(result.kept_ids.size());
  }
  return result;
}

}  // namespace posttrain::nn::cpu
