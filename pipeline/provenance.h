// What a run stands on: digests of the files that its recipe names and of those that its stages left, kept in the
// store, so that a changed one is told before it changes a result.
#pragma once

#include <string>
#include <vector>

#include "pipeline/recipe/recipe.h"
#include "pipeline/session.h"
#include "store/records.h"

namespace posttrain::pipeline {

// Files that have changed are refused, or taken as they are from now on.
enum class Changed : uint8_t { refused, allowed };

// Of every file that a path of the recipe names; a folder stands for the files that lie in it.
std::vector<store::FileDigest> digest_inputs(const Recipe& recipe);

// Of the model, the adapter and the data that a finished stage left, by their paths within the run.
std::vector<store::FileDigest> digest_results(const RunFolder& folder, const std::string& stage);

// Throws Error that names each file of the recipe which is not as it was, with both digests; where that is allowed,
// says so and keeps the new digests. Files that are new to the recipe are added.
void check_inputs_unchanged(store::Store& store, const Recipe& recipe, Changed changed, Progress& progress);

// The same of what the finished stages before the one with index `end` left.
void check_results_unchanged(store::Store& store, const RunFolder& folder, int end, Changed changed,
                             Progress& progress);

// Keeps the digests of final/.
void keep_final_digests(store::Store& store, const RunFolder& folder);

// Where `model` is the model of a run's stage or its final/: throws Error when its weights are no longer those that the
// run wrote. A model elsewhere, or of a run without digests, is nobody's.
void check_model_of_run(const std::filesystem::path& model);

}  // namespace posttrain::pipeline
