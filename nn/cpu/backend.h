// The CPU backend's object: the chosen kernels, scratch memory, and one method per operation of the seam. Methods live
// beside their subject: gemm.cpp, pointwise.cpp, attention.cpp, classifier.cpp, divergence.cpp, adamw.cpp.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "nn/cpu/cpu.h"
#include "nn/cpu/kernels/table.h"
#include "nn/cpu/memory.h"
#include "nn/cpu/weight.h"

namespace posttrain::nn::cpu {

struct HeadPass;

class CpuBackend : public Backend {
 public:
  CpuBackend(const KernelTable& kernels, bool blas);
  std::string name() const override;
  bool keeps_order() const override { return !blas_; }

  Buffer alloc(size_t bytes) override;
  void to_host(void* host, const void* from, size_t bytes) override;
  void to_device(void* to, const void* host, size_t bytes) override;
  void copy(float* to, const float* from, size_t floats) override;
  void fill(float* to, float value, size_t floats) override;
  void sync() override {}

  std::unique_ptr<Weight> make_weight(int64_t out, int64_t in, DType stored, Use use) override;
  void load_rows(Weight& w, int64_t first_row, int64_t rows, const void* from, DType type) override;
  void read_rows(const Weight& w, int64_t first_row, int64_t rows, float* to) override;

  void linear(int64_t M, const float* x, const Weight& w, const float* bias, float* y, Into into) override;
  void linear_dx(int64_t M, const float* dy, const Weight& w, float* dx, Into into) override;
  void linear_dw(int64_t M, int64_t out, int64_t in, const float* dy, const float* x, float* dw, float* db) override;

  void embed(std::span<const int32_t> ids, const Weight& w, float scale, float* h) override;
  void embed_backward(std::span<const int32_t> ids, int64_t D, float scale, const float* dh, float* dw) override;

  void rmsnorm(Heads x, const float* w, float offset, float eps, Heads y, float* inv_rms) override;
  void rmsnorm_backward(Heads dy, Heads x, const float* w, float offset, const float* inv_rms, Heads dx, Into into,
                        float* dw) override;
  void rope(Heads x, std::span<const int32_t> positions, const float* cos, const float* sin, int pairs,
            bool interleaved, int direction) override;
  void gated(Activation act, int64_t M, int64_t F, const float* gate_up, float* y) override;
  void gated_backward(Activation act, int64_t M, int64_t F, const float* gate_up, const float* dy,
                      float* dgate_up) override;

  void attention(const AttentionShape& shape, std::span<const Segment> segments, Heads q, Heads k, Heads v, Heads out,
                 float* stats) override;
  void attention_backward(const AttentionShape& shape, std::span<const Segment> segments, Heads q, Heads k, Heads v,
                          Heads out, const float* stats, Heads dout, Heads dq, Heads dk, Heads dv) override;
  std::unique_ptr<KvPool> make_kv_pool(int layers, int kv_heads, int qk_width, int v_width, int64_t blocks) override;
  void kv_write(KvPool& pool, int layer, std::span<const int32_t> slots, Heads k, Heads v) override;
  void kv_copy(KvPool& pool, int32_t from, int32_t to, int positions) override;
  void attention_paged(const AttentionShape& shape, const KvPool& pool, int layer, const PagedRows& rows, Heads q,
                       Heads out) override;

  HeadScores head_logprobs(int64_t n, const float* h, const Weight& w, const HeadTargets& targets) override;
  void head_backward(int64_t n, const float* h, const Weight& w, const HeadTargets& targets, const HeadScores& scores,
                     std::span<const float> dlogp, std::span<const float> dentropy, float* dh, float* dw) override;
  Sampled head_sample(int64_t n, const float* h, const Weight& w, float softcap,
                      std::span<const SamplingFilter> filters, std::span<const double> uniforms) override;
  Likeliest head_likeliest(int64_t n, const float* h, const Weight& w, float softcap, float inverse_temperature,
                           int64_t k) override;
  std::vector<float> head_divergence(int64_t n, const float* h, const Weight& w, const TeacherRows& teacher,
                                     const Divergence& kind, std::span<const float> weight, float* dh,
                                     float* dw) override;

  void gather_rows(std::span<const int32_t> index, int64_t D, const float* x, float* y) override;
  void scatter_add_rows(std::span<const int32_t> index, std::span<const float> scale, int64_t D, const float* y,
                        float* x) override;
  void copy_heads(int64_t rows, int heads, int width, Slices from, Slices to, Into into) override;
  std::vector<float> row_dots(int64_t rows, int64_t D, const float* x, const float* y) override;

  void adamw(const AdamW& settings, size_t count, float* param, const float* gradient, float* m, float* v) override;
  void adamw_packed(const AdamW& settings, MomentType type, size_t count, float* param, const float* gradient,
                    std::byte* m, std::byte* v) override;
  double sum_squares(size_t count, const float* x) override;
  void record(uint64_t key, const std::function<void()>& fn) override;

 private:
  // y[rows, columns] = a times panels; `job` names everything but the split into tasks.
  void multiply(DType stored, const GemmJob& job);
  void multiply_here(DType stored, const GemmJob& job) const;
  void outer_product(int64_t rows, const float* a, int64_t a_row, int64_t out, const float* b, int64_t in, float* c);

  void head_pass(const HeadPass& pass, const std::function<void(int64_t row, const float* stats)>& finish);
  // z of one block of 128 columns of one row, as head_pass saw it.
  int64_t head_block(const CpuWeight& w, const float* h, int64_t block, float inverse_temperature, float softcap,
                     float* z, float* stats) const;

  const KernelTable& kernels_;
  const bool blas_;
  std::vector<Arena> worker_scratch_;  // one per compute worker
  std::vector<std::vector<KeyRun>> worker_runs_;
  Arena keys_, values_, logits_, stats_, teacher_;
  HugePages weight_pages_;

  Arena& mine();
  void prepare_workers();
};

}  // namespace posttrain::nn::cpu
