#include <functional>
#include <map>
#include <set>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/folders.h"
#include "base/rng.h"
#include "formats/file_writer.h"
#include "model/checkpoint.h"
#include "pipeline/checkpoints.h"
#include "pipeline/stage.h"
#include "pipeline/watch.h"

namespace posttrain::pipeline {
namespace {

// Where a stage stands: the checkpoint's cursor is {"step": n, "stage": <the stage's own>}.
int64_t resume_from_checkpoint(StageRun& run, TrainingStage& stage) {
  const auto file = run.session.folder().state_of(run.spec.name);
  if (!run.resumed || !std::filesystem::exists(file)) return 0;
  const Json cursor = parse_json(model::Checkpoint::load(file, stage.learner), file.string());
  const int64_t step = cursor.at("step").get<int64_t>();
  stage.restore(cursor.at("stage"), step);
  return step;
}

void save_checkpoint(StageRun& run, TrainingStage& stage, int64_t step) {
  run.session.progress().phase("save", 0, 0);
  const RunFolder& folder = run.session.folder();
  make_folders(folder.state_of(run.spec.name).parent_path());  // the stage's cursor may write beside it
  sync_store(folder);  // the checkpoint must not know of steps that the store has lost
  const Json cursor = {{"step", step}, {"stage", stage.cursor()}};
  save_checkpoint(folder, run.spec.name, stage.learner, to_line(cursor));
}

void keep_failed_batch(StageRun& run, const TrainingStage& stage, int64_t step, const Failure& failure) {
  if (!stage.failed_batch) return;
  const auto file = run.session.folder().root / ("failed-batch-" + run.spec.name + ".json");
  const Json content = {
      {"stage", run.spec.name}, {"step", step + 1}, {"reason", failure.what()}, {"batch", stage.failed_batch()}};
  write_file_atomically(file, to_line(content));
  run.session.progress().note("the batch is kept in " + file.string());
}

// What a line on the terminal has room for.
store::Metrics headline(const store::EvalRecord& record) {
  const std::string k = std::to_string(record.k);
  const std::set<std::string> shown = {"pass@1", "cons@" + k, "pass@" + k, "mean_length",
                                       "format", "truncated", "failed",    "overlong"};
  store::Metrics out;
  for (const auto& metric : record.metrics) {
    if (shown.contains(metric.first)) out.push_back(metric);
  }
  return out;
}

void show_alerts(StageRun& run, const std::vector<store::Alert>& alerts) {
  for (const auto& alert : alerts) run.session.progress().alert(alert.text);
}

// What the stage hands over: its last weights, or those of its best evaluation.
void save_result(StageRun& run, const TrainingStage& stage, const Watch& watch) {
  Session& session = run.session;
  session.progress().phase("save", 0, 0);
  const auto saved = session.folder().model_of(run.spec.name);
  const auto best = watch.best_step();
  if (!best) {
    if (stage.eval.keep == "best")
      session.progress().alert(run.spec.name + " keeps its last weights: no evaluation gave a figure to choose by");
    if (const auto* lora = stage.learner.lora()) lora->save(session.folder().adapter_of(run.spec.name));
    return session.save_model(stage.model, saved);
  }
  session.progress().note(run.spec.name + " keeps its weights after step " + std::to_string(*best) +
                          ", the best of its evaluations");
  const auto adapter = session.folder().best_of(run.spec.name) / "adapter";
  if (std::filesystem::exists(adapter)) {
    write_folder_atomically(session.folder().adapter_of(run.spec.name),
                            [&](const auto& folder) { std::filesystem::copy(adapter, folder); });
  }
  session.save_model(*session.load_best(run.spec, nn::Use::inference), saved);
}

}  // namespace

uint64_t StageRun::key() const {
  return hash_name(spec.name);
}

void StageRun::announce(int64_t steps, int64_t done) const {
  session.progress().stage(spec.name, index, static_cast<int>(session.recipe().stages.size()), steps, done);
}

store::EvalRecord run_evaluation(StageRun& run, model::Transformer& model, const EvalSettings& settings,
                                 text::Split split, int64_t step,
                                 const std::function<void(store::EvalRecord&)>& watch) {
  Session& session = run.session;
  rollout::EngineSettings engine_settings;
  auto engine = session.make_engine(model, engine_settings);
  const auto problems = session.problems(run.spec, eval_prompts(settings, split), engine.max_positions());
  auto collector = session.make_collector(engine, {run.spec.name, text::split_name(split), step}, &problems);
  auto record = evaluate(
      collector, problems, settings, session.seed(),
      [&](int64_t tokens, int64_t done, int64_t total) {
        session.progress().phase("evaluate", done, total, tokens);
        return true;
      },
      split);
  if (const int64_t left_out = problems.lengths().left_out(); left_out > 0)
    record.metrics.emplace_back("overlong", static_cast<double>(left_out));
  record.stage = run.index;
  record.step = step;
  record.task = session.recipe().task.settings.type();
  if (split == text::Split::valid) record.task += " (valid)";  // other problems: other figures
  if (watch) watch(record);
  session.store().write_eval(record);
  session.metrics_file().eval(run.spec.name, record);
  session.progress().eval(step, record.task, headline(record));
  show_alerts(run, record.alerts);
  return record;
}

StageEnd run_training(StageRun& run, TrainingStage& stage) {
  Session& session = run.session;
  int64_t step = resume_from_checkpoint(run, stage);
  Watch watch(run, stage, step);
  run.announce(stage.steps, step);
  const auto evaluates = [&](int64_t at) {
    return stage.eval.every_steps > 0 && (at % stage.eval.every_steps == 0 || at == stage.steps);
  };
  std::map<std::string, double> between;  // time since the last step's record was written
  const auto evaluate_at = [&](int64_t at) {
    const Clock clock;
    run_evaluation(run, stage.model, stage.eval.eval, text::Split::valid, at,
                   [&](store::EvalRecord& record) { watch.eval(record); });
    between["timing_s/testing"] += clock.seconds();
  };
  if (step == 0 && evaluates(0)) evaluate_at(0);
  for (; step < stage.steps && !watch.gave_up(); ++step) {
    if (session.stop_requested()) {
      if (!stage.resumable_at || stage.resumable_at(step)) save_checkpoint(run, stage, step);
      return StageEnd::stopped;
    }
    store::StepRecord record;
    try {
      record = stage.step(step);
    } catch (const Failure& failure) {
      keep_failed_batch(run, stage, step, failure);
      throw;
    }
    record.stage = run.index;
    record.step = step + 1;
    if (step == 0) record.metrics.insert(record.metrics.end(), stage.data.begin(), stage.data.end());
    record.metrics.insert(record.metrics.end(), between.begin(), between.end());
    between.clear();
    watch.step(record);
    session.store().write_step(record);
    session.metrics_file().step(run.spec.name, record);
    session.progress().step(step + 1, record.metrics);
    show_alerts(run, record.alerts);
    if (evaluates(step + 1)) evaluate_at(step + 1);
    const bool last = step + 1 == stage.steps;
    if (!last && stage.save_every_steps > 0 && (step + 1) % stage.save_every_steps == 0) {
      const Clock clock;
      save_checkpoint(run, stage, step + 1);
      between["timing_s/save_checkpoint"] += clock.seconds();
    }
  }
  if (step < stage.steps) {
    session.progress().note(run.spec.name + " collapsed and ends after step " + std::to_string(step) + " of " +
                            std::to_string(stage.steps));
  }
  save_result(run, stage, watch);
  return StageEnd::done;
}

}  // namespace posttrain::pipeline
