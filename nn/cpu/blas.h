// The one door to OpenBLAS: oracle of the tests, bar of the benchmark, and the way linear layers go on a CPU without a
// fast kernel of our own. Its sums have no fixed order. The library is loaded by the first call, not linked: at its
// start it takes a thread and 128 MiB for each core, which most runs never need, and with too little address space the
// program's exit waited for that thread for ever.
#pragma once

#include <cstdint>
#include <string>

namespace posttrain::nn::blas {

// Whether it can be loaded here. All others throw Failure when it can't, with the package's name.
bool available();

// y[M, N] (+)= x[M, K] w[N, K]^T
void multiply_nt(int64_t M, int64_t N, int64_t K, const float* x, const float* w, float* y, bool add);
// y[M, N] (+)= x[M, K] w[K, N]
void multiply_nn(int64_t M, int64_t N, int64_t K, const float* x, const float* w, float* y, bool add);
// y[M, N] += a[K, M]^T b[K, N]
void multiply_tn(int64_t M, int64_t N, int64_t K, const float* a, const float* b, float* y);

void set_threads(int threads);
// The kernels OpenBLAS chose, such as "Zen" or "SkylakeX". Debian's 0.3.21 takes the SSE3 kernels "Prescott" on CPUs it
// does not know and is then four times slower; OPENBLAS_CORETYPE=SkylakeX in the environment before the start cures it.
std::string core();

}  // namespace posttrain::nn::blas
