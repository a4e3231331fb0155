#include "pipeline/stage_settings.h"

#include <algorithm>
#include <filesystem>

namespace posttrain::pipeline {

void InLoopEval::visit(Visitor& v) {
  v("every_steps", every_steps, {.doc = "Evaluate this often; 0 = never", .min = 0, .unit = "steps"});
  v("keep", keep,
    {.doc = "Which weights the stage hands on: the last, or those with the best pass@1 of its evaluations",
     .choices = {"last", "best"}});
  v("stop_on_collapse", stop_on_collapse,
    {.doc = "End the stage when accuracy, reward or an evaluation falls to less than half of its best"});
  eval.visit(v);
}

void DataPart::visit(Visitor& v) {
  v("source", source,
    {.doc = "The task's corpus, worked traces or general texts, what an earlier stage wrote, or a file",
     .choices = {"corpus", "traces", "general", "stage", "file"}});
  v("stage", stage, {.doc = "With source \"stage\": a `reject` stage"});
  v("path", path,
    {.doc = "With source \"file\": JSON lines with prompt and completion, messages, or prompt_ids and completion_ids",
     .path = true});
  v("documents", documents, {.doc = "How many are taken; 0 = all that a stage or file has", .min = 0});
  v("share", share, {.doc = "Or how many for each document of the parts before, e.g. 0.25", .min = 0, .max = 100});
}

void DataPart::check(const Complain& complain) const {
  if ((source == "stage") == stage.empty())
    complain("stage", "expected a stage's name with source \"stage\", and only there");
  if ((source == "file") == path.empty()) complain("path", "expected a file with source \"file\", and only there");
  const bool whole = source == "stage" || source == "file";
  if (!whole && (documents > 0) == (share > 0)) complain("documents", "expected either documents or share");
}

void SftStage::visit(Visitor& v) {
  v("data", data, {.doc = "What is learnt from: parts one after another, shuffled in training", .required = true});
  v("save_every_steps", save_every_steps,
    {.doc = "Checkpoint this often; 0 = at the end only", .min = 0, .unit = "steps"});
  sft.visit(v);
  v("eval", eval, {.doc = "Evaluations within the stage"});
}

void GrpoStage::visit(Visitor& v) {
  v("save_every_steps", save_every_steps,
    {.doc = "Checkpoint this often; 0 = at the end only", .min = 0, .unit = "steps"});
  grpo.visit(v);
  v("model_rewards", model_rewards, {.doc = "Rewards that a model gives, beside the recipe's rules"});
  v("eval", eval, {.doc = "Evaluations within the stage"});
}

void ModelReward::visit(Visitor& v) {
  v("stage", stage,
    {.doc = "An earlier stage: a `reward_model`, or one whose model is asked as a judge", .required = true});
  v("weight", weight, {.doc = "Factor of this part in the total"});
  v("judge", judge, {.doc = "How a judge is asked"});
}

void RejectStage::visit(Visitor& v) {
  v("prompts", prompts, {.doc = "Problems of the training split", .min = 1, .max = 1 << 24});
  v("samples_per_prompt", samples_per_prompt, {.doc = "Answers to each", .min = 1, .max = 1 << 16});
  v("keep_per_prompt", keep_per_prompt, {.doc = "Most different answers kept of one problem", .min = 1});
  v("min_reward", min_reward, {.doc = "Besides being right, an answer needs at least this total reward"});
  v("max_tokens", max_tokens, {.doc = "Longer answers are dropped; 0 = none", .min = 0, .unit = "tokens"});
  v("pairs_per_prompt", pairs_per_prompt,
    {.doc = "Most pairs of a right and a wrong answer kept of one problem, for a `dpo` or `reward_model` stage",
     .min = 0,
     .max = 1 << 16});
  v("sampling", sampling, {.doc = "How answers are drawn"});
  v("engine", engine, {.doc = "The rollout engine's sizes"});
}

void PairSource::visit(Visitor& v) {
  v("stage", stage, {.doc = "A `reject` or `judge` stage that kept pairs"});
  v("path", path,
    {.doc = "Or JSON lines with prompt, chosen and rejected, or prompt_ids, chosen_ids and rejected_ids",
     .path = true});
}

void PairSource::check(const Complain& complain) const {
  if (stage.empty() == path.empty()) complain("", "expected exactly one of stage and path");
}

void DpoStage::visit(Visitor& v) {
  v("pairs", pairs, {.doc = "What is learnt from", .required = true});
  v("save_every_steps", save_every_steps,
    {.doc = "Checkpoint this often; 0 = at the end only", .min = 0, .unit = "steps"});
  dpo.visit(v);
  v("eval", eval, {.doc = "Evaluations within the stage"});
}

void DistillStage::visit(Visitor& v) {
  v("teacher", teacher, {.doc = "An earlier stage whose model teaches"});
  v("teacher_path", teacher_path, {.doc = "Or a model directory with the same vocabulary", .path = true});
  v("data", data, {.doc = "Answers for off-policy steps"});
  v("save_every_steps", save_every_steps,
    {.doc = "Checkpoint this often; 0 = at the end only", .min = 0, .unit = "steps"});
  distill.visit(v);
  v("eval", eval, {.doc = "Evaluations within the stage"});
}

void DistillStage::check(const Complain& complain) const {
  if (teacher.empty() == teacher_path.empty()) complain("teacher", "expected exactly one of teacher and teacher_path");
  if (data.empty() && distill.on_policy_share < 1)
    complain("data", "expected answers where on_policy_share is below 1");
  distill.check(complain);
}

void RewardModelStage::visit(Visitor& v) {
  v("pairs", pairs, {.doc = "What is learnt from", .required = true});
  v("save_every_steps", save_every_steps,
    {.doc = "Checkpoint this often; 0 = at the end only", .min = 0, .unit = "steps"});
  reward_model.visit(v);
}

void JudgeStage::visit(Visitor& v) {
  v("candidates", candidates, {.doc = "The earlier stage whose model answers; \"\" = the judge itself"});
  v("prompts", prompts, {.doc = "Problems of the training split", .min = 1, .max = 1 << 24});
  v("pairs_per_prompt", pairs_per_prompt, {.doc = "Pairs of answers to each", .min = 1, .max = 1 << 15});
  v("judge", judge, {.doc = "How the judge is asked"});
  v("sampling", sampling, {.doc = "How answers are drawn"});
  v("engine", engine, {.doc = "The rollout engine's sizes"});
}

void JudgeStage::check(const Complain& complain) const {
  if (judge.mode != "pairs") complain("judge.mode", "expected pairs: this stage orders pairs");
}

void ExportStage::visit(Visitor& v) {
  v("format", format, {.doc = "A Hugging Face model directory, or one file", .choices = {"safetensors", "gguf"}});
  v("dtype", dtype, {.doc = "safetensors: f32 or bf16; gguf: f32, f16, bf16 or q8_0; \"\" = f32, gguf f16"});
  v("path", path, {.doc = "Where to, within the run's folder; \"\" = export/<stage>, with .gguf for a file"});
}

void ExportStage::check(const Complain& complain) const {
  const bool plain = dtype.empty() || dtype == "f32" || dtype == "bf16";
  if (!plain && !(format == "gguf" && (dtype == "f16" || dtype == "q8_0"))) {
    complain("dtype", format == "gguf" ? "expected f32, f16, bf16 or q8_0" : "expected f32 or bf16");
  }
  const std::filesystem::path to = path;
  if (to.is_absolute() || std::any_of(to.begin(), to.end(), [](const auto& part) { return part == ".."; }))
    complain("path", "expected a path within the run's folder");
}

std::vector<StageReference> references(const Tagged& settings) {
  std::vector<StageReference> found;
  const auto add_data = [&](const std::vector<DataPart>& data) {
    for (size_t i = 0; i < data.size(); ++i) {
      if (data[i].source == "stage") found.push_back({"data[" + std::to_string(i) + "].stage", data[i].stage, "data"});
    }
  };
  if (const auto* sft = settings.get<SftStage>()) add_data(sft->data);
  if (const auto* dpo = settings.get<DpoStage>(); dpo != nullptr && !dpo->pairs.stage.empty()) {
    found.push_back({"pairs.stage", dpo->pairs.stage, "pairs"});
  }
  if (const auto* model = settings.get<RewardModelStage>(); model != nullptr && !model->pairs.stage.empty()) {
    found.push_back({"pairs.stage", model->pairs.stage, "pairs"});
  }
  if (const auto* grpo = settings.get<GrpoStage>()) {
    for (size_t i = 0; i < grpo->model_rewards.size(); ++i) {
      found.push_back({"model_rewards[" + std::to_string(i) + "].stage", grpo->model_rewards[i].stage, "model"});
    }
  }
  if (const auto* judge = settings.get<JudgeStage>(); judge != nullptr && !judge->candidates.empty()) {
    found.push_back({"candidates", judge->candidates, "model"});
  }
  if (const auto* distill = settings.get<DistillStage>()) {
    add_data(distill->data);
    if (!distill->teacher.empty()) found.push_back({"teacher", distill->teacher, "model"});
  }
  return found;
}

}  // namespace posttrain::pipeline
