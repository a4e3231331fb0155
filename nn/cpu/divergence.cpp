// A student's head against a teacher's distribution: some rows at a time hold whole rows of logits, which become their
// own gradient in place. Sums over the vocabulary are taken in double, ascending.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/parallel.h"
#include "nn/cpu/backend.h"

namespace posttrain::nn::cpu {
namespace {

constexpr int64_t kChunkFloats = int64_t{1} << 22;

// One row's logits as log-probabilities at a temperature.
class LogSoftmax {
 public:
  // Caps and scales z in place.
  LogSoftmax(std::span<float> z, float inverse_temperature, float softcap)
      : z_(z), inverse_(inverse_temperature), softcap_(softcap) {
    float top = -INFINITY;
    for (float& x : z) {
      if (softcap > 0) x = softcap * std::tanh(x / softcap);
      x *= inverse_temperature;
      top = std::max(top, x);
    }
    double mass = 0;
    for (const float x : z) mass += std::exp(double{x} - double{top});
    lse_ = double{top} + std::log(mass);
  }
  double operator[](size_t v) const { return double{z_[v]} - lse_; }
  // d z / d logit, which the cap makes smaller than the inverse temperature.
  double slope(size_t v) const {
    if (softcap_ <= 0) return double{inverse_};
    const double t = double{z_[v]} / double{inverse_ * softcap_};
    return double{inverse_} * (1 - t * t);
  }

 private:
  std::span<const float> z_;
  float inverse_, softcap_;
  double lse_ = 0;
};

// What one outcome adds to the divergence, and the slope by the student's log-probability. To every slope a multiple of
// the student's probability may be added: the softmax takes it away again.
struct Term {
  double value, slope;
};

Term term(double beta, double teacher, double student) {
  const double p = std::exp(teacher), q = std::exp(student);
  if (beta == 0) return {p > 0 ? p * (teacher - student) : 0, -p};
  if (beta == 1) return {q > 0 ? q * (student - teacher) : 0, q > 0 ? q * (student - teacher) : 0};
  const double m = beta * p + (1 - beta) * q;
  if (!(m > 0)) return {m, m};  // 0, or what is not a number
  const double log_m = std::log(m), own = q > 0 ? (1 - beta) * q * (student - log_m) : 0;
  return {(p > 0 ? beta * p * (teacher - log_m) : 0) + own, own};
}

// Replaces the student's z by weight * d divergence / d logit; `slopes` is scratch of as many floats and may be the
// teacher's z.
float against_all(double beta, const LogSoftmax& teacher, const LogSoftmax& student, double weight,
                  std::span<float> slopes, std::span<float> z) {
  double value = 0, total = 0;
  for (size_t v = 0; v < z.size(); ++v) {
    const Term t = term(beta, teacher[v], student[v]);
    value += t.value;
    total += t.slope;
    slopes[v] = static_cast<float>(t.slope);
  }
  for (size_t v = 0; v < z.size(); ++v) {
    const double d = double{slopes[v]} - std::exp(student[v]) * total;
    z[v] = static_cast<float>(weight * d * student.slope(v));
  }
  return static_cast<float>(value);
}

// The same against a few named ids; the rest of the vocabulary is one outcome more.
float against_named(double beta, std::span<const int32_t> ids, std::span<const float> logp, const LogSoftmax& student,
                    double weight, std::span<float> z) {
  constexpr double floor = 1e-7;  // of a rest, whose own rounding is of this size
  double value = 0, total = 0, named_p = 0, named_q = 0;
  std::vector<double> slopes;
  for (size_t k = 0; k < ids.size(); ++k) {
    const double own = student[static_cast<size_t>(ids[k])];
    const Term t = term(beta, double{logp[k]}, own);
    value += t.value;
    total += t.slope;
    slopes.push_back(t.slope);
    named_p += std::exp(double{logp[k]});
    named_q += std::exp(own);
  }
  double share = 0;  // the rest's slope for each unit of the student's probability in it
  if (ids.size() < z.size()) {
    const double p = std::max(floor, 1 - named_p), q = std::max(floor, 1 - named_q);
    const Term t = term(beta, std::log(p), std::log(q));
    value += t.value;
    total += t.slope;
    share = t.slope / q;
  }
  size_t k = 0;
  for (size_t v = 0; v < z.size(); ++v) {
    const double q = std::exp(student[v]);
    const bool named = k < ids.size() && ids[k] == static_cast<int32_t>(v);
    const double d = (named ? slopes[k++] : share * q) - q * total;
    z[v] = static_cast<float>(weight * d * student.slope(v));
  }
  return static_cast<float>(value);
}

void check_teacher(const TeacherRows& teacher, int64_t n, int64_t columns) {
  if (teacher.w != nullptr) {
    PT_ASSERT(teacher.w->out == columns, teacher.w->out, columns);
    return;
  }
  PT_ASSERT(static_cast<int64_t>(teacher.begin.size()) == n + 1, teacher.begin.size(), n);
  PT_ASSERT(teacher.ids.size() == teacher.logp.size(), teacher.ids.size(), teacher.logp.size());
  for (const int32_t id : teacher.ids) PT_ASSERT(id >= 0 && id < columns, id, columns);
}

}  // namespace

Likeliest CpuBackend::head_likeliest(int64_t n, const float* h, const Weight& w, float softcap,
                                     float inverse_temperature, int64_t k) {
  PT_ASSERT(k > 0, k);
  const int64_t columns = w.out, chunk = std::max<int64_t>(1, kChunkFloats / columns), kept = std::min(k, columns);
  Likeliest result;
  for (int64_t i = 1; i <= n; ++i) result.begin.push_back(static_cast<int32_t>(i * kept));
  result.ids.resize(static_cast<size_t>(n * kept));
  result.logp.resize(result.ids.size());
  for (int64_t row0 = 0; row0 < n; row0 += chunk) {
    const int64_t rows = std::min(chunk, n - row0);
    float* logits = logits_.floats(rows * columns);
    linear(rows, h + row0 * w.in, w, nullptr, logits, Into::overwrite);
    parallel_for(rows, 1 + 16384 / columns, [&](ptrdiff_t begin, ptrdiff_t end) {
      std::vector<int32_t> order(static_cast<size_t>(columns));
      for (ptrdiff_t r = begin; r < end; ++r) {
        const std::span<float> z(logits + r * columns, static_cast<size_t>(columns));
        const LogSoftmax row(z, inverse_temperature, softcap);
        std::iota(order.begin(), order.end(), 0);
        const auto height = [&](int32_t id) {
          const float x = z[static_cast<size_t>(id)];
          return std::isnan(x) ? -INFINITY : x;
        };
        std::nth_element(order.begin(), order.begin() + kept - 1, order.end(),
                         [&](int32_t a, int32_t b) { return height(a) != height(b) ? height(a) > height(b) : a < b; });
        std::sort(order.begin(), order.begin() + kept);
        for (int64_t i = 0; i < kept; ++i) {
          const auto at = static_cast<size_t>((row0 + r) * kept + i);
          result.ids[at] = order[static_cast<size_t>(i)];
          result.logp[at] = static_cast<float>(row[static_cast<size_t>(order[static_cast<size_t>(i)])]);
        }
      }
    });
  }
  return result;
}

std::vector<float> CpuBackend::head_divergence(int64_t n, const float* h, const Weight& w, const TeacherRows& teacher,
                                               const Divergence& kind, std::span<const float> weight, float* dh,
                                               float* dw) {
  check_teacher(teacher, n, w.out);
  PT_ASSERT(dh == nullptr || static_cast<int64_t>(weight.size()) == n, weight.size(), n);
  const int64_t columns = w.out, chunk = std::max<int64_t>(1, kChunkFloats / columns);
  const auto width = static_cast<size_t>(columns);
  std::vector<float> values(static_cast<size_t>(n));
  for (int64_t row0 = 0; row0 < n; row0 += chunk) {
    const int64_t rows = std::min(chunk, n - row0);
    float* logits = logits_.floats(rows * columns);
    linear(rows, h + row0 * w.in, w, nullptr, logits, Into::overwrite);
    float* taught = nullptr;
    if (teacher.w != nullptr) {
      taught = teacher_.floats(rows * columns);
      linear(rows, teacher.h + row0 * teacher.w->in, *teacher.w, nullptr, taught, Into::overwrite);
    }
    parallel_for(rows, 1 + 4096 / columns, [&](ptrdiff_t begin, ptrdiff_t end) {
      for (ptrdiff_t r = begin; r < end; ++r) {
        const auto row = static_cast<size_t>(row0 + r);
        const double scale = dh != nullptr ? double{weight[row]} : 0;
        const std::span<float> z(logits + r * columns, width);
        const LogSoftmax student(z, kind.inverse_temperature, kind.softcap);
        if (taught != nullptr) {
          const std::span<float> t(taught + r * columns, width);
          const LogSoftmax other(t, kind.inverse_temperature, teacher.softcap);
          values[row] = against_all(double{kind.beta}, other, student, scale, t, z);
        } else {
          const auto first = static_cast<size_t>(teacher.begin[row]);
          const size_t count = static_cast<size_t>(teacher.begin[row + 1]) - first;
          values[row] = against_named(double{kind.beta}, teacher.ids.subspan(first, count),
                                      teacher.logp.subspan(first, count), student, scale, z);
        }
      }
    });
    if (dh == nullptr) continue;
    linear_dx(rows, logits, w, dh + row0 * w.in, Into::overwrite);
    if (dw) linear_dw(rows, columns, w.in, logits, h + row0 * w.in, dw, nullptr);
  }
  return values;
}

}  // namespace posttrain::nn::cpu
