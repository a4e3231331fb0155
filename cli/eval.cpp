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
#include "pipeline/data_check.h"
#include "pipeline/evaluation.h"
#include "pipeline/run.h"
#include "report/figures.h"
#include "tasks/benchmarks.h"
#include "tasks/task_table.h"

namespace posttrain::cli {
namespace {

struct EvalGiven {
  std::string model, task = "chain", data, settings = "{}";
  ChatSettings chat;
  pipeline::EvalSettings eval;
  SamplingOptions options;
  bool json = false;
};

// What --task names: a benchmark, or a task of recipes with the reward that fits it.
struct Asked {
  Tagged settings{tasks::task_cases()};
  std::vector<rewards::RewardSpec> rewards;
  std::string system;
};

std::vector<rewards::RewardSpec> task_rewards(const std::string& task) {
  if (task == "code" || task == "coder") return {{"code", 1, Json::object()}};
  if (task == "lean" || task == "prover") return {{"lean", 1, Json::object()}};
  if (task == "words" || task == "jsonl") return {{"math", 1, Json::object()}};
  return {{"exact", 1, Json::object()}, {"format", 0, Json::object()}};
}

Asked asked_for(const EvalGiven& given) {
  Asked asked;
  Json values = parse_json(given.settings, "--settings");
  const tasks::Benchmark* benchmark = tasks::find_benchmark(given.task);
  if (!asked.settings.choose(benchmark != nullptr ? benchmark->task : given.task))
    throw Error("eval", "--task", "a benchmark or a task; see posttrain help task", given.task);
  if (benchmark != nullptr) {
    Json all = parse_json(benchmark->settings, benchmark->name);
    all["test"] = tasks::benchmark_file(*benchmark, given.data).string();
    all.update(values);
    values = std::move(all);
    asked.rewards.emplace_back(benchmark->reward, 1, parse_json(benchmark->judged, benchmark->name));
    asked.system = benchmark->system;
  } else {
    if (!given.data.empty()) values["test"] = given.data;
    asked.rewards = task_rewards(given.task);
  }
  read_params(values, *asked.settings.slot(), "task");
  return asked;
}

// One length for all answers, so that none is cut sooner than another.
int64_t longest_prompt(const text::Task& task, const Renderer& renderer, const pipeline::EvalSettings& eval) {
  int64_t longest = 0;
  for (const text::Problem& problem : pipeline::eval_problems(task, eval))
    longest = std::max<int64_t>(longest, std::ssize(renderer.prompt(problem)));
  return longest;
}

int evaluate_model(const EvalGiven& given) {
  set_compute_threads(static_cast<int>(given.options.threads));
  const Asked asked = asked_for(given);
  const auto task = tasks::make_task(asked.settings);
  const rewards::RewardSet rewards(asked.rewards);  // boxes are started before the process grows
  ChatSettings chat = given.chat;
  if (chat.system.empty()) chat.system = asked.system;
  ModelSession session(given.model, chat, given.options.stored(), given.options.adapter);
  auto engine = session.make_engine();
  rewards::ScoringPool pool(rewards, compute_threads());
  pipeline::EvalSettings eval = given.eval;
  SamplingOptions options = given.options;
  options.fit(longest_prompt(*task, session.renderer, eval), session.model->arch().max_positions);
  eval.sampling = options.sampling;
  pipeline::check_gold(*task, text::Split::test, rewards);
  const pipeline::AskedProblems problems(*task, session.renderer, pipeline::eval_prompts(eval, text::Split::test),
                                         engine.max_positions(),
                                         pipeline::prompt_lengths(*task, session.renderer, text::Split::test), "eval");
  if (const std::string note = problems.lengths().note(); !note.empty()) std::fprintf(stderr, "%s\n", note.c_str());
  rollout::Collector collector(engine, pool, session.tokenizer,
                               [&](const text::Problem& problem) { return problems.prompt(problem); });
  auto record = pipeline::evaluate(collector, problems, eval, static_cast<uint64_t>(given.options.seed), {});
  if (const int64_t left_out = problems.lengths().left_out(); left_out > 0)
    record.metrics.emplace_back("overlong", static_cast<double>(left_out));
  Json line = {{"model", given.model}, {"task", given.task}, {"problems", record.n}, {"samples", record.k}};
  for (const auto& [name, value] : record.metrics) line[name] = value;
  for (const auto& alert : record.alerts) line["alerts"].push_back(alert.text);
  line["settings"] = params_to_json(eval.sampling);
  if (given.json) {
    std::printf("%s\n", to_line(line).c_str());
    return pipeline::has_figure(record.metrics) ? 0 : 1;
  }
  std::printf("%s on %s: %lld problems, %lld samples each\n", given.model.c_str(), given.task.c_str(),
              static_cast<long long>(record.n), static_cast<long long>(record.k));
  std::fputs(report::figures_text(record.metrics).c_str(), stdout);
  for (const auto& alert : record.alerts) std::printf("ALERT %s\n", alert.text.c_str());
  return pipeline::has_figure(record.metrics) ? 0 : 1;
}

}  // namespace

Action eval_command(Arguments& args) {
  auto given = std::make_shared<EvalGiven>();
  args.positional("model", given->model, "A model directory or a .gguf file");
  std::string names;
  for (const auto& b : tasks::benchmarks()) names += (names.empty() ? "" : ", ") + std::string(b.name);
  args.option("--task", given->task, ("A task of recipes, or a benchmark: " + names).c_str());
  args.option("--data", given->data, "The file of problems, or for a benchmark a folder of data sets that has it");
  args.option("--settings", given->settings, "Other settings of the task, as a JSON object");
  args.option("--system", given->chat.system, "System message of conversations; a benchmark has its own");
  args.settings(slot(given->eval), {"transcripts", "role"});
  given->options.declare(args);
  args.flag("--json", given->json, "One JSON object a line");
  args.example("posttrain eval runs/r1-zero/final --task chain --samples 16 --json");
  args.example("posttrain eval MODEL --task math500 --data data --samples 4 --temperature 0.6 --max-new-tokens 4096");
  return [given] { return evaluate_model(*given); };
}

}  // namespace posttrain::cli
