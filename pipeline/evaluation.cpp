#include "pipeline/evaluation.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <string_view>

#include "base/format.h"
#include "base/rng.h"
#include "rl/metrics.h"
#include "rollout/second_attempt.h"

namespace posttrain::pipeline {
namespace {

// The share of answers without a verdict beyond which the others say nothing of the model.
constexpr double most_failed = 0.5;

bool is_right(const rollout::Answer& answer) {
  return answer.outcome.verdict == Verdict::right;
}

int64_t count_right(const rollout::ScoredGroup& group) {
  return std::ranges::count_if(group.answers, is_right);
}

// The chance that the most frequent answer of those chosen is right, ties shared out; answers without an answer don't
// vote.
double majority_right(const rollout::ScoredGroup& group, std::span<const size_t> chosen) {
  struct Votes {
    int64_t count = 0;
    bool right = false;
  };
  std::map<std::string_view, Votes> votes;
  int64_t most = 0;
  for (const size_t i : chosen) {
    const rollout::Answer& answer = group.answers[i];
    if (answer.outcome.answer.empty()) continue;
    Votes& v = votes[answer.outcome.answer];
    v.right = v.right || is_right(answer);
    most = std::max(most, ++v.count);
  }
  double leaders = 0, right = 0;
  for (const auto& [text, v] : votes) {
    if (v.count != most) continue;
    leaders += 1;
    right += v.right;
  }
  return leaders > 0 ? right / leaders : 0;
}

// The answers that a judge had a word on.
std::vector<size_t> judged_of(const rollout::ScoredGroup& group) {
  std::vector<size_t> judged;
  for (size_t i = 0; i < group.answers.size(); ++i) {
    if (is_judged(group.answers[i].outcome.verdict)) judged.push_back(i);
  }
  return judged;
}

// Whether the judge reads answers at all: where it does not (a proof, a program), there is nothing to vote on.
bool has_votes(std::span<const rollout::ScoredGroup> groups) {
  return std::ranges::any_of(groups, [](const auto& group) {
    return std::ranges::any_of(group.answers, [](const rollout::Answer& answer) {
      return is_judged(answer.outcome.verdict) && (answer.outcome.unparsed || !answer.outcome.answer.empty());
    });
  });
}

// The mean of majority_right over k of the judged answers: over all of them, or over 100 draws without replacement.
double majority_of(const rollout::ScoredGroup& group, std::vector<size_t> order, int64_t k, Rng& rng) {
  const int64_t n = std::ssize(order);
  if (k == n) return majority_right(group, order);
  constexpr int draws = 100;
  double sum = 0;
  for (int d = 0; d < draws; ++d) {
    for (int64_t i = 0; i < k; ++i) std::swap(order[i], order[rng.integer(i, n - 1)]);
    sum += majority_right(group, std::span(order).first(static_cast<size_t>(k)));
  }
  return sum / draws;
}

// 95% interval of the mean by resampling problems.
std::pair<double, double> bootstrap_interval(const std::vector<double>& values, uint64_t seed) {
  constexpr int rounds = 2000;
  Rng rng({seed, hash_name("bootstrap")});
  std::vector<double> means(rounds);
  for (double& mean : means) {
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) sum += values[rng.integer(0, std::ssize(values) - 1)];
    mean = sum / static_cast<double>(values.size());
  }
  std::ranges::sort(means);
  return {means[rounds * 25 / 1000], means[rounds * 975 / 1000]};
}

double mean(const std::vector<double>& values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// A mean over problems and its interval; nothing where no problem has one.
void add_mean(store::Metrics& out, const std::string& name, const std::vector<double>& values, uint64_t seed) {
  if (values.empty()) return;
  out.emplace_back(name, mean(values));
  const auto [low, high] = bootstrap_interval(values, seed);
  out.emplace_back(name + "_low", low);
  out.emplace_back(name + "_high", high);
}

void add_mean(store::Metrics& out, const std::string& name, const std::vector<double>& values) {
  if (!values.empty()) out.emplace_back(name, mean(values));
}

}  // namespace

void EvalSettings::visit(Visitor& v) {
  v("problems", problems,
    {.doc = "Problems of the split: of the test for an eval stage, of the validation problems for evaluations within "
            "a stage. Those whose prompts leave no room for an answer are left out, and counted beside the figures",
     .min = 1,
     .max = 1 << 24});
  v("samples", samples, {.doc = "Answers to each", .min = 1, .max = 1 << 16});
  v("transcripts", transcripts, {.doc = "Problems whose answers are kept with their text", .min = 0});
  v("role", role, {.doc = "Which column of the summary this evaluation fills", .choices = {"", "base", "final"}});
  v("second_attempt", second_attempt,
    {.doc = "Draw once more where an answer does not compile, with the diagnostics in the prompt: pass@1_second"});
  v("sampling", sampling, {.doc = "How answers are drawn"});
}

namespace {

// The share of judged answers that are right at first, or the second time where they did not compile.
double second_pass(rollout::Collector& collector, std::span<const rollout::ScoredGroup> groups,
                   const EvalSettings& settings, uint64_t seed, const rollout::Progress& progress) {
  int64_t right = 0, judged = 0;
  for (const auto& group : groups) {
    right += count_right(group);
    judged += std::ssize(judged_of(group));
  }
  const auto problems = rollout::second_problems(collector, groups, settings.samples, settings.sampling.max_new_tokens,
                                                 std::numeric_limits<int64_t>::max());
  rollout::CollectStats stats;
  const rollout::DrawKey key{.seed = seed, .stage = hash_name("second attempt"), .step = 0};
  std::vector<rollout::ScoredGroup> second;
  if (!problems.empty()) second = collector.collect(problems, 1, settings.sampling, key, stats, progress);
  for (const auto& group : second) {
    right += count_right(group);
    judged += std::ssize(judged_of(group)) - std::ssize(group.answers);
  }
  return static_cast<double>(right) / static_cast<double>(std::max<int64_t>(1, judged));
}

// What a reader must know where judges failed: how much is left out, and why in a judge's own words.
std::vector<store::Alert> alerts_of(std::span<const rollout::ScoredGroup> groups) {
  int64_t answers = 0, failed = 0;
  std::string why;
  for (const auto& group : groups) {
    for (const auto& answer : group.answers) {
      ++answers;
      if (is_judged(answer.outcome.verdict)) continue;
      ++failed;
      if (why.empty()) why = rewards::why_unjudged(answer.outcome);
    }
  }
  if (failed == 0) return {};
  const double share = static_cast<double>(failed) / static_cast<double>(answers);
  return {{"judge-failed",
           formatted("failed %.1f%%: no judge gave a verdict on %lld of %lld answers, so %s (%s)", 100 * share,
                     static_cast<long long>(failed), static_cast<long long>(answers),
                     share > most_failed ? "no figure is given" : "the figures are over the others", why.c_str())}};
}

}  // namespace

bool has_figure(const store::Metrics& metrics) {
  return std::ranges::any_of(metrics, [](const auto& metric) { return metric.first == "pass@1"; });
}

double pass_at_k(int64_t n, int64_t c, int64_t k) {
  if (n - c < k) return 1;
  double miss = 1;
  for (int64_t i = n - c + 1; i <= n; ++i) miss *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - miss;
}

store::Metrics evaluate_groups(std::span<const rollout::ScoredGroup> groups, uint64_t seed) {
  const int64_t n = groups.empty() ? 0 : std::ssize(groups.front().answers);
  std::vector<int64_t> ks;  // 2, 4, ... and all of them
  for (int64_t k = 2; k < n; k *= 2) ks.push_back(k);
  if (n > 1) ks.push_back(n);
  std::vector<double> share;
  std::map<int64_t, std::vector<double>> pass, majority;
  const bool votes = has_votes(groups);
  double length = 0, truncated = 0, format = 0, formats = 0, unparsed = 0, judged = 0;
  for (size_t g = 0; g < groups.size(); ++g) {
    const auto& group = groups[g];
    const int64_t right = count_right(group);
    const std::vector<size_t> known = judged_of(group);
    const int64_t m = std::ssize(known);
    if (m > 0) share.push_back(static_cast<double>(right) / static_cast<double>(m));
    Rng rng({seed, hash_name("majority"), g + 1});
    for (const int64_t k : ks) {
      if (k > m) continue;  // too few are judged to say anything of k
      pass[k].push_back(pass_at_k(m, right, k));
      if (votes) majority[k].push_back(majority_of(group, known, k, rng));
    }
    judged += static_cast<double>(m);
    for (const auto& answer : group.answers) {
      length += static_cast<double>(answer.completion.ids.size());
      truncated += answer.completion.truncated();
      unparsed += is_judged(answer.outcome.verdict) && answer.outcome.unparsed;
      for (const auto& part : answer.outcome.parts) {
        if (part.type != "format" || !is_judged(part.verdict)) continue;
        format += part.value;
        formats += 1;
      }
    }
  }
  const double answers = std::max(1.0, static_cast<double>(std::ssize(groups) * n));
  const double failed = 1 - judged / answers;
  const bool told = failed <= most_failed;
  store::Metrics out;
  if (told) {
    add_mean(out, "pass@1", share, seed);
    for (const int64_t k : ks) {
      if (k < n) add_mean(out, "pass@" + std::to_string(k), pass[k]);
    }
    if (n > 1) add_mean(out, "pass@" + std::to_string(n), pass[n], seed);
    for (const int64_t k : ks) {
      if (k > 2 && k < n) add_mean(out, "maj@" + std::to_string(k), majority[k]);
    }
    if (n > 1) add_mean(out, "cons@" + std::to_string(n), majority[n], seed);
  }
  out.emplace_back("mean_length", length / answers);
  if (told && formats > 0) out.emplace_back("format", format / formats);
  out.emplace_back("truncated", truncated / answers);
  if (told) out.emplace_back("unparsed", unparsed / std::max(1.0, judged));
  if (failed > 0) out.emplace_back("failed", failed);
  return out;
}

PromptUse eval_prompts(const EvalSettings& settings, text::Split split, const char* field) {
  return {.field = field, .split = split, .new_tokens = settings.sampling.max_new_tokens};
}

std::vector<text::Problem> eval_problems(const text::Task& task, const EvalSettings& settings, text::Split split) {
  const int64_t available = task.size(split);
  const int64_t count = available > 0 ? std::min(available, settings.problems) : settings.problems;
  std::vector<text::Problem> problems;
  for (int64_t i = 0; i < count; ++i) {
    problems.push_back(task.problem(split, hash_name("evaluation"), static_cast<uint64_t>(i)));
  }
  return problems;
}

store::EvalRecord evaluate(rollout::Collector& collector, const text::Task& task, const EvalSettings& settings,
                           uint64_t seed, const rollout::Progress& progress, text::Split split) {
  const auto problems = eval_problems(task, settings, split);
  rollout::CollectStats stats;
  const auto groups = collector.collect(problems, settings.samples, settings.sampling,
                                        {.seed = seed, .stage = hash_name("evaluation"), .step = 0}, stats, progress);
  store::EvalRecord record{.role = settings.role, .n = std::ssize(problems), .k = settings.samples};
  record.metrics = evaluate_groups(groups, seed);
  record.alerts = alerts_of(groups);
  if (settings.second_attempt && has_figure(record.metrics)) {
    record.metrics.emplace_back("pass@1_second", second_pass(collector, groups, settings, seed, progress));
  }
  const auto kept = std::min<size_t>(groups.size(), static_cast<size_t>(settings.transcripts));
  record.groups = rl::to_store({groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(kept)}, {});
  return record;
}

}  // namespace posttrain::pipeline
