// What is too long for a stage: refused, left out or cut, and always counted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/records.h"
#include "text/data_settings.h"

namespace posttrain::pipeline {

class LengthTally {
 public:
  enum class Fate : uint8_t { whole, cut, left_out };

  // `what` such as "prompt"; `most` tokens fit; `why` names what decides that, for errors.
  LengthTally(std::string what, int64_t most, std::string why, const text::DataSettings& data);

  // `where` is "<file>:<line>" or a name. Throws Error where too long is refused.
  Fate look(int64_t tokens, const std::string& where);

  int64_t seen() const { return seen_; }
  int64_t overlong() const { return overlong_; }
  int64_t left_out() const { return cuts() ? 0 : overlong_; }
  int64_t shortest() const { return shortest_; }
  // "2 of 40 prompts do not fit and are left out: data.jsonl:18: prompt of 600 tokens, 248 fit"; "" when all fit.
  std::string note() const;

 private:
  bool cuts() const { return overlong_setting_ == "cut"; }

  std::string what_, why_, overlong_setting_;
  int64_t most_, seen_ = 0, overlong_ = 0, shortest_ = 0;
  std::vector<std::string> first_;  // the first few
};

// How many examples, pairs or prompts of a stage were left out or cut; nothing when none was.
store::Metrics data_metrics(const LengthTally& tally, const char* name = "data/overlong");

}  // namespace posttrain::pipeline
