// Runs a body on a thread with little stack, where recursion over what was read shows at once.
#pragma once

#include <pthread.h>

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>

namespace posttrain {

inline void on_small_stack(std::function<void()> body) {
  struct Call {
    std::function<void()> body;
    std::exception_ptr error;
  } call{std::move(body), nullptr};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  pthread_attr_setstacksize(&attributes, size_t{2} << 20);  // frames are some times larger there
#else
  pthread_attr_setstacksize(&attributes, size_t{256} << 10);
#endif
  pthread_t thread;
  const auto run = [](void* given) -> void* {
    auto& all = *static_cast<Call*>(given);
    try {
      all.body();
    } catch (...) {
      all.error = std::current_exception();
    }
    return nullptr;
  };
  const int failed = pthread_create(&thread, &attributes, run, &call);
  pthread_attr_destroy(&attributes);
  if (failed != 0) throw std::runtime_error("no thread");
  pthread_join(thread, nullptr);
  if (call.error) std::rethrow_exception(call.error);
}

// "[[[...]]]"
inline std::string nested_lists(size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

}  // namespace posttrain
