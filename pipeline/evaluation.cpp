#include "pipeline/evaluation.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/rng.h"
#include "rl/metrics.h"

namespace posttrain::pipeline {
namespace {

bool is_right(const rollout::Answer& answer) {
  return answer.outcome.verdict == rewards::Verdict::right;
}

int64_t count_right(const rollout::ScoredGroup& group) {
  return std::ranges::count_if(group.answers, is_right);
}

// The chance that the most frequent answer is right, ties shared out; answers without an answer don't vote.
double majority_right(const rollout::ScoredGroup& group) {
  struct Votes {
    int64_t count = 0;
    bool right = false;
  };
  std::map<std::string, Votes> votes;
  int64_t most = 0;
  for (const auto& answer : group.answers) {
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

}  // namespace

void EvalSettings::visit(Visitor& v) {
  v("problems", problems, {.doc = "Problems of the test split", .min = 1, .max = 1 << 24});
  v("samples", samples, {.doc = "Answers to each", .min = 1, .max = 1 << 16});
  v("transcripts", transcripts, {.doc = "Problems whose answers are kept with their text", .min = 0});
  v("role", role, {.doc = "Which column of the summary this evaluation fills", .choices = {"", "base", "final"}});
  v("sampling", sampling, {.doc = "How answers are drawn"});
}

double pass_at_k(int64_t n, int64_t c, int64_t k) {
  if (n - c < k) return 1;
  double miss = 1;
  for (int64_t i = n - c + 1; i <= n; ++i) miss *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - miss;
}

store::Metrics evaluate_groups(std::span<const rollout::ScoredGroup> groups, uint64_t seed) {
  const int64_t k = groups.empty() ? 0 : std::ssize(groups.front().answers);
  const auto n = static_cast<double>(std::max<size_t>(1, groups.size()));
  std::vector<double> share;
  double majority = 0, length = 0, truncated = 0, format = 0, formats = 0, answers = 0;
  std::set<int64_t> ks;
  for (int64_t j = 2; j < k; j *= 2) ks.insert(j);
  if (k > 1) ks.insert(k);
  std::map<int64_t, double> pass;
  for (const auto& group : groups) {
    const int64_t right = count_right(group);
    share.push_back(static_cast<double>(right) / static_cast<double>(k));
    majority += majority_right(group) / n;
    for (const int64_t j : ks) pass[j] += pass_at_k(k, right, j) / n;
    for (const auto& answer : group.answers) {
      answers += 1;
      length += static_cast<double>(answer.completion.ids.size());
      truncated += answer.completion.truncated();
      for (const auto& part : answer.outcome.parts) {
        if (part.name != "format") continue;
        format += part.value;
        formats += 1;
      }
    }
  }
  double mean = 0;
  for (const double s : share) mean += s / n;
  store::Metrics out = {{"pass@1", mean}};
  if (!share.empty()) {
    const auto [low, high] = bootstrap_interval(share, seed);
    out.emplace_back("pass@1_low", low);
    out.emplace_back("pass@1_high", high);
  }
  for (const auto& [j, value] : pass) out.emplace_back("pass@" + std::to_string(j), value);
  if (k > 1) out.emplace_back("cons@" + std::to_string(k), majority);
  out.emplace_back("mean_length", length / std::max(1.0, answers));
  if (formats > 0) out.emplace_back("format", format / formats);
  out.emplace_back("truncated", truncated / std::max(1.0, answers));
  return out;
}

store::EvalRecord evaluate(rollout::Collector& collector, const text::Task& task, const EvalSettings& settings,
                           uint64_t seed, const rollout::Progress& progress) {
  const int64_t available = task.size(text::Split::test);
  const int64_t count = available > 0 ? std::min(available, settings.problems) : settings.problems;
  std::vector<text::Problem> problems;
  for (int64_t i = 0; i < count; ++i) {
    problems.push_back(task.problem(text::Split::test, hash_name("evaluation"), static_cast<uint64_t>(i)));
  }
  rollout::CollectStats stats;
  const auto groups = collector.collect(problems, settings.samples, settings.sampling,
                                        {.seed = seed, .stage = hash_name("evaluation"), .step = 0}, stats, progress);
  store::EvalRecord record{.role = settings.role, .n = count, .k = settings.samples};
  record.metrics = evaluate_groups(groups, seed);
  const auto kept = std::min<size_t>(groups.size(), static_cast<size_t>(settings.transcripts));
  record.groups = rl::to_store({groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(kept)}, {});
  return record;
}

}  // namespace posttrain::pipeline
