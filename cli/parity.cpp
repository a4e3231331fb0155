// posttrain parity: compares this build with fixtures computed by Hugging Face transformers (logits, losses, gradients,
// greedy tokens, optimizer steps) and by TRL (objectives, preference losses).
#include "parity/parity.h"

#include <cstdio>
#include <memory>

#include "base/error.h"
#include "cli/arguments.h"
#include "cli/tokenizer_cases.h"
#include "parity/rl_parity.h"

namespace posttrain::cli {
namespace {

struct ParityGiven {
  std::vector<std::string> models, rl;
  std::string tokenizer, cases;
};

bool print(bool pass, const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
  return pass;
}

int parity(const ParityGiven& given) {
  if (given.tokenizer.empty() != given.cases.empty())
    throw Error("parity", "", "--tokenizer and --cases together", "one of them");
  if (!given.tokenizer.empty() && !(given.models.empty() && given.rl.empty()))
    throw Error("parity", "--tokenizer", "no other fixtures beside it", "some");
  if (!given.tokenizer.empty()) return check_tokenizer(given.tokenizer, given.cases);
  if (given.models.empty() && given.rl.empty()) throw Error("parity", "fixtures", "a fixture folder", "none");
  const auto backend = nn::make_cpu_backend();
  bool all = true;
  for (const std::string& fixture : given.models) {
    const auto result = parity::check_parity(*backend, fixture, {});
    all = print(result.pass, result.to_json()) && all;
  }
  for (const std::string& dir : given.rl) {
    for (const auto& result : parity::check_rl_parity(*backend, dir, {})) {
      all = print(result.pass, result.to_json()) && all;
    }
  }
  return all ? 0 : 1;
}

}  // namespace

Action parity_command(Arguments& args) {
  auto given = std::make_shared<ParityGiven>();
  args.optional_positionals("fixtures", given->models,
                            "Fixture folders: a model with expected.json and its .safetensors");
  args.option_list("--rl", given->rl, "Folders with objective and preference cases");
  args.option("--tokenizer", given->tokenizer,
              "A model directory, .gguf file or tokenizer.json to check against --cases");
  args.option("--cases", given->cases, "JSON lines with recorded encodings, decodings, streams and chats");
  args.example("posttrain parity ../shared/fixtures/models/*");
  args.example("posttrain parity --rl ../shared/fixtures/rl/*");
  args.example(
      "posttrain parity --tokenizer ../shared/tokenizers/qwen3 --cases ../shared/fixtures/tokenizers/qwen3.jsonl");
  return [given] { return parity(*given); };
}

}  // namespace posttrain::cli
