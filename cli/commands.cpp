// The table of commands. A new one is a file with a setup function, its declaration and its line here.
#include <array>

#include "cli/command.h"

namespace posttrain::cli {

Action run_command(Arguments&);
Action eval_command(Arguments&);
Action generate_command(Arguments&);
Action bench_command(Arguments&);
Action export_command(Arguments&);
Action doctor_command(Arguments&);
Action chat_command(Arguments&);
Action convert_command(Arguments&);
Action help_command(Arguments&);
Action inspect_command(Arguments&);
Action parity_command(Arguments&);
Action judge_command(Arguments&);
Action recipe_command(Arguments&);
Action sandbox_command(Arguments&);
Action report_command(Arguments&);
Action schema_command(Arguments&);
Action score_command(Arguments&);
Action tokenize_command(Arguments&);

namespace {

constexpr auto kCommands = std::to_array<Command>({
    {"run", "Work", "Run a recipe, or go on with an interrupted run", &run_command},
    {"eval", "Work", "Measure a model on a task: pass@1, pass@k, majority vote", &eval_command},
    {"generate", "Work", "Let a model continue a prompt", &generate_command},
    {"chat", "Work", "Talk with a model", &chat_command},
    {"tokenize", "Work", "Text to ids and back, conversations through the chat template", &tokenize_command},
    {"report", "Work", "Write report.html anew and print what the run came to", &report_command},
    {"export", "Work", "A run's numbers as JSON lines or CSV", &export_command},
    {"recipe", "Recipes", "Show, compare, check and list recipes", &recipe_command},
    {"schema", "Recipes", "Print the JSON Schema of recipes, for editors", &schema_command},
    {"judge", "Sandbox", "Judge a suite of hostile and honest programs", &judge_command},
    {"sandbox", "Sandbox", "Say which walls this machine gives", &sandbox_command},
    {"convert", "Models", "Write a model in another format: safetensors or GGUF", &convert_command},
    {"inspect", "Models", "Say what a model directory or file holds", &inspect_command},
    {"parity", "Check", "Compare with fixtures made by Hugging Face transformers", &parity_command},
    {"bench", "Check", "Measure speed against this machine's own limits", &bench_command},
    {"score", "Judge", "Judge replies, programs and proofs: score math, code, lean", &score_command},
    {"doctor", "Learn", "What this machine offers, and what that means for a run", &doctor_command},
    {"help", "Learn", "Explain a command, or a key or section of recipes", &help_command},
});

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

}  // namespace posttrain::cli
