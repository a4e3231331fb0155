// A safetensors file from hostile hands: refused with an Error, or every tensor lies inside the file.
#include <cstdint>
#include <span>

#include "base/error.h"
#include "formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace posttrain;
  try {
    uint64_t at = 0;
    for (const TensorEntry& entry : parse_safetensors(std::as_bytes(std::span(data, size)), "fuzz.safetensors")) {
      PT_ASSERT(entry.begin <= entry.end && entry.end <= size && entry.begin >= at, entry.begin, entry.end, size);
      at = entry.end;
    }
  } catch (const Error&) {
  }
  return 0;
}
