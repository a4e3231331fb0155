// The scheduler without a model: a fake cache holds, for each slot, which token of which history was written there, and
// every row checks that it would read exactly its own past.
#include "rollout/scheduler.h"

#include <gtest/gtest.h>

#include <map>

#include "base/rng.h"

namespace posttrain::rollout {
namespace {

constexpr int32_t block = nn::KvPool::block;

// The "model": the next token is a function of the request, the sample and the place alone.
int32_t next_token(size_t request, int32_t sample, size_t index) {
  return static_cast<int32_t>(Rng({request, static_cast<uint64_t>(sample), index}).at(0) % 1000);
}

size_t wanted_length(size_t request, int32_t sample) {
  return 1 + Rng({99, request, static_cast<uint64_t>(sample)}).at(0) % 70;
}

std::vector<Request> random_requests(uint64_t seed) {
  Rng rng({seed});
  std::vector<Request> requests;
  for (int r = 0; r < 12; ++r) {
    Request request{.samples = static_cast<int32_t>(rng.integer(1, 9))};
    const int64_t length = rng.integer(1, 80);
    for (int64_t i = 0; i < length; ++i) request.prompt.push_back(static_cast<int32_t>(rng.integer(0, 999)));
    requests.push_back(request);
  }
  return requests;
}

struct Outcome {
  std::map<std::pair<size_t, int32_t>, std::vector<int32_t>> answers;
  int64_t prompt_rows = 0, preemptions = 0, most_rows = 0;
};

class FakeCache {
 public:
  explicit FakeCache(int32_t blocks) : slots_(static_cast<size_t>(blocks) * block, -1) {}

  void write(const model::DecodeBatch& batch) {
    for (size_t m = 0; m < batch.ids.size(); ++m) slots_[batch.slots[m]] = batch.ids[m];
  }
  void copy(const BlockCopy& c) {
    for (int32_t p = 0; p < c.positions; ++p) slots_[c.to * block + p] = slots_[c.from * block + p];
  }
  // What row m reads at position p.
  int32_t read(const model::DecodeBatch& batch, size_t m, int32_t p) const {
    return slots_[batch.tables[batch.table_begin[m] + p / block] * block + p % block];
  }

 private:
  std::vector<int32_t> slots_;
};

Outcome simulate(const std::vector<Request>& requests, int32_t blocks, SchedulerLimits limits) {
  BlockPool pool(blocks);
  FakeCache cache(blocks);
  Scheduler scheduler(pool, requests, limits, {});
  Outcome out;
  model::DecodeBatch batch;
  while (scheduler.next(batch)) {
    cache.write(batch);
    out.most_rows = std::max(out.most_rows, std::ssize(batch.ids));
    const auto sampled = scheduler.sampled();
    EXPECT_EQ(batch.sample_rows.size(), sampled.size());
    for (size_t i = 0; i < sampled.size(); ++i) {
      Completion& c = sampled[i]->completion;
      const auto m = static_cast<size_t>(batch.sample_rows[i]);
      const auto& prompt = requests[c.request].prompt;
      EXPECT_EQ(batch.lengths[m], std::ssize(prompt) + std::ssize(c.ids));
      for (int32_t p = 0; p < batch.lengths[m]; ++p) {
        const auto at = static_cast<size_t>(p);
        const int32_t past = at < prompt.size() ? prompt[at] : c.ids[at - prompt.size()];
        EXPECT_EQ(cache.read(batch, m, p), past)
            << "request " << c.request << " sample " << c.sample << " position " << p;
      }
      c.ids.push_back(next_token(c.request, c.sample, c.ids.size()));
      if (c.ids.size() < wanted_length(c.request, c.sample)) continue;
      sampled[i]->finished = true;
      const auto key = std::pair(c.request, c.sample);
      EXPECT_FALSE(out.answers.contains(key));
      out.answers[key] = std::move(c.ids);
    }
    for (const BlockCopy& c : scheduler.end_step()) cache.copy(c);
  }
  EXPECT_EQ(pool.available(), pool.count()) << "blocks leak";
  out.prompt_rows = scheduler.prompt_rows();
  out.preemptions = scheduler.preemptions();
  return out;
}

void expect_complete(const std::vector<Request>& requests, const Outcome& out) {
  for (size_t r = 0; r < requests.size(); ++r) {
    for (int32_t k = 0; k < requests[r].samples; ++k) {
      const auto found = out.answers.find({r, k});
      ASSERT_NE(found, out.answers.end());
      ASSERT_EQ(found->second.size(), wanted_length(r, k));
      for (size_t t = 0; t < found->second.size(); ++t) ASSERT_EQ(found->second[t], next_token(r, k, t));
    }
  }
}

TEST(Scheduler, WithRoomEachPromptIsPrefilledOnceForItsWholeGroup) {
  const auto requests = random_requests(1);
  int64_t prompts = 0;
  for (const Request& r : requests) prompts += std::ssize(r.prompt);
  const auto out = simulate(requests, 1000, {.max_sequences = 256, .prefill_tokens = 4096});
  expect_complete(requests, out);
  EXPECT_EQ(out.prompt_rows, prompts);
  EXPECT_EQ(out.preemptions, 0);
}

TEST(Scheduler, ResultsDoNotDependOnLimitsOrPreemption) {
  int64_t preemptions = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const auto requests = random_requests(seed);
    for (const int32_t blocks : {6, 9, 20, 60}) {
      for (const int64_t sequences : {1, 3, 8, 64}) {
        for (const int64_t prefill : {1, 7, 100}) {
          const auto out = simulate(requests, blocks, {.max_sequences = sequences, .prefill_tokens = prefill});
          expect_complete(requests, out);
          EXPECT_LE(out.most_rows, sequences + prefill);
          preemptions += out.preemptions;
        }
      }
    }
  }
  EXPECT_GT(preemptions, 0) << "the small pools were meant to preempt";
}

TEST(Scheduler, AGroupLargerThanTheBatchIsSampledInParts) {
  const std::vector<Request> requests = {{.prompt = {1, 2, 3}, .samples = 10}};
  const auto out = simulate(requests, 100, {.max_sequences = 4, .prefill_tokens = 10});
  expect_complete(requests, out);
  EXPECT_EQ(out.prompt_rows, 9) << "three parts, three prefills of the prompt";
}

}  // namespace
}  // namespace posttrain::rollout
