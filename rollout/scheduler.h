// Which rows run in the next step: admission, prefill in chunks, forks of a group, preemption. Host data only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "model/batch.h"
#include "rollout/block_pool.h"
#include "rollout/request.h"

namespace posttrain::rollout {

// One answer being written: the request's prompt followed by completion.ids. The last id is not in the cache yet.
struct Sequence {
  Completion completion;
  std::vector<int32_t> table;  // its cache blocks, in order of position
  int64_t cached = 0;          // positions whose keys are in them
  bool finished = false;
};

// A copy that the cache must make before the next step: the first `positions` of block `from` into block `to`.
struct BlockCopy {
  int32_t from, to, positions;
};

struct SchedulerLimits {
  int64_t max_sequences, prefill_tokens;
};

// Plans steps over a pool of blocks: next() plans one, the caller runs it and appends or finishes every sampled
// sequence, end_step() forks the groups whose prompt is done. Results never depend on the limits: what is preempted is
// run again and gives the same bits. The pool must hold the longest request (prompt and completion) at least once.
class Scheduler {
 public:
  Scheduler(BlockPool& pool, std::span<const Request> requests, SchedulerLimits limits, nn::SamplingFilter filter);
  ~Scheduler();

  // Fills the batch of the next step; false when everything is finished.
  bool next(model::DecodeBatch& batch);

  // The sequences of the batch's sample rows, in their order.
  std::span<Sequence* const> sampled() const { return sampled_; }

  // Frees what finished sequences held, forks prefilled groups, and says which blocks must be copied.
  std::vector<BlockCopy> end_step();

  int64_t preemptions() const { return preemptions_; }
  int64_t prompt_rows() const { return prompt_rows_; }

 private:
  struct Prefill;

  int64_t length(const Prefill& job) const;
  int32_t token(const Prefill& job, int64_t position) const;
  void reserve_decode_blocks();
  bool preempt_youngest();
  void requeue(std::unique_ptr<Sequence> sequence);
  void admit();
  bool admit_front();
  void add_row(model::DecodeBatch& batch, int32_t id, int64_t position, const std::vector<int32_t>& table,
               int32_t table_at);
  void add_sample(model::DecodeBatch& batch, Sequence& sequence);
  void add_prefill(model::DecodeBatch& batch, Prefill& job, int64_t& budget);
  void fork(Prefill& job, std::vector<BlockCopy>& copies);
  void release(std::vector<int32_t>& table);
  int64_t sequences_in_flight() const;

  BlockPool& pool_;
  std::span<const Request> requests_;
  SchedulerLimits limits_;
  nn::SamplingFilter filter_;
  std::deque<Prefill> waiting_;
  std::vector<Prefill> prefilling_;
  std::vector<std::unique_ptr<Sequence>> running_;  // oldest first
  std::vector<Sequence*> sampled_;
  int64_t preemptions_ = 0, prompt_rows_ = 0;
};

}  // namespace posttrain::rollout
