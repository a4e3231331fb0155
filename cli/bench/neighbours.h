// Busy programs beside a benchmark: what a shared machine does to a time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace posttrain::cli {

// Processes that only count, each in a session of its own as another user's program would be. They stand still until
// resume(), and end with this object or its process. To be made before any thread is started.
class Neighbours {
 public:
  explicit Neighbours(int64_t count);
  ~Neighbours();
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

  void resume();
  void pause();
  bool busy() const { return busy_; }
  int64_t count() const { return static_cast<int64_t>(children_.size()); }

 private:
  void signal(int number) const;

  std::vector<pid_t> children_;
  bool busy_ = false;
};

}  // namespace posttrain::cli
