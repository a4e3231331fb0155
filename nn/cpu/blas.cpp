#include "nn/cpu/blas.h"

#include <dlfcn.h>

#include <string_view>

#include "base/error.h"

namespace posttrain::nn::blas {
namespace {

// What this file needs of cblas.h, whose enums these are.
enum Order : int { kRowMajor = 101 };
enum Transpose : int { kAsIs = 111, kTransposed = 112 };
using Sgemm = void (*)(Order, Transpose, Transpose, int M, int N, int K, float alpha, const float* a, int lda,
                       const float* b, int ldb, float beta, float* c, int ldc);

struct Library {
  Sgemm sgemm = nullptr;
  void (*set_threads)(int) = nullptr;
  const char* (*core)() = nullptr;
  std::string missing;  // why there is none
};

template <class Function>
void find(void* handle, const char* name, Function& function, std::string& missing) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
  if (function == nullptr) missing = std::string("it has no ") + name;
}

Library open_library() {
  Library out;
  void* handle = ::dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);  // never closed: its threads live on
  if (handle == nullptr) {
    out.missing = ::dlerror();
    return out;
  }
  const char* (*config)() = nullptr;
  find(handle, "openblas_get_config", config, out.missing);
  find(handle, "openblas_get_corename", out.core, out.missing);
  find(handle, "openblas_set_num_threads", out.set_threads, out.missing);
  find(handle, "cblas_sgemm", out.sgemm, out.missing);
  if (out.missing.empty() && std::string_view(config()).find("USE64BITINT") != std::string_view::npos)
    out.missing = "its integers have 64 bits";
  return out;
}

const Library& looked_for() {
  static const Library library = open_library();
  return library;
}

const Library& library() {
  const Library& found = looked_for();
  if (!found.missing.empty())
    throw Failure("OpenBLAS", "libopenblas.so.0 can't be used (" + found.missing +
                                  "); Debian has it in the package libopenblas0-pthread");
  return found;
}

int size(int64_t n) {
  return static_cast<int>(n);
}

}  // namespace

bool available() {
  return looked_for().missing.empty();
}

void multiply_nt(int64_t M, int64_t N, int64_t K, const float* x, const float* w, float* y, bool add) {
  library().sgemm(kRowMajor, kAsIs, kTransposed, size(M), size(N), size(K), 1, x, size(K), w, size(K),
                  add ? 1.0f : 0.0f, y, size(N));
}

void multiply_nn(int64_t M, int64_t N, int64_t K, const float* x, const float* w, float* y, bool add) {
  library().sgemm(kRowMajor, kAsIs, kAsIs, size(M), size(N), size(K), 1, x, size(K), w, size(N), add ? 1.0f : 0.0f, y,
                  size(N));
}

void multiply_tn(int64_t M, int64_t N, int64_t K, const float* a, const float* b, float* y) {
  library().sgemm(kRowMajor, kTransposed, kAsIs, size(M), size(N), size(K), 1, a, size(M), b, size(N), 1.0f, y,
                  size(N));
}

void set_threads(int threads) {
  library().set_threads(threads);
}

std::string core() {
  return library().core();
}

}  // namespace posttrain::nn::blas
