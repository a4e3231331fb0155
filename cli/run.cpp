// posttrain run: from a recipe to a finished run folder.
#include <unistd.h>
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
#include "cli/arguments.h"
#include "pipeline/run.h"

namespace posttrain::cli {
namespace {

struct Given {
  std::string recipe, out, progress = "auto";
  std::vector<std::string> sets;
  bool resume = false, json = false;
};

// A signal handler can reach nothing but an object of static storage: the first signal asks, the second leaves.
std::atomic<bool> interrupted{false};

extern "C" void on_interrupt(int) {
  if (interrupted.exchange(true)) _exit(130);
}

std::string default_folder(const std::string& recipe) {
  return (std::filesystem::path("runs") / std::filesystem::path(recipe).stem()).string();
}

pipeline::RunEnd run_or_resume(const Given& given, const std::filesystem::path& out, pipeline::Progress& progress) {
  if (given.resume) {
    if (!given.sets.empty()) throw Error("--set", "a resumed run goes on by the recipe that it keeps; leave --set out");
    return pipeline::resume_run(out, progress, interrupted);
  }
  const auto loaded = pipeline::load_recipe(given.recipe, given.sets);
  return pipeline::start_run(loaded.recipe, out, progress, interrupted);
}

int run(const Given& given) {
  if (given.recipe.empty() && !(given.resume && !given.out.empty())) {
    throw Error("run", "RECIPE", "a recipe, or --resume with --out", "neither");
  }
  const std::filesystem::path out = given.out.empty() ? default_folder(given.recipe) : given.out;
  auto progress =
      pipeline::make_progress({.kind = pipeline::parse_progress_kind(given.json ? "json" : given.progress)});
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  const auto end = run_or_resume(given, out, *progress);
  const std::string folder = out.string();
  if (end == pipeline::RunEnd::stopped) {
    progress->finish("stopped after a finished step; go on with: posttrain run --resume --out " + folder);
    return 130;
  }
  progress->finish("done: " + folder + "/report.html, " + folder + "/final");
  if (!given.json) std::fputs(read_file(out / "summary.json").c_str(), stdout);
  return 0;
}

}  // namespace

Action run_command(Arguments& args) {
  auto given = std::make_shared<Given>();
  args.optional_positional("recipe", given->recipe, "A recipe; with --resume it may be left out");
  args.option("--out", given->out, "The run's folder; default runs/<recipe>");
  args.option("--set", given->sets, "Change a value: --set stages.zero.steps=10");
  args.flag("--resume", given->resume, "Go on with the run in --out");
  args.option("--progress", given->progress, "auto, rich, plain, json or none");
  args.flag("--json", given->json, "Progress as one JSON object a line");
  args.example("posttrain run recipes/r1-zero.json --out runs/r1-zero");
  args.example("posttrain run --resume --out runs/r1-zero");
  return [given] { return run(*given); };
}

}  // namespace posttrain::cli
