#include "rollout/engine.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "model/memory_plan.h"
#include "rollout/scheduler.h"

namespace posttrain::rollout {

const char* to_string(Finish finish) {
  switch (finish) {
    case Finish::stop_token:
      return "stop";
    case Finish::stop_string:
      return "stop_string";
    case Finish::length:
      return "length";
  }
  return "";
}

void SamplingSettings::visit(Visitor& v) {
  v("temperature", temperature, {.doc = "Softmax temperature; 0 takes the likeliest token", .min = 0, .max = 100});
  v("top_p", top_p, {.doc = "Keep the fewest likeliest tokens whose probabilities reach this", .min = 0, .max = 1});
  v("top_k", top_k, {.doc = "Keep this many of the likeliest tokens; 0 keeps all", .min = 0});
  v("min_p", min_p, {.doc = "Drop tokens less likely than this share of the likeliest", .min = 0, .max = 1});
  v("max_new_tokens", max_new_tokens, {.doc = "Longest completion", .min = 1, .max = 1 << 24, .unit = "tokens"});
  v("stop", stop, {.doc = "Strings that end a completion where they first appear"});
}

nn::SamplingFilter SamplingSettings::filter() const {
  return {.temperature = static_cast<float>(temperature),
          .top_k = static_cast<int>(top_k),
          .top_p = static_cast<float>(top_p),
          .min_p = static_cast<float>(min_p)};
}

void EngineSettings::visit(Visitor& v) {
  v("max_sequences", max_sequences, {.doc = "Most sequences decoded together", .min = 1, .max = 65536});
  v("prefill_tokens", prefill_tokens, {.doc = "Most prompt tokens run in one step", .min = 1, .max = 1 << 24});
  v("cache_blocks", cache_blocks,
    {.doc = "Size of the key/value cache in blocks of 32 positions; 0 = as needed, within 4 GiB",
     .min = 0,
     .max = 1 << 28});
}

struct Engine::State {
  model::Transformer& transformer;
  EngineSettings settings;
  std::vector<int32_t> stop_tokens;
  Decode decode;
  int64_t policy_version = 0;
  std::unique_ptr<nn::KvPool> pool;
  model::DecodeBatch batch;

  int64_t ensure_pool(std::span<const Request> requests, int64_t max_new_tokens);
  bool finished(Sequence& sequence, const SamplingSettings& sampling) const;
};

namespace {

void append(Completion& completion, const nn::Sampled& sampled, size_t i) {
  completion.ids.push_back(sampled.ids[i]);
  completion.logp.push_back(sampled.logp[i]);
  completion.entropy.push_back(sampled.entropy[i]);
  if (sampled.kept_ids.empty() && completion.kept_begin.empty()) return;
  if (completion.kept_begin.empty()) completion.kept_begin.assign(completion.ids.size(), 0);
  if (!sampled.kept_begin.empty()) {
    completion.kept_ids.insert(completion.kept_ids.end(), sampled.kept_ids.begin() + sampled.kept_begin[i],
                               sampled.kept_ids.begin() + sampled.kept_begin[i + 1]);
  }
  completion.kept_begin.push_back(static_cast<int32_t>(completion.kept_ids.size()));
}

}  // namespace

Engine::Engine(model::Transformer& transformer, const EngineSettings& settings, std::vector<int32_t> stop_tokens,
               Decode decode)
    : state_(new State{transformer, settings, std::move(stop_tokens), std::move(decode), 0, nullptr, {}}) {}

Engine::~Engine() = default;

int64_t Engine::max_positions() const {
  return state_->transformer.arch().max_positions;
}

void Engine::set_policy_version(int64_t version) {
  state_->policy_version = version;
}

// Makes the cache large enough for a full batch of the longest request, or as large as it may be; returns the blocks to
// use, which are the same whatever was generated before.
int64_t Engine::State::ensure_pool(std::span<const Request> requests, int64_t max_new_tokens) {
  int64_t longest = 0, samples = 0, prompt_blocks = 0;
  for (const Request& request : requests) {
    longest = std::max(longest, static_cast<int64_t>(request.prompt.size()) + max_new_tokens);
    samples += request.samples;
    prompt_blocks += blocks_for(static_cast<int64_t>(request.prompt.size()));
  }
  const model::Arch& arch = transformer.arch();
  if (longest > arch.max_positions) {
    throw Error("rollout", "max_new_tokens",
                "a prompt and its completion within the model's " + std::to_string(arch.max_positions) + " positions",
                std::to_string(longest));
  }
  const int64_t one = blocks_for(longest) + 1;
  int64_t wanted = settings.cache_blocks;
  if (wanted == 0) {
    wanted = std::min(settings.max_sequences, samples) * one + std::min(prompt_blocks, settings.max_sequences);
    wanted = std::min(wanted, std::max(one, default_cache_bytes / model::cache_bytes_per_block(arch)));
  }
  if (wanted < one) {
    throw Error("rollout", "cache_blocks", "at least " + std::to_string(one) + " blocks for the longest request",
                std::to_string(wanted));
  }
  if (!pool || pool->blocks < wanted) {
    pool.reset();  // first: two would need the room of both
    pool = transformer.make_kv_pool(wanted);
  }
  return wanted;
}

bool Engine::State::finished(Sequence& sequence, const SamplingSettings& sampling) const {
  Completion& completion = sequence.completion;
  if (std::find(stop_tokens.begin(), stop_tokens.end(), completion.ids.back()) != stop_tokens.end()) {
    completion.finish = Finish::stop_token;
    return true;
  }
  if (!sampling.stop.empty()) {
    PT_ASSERT(decode != nullptr, sampling.stop.size());
    size_t longest = 0;
    for (const std::string& stop : sampling.stop) longest = std::max(longest, stop.size());
    // A stop string that ends with this token lies in the last ids: each but a few gives at least a byte.
    const auto tail = std::span(completion.ids).last(std::min(completion.ids.size(), longest + 8));
    const std::string text = decode(tail);
    for (const std::string& stop : sampling.stop) {
      if (text.find(stop) == std::string::npos) continue;
      completion.finish = Finish::stop_string;
      return true;
    }
  }
  completion.finish = Finish::length;
  return static_cast<int64_t>(completion.ids.size()) >= sampling.max_new_tokens;
}

EngineStats Engine::generate(std::span<const Request> requests, const SamplingSettings& sampling,
                             const std::function<void(Completion&&)>& done, const Progress& progress) {
  State& s = *state_;
  EngineStats stats;
  int64_t total = 0, finished = 0;
  for (const Request& request : requests) total += request.samples;
  if (total == 0) return stats;
  const Clock clock;
  BlockPool blocks(static_cast<int32_t>(s.ensure_pool(requests, sampling.max_new_tokens)));
  Scheduler scheduler(blocks, requests, {s.settings.max_sequences, s.settings.prefill_tokens}, sampling.filter());
  while (scheduler.next(s.batch)) {
    const nn::Sampled sampled = s.transformer.decode(*s.pool, s.batch);
    const auto sequences = scheduler.sampled();
    for (size_t i = 0; i < sequences.size(); ++i) {
      Sequence& sequence = *sequences[i];
      append(sequence.completion, sampled, i);
      sequence.finished = s.finished(sequence, sampling);
      if (!sequence.finished) continue;
      ++finished;
      sequence.completion.policy_version = s.policy_version;
      done(std::move(sequence.completion));
    }
    stats.sampled_tokens += static_cast<int64_t>(sequences.size());
    ++stats.steps;
    for (const BlockCopy& copy : scheduler.end_step()) {
      s.transformer.backend().kv_copy(*s.pool, copy.from, copy.to, copy.positions);
    }
    if (progress && !progress(stats.sampled_tokens, finished, total)) break;
  }
  stats.prompt_tokens = scheduler.prompt_rows();
  stats.preemptions = scheduler.preemptions();
  stats.seconds = clock.seconds();
  return stats;
}

}  // namespace posttrain::rollout
