#include "rollout/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/rng.h"

namespace posttrain::rollout {
namespace {

constexpr int64_t block = nn::KvPool::block;

}  // namespace

// A prompt (or, after a preemption, a prompt with what was written of one answer) on its way into the cache. Once it is
// in, its last row is sampled once per answer.
struct Scheduler::Prefill {
  size_t request = 0;
  int32_t first = 0, count = 0;       // answers to sample
  std::unique_ptr<Sequence> resumed;  // the preempted answer, if it is one
  std::vector<int32_t> table;
  int64_t done = 0;                                // rows already in the cache
  std::vector<std::unique_ptr<Sequence>> answers;  // made when the last row is sampled
  bool sampled = false;                            // the last row was in the step that is under way
};

Scheduler::Scheduler(BlockPool& pool, std::span<const Request> requests, SchedulerLimits limits,
                     nn::SamplingFilter filter)
    : pool_(pool), requests_(requests), limits_(limits), filter_(filter) {
  for (size_t r = 0; r < requests.size(); ++r) {
    PT_ASSERT(!requests[r].prompt.empty(), r);
    // A group larger than the batch is prefilled in several parts.
    for (int32_t first = 0; first < requests[r].samples;) {
      const auto count = static_cast<int32_t>(std::min<int64_t>(requests[r].samples - first, limits.max_sequences));
      waiting_.push_back({.request = r, .first = requests[r].first_sample + first, .count = count});
      first += count;
    }
  }
}

Scheduler::~Scheduler() = default;

int64_t Scheduler::length(const Prefill& job) const {
  const auto prompt = static_cast<int64_t>(requests_[job.request].prompt.size());
  return job.resumed ? prompt + static_cast<int64_t>(job.resumed->completion.ids.size()) : prompt;
}

int32_t Scheduler::token(const Prefill& job, int64_t position) const {
  const auto& prompt = requests_[job.request].prompt;
  const auto at = static_cast<size_t>(position);
  return at < prompt.size() ? prompt[at] : job.resumed->completion.ids[at - prompt.size()];
}

int64_t Scheduler::sequences_in_flight() const {
  auto count = static_cast<int64_t>(running_.size());
  for (const Prefill& job : prefilling_) count += job.count;
  return count;
}

void Scheduler::release(std::vector<int32_t>& table) {
  for (const int32_t b : table) pool_.release(b);
  table.clear();
}

void Scheduler::requeue(std::unique_ptr<Sequence> sequence) {
  release(sequence->table);
  sequence->cached = 0;
  Prefill job{.request = sequence->completion.request, .first = sequence->completion.sample, .count = 1};
  job.resumed = std::move(sequence);
  waiting_.push_front(std::move(job));
  ++preemptions_;
}

// Gives up the work that costs least to do again; false when there is only one thing in flight.
bool Scheduler::preempt_youngest() {
  if (prefilling_.size() + running_.size() <= 1) return false;
  if (!prefilling_.empty()) {
    Prefill job = std::move(prefilling_.back());
    prefilling_.pop_back();
    release(job.table);
    job.done = 0;
    waiting_.push_front(std::move(job));
    ++preemptions_;
  } else {
    auto sequence = std::move(running_.back());
    running_.pop_back();
    requeue(std::move(sequence));
  }
  return true;
}

// Every running sequence gets a block for its next position; the youngest make room when the pool is empty.
void Scheduler::reserve_decode_blocks() {
  for (size_t i = 0; i < running_.size(); ++i) {
    const auto needed = static_cast<size_t>(running_[i]->cached / block);
    if (needed < running_[i]->table.size()) continue;
    while (pool_.available() == 0) {
      const bool preempted = preempt_youngest();
      PT_ASSERT(preempted, pool_.count());
      if (i >= running_.size()) return;
    }
    running_[i]->table.push_back(pool_.take());
  }
}

bool Scheduler::admit_front() {
  Prefill& job = waiting_.front();
  const bool idle = running_.empty() && prefilling_.empty();
  const int64_t room = limits_.max_sequences - sequences_in_flight();
  const int64_t prompt_blocks = blocks_for(length(job));
  // One block ahead for every sequence, so that what was admitted can also decode for a while.
  const int64_t wanted = prompt_blocks + job.count + static_cast<int64_t>(running_.size());
  if (job.count > room || wanted > pool_.available()) {
    if (!idle) return false;
    const int64_t fits = std::min<int64_t>(room, std::max<int64_t>(1, pool_.available() - prompt_blocks));
    PT_ASSERT(prompt_blocks <= pool_.available(), prompt_blocks, pool_.available());
    if (fits < job.count) {  // nothing else runs and the group is still too large: split it
      Prefill rest{.request = job.request,
                   .first = job.first + static_cast<int32_t>(fits),
                   .count = job.count - static_cast<int32_t>(fits)};
      job.count = static_cast<int32_t>(fits);
      waiting_.insert(waiting_.begin() + 1, std::move(rest));
    }
  }
  Prefill admitted = std::move(waiting_.front());
  waiting_.pop_front();
  for (int64_t b = 0; b < prompt_blocks; ++b) admitted.table.push_back(pool_.take());
  prefilling_.push_back(std::move(admitted));
  return true;
}

void Scheduler::admit() {
  int64_t rows = 0;
  for (const Prefill& job : prefilling_) rows += length(job) - job.done;
  while (!waiting_.empty() && rows < limits_.prefill_tokens && admit_front()) rows += length(prefilling_.back());
}

void Scheduler::add_row(model::DecodeBatch& batch, int32_t id, int64_t position, const std::vector<int32_t>& table,
                        int32_t table_at) {
  batch.ids.push_back(id);
  batch.positions.push_back(static_cast<int32_t>(position));
  batch.slots.push_back(table[static_cast<size_t>(position / block)] * static_cast<int32_t>(block) +
                        static_cast<int32_t>(position % block));
  batch.table_begin.push_back(table_at);
  batch.lengths.push_back(static_cast<int32_t>(position) + 1);
}

// Samples the batch's last row for this sequence.
void Scheduler::add_sample(model::DecodeBatch& batch, Sequence& sequence) {
  const Completion& completion = sequence.completion;
  const auto& key = requests_[completion.request].key;
  const Rng rng({key[0], key[1], key[2], key[3], static_cast<uint64_t>(completion.sample)});
  batch.sample_rows.push_back(static_cast<int32_t>(batch.ids.size()) - 1);
  batch.filters.push_back(filter_);
  batch.uniforms.push_back(rng.uniform_at(completion.ids.size()));
  sampled_.push_back(&sequence);
}

void Scheduler::add_prefill(model::DecodeBatch& batch, Prefill& job, int64_t& budget) {
  const int64_t total = length(job), rows = std::min(total - job.done, budget);
  const auto table_at = static_cast<int32_t>(batch.tables.size());
  batch.tables.insert(batch.tables.end(), job.table.begin(), job.table.end());
  for (int64_t p = job.done; p < job.done + rows; ++p) add_row(batch, token(job, p), p, job.table, table_at);
  job.done += rows;
  budget -= rows;
  prompt_rows_ += rows;
  if (job.done < total) return;
  job.sampled = true;
  if (job.resumed) {
    job.answers.push_back(std::move(job.resumed));
  } else {
    for (int32_t k = 0; k < job.count; ++k) {
      auto sequence = std::make_unique<Sequence>();
      sequence->completion.request = job.request;
      sequence->completion.sample = job.first + k;
      job.answers.push_back(std::move(sequence));
    }
  }
  for (const auto& answer : job.answers) add_sample(batch, *answer);
}

bool Scheduler::next(model::DecodeBatch& batch) {
  for (auto* v : {&batch.ids, &batch.positions, &batch.slots, &batch.tables, &batch.table_begin, &batch.lengths,
                  &batch.sample_rows}) {
    v->clear();
  }
  batch.filters.clear();
  batch.uniforms.clear();
  sampled_.clear();
  reserve_decode_blocks();
  admit();
  if (running_.empty() && prefilling_.empty()) return false;
  for (const auto& sequence : running_) {
    const auto table_at = static_cast<int32_t>(batch.tables.size());
    batch.tables.insert(batch.tables.end(), sequence->table.begin(), sequence->table.end());
    add_row(batch, sequence->completion.ids.back(), sequence->cached, sequence->table, table_at);
    add_sample(batch, *sequence);
    ++sequence->cached;
  }
  int64_t budget = limits_.prefill_tokens;
  for (Prefill& job : prefilling_) {
    if (budget > 0) add_prefill(batch, job, budget);
  }
  return true;
}

// The answers of a prefilled prompt share its full blocks; each but the last gets its own copy of the half-filled one.
void Scheduler::fork(Prefill& job, std::vector<BlockCopy>& copies) {
  std::erase_if(job.answers, [](const auto& answer) { return answer->finished; });
  const auto half_filled = static_cast<int32_t>(job.done % block);
  for (size_t i = 0; i < job.answers.size(); ++i) {
    Sequence& answer = *job.answers[i];
    answer.cached = job.done;
    answer.table = job.table;
    for (const int32_t b : answer.table) pool_.share(b);
    const bool last = i + 1 == job.answers.size();
    if (half_filled == 0 || last) continue;
    if (pool_.available() == 0) {
      requeue(std::move(job.answers[i]));
      continue;
    }
    const int32_t own = pool_.take();
    copies.push_back({answer.table.back(), own, half_filled});
    pool_.release(answer.table.back());
    answer.table.back() = own;
  }
  release(job.table);
  for (auto& answer : job.answers) {
    if (answer) running_.push_back(std::move(answer));
  }
}

std::vector<BlockCopy> Scheduler::end_step() {
  std::erase_if(running_, [&](const auto& sequence) {
    if (sequence->finished) release(sequence->table);
    return sequence->finished;
  });
  std::vector<BlockCopy> copies;
  for (Prefill& job : prefilling_) {
    if (job.sampled) fork(job, copies);
  }
  std::erase_if(prefilling_, [](const Prefill& job) { return job.sampled; });
  sampled_.clear();
  return copies;
}

}  // namespace posttrain::rollout
