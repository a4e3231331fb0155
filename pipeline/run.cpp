#include "pipeline/run.h"

#include <algorithm>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/folders.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/nearest.h"
#include "base/parallel.h"
#include "pipeline/checkpoints.h"
#include "pipeline/preflight/preflight.h"
#include "pipeline/recipe/judge_check.h"
#include "pipeline/recipe/memory_check.h"
#include "pipeline/recipe/recipe_view.h"
#include "pipeline/stage.h"
#include "pipeline/stage_table.h"
#include "report/report.h"
#include "report/summary.h"
#include "store/birth.h"

namespace posttrain::pipeline {
namespace {

void make_folder(const std::filesystem::path& out) {
  std::error_code error;
  if (std::filesystem::exists(out, error)) {
    if (!std::filesystem::is_directory(out)) throw Error(out.string(), "--out", "a folder", "a file");
    const std::string recipe = RunFolder{out}.recipe().filename().string();
    if (!store::holds_only_unborn(out, RunFolder{out}.database(), {recipe, recipe + ".tmp"})) {
      throw Error(out.string(), "--out", "a new or empty folder, or --resume to go on with the run in it",
                  "a folder with files");
    }
  }
  for (auto above = out; !above.empty() && above != above.parent_path(); above = above.parent_path()) {
    if (std::filesystem::exists(above, error) && !std::filesystem::is_directory(above, error))
      throw Error(out.string(), "--out", "a folder", "a path through a file");
  }
  make_folders(out);
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

// Warnings are shown; errors end the run before anything is made.
void check_before_start(const Recipe& recipe, const Node* source, Progress& progress) {
  const auto findings =
      preflight(recipe, {.memory = false, .source = source, .watch = [&](int64_t done, int64_t total) {
                           progress.phase("check", done, total);
                         }});
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::warning) progress.note(finding.text());
  }
  throw_errors(findings);
  check_memory(recipe, progress);
}

// All but the model and the adapter of a finished stage. What can't be removed is only disk space.
void remove_unfinished(const RunFolder& folder, const std::string& stage) {
  std::error_code ignored;
  const auto model = folder.model_of(stage);
  for (const auto& entry : std::filesystem::directory_iterator(model.parent_path(), ignored)) {
    if (entry.path() != model && entry.path() != folder.adapter_of(stage))
      std::filesystem::remove_all(entry.path(), ignored);
  }
}

// What a stage left on disk, so that nothing of it is taken for a new result.
void remove_results(const RunFolder& folder, const std::string& stage) {
  std::filesystem::remove_all(folder.model_of(stage).parent_path());
  for (const auto& file : {folder.data_of(stage), folder.pairs_of(stage), folder.teacher_of(stage)}) {
    std::filesystem::remove(file);
  }
}

StageEnd run_stage(Session& session, const StageSpec& spec, int index, const store::StageRow* before) {
  const Clock clock;
  // A --from that was killed behind the store's restart has left what it was to remove.
  if (before == nullptr) remove_results(session.folder(), spec.name);
  const double earlier = before != nullptr ? before->seconds : 0;
  session.store().begin_stage(
      {.index = index, .name = spec.name, .type = spec.type(), .from = spec.from, .steps = planned_steps(spec)});
  StageRun run{.session = session, .spec = spec, .index = index, .resumed = before != nullptr};
  const StageEnd end = stage_type(spec.type()).run(spec.settings, run);
  const bool trained = end == StageEnd::done && stage_trains(spec.type());
  session.store().finish_stage(
      index, end == StageEnd::done ? "done" : "stopped", earlier + clock.seconds(),
      trained ? std::filesystem::relative(session.folder().model_of(spec.name), session.folder().root).string() : "",
      end == StageEnd::done ? digest_results(session.folder(), spec.name) : std::vector<store::FileDigest>());
  if (end == StageEnd::done) {
    sync_store(session.folder());  // what the stage needed to be resumed goes next
    remove_unfinished(session.folder(), spec.name);
  }
  return end;
}

// Back to the checkpoint of the stage in which the run was cut, before anything reads the store.
void rewind_to_checkpoint(store::Store& store, const RunFolder& folder, Progress& progress) {
  for (const auto& row : store.stages()) {
    if (row.status == "done") continue;
    return store.rewind(row.index,
                        settle_checkpoint(folder, row.name, [&](const std::string& text) { progress.note(text); }));
  }
}

// The last trained model as `final/`, the summary and the report.
void write_results(Session& session) {
  const auto& stages = session.recipe().stages;
  for (auto spec = stages.rbegin(); spec != stages.rend(); ++spec) {
    if (!stage_continues(spec->type())) continue;
    session.save_model(*session.load_result(*spec, nn::Use::inference), session.folder().final_model());
    keep_final_digests(session.store(), session.folder());
    break;
  }
  report::write_report(session.folder().report(), session.store());
  sync_store(session.folder());
  sync_file(session.folder().metrics());
  report::write_summary(session.folder().summary(), session.store());  // last: with it the run counts as complete
}

// A value of a recipe in a message.
std::string told(const std::string& value) {
  return value.empty() ? "nothing" : value;
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
    if (!later && !harmless) throw Error("--from " + from, path, told(first) + " as in the run", told(second));
  }
  return index;
}

void write_recipe(const RunFolder& folder, const std::string& text) {
  std::error_code ignored;
  if (std::filesystem::exists(folder.recipe(), ignored) && read_file(folder.recipe()) == text) return;
  write_file_atomically(folder.recipe(), text);
}

std::string recipe_text(const Recipe& recipe) {
  return to_pretty(to_json(recipe)) + "\n";
}

RunEnd run_stages(const Recipe& recipe, const RunFolder& folder, store::Store& store, Progress& progress,
                  const std::atomic<bool>& stop) {
  const Clock clock;
  const double earlier = store.run()->seconds;
  set_compute_threads(static_cast<int>(recipe.threads));
  try {
    write_recipe(folder, recipe_text(recipe));
    Session session(recipe, folder, store, progress, stop);
    for (const std::string& note : session.check_data()) progress.note(note);
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

// The recipe of a run that was killed in its birth, where it had come so far.
std::optional<Recipe> unborn_recipe(const RunFolder& folder) {
  if (!store::birth_was_begun(folder.database()) || !std::filesystem::exists(folder.recipe())) return std::nullopt;
  return load_recipe(folder.recipe()).recipe;
}

// Throws Error for the first value in which the recipe given to a resumed run differs from the run's own.
void check_same_recipe(const Recipe& kept, const Recipe& given) {
  for (const auto& [path, first, second] : compare_recipes(kept, given)) {
    if (path == "name" || path == "description") continue;
    throw Error("--resume", path, told(first) + " as in the run",
                told(second) + "; leave the recipe out, or begin a new run");
  }
}

}  // namespace

RunEnd start_run(const Recipe& recipe, const std::filesystem::path& out, Progress& progress,
                 const std::atomic<bool>& stop, const Node* source) {
  check_before_start(recipe, source, progress);
  make_folder(out);
  const RunFolder folder{std::filesystem::absolute(out)};
  auto files = digest_inputs(recipe);
  store::Store store(folder.database(), store::Mode::create);
  write_recipe(folder, recipe_text(recipe));  // before the birth, so that --resume can begin what a kill left unborn
  store.begin_run({.name = recipe.name,
                   .version = version,
                   .seed = static_cast<uint64_t>(recipe.seed),
                   .recipe = to_line(to_json(recipe)),
                   .machine = to_line(machine_facts()),
                   .files = std::move(files)});
  return run_stages(recipe, folder, store, progress, stop);
}

RunEnd rerun_from(const std::string& from, const Recipe* given, const std::filesystem::path& out, Changed changed,
                  Progress& progress, const std::atomic<bool>& stop) {
  const Recipe kept = recipe_of_run(out);
  const Recipe& recipe = given != nullptr ? *given : kept;
  const RunFolder folder{std::filesystem::absolute(out)};
  const int index = restart_index(kept, recipe, from);
  check_before_start(recipe, nullptr, progress);
  store::Store store(folder.database(), store::Mode::open);
  const auto rows = store.stages();
  for (int i = 0; i < index; ++i) {
    const auto* row = row_of(rows, i);
    if (row == nullptr || row->status != "done")
      throw Error("--from", from, "finished stages before it", recipe.stages[i].name + " is not finished");
  }
  check_inputs_unchanged(store, recipe, changed, progress);
  check_results_unchanged(store, folder, index, changed, progress);
  // The store first: from here on these stages count as not begun, whatever of their files is still there.
  store.restart(index, to_line(to_json(recipe)));
  for (size_t i = index; i < kept.stages.size(); ++i) remove_results(folder, kept.stages[i].name);
  return run_stages(recipe, folder, store, progress, stop);
}

Recipe recipe_of_run(const std::filesystem::path& out) {
  const RunFolder folder{out};
  if (store::is_unborn(folder.database())) {
    throw Error(out.string(), "--out", "a folder with a run",
                "one in which none was begun; posttrain run RECIPE --out " + out.string() + " begins it");
  }
  const auto row = store::Store(folder.database(), store::Mode::read_only).run();
  return recipe_from_json(parse_json(row->recipe, folder.database().string()), folder.database().string());
}

std::filesystem::path recipe_file_of_run(const std::filesystem::path& out) {
  const RunFolder folder{out};
  write_recipe(folder, recipe_text(recipe_of_run(out)));
  return folder.recipe();
}

RunEnd resume_run(const std::filesystem::path& out, const Recipe* given, Changed changed, Progress& progress,
                  const std::atomic<bool>& stop) {
  if (store::is_unborn(RunFolder{out}.database())) {
    const auto left = given == nullptr ? unborn_recipe(RunFolder{out}) : std::nullopt;
    if (given != nullptr || left) {
      progress.note("no run was begun in " + out.string() + " yet; it begins now");
      return start_run(left ? *left : *given, out, progress, stop);
    }
  }
  const Recipe recipe = recipe_of_run(out);
  if (given != nullptr) check_same_recipe(recipe, *given);
  check_inputs(recipe);
  const RunFolder folder{std::filesystem::absolute(out)};
  store::Store store(folder.database(), store::Mode::open);
  if (store.run()->status == "done" && std::filesystem::exists(folder.summary())) return RunEnd::done;
  check_inputs_unchanged(store, recipe, changed, progress);
  check_results_unchanged(store, folder, static_cast<int>(recipe.stages.size()), changed, progress);
  check_judges(recipe);
  rewind_to_checkpoint(store, folder, progress);
  return run_stages(recipe, folder, store, progress, stop);
}

}  // namespace posttrain::pipeline
