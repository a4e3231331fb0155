// Seconds since an object was made, on the clock that never jumps.
#pragma once

#include <chrono>

namespace posttrain {

class Clock {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace posttrain
