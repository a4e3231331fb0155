// Training examples of a stage: texts of the task, or what an earlier stage wrote into the run's folder.
#pragma once

#include <filesystem>
#include <vector>

#include "pipeline/stage.h"
#include "pipeline/stages/data_part.h"
#include "sft/pack.h"

namespace posttrain::pipeline {

// One kept answer: tokens as they were sampled, never re-tokenised, with where they came from.
struct KeptAnswer {
  std::string problem;  // id
  std::vector<int32_t> prompt, completion;
  std::string text;
  double reward = 0;
};

// JSON lines in RunFolder::data_of(stage); written whole or not at all.
void write_kept(const std::filesystem::path& file, const std::vector<KeptAnswer>& answers);

// JSON lines of answers to learn: prompt_ids and completion_ids (loss on the completion), or any shape of
// tasks/dataset.h that has an answer (loss on what the assistant says). Throws Error for another.
// Adds to `lost_thoughts` what a chat template leaves out (text/renderer.h); `where` gets "<file>:<line>" of each.
std::vector<sft::Example> read_examples(const std::filesystem::path& file, const Renderer& renderer,
                                        size_t& lost_thoughts, std::vector<std::string>& where);

// What a stage learns from, and what its first step keeps of it (TrainingStage::data).
struct LoadedExamples {
  std::vector<sft::Example> examples;
  store::Metrics facts;
};

// The parts one after another, less what is longer than `longest` tokens, or cut to that: counted and said either way.
// Throws Error when too long is refused, or nothing is left.
LoadedExamples load_examples(StageRun& run, const std::vector<DataPart>& parts, const text::DataSettings& data,
                             int64_t longest);

}  // namespace posttrain::pipeline
