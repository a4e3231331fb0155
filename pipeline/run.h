// From a recipe to a finished run folder, stage after stage; and from an interrupted folder on.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include "pipeline/provenance.h"
#include "pipeline/recipe/recipe.h"
#include "pipeline/show/progress.h"

namespace posttrain::pipeline {

enum class RunEnd : uint8_t { done, stopped };

// Runs the recipe into `out`, which must be new or empty but for a run that was killed before it was begun. `stop` may
// be set from a signal handler: the step in hand is finished and saved, and the run ends as `stopped`. Throws Error for
// bad input before anything is computed, Failure when the machine or a computation fails; what was finished by then is
// kept, and resume_run goes on from there.
// `source`: where the recipe's keys were written, for what the check before the start says of them; may be null.
RunEnd start_run(const Recipe& recipe, const std::filesystem::path& out, Progress& progress,
                 const std::atomic<bool>& stop, const Node* source = nullptr);

// Goes on with the run in `out`, by the recipe that it keeps, on the files that it was begun with (provenance.h). A
// finished run is done at once. `given` (or null) must say the same as that recipe. Where no run was begun in `out` yet
// it begins one, by `given` or by the recipe that a killed birth left.
RunEnd resume_run(const std::filesystem::path& out, const Recipe* given, Changed changed, Progress& progress,
                  const std::atomic<bool>& stop);

// Runs the stage named `from` and all after it again, on what the stages before left in `out`. `given` (or null: the
// run's own recipe) may say other things of these stages, never of the earlier ones or of what they stand on.
RunEnd rerun_from(const std::string& from, const Recipe* given, const std::filesystem::path& out, Changed changed,
                  Progress& progress, const std::atomic<bool>& stop);

// recipe.resolved.json of the run in `out`, which says what the store says: a changed or lost one is written again.
std::filesystem::path recipe_file_of_run(const std::filesystem::path& out);

// The recipe of the run in `out`; throws Error, with the way out, where none was begun.
Recipe recipe_of_run(const std::filesystem::path& out);

}  // namespace posttrain::pipeline
