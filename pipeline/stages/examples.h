// Training examples of a stage: texts of the task, or what an earlier stage wrote into the run's folder.
#pragma once

#include <filesystem>
#include <vector>

#include "pipeline/session.h"
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
// text/dataset.h: prompt and completion as text, messages (loss on what the assistant says). Throws Error for another.
std::vector<sft::Example> read_examples(const std::filesystem::path& file, const Tokenizer& tokenizer);

// The parts one after another. Texts are tokenised as bos, prompt (no loss), response; throws Error when a stage wrote
// nothing.
std::vector<sft::Example> load_examples(Session& session, const std::vector<DataPart>& parts);

}  // namespace posttrain::pipeline
