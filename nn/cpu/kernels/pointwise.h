// Norms, rotary embedding, gated activations, softmax pieces, the optimizer. Included by the isa_*.cpp files only.

inline Mask rest(int64_t left) {
  return first(static_cast<int>(left < 16 ? left : 16));
}

// fn(offset, lanes) over [begin, end) in steps of 16.
template <class Fn>
inline void for_lanes(int64_t begin, int64_t end, const Fn& fn) {
  int64_t i = begin;
  for (; i + 16 <= end; i += 16) fn(i, AllLanes{});
  if (i < end) fn(i, rest(end - i));
}

inline float dot(int width, const float* a, const float* b) {
  F16 s = zero();
  for_lanes(0, width, [&](int64_t i, auto m) { s = fma(load(a + i, m), load(b + i, m), s); });
  return sum(s);
}

void rmsnorm(const RowsJob& job, Strided x, const float* w, float offset, float eps, Strided y, float* inv_rms) {
  for (int64_t r = job.begin; r < job.end; ++r) {
    for (int h = 0; h < job.heads; ++h) {
      const float* in = x.data + r * x.stride + h * job.width;
      float* out = y.data + r * y.stride + h * job.width;
      const float inverse = 1.0f / __builtin_sqrtf(dot(job.width, in, in) / static_cast<float>(job.width) + eps);
      inv_rms[r * job.heads + h] = inverse;
      for_lanes(0, job.width, [&](int64_t i, auto m) {
        store(out + i, load(in + i, m) * set1(inverse) * (load(w + i, m) + set1(offset)), m);
      });
    }
  }
}

void rmsnorm_dx(const RowsJob& job, Strided dy, Strided x, const float* w, float offset, const float* inv_rms,
                Strided dx, bool add) {
  for (int64_t r = job.begin; r < job.end; ++r) {
    for (int h = 0; h < job.heads; ++h) {
      const float* g = dy.data + r * dy.stride + h * job.width;
      const float* in = x.data + r * x.stride + h * job.width;
      float* out = dx.data + r * dx.stride + h * job.width;
      const float inverse = inv_rms[r * job.heads + h];
      F16 s = zero();
      for_lanes(0, job.width, [&](int64_t i, auto m) {
        s = fma(load(g + i, m) * (load(w + i, m) + set1(offset)), load(in + i, m), s);
      });
      const float pull = sum(s) * inverse * inverse * inverse / static_cast<float>(job.width);
      for_lanes(0, job.width, [&](int64_t i, auto m) {
        const F16 d = load(g + i, m) * (load(w + i, m) + set1(offset)) * set1(inverse);
        const F16 v = fnma(load(in + i, m), set1(pull), d);
        store(out + i, add ? load(out + i, m) + v : v, m);
      });
    }
  }
}

void rmsnorm_dw(int64_t rows, int heads, int begin, int end, Strided dy, Strided x, const float* inv_rms, float* dw) {
  for_lanes(begin, end, [&](int64_t i, auto m) {
    F16 s = load(dw + i, m);
    for (int64_t r = 0; r < rows; ++r) {
      for (int h = 0; h < heads; ++h) {
        const F16 g = load(dy.data + r * dy.stride + h * dy.width + i, m) * set1(inv_rms[r * heads + h]);
        s = fma(g, load(x.data + r * x.stride + h * x.width + i, m), s);
      }
    }
    store(dw + i, s, m);
  });
}

void rope(const RowsJob& job, Strided x, const int32_t* positions, const float* cos, const float* sin, int pairs,
          bool interleaved, float direction) {
  for (int64_t r = job.begin; r < job.end; ++r) {
    const float* c = cos + static_cast<int64_t>(positions[r]) * pairs;
    const float* s = sin + static_cast<int64_t>(positions[r]) * pairs;
    for (int h = 0; h < job.heads; ++h) {
      float* v = x.data + r * x.stride + h * job.width;
      if (interleaved) {
        for (int i = 0; i < pairs; ++i) {
          const float a = v[2 * i], b = v[2 * i + 1], si = s[i] * direction;
          v[2 * i] = a * c[i] - b * si;
          v[2 * i + 1] = b * c[i] + a * si;
        }
      } else {
        for_lanes(0, pairs, [&](int64_t i, auto m) {
          const F16 a = load(v + i, m), b = load(v + pairs + i, m);
          const F16 ci = load(c + i, m), si = load(s + i, m) * set1(direction);
          store(v + i, a * ci - b * si, m);
          store(v + pairs + i, b * ci + a * si, m);
        });
      }
    }
  }
}

constexpr float kGeluRoot = 0.7978845608f, kGeluCube = 0.044715f;  // sqrt(2 / pi); Hendrycks and Gimpel 2016

void gated(bool gelu, int64_t begin, int64_t end, int64_t F, const float* gate_up, float* y) {
  const F16 one = set1(1.0f);
  for (int64_t r = begin; r < end; ++r) {
    const float* gate = gate_up + r * 2 * F;
    for_lanes(0, F, [&](int64_t i, auto m) {
      const F16 g = load(gate + i, m), u = load(gate + F + i, m);
      F16 a;
      if (gelu) {
        const F16 t = tanh(set1(kGeluRoot) * fma(set1(kGeluCube) * g * g, g, g));
        a = set1(0.5f) * g * (one + t);
      } else {
        a = g / (one + exp(zero() - g));
      }
      store(y + r * F + i, a * u, m);
    });
  }
}

void gated_backward(bool gelu, int64_t begin, int64_t end, int64_t F, const float* gate_up, const float* dy,
                    float* dgate_up) {
  const F16 one = set1(1.0f), half = set1(0.5f);
  for (int64_t r = begin; r < end; ++r) {
    const float* gate = gate_up + r * 2 * F;
    float* dgate = dgate_up + r * 2 * F;
    for_lanes(0, F, [&](int64_t i, auto m) {
      const F16 g = load(gate + i, m), u = load(gate + F + i, m), d = load(dy + r * F + i, m);
      F16 a, slope;
      if (gelu) {
        const F16 t = tanh(set1(kGeluRoot) * fma(set1(kGeluCube) * g * g, g, g));
        const F16 inner = set1(kGeluRoot) * fma(set1(3 * kGeluCube) * g, g, one);
        a = half * g * (one + t);
        slope = fma(half * g * fnma(t, t, one), inner, half * (one + t));
      } else {
        const F16 s = one / (one + exp(zero() - g));
        a = g * s;
        slope = s * fma(g, one - s, one);
      }
      store(dgate + i, d * u * slope, m);
      store(dgate + F + i, d * a, m);
    });
  }
}

void scale_add(int64_t count, float factor, const float* x, float* y) {
  for_lanes(0, count, [&](int64_t i, auto m) { store(y + i, fma(set1(factor), load(x + i, m), load(y + i, m)), m); });
}

void scale(int64_t count, float factor, const float* x, float* y) {
  for_lanes(0, count, [&](int64_t i, auto m) { store(y + i, set1(factor) * load(x + i, m), m); });
}

inline float maximum_of(int64_t count, const float* z) {
  const F16 low = set1(-kInfinity);
  F16 most = low;
  for_lanes(0, count, [&](int64_t i, auto m) {
    const F16 v = load(z + i, m);
    most = i + 16 <= count ? max(v, most) : max(select(m, v, low), most);
  });
  return maximum(most);
}

float exp_sum(int64_t count, float top, const float* z) {
  F16 s = zero();
  for_lanes(0, count, [&](int64_t i, auto m) { s = s + select(m, exp(load(z + i, m) - set1(top)), zero()); });
  return sum(s);
}

void exp_shifted(int64_t count, float top, const float* z, float* y) {
  for_lanes(0, count, [&](int64_t i, auto m) { store(y + i, exp(load(z + i, m) - set1(top)), m); });
}

inline F16 cap(F16 z, float softcap) {
  return softcap > 0 ? set1(softcap) * tanh(z / set1(softcap)) : z;
}

void head_block(int64_t columns, float inverse_temperature, float softcap, float* z, float* stats) {
  for_lanes(0, columns,
            [&](int64_t i, auto m) { store(z + i, cap(load(z + i, m), softcap) * set1(inverse_temperature), m); });
  const float top = maximum_of(columns, z);
  F16 mass = zero(), weighted = zero();
  for_lanes(0, columns, [&](int64_t i, auto m) {
    const F16 d = load(z + i, m) - set1(top);
    const F16 e = select(m, exp(d), zero());
    mass = mass + e;
    weighted = fma(e, select(less(zero(), e), d, zero()), weighted);
  });
  stats[0] = top;
  stats[1] = sum(mass);
  stats[2] = sum(weighted);
}

void head_gradient(const HeadGradient& g, float* z) {
  const F16 one = set1(1.0f);
  const float to_tanh = g.softcap > 0 ? 1.0f / (g.inverse_temperature * g.softcap) : 0;
  for_lanes(0, g.columns, [&](int64_t i, auto m) {
    const F16 v = cap(load(z + i, m), g.softcap) * set1(g.inverse_temperature);
    const F16 logp = v - set1(g.lse), p = exp(logp);
    F16 d = p * set1(-g.dlogp);
    if (g.dentropy != 0) {
      d = fnma(select(less(zero(), p), p * (logp + set1(g.entropy)), zero()), set1(g.dentropy), d);
    }
    if (g.softcap > 0) {
      const F16 t = v * set1(to_tanh);
      d = d * fnma(t, t, one);
    }
    store(z + i, d, m);
  });
}

// Loshchilov and Hutter, "Decoupled weight decay regularization", algorithm 2.
void adamw(const AdamWJob& job, int64_t count, float* param, const float* gradient, float* m, float* v) {
  const F16 b1 = set1(job.beta1), b2 = set1(job.beta2), c1 = set1(1 - job.beta1), c2 = set1(1 - job.beta2);
  const F16 keep = set1(1 - job.lr * job.decay), step = set1(job.lr / job.correction1);
  for_lanes(0, count, [&](int64_t i, auto mask) {
    const F16 g = load(gradient + i, mask) * set1(job.gradient_scale);
    const F16 m1 = fma(b1, load(m + i, mask), c1 * g);
    const F16 v1 = fma(b2, load(v + i, mask), c2 * g * g);
    const F16 root = sqrt(v1) / set1(job.correction2_root) + set1(job.eps);
    store(m + i, m1, mask);
    store(v + i, v1, mask);
    store(param + i, fnma(step, m1 / root, load(param + i, mask) * keep), mask);
  });
}

double sum_squares(int64_t count, const float* x) {
  double lane[16] = {};
  for (int64_t i = 0; i < count; i += 16) {
    const int64_t n = count - i < 16 ? count - i : 16;
    for (int64_t j = 0; j < n; ++j) lane[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
  }
  for (int w = 8; w >= 1; w /= 2) {
    for (int j = 0; j < w; ++j) lane[j] += lane[j + w];
  }
  return lane[0];
}
