#include "pipeline/run.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/nearest.h"
#include "base/parallel.h"
#include "pipeline/recipe/memory_check.h"
#include "pipeline/recipe/recipe_view.h"
#include "pipeline/stage.h"
#include "pipeline/stage_table.h"
#include "report/report.h"
#include "report/summary.h"

namespace posttrain::pipeline {
namespace {

void make_folder(const std::filesystem::path& out) {
  std::error_code error;
  if (std::filesystem::exists(out, error) && !std::filesystem::is_empty(out, error)) {
    throw Error(out.string(), "--out", "a new or empty folder, or --resume to go on with the run in it",
                "a folder with files");
  }
  std::filesystem::create_directories(out, error);
  if (error) throw Failure(out.string(), "can't create the folder: " + error.message());
}

const store::StageRow* row_of(const std::vector<store::StageRow>& rows, int index) {
  for (const auto& row : rows) {
    if (row.index == index) return &row;
  }
  return nullptr;
}

int64_t planned_steps(const StageSpec& spec) {
  const auto steps = stage_type(spec.type()).steps;
  return steps != nullptr ? steps(spec.settings) : 0;
}

// All but the model of a finished stage. What can't be removed is only disk space.
void remove_unfinished(const RunFolder& folder, const std::string& stage) {
  std::error_code ignored;
  const auto model = folder.model_of(stage);
  for (const auto& entry : std::filesystem::directory_iterator(model.parent_path(), ignored)) {
    if (entry.path() != model) std::filesystem::remove_all(entry.path(), ignored);
  }
}

StageEnd run_stage(Session& session, const StageSpec& spec, int index, const store::StageRow* before) {
  const Clock clock;
  const double earlier = before != nullptr ? before->seconds : 0;
  session.store().begin_stage(
      {.index = index, .name = spec.name, .type = spec.type(), .from = spec.from, .steps = planned_steps(spec)});
  StageRun run{.session = session, .spec = spec, .index = index, .resumed = before != nullptr};
  const StageEnd end = stage_type(spec.type()).run(spec.settings, run);
  const bool trained = end == StageEnd::done && stage_trains(spec.type());
  session.store().finish_stage(
      index, end == StageEnd::done ? "done" : "stopped", earlier + clock.seconds(),
      trained ? std::filesystem::relative(session.folder().model_of(spec.name), session.folder().root).string() : "");
  if (end == StageEnd::done) {
    remove_unfinished(session.folder(), spec.name);
  }
  return end;
}

// Back to the checkpoint of the stage in which the run was cut, before anything reads the store.
void rewind_to_checkpoint(store::Store& store, const RunFolder& folder) {
  for (const auto& row : store.stages()) {
    if (row.status != "done") return store.rewind(row.index, saved_step(folder, row.name));
  }
}

// The last trained model as `final/`, the summary and the report.
void write_results(Session& session) {
  const auto& stages = session.recipe().stages;
  for (auto spec = stages.rbegin(); spec != stages.rend(); ++spec) {
    if (!stage_continues(spec->type())) continue;
    session.save_model(*session.load_result(*spec, nn::Use::inference), session.folder().final_model());
    break;
  }
  report::write_summary(session.folder().summary(), session.store());
  report::write_report(session.folder().report(), session.store());
}

// Where to begin again; throws Error when there is no such stage or when what stands before it differs.
int restart_index(const Recipe& kept, const Recipe& recipe, const std::string& from) {
  const auto found = std::ranges::find(recipe.stages, from, &StageSpec::name);
  if (found == recipe.stages.end()) {
    std::vector<std::string> names;
    for (const StageSpec& stage : recipe.stages) names.push_back(stage.name);
    throw Error("--from", "", "a stage of the recipe", "\"" + from + "\"" + suggestion(from, names));
  }
  const int index = static_cast<int>(found - recipe.stages.begin());
  for (const auto& [path, first, second] : compare_recipes(kept, recipe)) {
    const bool later = path.starts_with("stages[") && std::stoi(path.substr(7)) >= index;
    const bool harmless = path == "name" || path == "description" || path == "threads" || path.starts_with("rewards") ||
                          path.starts_with("store");
    if (!later && !harmless) throw Error("--from " + from, path, first + " as in the run", second);
  }
  return index;
}

// What a stage left on disk, so that nothing of it is taken for a new result.
void remove_results(const RunFolder& folder, const std::string& stage) {
  std::filesystem::remove_all(folder.model_of(stage).parent_path());
  for (const auto& file : {folder.data_of(stage), folder.pairs_of(stage), folder.teacher_of(stage)}) {
    std::filesystem::remove(file);
  }
}

RunEnd run_stages(const Recipe& recipe, const RunFolder& folder, store::Store& store, Progress& progress,
                  const std::atomic<bool>& stop) {
  const Clock clock;
  const double earlier = store.run()->seconds;
  set_compute_threads(static_cast<int>(recipe.threads));
  try {
    Session session(recipe, folder, store, progress, stop);
    const auto rows = store.stages();
    for (int i = 0; i < static_cast<int>(recipe.stages.size()); ++i) {
      const auto* before = row_of(rows, i);
      if (before != nullptr && before->status == "done") continue;
      const bool stopped = stop.load() || run_stage(session, recipe.stages[i], i, before) == StageEnd::stopped;
      if (!stopped) continue;
      store.finish_run("stopped", earlier + clock.seconds());
      report::write_report(folder.report(), store);
      return RunEnd::stopped;
    }
    store.finish_run("done", earlier + clock.seconds());
    write_results(session);
    return RunEnd::done;
  } catch (const std::exception& error) {
    try {
      store.finish_run("failed", earlier + clock.seconds(), error.what());
    } catch (const std::exception&) {
      // the first error is the one to tell
    }
    throw;
  }
}

}  // namespace

RunEnd start_run(const Recipe& recipe, const std::filesystem::path& out, Progress& progress,
                 const std::atomic<bool>& stop) {
  check_inputs(recipe);
  check_memory(recipe, progress);
  make_folder(out);
  const RunFolder folder{std::filesystem::absolute(out)};
  const Json resolved = to_json(recipe);
  store::Store store(folder.database(), store::Mode::create);
  store.begin_run({.name = recipe.name,
                   .version = version,
                   .seed = static_cast<uint64_t>(recipe.seed),
                   .recipe = to_line(resolved),
                   .machine = to_line(machine_facts())});
  write_file_atomically(folder.recipe(), to_pretty(resolved) + "\n");
  return run_stages(recipe, folder, store, progress, stop);
}

RunEnd rerun_from(const std::string& from, const Recipe* changed, const std::filesystem::path& out, Progress& progress,
                  const std::atomic<bool>& stop) {
  const Recipe kept = recipe_of_run(out);
  const Recipe& recipe = changed != nullptr ? *changed : kept;
  const RunFolder folder{std::filesystem::absolute(out)};
  const int index = restart_index(kept, recipe, from);
  check_inputs(recipe);
  check_memory(recipe, progress);
  store::Store store(folder.database(), store::Mode::open);
  const auto rows = store.stages();
  for (int i = 0; i < index; ++i) {
    const auto* row = row_of(rows, i);
    if (row == nullptr || row->status != "done")
      throw Error("--from", from, "finished stages before it", recipe.stages[i].name + " is not finished");
  }
  for (size_t i = index; i < kept.stages.size(); ++i) remove_results(folder, kept.stages[i].name);
  const Json resolved = to_json(recipe);
  store.restart(index, to_line(resolved));
  write_file_atomically(folder.recipe(), to_pretty(resolved) + "\n");
  return run_stages(recipe, folder, store, progress, stop);
}

Recipe recipe_of_run(const std::filesystem::path& out) {
  const RunFolder folder{out};
  const store::Store store(folder.database(), store::Mode::read_only);
  const auto row = store.run();
  if (!row) throw Error(folder.database().string(), "", "a run", "none was begun");
  return recipe_from_json(parse_json(row->recipe, folder.database().string()), folder.database().string());
}

RunEnd resume_run(const std::filesystem::path& out, Progress& progress, const std::atomic<bool>& stop) {
  const Recipe recipe = recipe_of_run(out);
  check_inputs(recipe);
  const RunFolder folder{std::filesystem::absolute(out)};
  store::Store store(folder.database(), store::Mode::open);
  if (store.run()->status == "done" && std::filesystem::exists(folder.summary())) return RunEnd::done;
  rewind_to_checkpoint(store, folder);
  return run_stages(recipe, folder, store, progress, stop);
}

}  // namespace posttrain::pipeline
