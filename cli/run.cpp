// posttrain run: from a recipe to a finished run folder.
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/parallel.h"
#include "cli/arguments.h"
#include "cli/result_table.h"
#include "nn/backend.h"
#include "pipeline/preflight/preflight.h"
#include "pipeline/recipe/plan.h"
#include "pipeline/run.h"

namespace posttrain::cli {
namespace {

struct RunGiven {
  std::string recipe, out, progress = "auto";
  std::vector<std::string> sets;
  std::string from;
  bool resume = false, allow_changed = false, dry = false, json = false;
};

// A signal handler can reach nothing but objects of static storage: the first signal asks, a second Ctrl-C or TERM
// leaves. A lost terminal (HUP, which shells send twice) and a batch system's warning (USR1) only ask.
std::atomic<bool> interrupted{false}, insisted{false};

extern "C" void on_interrupt(int signal) {
  interrupted = true;
  if ((signal == SIGINT || signal == SIGTERM) && insisted.exchange(true)) _exit(130);
}

extern "C" void on_nothing(int) {}

void handle_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) std::signal(signal, on_interrupt);
  if (std::signal(SIGHUP, on_interrupt) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);  // nohup wants it to go on
  // Whoever read our output may be gone; the run goes on without. A handler, since children would inherit SIG_IGN.
  std::signal(SIGPIPE, on_nothing);
}

std::string default_folder(const std::string& recipe) {
  return (std::filesystem::path("runs") / std::filesystem::path(recipe).stem()).string();
}

// Shows the warnings; throws the errors.
void show_findings(const pipeline::LoadedRecipe& loaded) {
  const auto findings = pipeline::preflight(loaded.recipe, {.memory = false, .source = &loaded.source});
  pipeline::throw_errors(findings);
  for (const auto& finding : findings) std::fprintf(stderr, "%s\n", finding.text().c_str());
}

int show_plan(const RunGiven& given) {
  const auto loaded = pipeline::load_recipe(given.recipe, given.sets);
  show_findings(loaded);
  set_compute_threads(static_cast<int>(loaded.recipe.threads));
  const auto backend = nn::make_cpu_backend();
  const auto plan = pipeline::plan_run(loaded.recipe, *backend);
  const auto gpus = gpu_names();
  if (!gpus.empty() && !given.json)
    std::printf("%zu GPUs were found (%s); none is used yet\n", gpus.size(), gpus[0].c_str());
  std::fputs((given.json ? to_line(pipeline::plan_json(plan)) + "\n" : pipeline::plan_text(plan)).c_str(), stdout);
  return std::ranges::all_of(plan, &pipeline::StagePlan::starts) ? 0 : 2;  // the plan says why not
}

// Without a recipe it is the one that the run keeps; --from may --set other values in it.
pipeline::RunEnd run_or_resume(const RunGiven& given, const std::filesystem::path& out, pipeline::Progress& progress) {
  const auto changed = given.allow_changed ? pipeline::Changed::allowed : pipeline::Changed::refused;
  std::string recipe = given.recipe;
  if (recipe.empty()) {
    if (given.resume && !given.sets.empty())
      throw Error("--set", "a resumed run goes on by the recipe that it keeps; leave --set out");
    if (given.resume) return pipeline::resume_run(out, nullptr, changed, progress, interrupted);
    if (given.sets.empty()) return pipeline::rerun_from(given.from, nullptr, out, changed, progress, interrupted);
    recipe = pipeline::recipe_file_of_run(out).string();
  }
  const auto loaded = pipeline::load_recipe(recipe, given.sets);
  if (given.resume) return pipeline::resume_run(out, &loaded.recipe, changed, progress, interrupted);
  if (!given.from.empty()) return pipeline::rerun_from(given.from, &loaded.recipe, out, changed, progress, interrupted);
  return pipeline::start_run(loaded.recipe, out, progress, interrupted, &loaded.source);
}

int run(const RunGiven& given) {
  if (given.resume && !given.from.empty()) throw Error("run", "--from", "either --resume or --from", "both");
  if (given.dry && (given.resume || !given.from.empty()))
    throw Error("run", "--dry-run", "a recipe alone, without --resume and --from", "both");
  if (given.allow_changed && !given.resume && given.from.empty())
    throw Error("run", "--allow-changed-data", "--resume or --from, which compare with what the run began with",
                "neither");
  if (given.json && !given.dry && given.progress != "auto" && given.progress != "json")
    throw Error("run", "--progress", "json, as --json says", given.progress);
  const bool goes_on = (given.resume || !given.from.empty()) && !given.out.empty();
  if (given.recipe.empty() && !(goes_on && !given.dry)) {
    throw Error("run", "RECIPE", "a recipe, or --resume or --from with --out", "neither");
  }
  if (given.dry) return show_plan(given);
  const std::filesystem::path out = given.out.empty() ? default_folder(given.recipe) : given.out;
  auto progress =
      pipeline::make_progress({.kind = pipeline::parse_progress_kind(given.json ? "json" : given.progress)});
  handle_signals();
  const auto end = run_or_resume(given, out, *progress);
  const std::string folder = out.string();
  if (end == pipeline::RunEnd::stopped) {
    progress->finish("stopped after a finished step; go on with: posttrain run --resume --out " + folder);
    return 130;
  }
  progress->finish("done: " + folder + "/report.html, " + folder + "/final");
  if (given.json || given.progress == "json") {
    Json line = {{"event", "summary"}};
    line.update(parse_json(read_file(out / "summary.json"), (out / "summary.json").string()));
    std::printf("%s\n", to_line(line).c_str());
  } else {
    std::fputs(result_table(store::Store(out / "run.db", store::Mode::read_only)).c_str(), stdout);
  }
  return 0;
}

}  // namespace

Action run_command(Arguments& args) {
  auto given = std::make_shared<RunGiven>();
  args.optional_positional(
      "recipe", given->recipe,
      "A recipe's file, or the name of a shipped one; with --resume and --from it may be left out");
  args.option("--out", given->out, "The run's folder; default runs/<recipe>");
  args.option("--set", given->sets, "Change a value: --set stages.zero.steps=10");
  args.flag("--resume", given->resume, "Go on with the run in --out");
  args.option("--from", given->from,
              "Run this stage and all after it again, on what the earlier ones left in --out; with a recipe, by its "
              "word on these stages");
  args.flag("--allow-changed-data", given->allow_changed,
            "Go on though files of the recipe, or what stages left, are no longer what they were");
  args.flag("--dry-run", given->dry, "Only print the plan: stages with estimates of tokens and time");
  args.option("--progress", given->progress, "auto, rich, plain, json or none");
  args.flag("--json", given->json, "Progress, or the plan, as JSON");
  args.example("posttrain run recipes/r1-zero.json --out runs/r1-zero");
  args.example("posttrain run --resume --out runs/r1-zero");
  args.example("posttrain run --from zero --out runs/r1-zero");
  args.example("posttrain run recipes/r1-tiny.json --dry-run");
  return [given] { return run(*given); };
}

}  // namespace posttrain::cli
