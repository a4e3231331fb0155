// A GGUF file from hostile hands: refused with an Error, or every tensor lies inside the file and can be widened, and
// the tokenizer encodes.
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "formats/gguf_tensors.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace posttrain;
  try {
    const auto bytes = std::as_bytes(std::span(data, size));
    const GgufHeader header = parse_gguf(bytes, "fuzz.gguf");
    for (const GgufTensor& tensor : header.tensors) {
      PT_ASSERT(tensor.begin <= size && tensor.bytes() <= size - tensor.begin, tensor.begin, size);
      if (tensor.size() > 4096) continue;
      std::vector<float> values(static_cast<size_t>(tensor.size()));
      dequantize(tensor.type, bytes.data() + tensor.begin, values.size(), values.data());
    }
    if (header.has("tokenizer.ggml.model")) {
      const Tokenizer tokenizer = Tokenizer::from_gguf_parts(gguf_tokenizer(header), "fuzz.gguf");
      tokenizer.decode(tokenizer.encode("ab c<e>", true));
    }
  } catch (const Error&) {
  }
  return 0;
}
