// posttrain eval: how good a model is on a task.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/parallel.h"
#include "cli/arguments.h"
#include "cli/model_session.h"
#include "pipeline/evaluation.h"
#include "pipeline/run.h"
#include "pipeline/task_table.h"

namespace posttrain::cli {
namespace {

struct Given {
  std::string model, task = "chain", data, settings = "{}", dtype = "f32";
  ChatSettings chat;
  pipeline::EvalSettings eval;
  int64_t seed = 1, threads = 0;
  bool json = false;
};

std::vector<rewards::RewardSpec> task_rewards(const std::string& task) {
  if (task == "code" || task == "coder") return {{"code", 1, Json::object()}};
  if (task == "words" || task == "jsonl") return {{"math", 1, Json::object()}};
  return {{"exact", 1, Json::object()}, {"format", 0, Json::object()}};
}

int evaluate_model(const Given& given) {
  set_compute_threads(static_cast<int>(given.threads));
  Tagged settings{pipeline::task_cases()};
  // The usual sets of programming problems are one task with different files.
  const bool code_set = given.task == "humaneval" || given.task == "mbpp" || given.task == "codecontests";
  const std::string type = code_set ? "code" : given.task;
  if (!settings.choose(type)) throw Error("eval", "--task", "a known task; see posttrain help task", given.task);
  Json values = parse_json(given.settings, "--settings");
  if (type == "code" || type == "jsonl") {
    if (given.data.empty()) throw Error("eval", "--data", "a JSONL file of " + given.task, "none");
    values["test"] = given.data;
  }
  read_params(values, *settings.slot(), "task");
  const auto task = pipeline::make_task(settings);
  const rewards::RewardSet rewards(task_rewards(settings.type()));  // boxes are started before the process grows
  ModelSession session(given.model, given.chat, stored_type(given.dtype));
  auto engine = session.make_engine();
  rewards::ScoringPool pool(rewards, compute_threads());
  rollout::Collector collector(engine, pool, session.tokenizer,
                               [&](const text::Problem& problem) { return session.renderer.prompt(problem); });
  const auto record = pipeline::evaluate(collector, *task, given.eval, static_cast<uint64_t>(given.seed), {});
  Json line = {{"model", given.model}, {"task", given.task}, {"problems", record.n}, {"samples", record.k}};
  for (const auto& [name, value] : record.metrics) line[name] = value;
  line["settings"] = params_to_json(given.eval.sampling);
  if (given.json) {
    std::printf("%s\n", to_line(line).c_str());
    return 0;
  }
  std::printf("%s on %s: %lld problems, %lld samples each\n", given.model.c_str(), given.task.c_str(),
              static_cast<long long>(record.n), static_cast<long long>(record.k));
  for (const auto& [name, value] : record.metrics) std::printf("  %-14s %.4f\n", name.c_str(), value);
  return 0;
}

}  // namespace

Action eval_command(Arguments& args) {
  auto given = std::make_shared<Given>();
  args.positional("model", given->model, "A model directory or a .gguf file");
  args.option("--task", given->task, "Which task; humaneval, mbpp, codecontests and jsonl need --data");
  args.option("--data", given->data, "JSONL file of problems");
  args.option("--settings", given->settings, "Other settings of the task, as a JSON object");
  args.option("--system", given->chat.system, "System message of conversations");
  args.option("--dtype", given->dtype, "Weights in memory: f32 or bf16");
  args.option("--problems", given->eval.problems, "How many problems of its test split");
  args.option("--samples", given->eval.samples, "Answers to each");
  args.option("--temperature", given->eval.sampling.temperature, "0 takes the likeliest token");
  args.option("--top-p", given->eval.sampling.top_p, "Keep the fewest likeliest tokens that reach this probability");
  args.option("--max-new-tokens", given->eval.sampling.max_new_tokens, "Longest answer");
  args.flag("--second-attempt", given->eval.second_attempt, "Once more, with diagnostics, where it does not compile");
  args.option("--seed", given->seed, "Of the draws");
  args.option("--threads", given->threads, "0 = every core");
  args.flag("--json", given->json, "One JSON object a line");
  args.example("posttrain eval runs/r1-zero/final --task chain --samples 16 --json");
  return [given] { return evaluate_model(*given); };
}

}  // namespace posttrain::cli
