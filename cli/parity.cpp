// Compares this build with fixtures computed by Hugging Face transformers: logits, losses, gradients, greedy tokens and
// optimizer steps.
#include "model/parity.h"

#include <cstdio>
#include <memory>

#include "cli/arguments.h"

namespace posttrain::cli {

Action parity_command(Arguments& args) {
  auto fixtures = std::make_shared<std::vector<std::string>>();
  args.positionals("fixtures", *fixtures, "Fixture folders: a model with expected.json and its .safetensors");
  args.example("posttrain parity ../shared/fixtures/models/*");
  return [fixtures] {
    const auto backend = nn::make_cpu_backend();
    bool all = true;
    for (const std::string& fixture : *fixtures) {
      const model::ParityResult result = model::check_parity(*backend, fixture, {});
      std::printf("%s\n", result.to_json().c_str());
      std::fflush(stdout);
      all = all && result.pass;
    }
    return all ? 0 : 1;
  };
}

}  // namespace posttrain::cli
