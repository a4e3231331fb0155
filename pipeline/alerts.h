// Rules over a run's metrics that say in words when training goes wrong, and what to do about it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "store/records.h"

namespace posttrain::pipeline {

struct AlertLimits {
  double flat_groups = 0.8;  // share of groups without spread, mean of `window` steps
  double cut_off = 0.5;      // share of responses that hit the length limit
  double unparsed = 0.9;     // share of responses without a readable answer
  double failed = 0.05;      // share of responses on which the judge itself failed
  double entropy = 0.01;     // nats; below this nothing is explored
  double kl = 2;             // to the reference
  double mismatch = 0;       // largest sampler-trainer gap that is allowed; raise where the backend keeps no order
  double grad_spike = 10;    // times the median of the last 20 steps
  double collapse = 0.5;     // share of its best that reward, accuracy or an evaluation may fall to
  double shrink = 0.7;       // share of the first length below which answers that are not right are guesses
  int window = 5;            // steps in a mean
  int64_t quiet_steps = 25;  // the same alert is not repeated sooner
};

// Pure: the alerts are a function of the metrics fed so far, and timings are not looked at, so a resumed run that feeds
// the steps up to its checkpoint again raises the same ones afterwards. One object per stage. Not thread-safe.
class Alerts {
 public:
  explicit Alerts(const AlertLimits& limits = {});

  // In order of steps. Metrics by TRL's names and accuracy, logp_mismatch_max, completions/unparsed_ratio.
  std::vector<store::Alert> step(int64_t step, const store::Metrics& metrics);
  // An evaluation of n problems after `step`: pass@1 and mean_length.
  std::vector<store::Alert> eval(int64_t step, const std::string& task, int64_t n, const store::Metrics& metrics);
  // Accuracy, reward or an evaluation fell to less than `collapse` of its best and is still there.
  bool collapsed() const { return collapsed_; }

 private:
  struct Best {
    double value = 0, reward = 0;
  };
  struct Work {
    double accuracy = 0, length = 0;  // of the answers
  };
  double recent(const std::string& name) const;  // mean of the last `window` values; NaN before there are as many
  void raise(int64_t step, const std::string& code, const std::string& text);
  void check_groups(int64_t step, const store::Metrics& metrics);
  void check_policy(int64_t step, const store::Metrics& metrics);
  void check_gradient(int64_t step, double norm);
  void check_collapse(int64_t step);
  bool gives_up_work(const Work& first, const Work& now, double best_accuracy) const;
  void raise_shrinking(int64_t step, const Work& first, const Work& now);

  AlertLimits limits_;
  std::map<std::string, std::vector<double>> history_;
  std::map<std::string, int64_t> raised_;
  std::map<std::string, double> best_recent_;
  std::map<std::string, Best> best_eval_;
  std::map<std::string, Work> first_eval_;
  std::vector<store::Alert> out_;
  double first_length_ = 0, first_accuracy_ = 0;
  double failed_ = 0;  // share of answers that the figures now looked at leave out
  bool collapsed_ = false;
};

}  // namespace posttrain::pipeline
