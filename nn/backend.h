// THE SEAM between the model and the machine: every operation that touches tensors, chosen at run time.
//
// Conventions. Matrices are row-major float32. `float*` arguments are backend memory (on the CPU backend: plain
// memory); std::span arguments and everything called "host" are host memory, read before the call returns. M = rows
// (tokens), D = hidden, V = vocabulary, H = heads, F = MLP width, L = layers. Nothing is allocated or copied behind the
// caller's back except the scratch a backend keeps for itself.
//
// Order of sums (the project's first promise): each output element depends on its own row (and on the weights) only,
// and every sum has one order fixed by the mathematics - ascending in k, in position, in row - never by the batch size,
// the blocking or the number of threads. A gradient of a weight is one chain over rows that continues from what `dw`
// held, so cutting a batch into pieces that keep the row order gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"

namespace posttrain::nn {

// A piece of backend memory, zero-filled at birth, 64-byte aligned. Move-only.
class Buffer {
 public:
  Buffer() = default;
  Buffer(void* data, size_t bytes, std::function<void(void*)> release)
      : data_(data, std::move(release)), bytes_(bytes) {}
  float* f32() const { return static_cast<float*>(data_.get()); }
  void* data() const { return data_.get(); }
  size_t bytes() const { return bytes_; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  std::unique_ptr<void, std::function<void(void*)>> data_{nullptr, [](void*) {}};
  size_t bytes_ = 0;
};

// What a weight will be used for: inference needs one layout, training a second one for dX.
enum class Use : uint8_t { inference, training };

// A matrix [out, in] in the layout that the backend multiplies with. Made and filled by the backend only.
class Weight {
 public:
  virtual ~Weight() = default;
  int64_t out = 0, in = 0;
  DType stored = DType::f32;
};

// What is written where: overwrite y, or add to what y holds (the sum is formed first, then added).
enum class Into : uint8_t { overwrite, add };

// H vectors of `width` floats in each of `rows` rows: vector h of row m starts at data + m * stride + h * width.
struct Heads {
  float* data;
  int64_t rows, stride;
  int heads, width;
};

// The same with the vectors of a row `head_stride` floats apart; head_stride 0 is one vector for all heads.
struct Slices {
  float* data;
  int64_t row_stride, head_stride;
};

enum class Activation : uint8_t { silu, gelu_tanh };

struct AttentionShape {
  int q_heads, kv_heads;  // query head h reads key head h / (q_heads / kv_heads)
  int qk_width, v_width;  // floats per head of q and k, and of v
  float scale;            // scores are scale * (q . k)
  int window = 0;         // > 0: position i sees only j with i - window < j <= i
  float softcap = 0;      // > 0: scores become softcap * tanh(score / softcap)
};

// Rows [begin, begin + length) of a packed batch are one sequence; each sees itself and the rows before it in the
// sequence, and first of all the rows [prefix_begin, prefix_begin + prefix_length) of another sequence (a shared
// prompt).
struct Segment {
  int32_t begin, length;
  int32_t prefix_begin = 0, prefix_length = 0;
};

// Keys and values of many sequences, in blocks of `block` positions, for all layers. Made by the backend.
class KvPool {
 public:
  virtual ~KvPool() = default;
  static constexpr int block = 32;
  int layers = 0, kv_heads = 0, qk_width = 0, v_width = 0;
  int64_t blocks = 0;
};

// For M query rows: row m reads the first lengths[m] positions of the sequence whose block ids are
// tables[table_begin[m]], tables[table_begin[m] + 1], ... Several rows may name the same table.
struct PagedRows {
  std::span<const int32_t> tables, table_begin, lengths;
};

// How one row is sampled. temperature 0 = greedy (and then nothing else counts).
struct SamplingFilter {
  float temperature = 1;
  int top_k = 0;    // 0 = off
  float top_p = 1;  // keep the fewest likeliest tokens whose probabilities reach top_p
  float min_p = 0;  // drop tokens less likely than min_p times the likeliest
};

// The result of sampling n rows. logp is the log-probability under the distribution really drawn from (after
// temperature and filters); entropy is that of the temperature-scaled full distribution, in nats.
// Rows without a filter keep everything and have an empty kept range; else kept_ids[kept_begin[i] .. kept_begin[i+1])
// are the surviving token ids, ascending.
struct Sampled {
  std::vector<int32_t> ids;
  std::vector<float> logp, entropy;
  std::vector<int32_t> kept_begin, kept_ids;
};

// n head rows to be scored: logp of targets[i] under softmax(logits * inverse_temperature), over all V tokens or, where
// kept_begin is given and row i's range is not empty, over the kept ids only.
struct HeadTargets {
  std::span<const int32_t> ids;
  float inverse_temperature = 1;
  float softcap = 0;
  std::span<const int32_t> kept_begin = {}, kept_ids = {};
};

// Host results of head_logprobs, each of n floats. lse is the log of the sum that normalises the row.
struct HeadScores {
  std::vector<float> logp, lse, entropy;
};

// The likeliest ids of each of n rows, ascending: row i has ids[begin[i] .. begin[i + 1]) with their log-probabilities
// under the whole distribution. Host.
struct Likeliest {
  std::vector<int32_t> begin = {0}, ids;
  std::vector<float> logp;
};

// What n head rows are taught: the distribution of a teacher's head over the same vocabulary (h is [n, w.in]), or,
// where w is null, a Likeliest taken at the same temperature. All that a Likeliest does not name is one outcome, on the
// student's side too: with every id named nothing is lost, with fewer the divergence is a lower bound.
struct TeacherRows {
  const float* h = nullptr;
  const Weight* w = nullptr;
  float softcap = 0;
  std::span<const int32_t> begin = {}, ids = {};
  std::span<const float> logp = {};
};

// Generalised Jensen-Shannon divergence of teacher T and student S, M = beta T + (1 - beta) S:
// beta KL(T || M) + (1 - beta) KL(S || M); beta 0 is KL(T || S), beta 1 is KL(S || T). Agarwal et al. 2024, arXiv
// 2306.13649. Both logits are softcapped, then multiplied by the inverse temperature.
struct Divergence {
  float beta = 0;
  float inverse_temperature = 1;
  float softcap = 0;  // the student's
};

struct AdamW {
  float lr, beta1, beta2, eps, weight_decay;
  int64_t step;          // 1 for the first
  float gradient_scale;  // multiplies every gradient first (the clipping factor)
};

// How AdamW's two moments are kept between steps: as they are, as bf16, or as 8-bit floats with a scale for each block.
// Rounding is stochastic, by step and place: a moment that changes by less than its last bit still moves.
enum class MomentType : uint8_t { f32, bf16, e8 };
constexpr size_t kMomentBlock = 256;  // values that share a scale
size_t moment_bytes(MomentType type, size_t count);

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  // Whether this backend on this machine keeps the order of sums promised above.
  virtual bool keeps_order() const = 0;

  // ---- memory
  virtual Buffer alloc(size_t bytes) = 0;
  virtual void to_host(void* host, const void* from, size_t bytes) = 0;
  virtual void to_device(void* to, const void* host, size_t bytes) = 0;
  virtual void copy(float* to, const float* from, size_t floats) = 0;
  virtual void fill(float* to, float value, size_t floats) = 0;
  virtual void sync() = 0;

  // ---- weights
  virtual std::unique_ptr<Weight> make_weight(int64_t out, int64_t in, DType stored, Use use) = 0;
  // Rows [first_row, first_row + rows) of w from row-major host or backend memory `from` [rows, in] of type `type`.
  virtual void load_rows(Weight& w, int64_t first_row, int64_t rows, const void* from, DType type) = 0;
  // The same rows back as float32 [rows, in], exactly as the products see them.
  virtual void read_rows(const Weight& w, int64_t first_row, int64_t rows, float* to) = 0;

  // ---- linear: y[M, out] = x[M, in] w^T (+ bias[out]); `bias` may be null
  virtual void linear(int64_t M, const float* x, const Weight& w, const float* bias, float* y, Into into) = 0;
  // dx[M, in] = dy[M, out] w
  virtual void linear_dx(int64_t M, const float* dy, const Weight& w, float* dx, Into into) = 0;
  // dw[out, in] += dy^T x; db[out] += column sums of dy (`db` may be null)
  virtual void linear_dw(int64_t M, int64_t out, int64_t in, const float* dy, const float* x, float* dw, float* db) = 0;

  // ---- embedding: h[M, D] = scale * rows of the table w [V, D]
  virtual void embed(std::span<const int32_t> ids, const Weight& w, float scale, float* h) = 0;
  // dw[V, D] += scale * dh, row after row
  virtual void embed_backward(std::span<const int32_t> ids, int64_t D, float scale, const float* dh, float* dw) = 0;

  // ---- RMSNorm per vector: y = x * r * (w + offset), r = 1/sqrt(mean(x^2) + eps); r is kept in inv_rms[rows * heads].
  // x and y may be the same. offset is 1 for Gemma, else 0.
  virtual void rmsnorm(Heads x, const float* w, float offset, float eps, Heads y, float* inv_rms) = 0;
  // dx (overwrite or add) and dw += ; x is the input, not the output. `dw` may be null.
  virtual void rmsnorm_backward(Heads dy, Heads x, const float* w, float offset, const float* inv_rms, Heads dx,
                                Into into, float* dw) = 0;

  // ---- rotary embedding in place on the first 2 * pairs floats of each vector. tables: cos and sin [positions,
  // pairs]. Half-split (Llama: i with i + pairs) or interleaved (2i with 2i + 1). direction +1 forward, -1 backward.
  virtual void rope(Heads x, std::span<const int32_t> positions, const float* cos, const float* sin, int pairs,
                    bool interleaved, int direction) = 0;

  // ---- gated MLP: y[M, F] = act(g) * u with gate_up[M, 2F] = [g | u]
  virtual void gated(Activation act, int64_t M, int64_t F, const float* gate_up, float* y) = 0;
  virtual void gated_backward(Activation act, int64_t M, int64_t F, const float* gate_up, const float* dy,
                              float* dgate_up) = 0;

  // ---- attention over a packed batch; rows in no segment are left alone.
  // stats[rows, q_heads, 2] keeps what backward needs. Softmax sums run over positions in ascending order.
  virtual void attention(const AttentionShape& shape, std::span<const Segment> segments, Heads q, Heads k, Heads v,
                         Heads out, float* stats) = 0;
  // dq is overwritten; dk and dv are added to (zero them first): a shared prefix gets the sum over its readers in
  // order.
  virtual void attention_backward(const AttentionShape& shape, std::span<const Segment> segments, Heads q, Heads k,
                                  Heads v, Heads out, const float* stats, Heads dout, Heads dq, Heads dk, Heads dv) = 0;

  // ---- attention over the paged cache: bit-equal to `attention` for the same keys, values and query row
  virtual std::unique_ptr<KvPool> make_kv_pool(int layers, int kv_heads, int qk_width, int v_width, int64_t blocks) = 0;
  // Writes row m of k and v to slot slots[m] = block id * KvPool::block + offset.
  virtual void kv_write(KvPool& pool, int layer, std::span<const int32_t> slots, Heads k, Heads v) = 0;
  // Copies the first `positions` positions of a block, all layers: a fork of a half-filled block.
  virtual void kv_copy(KvPool& pool, int32_t from, int32_t to, int positions) = 0;
  virtual void attention_paged(const AttentionShape& shape, const KvPool& pool, int layer, const PagedRows& rows,
                               Heads q, Heads out) = 0;

  // ---- head: logits exist only in chunks inside these calls. h is [n, D], w is [V, D].
  virtual HeadScores head_logprobs(int64_t n, const float* h, const Weight& w, const HeadTargets& targets) = 0;
  // With dlogp[i] = d loss / d logp_i and dentropy[i] = d loss / d entropy_i (empty = zero), host:
  // dh[n, D] is overwritten, dw[V, D] += ; `dw` may be null. `scores` is what head_logprobs gave for the same h, w and
  // targets.
  virtual void head_backward(int64_t n, const float* h, const Weight& w, const HeadTargets& targets,
                             const HeadScores& scores, std::span<const float> dlogp, std::span<const float> dentropy,
                             float* dh, float* dw) = 0;
  // Draws one token a row by inverse CDF in ascending token order with uniforms[i] in (0, 1). logp is bit-equal to
  // head_logprobs' for the same row, token, temperature and kept set.
  virtual Sampled head_sample(int64_t n, const float* h, const Weight& w, float softcap,
                              std::span<const SamplingFilter> filters, std::span<const double> uniforms) = 0;
  // The k likeliest ids of each row (fewer where V < k); of equal ones the lower id.
  virtual Likeliest head_likeliest(int64_t n, const float* h, const Weight& w, float softcap, float inverse_temperature,
                                   int64_t k) = 0;
  // The divergence of each row in nats, on the host. With `dh` given and weight[i] = d loss / d divergence_i (host):
  // dh[n, D] is overwritten, dw[V, D] += ; `dw` may be null.
  virtual std::vector<float> head_divergence(int64_t n, const float* h, const Weight& w, const TeacherRows& teacher,
                                             const Divergence& kind, std::span<const float> weight, float* dh,
                                             float* dw) = 0;

  // ---- rows: y[i] = x[index[i]], and back: x[index[i]] += scale[i] * y[i] in the order of i (`scale` empty = 1)
  virtual void gather_rows(std::span<const int32_t> index, int64_t D, const float* x, float* y) = 0;
  virtual void scatter_add_rows(std::span<const int32_t> index, std::span<const float> scale, int64_t D, const float* y,
                                float* x) = 0;
  // For each row and head `width` floats of `from` to `to`. One vector of `from` may serve all heads; with Into::add
  // all heads may sum into one vector of `to`, in ascending order.
  virtual void copy_heads(int64_t rows, int heads, int width, Slices from, Slices to, Into into) = 0;
  // The dot product of row i of x[rows, D] with row i of y, for every i, on the host.
  virtual std::vector<float> row_dots(int64_t rows, int64_t D, const float* x, const float* y) = 0;

  // ---- optimizer
  virtual void adamw(const AdamW& settings, size_t count, float* param, const float* gradient, float* m, float* v) = 0;
  // The same with moments of another type than f32, moment_bytes() each, all zero before the first step. Throws Failure
  // where a backend has no such kernel.
  virtual void adamw_packed(const AdamW& settings, MomentType type, size_t count, float* param, const float* gradient,
                            std::byte* m, std::byte* v);
  // Sum of squares in double, in an order fixed by `count`.
  virtual double sum_squares(size_t count, const float* x) = 0;

  // A stretch of calls that is the same each time `key` comes again. The CPU calls fn; a GPU may replay a graph.
  virtual void record(uint64_t key, const std::function<void()>& fn) = 0;
};

// The CPU backend. Kernels are chosen by a short probe of the machine at construction.
std::unique_ptr<Backend> make_cpu_backend();

}  // namespace posttrain::nn
