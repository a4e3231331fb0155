// Mean and deviation of numbers seen one by one (Welford 1962). Equal numbers have exactly their own mean and deviation
// 0, whatever their decimals; two sums would leave a rounded rest.
#pragma once

#include <cmath>

namespace posttrain::rl {

class Moments {
 public:
  void add(double x) {
    count_ += 1;
    const double gap = x - mean_;
    mean_ += gap / count_;
    squares_ += gap * (x - mean_);
  }
  double count() const { return count_; }
  double mean() const { return mean_; }  // 0 of none
  // Of the sample (n - 1); 0 of fewer than two.
  double deviation() const { return count_ > 1 ? std::sqrt(squares_ / (count_ - 1)) : 0; }

 private:
  double count_ = 0, mean_ = 0, squares_ = 0;
};

}  // namespace posttrain::rl
