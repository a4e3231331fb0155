// Values modulo a random prime: rational functions are compared without ever being expanded.
#include <bit>

#include "mathcheck/evaluate.h"

namespace posttrain::mathcheck {

namespace {

__extension__ using Wide = unsigned __int128;

uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

// Arithmetic modulo a prime below 2^61.
struct Modulus {
  uint64_t prime;

  uint64_t times(uint64_t a, uint64_t b) const { return static_cast<uint64_t>(static_cast<Wide>(a) * b % prime); }
  uint64_t power(uint64_t base, uint64_t exponent) const {
    uint64_t out = 1;
    for (; exponent != 0; exponent >>= 1) {
      if (exponent & 1) out = times(out, base);
      base = times(base, base);
    }
    return out;
  }
  uint64_t value_of(uint64_t name, uint64_t seed) const {
    return mixed((name + 1) * 0x9E3779B97F4A7C15ull + seed * 0xD1B54A32D192ED03ull) % prime;
  }
};

// Miller and Rabin's test; with these bases it is exact below 2^64 (Sorenson and Webster, 2015).
bool is_prime(uint64_t n) {
  constexpr uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
  for (const uint64_t p : bases) {
    if (n % p == 0) return n == p;
  }
  const Modulus m{n};
  const int twos = std::countr_zero(n - 1);
  for (const uint64_t base : bases) {
    uint64_t x = m.power(base, (n - 1) >> twos);
    if (x == 1 || x == n - 1) continue;
    int left = twos - 1;
    while (left > 0 && x != n - 1) {
      x = m.times(x, x);
      --left;
    }
    if (x != n - 1) return false;
  }
  return true;
}

}  // namespace

uint64_t random_prime(uint64_t seed) {
  uint64_t candidate = mixed(seed + 0x9E3779B97F4A7C15ull) >> 4 | uint64_t{1} << 60 | 1;
  while (!is_prime(candidate)) candidate = candidate + 2 >= uint64_t{1} << 61 ? (uint64_t{1} << 60) + 1 : candidate + 2;
  return candidate;
}

ModularValue modular_value(const Tree& tree, int root, const std::vector<ExactValue>& exact, uint64_t prime,
                           uint64_t seed, Budget& budget) {
  const Modulus m{prime};
  const std::vector<bool> wanted = tree.below(root);
  std::vector<ModularValue> out(wanted.size());
  budget.spend(root);
  for (int node = 0; node <= root; ++node) {
    const auto i = static_cast<size_t>(node);
    if (!wanted[i]) continue;
    ModularValue& r = out[i];
    if (exact[i].state == State::undefined) return {State::undefined, 0};
    if (exact[i].state == State::ok) {
      const auto value = exact[i].value.modulo(prime);
      if (value) r = {State::ok, *value};
      continue;
    }
    const auto kid = [&](int k) -> const ModularValue& { return out[static_cast<size_t>(tree.kid(node, k))]; };
    const auto both = [&] { return kid(0).state == State::ok && kid(1).state == State::ok; };
    switch (tree.kind(node)) {
      case Kind::symbol:
        r = {State::ok, m.value_of(static_cast<uint64_t>(tree.at(node).index), seed)};
        break;
      case Kind::paren:
      case Kind::quantity:
        r = kid(0);
        break;
      case Kind::neg:
        if (kid(0).state == State::ok) r = {State::ok, kid(0).value == 0 ? 0 : prime - kid(0).value};
        break;
      case Kind::percent:
        if (kid(0).state == State::ok) r = {State::ok, m.times(kid(0).value, m.power(100, prime - 2))};
        break;
      case Kind::add:
        if (both()) r = {State::ok, (kid(0).value + kid(1).value) % prime};
        break;
      case Kind::sub:
        if (both()) r = {State::ok, (kid(0).value + prime - kid(1).value) % prime};
        break;
      case Kind::mul:
        if (both()) r = {State::ok, m.times(kid(0).value, kid(1).value)};
        break;
      case Kind::div:
        if (both() && kid(1).value != 0) r = {State::ok, m.times(kid(0).value, m.power(kid(1).value, prime - 2))};
        budget.spend(20);
        break;
      case Kind::pow: {
        const ExactValue& exponent = exact[static_cast<size_t>(tree.kid(node, 1))];
        if (kid(0).state != State::ok || exponent.state != State::ok || !exponent.value.is_integer()) break;
        if (kid(0).value == 0) break;  // 0 to a power that may be a multiple of the group's order
        budget.spend(20);
        r = {State::ok, m.power(kid(0).value, exponent.value.integer_modulo(prime - 1))};
        break;
      }
      default:
        break;
    }
  }
  return out[static_cast<size_t>(root)];
}

}  // namespace posttrain::mathcheck
