#include "pipeline/length_tally.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace posttrain::pipeline {

LengthTally::LengthTally(std::string what, int64_t most, std::string why, const text::DataSettings& data)
    : what_(std::move(what)), why_(std::move(why)), overlong_setting_(data.overlong), most_(most) {}

LengthTally::Fate LengthTally::look(int64_t tokens, const std::string& where) {
  shortest_ = seen_++ == 0 ? tokens : std::min(shortest_, tokens);
  if (tokens <= most_) return Fate::whole;
  ++overlong_;
  if (overlong_setting_ == "refuse") {
    throw Error(where, what_, "at most " + std::to_string(most_) + " tokens (" + why_ + "), or overlong drop or cut",
                std::to_string(tokens));
  }
  if (first_.size() < 3)
    first_.push_back(where + ": " + what_ + " of " + std::to_string(tokens) + " tokens, " + std::to_string(most_) +
                     " fit");
  return cuts() ? Fate::cut : Fate::left_out;
}

store::Metrics data_metrics(const LengthTally& tally, const char* name) {
  if (tally.overlong() == 0) return {};
  return {{name, static_cast<double>(tally.overlong())}};
}

std::string LengthTally::note() const {
  if (overlong_ == 0) return "";
  std::string text = std::to_string(overlong_) + " of " + std::to_string(seen_) + " " + what_ +
                     (seen_ == 1 ? " does" : "s do") + " not fit and " + (overlong_ == 1 ? "is " : "are ") +
                     (cuts() ? "cut" : "left out");
  for (size_t i = 0; i < first_.size(); ++i) text += (i == 0 ? ": " : "; ") + first_[i];
  return text;
}

}  // namespace posttrain::pipeline
