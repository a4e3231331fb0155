// Times encoding and decoding of a text on one thread, document by document.
#include <cstdio>
#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/median.h"
#include "cli/arguments.h"
#include "text/tokenizer.h"

namespace posttrain::cli {
namespace {

struct BenchTokenizerGiven {
  std::string model, input;
  int64_t document_bytes = 10000, runs = 5;
  bool json = false;
};

// Pieces of about `bytes`, cut behind a newline.
std::vector<std::string> documents(const std::string& text, size_t bytes) {
  std::vector<std::string> pieces;
  for (size_t at = 0; at < text.size();) {
    const size_t newline = text.find('\n', std::min(text.size(), at + bytes));
    const size_t end = newline == std::string::npos ? text.size() : newline + 1;
    pieces.push_back(text.substr(at, end - at));
    at = end;
  }
  return pieces;
}

int bench_tokenizer(const BenchTokenizerGiven& given) {
  if (given.input.empty()) throw Error("bench", "--input", "a text file", "none");
  const Tokenizer tokenizer = Tokenizer::load(given.model);
  const std::string text = read_file(given.input);
  const auto pieces = documents(text, static_cast<size_t>(given.document_bytes));
  std::vector<double> encode_seconds, decode_seconds;
  size_t tokens = 0;
  for (int64_t run = 0; run < given.runs; ++run) {
    std::vector<std::vector<int32_t>> ids;
    const Clock encode;
    for (const std::string& piece : pieces) ids.push_back(tokenizer.encode(piece));
    encode_seconds.push_back(encode.seconds());
    const Clock decode;
    size_t bytes = 0;
    for (const auto& list : ids) bytes += tokenizer.decode(list).size();
    decode_seconds.push_back(decode.seconds());
    PT_ASSERT(bytes > 0 || text.empty(), bytes);
    tokens = 0;
    for (const auto& list : ids) tokens += list.size();
  }
  const double megabytes = static_cast<double>(text.size()) / 1e6;
  const Json result = {{"bench", "tokenizer"},
                       {"model", given.model},
                       {"bytes", text.size()},
                       {"tokens", tokens},
                       {"encode_mb_per_s", megabytes / median(encode_seconds)},
                       {"decode_mb_per_s", megabytes / median(decode_seconds)}};
  if (given.json) {
    std::printf("%s\n", to_line(result).c_str());
  } else {
    std::printf("%zu tokens in %.1f MB: encoding %.1f MB/s, decoding %.1f MB/s\n", tokens, megabytes,
                megabytes / median(encode_seconds), megabytes / median(decode_seconds));
  }
  return 0;
}

}  // namespace

Action bench_tokenizer_command(Arguments& args) {
  auto given = std::make_shared<BenchTokenizerGiven>();
  args.positional("model", given->model, "A model directory, a .gguf file or a tokenizer.json");
  args.option("--input", given->input, "A text file");
  args.option("--document-bytes", given->document_bytes, "Length of the documents that it is cut into", {.min = 1});
  args.option("--runs", given->runs, "Measured runs; the median counts", {.min = 1, .max = 1 << 20});
  args.flag("--json", given->json, "One JSON object a line");
  return [given] { return bench_tokenizer(*given); };
}

}  // namespace posttrain::cli
