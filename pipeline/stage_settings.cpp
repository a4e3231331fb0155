#include "pipeline/stage_settings.h"

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
    {.doc = "The task's corpus, worked traces or general texts, or what an earlier stage wrote",
     .choices = {"corpus", "traces", "general", "stage"}});
  v("stage", stage, {.doc = "With source \"stage\": a `reject` stage"});
  v("documents", documents, {.doc = "How many are taken; 0 = all that a stage wrote", .min = 0});
  v("share", share, {.doc = "Or how many for each document of the parts before, e.g. 0.25", .min = 0, .max = 100});
}

void DataPart::check(const Complain& complain) const {
  if ((source == "stage") == stage.empty())
    complain("stage", "expected a stage's name with source \"stage\", and only there");
  if (source != "stage" && (documents > 0) == (share > 0)) complain("documents", "expected either documents or share");
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
  v("eval", eval, {.doc = "Evaluations within the stage"});
}

void RejectStage::visit(Visitor& v) {
  v("prompts", prompts, {.doc = "Problems of the training split", .min = 1, .max = 1 << 24});
  v("samples_per_prompt", samples_per_prompt, {.doc = "Answers to each", .min = 1, .max = 1 << 16});
  v("keep_per_prompt", keep_per_prompt, {.doc = "Most different answers kept of one problem", .min = 1});
  v("min_reward", min_reward, {.doc = "Besides being right, an answer needs at least this total reward"});
  v("max_tokens", max_tokens, {.doc = "Longer answers are dropped; 0 = none", .min = 0, .unit = "tokens"});
  v("sampling", sampling, {.doc = "How answers are drawn"});
  v("engine", engine, {.doc = "The rollout engine's sizes"});
}

}  // namespace posttrain::pipeline
