// The store of one run: a SQLite file (schema.sql documents it) with recipe, stages, steps, samples and evaluations.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/records.h"

namespace posttrain::store {

enum class Mode {
  create,    // a new one, which takes its name with begin_run(); Error when a run is there
  open,      // an existing one, to write on; checked for damage first
  read_only  // while another process writes, or after
};

// run.db of a run given by its folder or by the file itself; throws Error when it isn't there.
std::filesystem::path run_file(const std::filesystem::path& run);

// Thread-safe: one lock around every call. One writing Store per file: a second one, in any process, is refused.
// Every write is one transaction: after kill -9 it is there as a whole or not at all, and all that returned is there.
// Throws Error for a missing, foreign, damaged or too new file and for a file in use, Failure for a full disk, an
// unwritable folder and lasting locks; each names the file. After a failed write the store holds what it held before.
class Store {
 public:
  Store(const std::filesystem::path& file, Mode mode);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Whether `file` is a store of ours, or a SQLite file without any table, in which no run was begun. Never throws.
  static bool is_store_without_run(const std::filesystem::path& file);

  // ---- writing
  // Once, on a new store: the file takes its name with the run in it, so that a kill leaves both or neither.
  void begin_run(const RunInfo& run);
  // Stages begin in order of their index. One that is there already (a resumed run) goes on, if name and type agree.
  void begin_stage(const StageInfo& stage);
  // The step must be new. Rollouts whose prompt and answer were seen before share one row of prompts.
  void write_step(const StepRecord& record);
  // Replaces an evaluation of the same stage, step and task.
  void write_eval(const EvalRecord& record);
  // status: done, stopped, failed. seconds is the whole time of the stage, resumed parts included.
  // `files`: what it left.
  void finish_stage(int stage, const std::string& status, double seconds, const std::string& checkpoint,
                    const std::vector<FileDigest>& files = {});
  // In the place of those kept for the stage, or for recipe_files.
  void keep_files(int stage, const std::vector<FileDigest>& files);
  void finish_run(const std::string& status, double seconds, const std::string& message = "");
  // Back to the checkpoint taken after `step` of `stage`: deletes later steps (with metrics, spans, samples, alerts),
  // later evaluations and later stages. Run and stage count as running again. What follows then leaves the same
  // content as a run that was never interrupted. Evaluations of `step` itself stay; writing them again replaces them.
  void rewind(int stage, int64_t step);

  // The same for a stage that begins anew: nothing of it or of later ones stays, and the run goes on by `recipe`.
  void restart(int stage, const std::string& recipe);

  // ---- reading
  // Read only, a run that counts as running but that no process writes is "interrupted", its stage too.
  std::optional<RunRow> run() const;
  std::vector<StageRow> stages() const;
  std::optional<int64_t> last_step(int stage) const;
  std::vector<StepKey> steps() const;
  std::vector<std::string> metric_keys() const;
  std::vector<Point> curve(const std::string& key) const;
  Metrics metrics(int stage, int64_t step) const;
  std::vector<Span> spans(int stage, int64_t step) const;
  // Seconds on the main line (lane 0), by phase, over all steps of a stage.
  std::vector<PhaseTime> phase_times(int stage) const;
  // In order of stage and step, without transcripts.
  std::vector<EvalRecord> evals() const;
  // Steps that have stored samples: of training rollouts (task "") or of an evaluation.
  std::vector<StepKey> sampled_steps(const std::string& task = "") const;
  std::vector<Group> groups(int stage, int64_t step, const std::string& task = "") const;
  std::vector<AlertRow> alerts() const;
  // In order of their paths. Throws Failure for a store of an earlier version that is open to be read only.
  std::vector<FileDigest> files(int stage) const;
  // Everything but timings as text: two runs of one recipe and seed give equal strings.
  std::string content() const;

  const std::filesystem::path& file() const { return file_; }

 private:
  struct Impl;
  std::filesystem::path file_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace posttrain::store
