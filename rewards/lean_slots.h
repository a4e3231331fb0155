// A fixed number of slots that threads take turns in, and names that a candidate can't guess.
#pragma once

#include <condition_variable>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace posttrain::rewards {

template <class T>
class Slots {
 public:
  explicit Slots(size_t count) : all_(count) {
    for (T& slot : all_) free_.push_back(&slot);
  }

  class Taken {
   public:
    explicit Taken(Slots& slots) : slots_(slots) {
      std::unique_lock lock(slots_.mutex_);
      slots_.changed_.wait(lock, [&] { return !slots_.free_.empty(); });
      slot_ = slots_.free_.back();
      slots_.free_.pop_back();
    }
    ~Taken() {
      const std::lock_guard lock(slots_.mutex_);
      slots_.free_.push_back(slot_);
      slots_.changed_.notify_one();
    }
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;
    T& operator*() const { return *slot_; }

   private:
    Slots& slots_;
    T* slot_ = nullptr;
  };

 private:
  std::vector<T> all_;
  std::vector<T*> free_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

inline std::string fresh_nonce() {
  std::random_device device;
  std::string out;
  for (int i = 0; i < 4; ++i) out += std::to_string(device());
  return out;
}

}  // namespace posttrain::rewards
