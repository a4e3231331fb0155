// A tokenizer.json from hostile hands: an error, or a tokenizer that takes any text.
// Input: the file; after a zero byte, the text.
#include <string_view>

#include "base/error.h"
#include "base/utf8.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace posttrain;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view file = input.substr(0, input.find('\0'));
  const std::string_view text = input.substr(std::min(file.size() + 1, input.size()));
  try {
    const Tokenizer tokenizer = Tokenizer::from_json(file, "fuzz");
    const auto ids = tokenizer.encode(text, true);
    for (const int32_t id : ids) PT_ASSERT(id >= 0 && id < tokenizer.vocab_size(), id);
    PT_ASSERT(is_valid_utf8(tokenizer.decode(ids)));
    StreamDecoder stream(tokenizer);
    for (size_t i = 0; i < std::min<size_t>(ids.size(), 64); ++i) {
      const auto chunk = stream.push(ids[i]);
      PT_ASSERT(!chunk || is_valid_utf8(*chunk));
    }
  } catch (const Error& e) {
    PT_ASSERT(*e.what() != '\0');
  }
  return 0;
}
