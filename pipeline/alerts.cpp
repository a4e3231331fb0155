#include "pipeline/alerts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/format.h"
#include "base/median.h"
#include "report/summary.h"

namespace posttrain::pipeline {
namespace {

constexpr std::array<const char*, 5> followed = {"reward", "accuracy", "completions/mean_length",
                                                 "frac_reward_zero_std", "entropy"};

double share_failed(const store::Metrics& metrics, const char* name) {
  const double share = report::metric(metrics, name);
  return std::isfinite(share) ? share : 0;
}

}  // namespace

Alerts::Alerts(const AlertLimits& limits) : limits_(limits) {}

double Alerts::recent(const std::string& name) const {
  const auto found = history_.find(name);
  const auto window = static_cast<size_t>(limits_.window);
  if (found == history_.end() || found->second.size() < window) return NAN;
  const auto end = found->second.end();
  return std::accumulate(end - limits_.window, end, 0.0) / limits_.window;
}

void Alerts::raise(int64_t step, const std::string& code, const std::string& text) {
  const auto last = raised_.find(code);
  if (last != raised_.end() && step - last->second < limits_.quiet_steps) return;
  raised_[code] = step;
  out_.push_back(
      {code, text + (failed_ > 0 ? formatted(" (failed %.1f%%: judges' failures are left out)", 100 * failed_)
                                 : std::string())});
}

std::vector<store::Alert> Alerts::step(int64_t step, const store::Metrics& metrics) {
  out_.clear();
  failed_ = share_failed(metrics, "verdicts/failed_ratio");
  for (const char* name : followed) {
    const double value = report::metric(metrics, name);
    if (std::isfinite(value)) history_[name].push_back(value);
  }
  check_groups(step, metrics);
  check_policy(step, metrics);
  check_gradient(step, report::metric(metrics, "grad_norm"));
  check_collapse(step);
  return std::move(out_);
}

void Alerts::check_groups(int64_t step, const store::Metrics& metrics) {
  const double flat = report::metric(metrics, "frac_reward_zero_std");
  const double reward = report::metric(metrics, "reward");
  if (flat >= 1) {
    raise(step, "no-reward-variance",
          formatted(
              "no group's answers could be told apart (mean reward %.2f), so this step learned nothing: the problems "
              "are too hard or too easy for the model, or the reward is broken",
              reward));
  } else if (recent("frac_reward_zero_std") > limits_.flat_groups) {
    raise(step, "few-useful-groups",
          formatted(
              "%.0f%% of the groups have no spread: filter the prompts by difficulty, use dynamic sampling, or stop",
              100 * recent("frac_reward_zero_std")));
  }
  if (failed_ > limits_.failed) {
    raise(step, "judge-failed",
          "a judge failed on some answers, which are not trained on: their reasons stand with the samples in run.db");
  }
  const double unparsed = report::metric(metrics, "completions/unparsed_ratio");
  if (unparsed > limits_.unparsed) {
    raise(step, "unparsed",
          formatted("no answer could be read from %.0f%% of the responses: compare one with what the reward expects",
                    100 * unparsed));
  }
  const double cut = report::metric(metrics, "completions/clipped_ratio");
  if (cut > limits_.cut_off) {
    raise(step, "cut-off",
          formatted("%.0f%% of the responses hit the length limit: raise it, or soften it with an overlong penalty",
                    100 * cut));
  }
}

void Alerts::check_policy(int64_t step, const store::Metrics& metrics) {
  const double entropy = recent("entropy");
  const bool explores = std::isfinite(report::metric(metrics, "reward"));  // supervised training does not
  if (explores && entropy < limits_.entropy) {
    raise(
        step, "entropy-floor",
        formatted("entropy is down to %.4f nats: the model explores no longer; raise the temperature or clip_high, or "
                  "lower the learning rate",
                  entropy));
  }
  const double kl = report::metric(metrics, "kl");
  if (kl > limits_.kl) {
    raise(step, "kl-runaway",
          formatted("KL to the reference is %.2f: lower the learning rate or raise the KL weight", kl));
  }
  for (const auto& [name, gap] : metrics) {
    if (name == "logp_mismatch_max" && !(gap <= limits_.mismatch)) {
      raise(
          step, "mismatch",
          formatted("sampler and trainer differ by %.3g in a log-probability (allowed: %.3g): the gradient is not the "
                    "policy's",
                    gap, limits_.mismatch));
    }
  }
}

void Alerts::check_gradient(int64_t step, double norm) {
  constexpr size_t enough = 10, kept = 20;
  std::vector<double>& norms = history_["grad_norm"];
  if (norms.size() >= enough) {
    const double usual = median({norms.end() - static_cast<std::ptrdiff_t>(std::min(kept, norms.size())), norms.end()});
    if (norm > limits_.grad_spike * usual && usual > 0) {
      raise(step, "grad-spike",
            formatted("gradient norm %.3g is %.0f times the median of the last steps", norm, norm / usual));
    }
  }
  if (std::isfinite(norm)) norms.push_back(norm);
}

void Alerts::check_collapse(int64_t step) {
  const double length = recent("completions/mean_length");
  const double accuracy = recent("accuracy");
  if (first_length_ == 0 && std::isfinite(length)) {
    first_length_ = length;
    first_accuracy_ = accuracy;
  }
  bool low = false;
  for (const char* name : {"accuracy", "reward"}) {
    const double now = recent(name);
    if (!std::isfinite(now)) continue;
    double& best = best_recent_.try_emplace(name, now).first->second;
    best = std::max(best, now);
    if (best > 0 && now < limits_.collapse * best) {
      low = true;
      raise(step, "collapse",
            formatted("%s fell from %.3g to %.3g: go back to an earlier checkpoint with a lower learning rate", name,
                      best, now));
    }
  }
  if (gives_up_work({first_accuracy_, first_length_}, {accuracy, length}, best_recent_["accuracy"])) {
    low = true;
    raise_shrinking(step, {first_accuracy_, first_length_}, {accuracy, length});
  }
  collapsed_ = low;
}

// Shorter answers are fine when they are right, or much oftener right than before; else they lack the work.
bool Alerts::gives_up_work(const Work& first, const Work& now, double best_accuracy) const {
  const bool mostly_right = now.accuracy >= 0.5 && now.accuracy >= 0.9 * best_accuracy;
  return now.length < limits_.shrink * first.length && now.accuracy < 1.5 * first.accuracy && !mostly_right;
}

void Alerts::raise_shrinking(int64_t step, const Work& first, const Work& now) {
  raise(step, "length-collapse",
        formatted("responses shrank from %.1f to %.1f tokens while accuracy went from %.1f%% to %.1f%%: the model gave "
                  "up working and guesses; start from a better base, or lower temperature or learning rate",
                  first.length, now.length, 100 * first.accuracy, 100 * now.accuracy));
}

std::vector<store::Alert> Alerts::eval(int64_t step, const std::string& task, int64_t n,
                                       const store::Metrics& metrics) {
  out_.clear();
  failed_ = share_failed(metrics, "failed");
  const double now = report::metric(metrics, "pass@1"), reward = recent("reward");
  if (!std::isfinite(now)) return {};
  Best& best = best_eval_.try_emplace(task, Best{now, reward}).first->second;
  const double noise = std::hypot(report::half_width(now, n), report::half_width(best.value, n));
  if (now < best.value - noise) {
    if (reward > best.reward) {
      raise(step, "reward-hacking",
            formatted("accuracy on %s fell from %.1f%% to %.1f%% while the reward rose from %.2f to %.2f: read the "
                      "best-rewarded samples",
                      task.c_str(), 100 * best.value, 100 * now, best.reward, reward));
    } else if (now < limits_.collapse * best.value) {
      collapsed_ = true;
      raise(
          step, "collapse",
          formatted("accuracy on %s fell from %.1f%% to %.1f%%: go back to an earlier checkpoint with a lower learning "
                    "rate",
                    task.c_str(), 100 * best.value, 100 * now));
    }
  }
  if (now > best.value) best = {now, reward};
  const Work work{now, report::metric(metrics, "mean_length")};
  const Work& first = first_eval_.try_emplace(task, work).first->second;
  if (gives_up_work(first, work, best.value)) {
    collapsed_ = true;
    raise_shrinking(step, first, work);
  }
  return std::move(out_);
}

}  // namespace posttrain::pipeline
