// posttrain generate: a model continues a prompt.
#include <unistd.h>

#include <cstdio>
#include <iterator>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/parallel.h"
#include "cli/arguments.h"
#include "cli/model_session.h"
#include "text/stream_decoder.h"

namespace posttrain::cli {
namespace {

struct GenerateGiven {
  std::string model, prompt;
  int64_t samples = 1;
  SamplingOptions options;
  bool json = false;
};

std::string prompt_or_stdin(const std::string& prompt) {
  if (!prompt.empty()) return prompt;
  if (isatty(STDIN_FILENO) != 0) std::fputs("Reading the prompt from the terminal; Ctrl-D ends it.\n", stderr);
  std::string text;
  for (int c = std::getchar(); c != EOF; c = std::getchar()) text.push_back(static_cast<char>(c));
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

int generate(const GenerateGiven& given) {
  set_compute_threads(static_cast<int>(given.options.threads));
  ModelSession session(given.model, {}, given.options.stored(), given.options.adapter);
  auto engine = session.make_engine();
  const std::string prompt = prompt_or_stdin(given.prompt);
  std::vector<int32_t> ids = session.renderer.plain_prompt(prompt);
  if (ids.empty()) throw Error("generate", "--prompt", "some text", "nothing");
  SamplingOptions options = given.options;
  options.fit(std::ssize(ids), session.model->arch().max_positions);
  const rollout::Request request{.prompt = std::move(ids),
                                 .samples = static_cast<int32_t>(given.samples),
                                 .key = {static_cast<uint64_t>(given.options.seed), 0, 0, 0}};
  std::vector<rollout::Completion> completions(static_cast<size_t>(given.samples));
  const auto stats = engine.generate(std::span(&request, 1), options.sampling, [&](rollout::Completion&& c) {
    completions[static_cast<size_t>(c.sample)] = std::move(c);
  });
  for (const auto& completion : completions) {
    const std::string text = session.tokenizer.decode(completion.ids, true);
    if (given.json) {
      const Json line = {{"prompt", prompt},
                         {"text", text},
                         {"ids", completion.ids},
                         {"logprobs", completion.logp},
                         {"finish_reason", rollout::to_string(completion.finish)}};
      std::printf("%s\n", to_line(line).c_str());
    } else {
      std::printf("%s\n", text.c_str());
    }
  }
  std::fprintf(stderr, "%lld tokens, %.1f tokens/s\n", static_cast<long long>(stats.sampled_tokens),
               static_cast<double>(stats.sampled_tokens) / stats.seconds);
  return 0;
}

}  // namespace

Action generate_command(Arguments& args) {
  auto given = std::make_shared<GenerateGiven>();
  args.positional("model", given->model, "A model directory or a .gguf file");
  args.option("--prompt", given->prompt, "What to continue; default: standard input");
  args.option("--samples", given->samples, "How many continuations", {.min = 1, .max = 1 << 16});
  given->options.declare(args);
  args.flag("--json", given->json, "One JSON object a line, with ids and log-probabilities");
  args.example("posttrain generate runs/r1-zero/final --prompt '7+5*3-8='");
  return [given] { return generate(*given); };
}

}  // namespace posttrain::cli
