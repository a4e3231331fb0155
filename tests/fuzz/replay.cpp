// Stands in for libFuzzer: fuzz_NAME ROUNDS SEED_FOLDER tries every seed, then ROUNDS mutations of them, always the
// same.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/rng.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void try_one(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

// Flips, cuts, repeats and splices pieces of other seeds.
std::string mutate(std::string bytes, const std::vector<std::string>& seeds, posttrain::Rng& rng) {
  const auto draw = [&rng](size_t n) { return static_cast<size_t>(rng.integer(0, static_cast<int64_t>(n))); };
  for (size_t edits = 1 + draw(3); edits > 0; --edits) {
    const size_t at = draw(bytes.size()), length = draw(20);
    const std::string& other = seeds[draw(seeds.size() - 1)];
    switch (draw(3)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(draw(255));
        break;
      case 1:
        bytes.erase(at, length);
        break;
      case 2:
        bytes.insert(at, bytes.substr(draw(bytes.size()), length));
        break;
      default:
        bytes.insert(at, other.substr(draw(other.size()), length));
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(argv[2])) files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<std::string> seeds;
  for (const auto& file : files) seeds.push_back(posttrain::read_file(file));
  if (seeds.empty()) return 2;
  for (const auto& seed : seeds) try_one(seed);
  const long rounds = std::atol(argv[1]);
  for (long round = 0; round < rounds; ++round) {
    posttrain::Rng rng({1, static_cast<uint64_t>(round)});
    try_one(mutate(seeds[static_cast<size_t>(round) % seeds.size()], seeds, rng));
  }
  std::printf("%zu seeds and %ld mutations\n", seeds.size(), rounds);
}
