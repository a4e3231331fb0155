#include "nn/cpu/blas.h"

#include <cblas.h>

namespace posttrain::nn::blas {
namespace {

// A library of the system decides the width of its integers.
blasint size(int64_t n) {
  return static_cast<blasint>(n);
}

}  // namespace

void multiply_nt(int64_t M, int64_t N, int64_t K, const float* x, const float* w, float* y, bool add) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, size(M), size(N), size(K), 1, x, size(K), w, size(K),
              add ? 1.0f : 0.0f, y, size(N));
}

void multiply_nn(int64_t M, int64_t N, int64_t K, const float* x, const float* w, float* y, bool add) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size(M), size(N), size(K), 1, x, size(K), w, size(N),
              add ? 1.0f : 0.0f, y, size(N));
}

void multiply_tn(int64_t M, int64_t N, int64_t K, const float* a, const float* b, float* y) {
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, size(M), size(N), size(K), 1, a, size(M), b, size(N), 1.0f, y,
              size(N));
}

void set_threads(int threads) {
  openblas_set_num_threads(threads);
}

std::string core() {
  return openblas_get_corename();
}

}  // namespace posttrain::nn::blas
