#include <optional>
#include <set>

#include "base/error.h"
#include "model/checkpoint.h"
#include "pipeline/preflight/inspection.h"
#include "pipeline/recipe/memory_check.h"
#include "pipeline/recipe/planner.h"
#include "pipeline/stage.h"
#include "pipeline/stages/model_rewards.h"
#include "rl/grpo.h"

namespace posttrain::pipeline {
namespace {

struct GrpoStage {
  int64_t save_every_steps = 20;
  text::DataSettings data;
  rl::GrpoSettings grpo;
  std::vector<ModelReward> model_rewards;
  InLoopEval eval;

  void visit(Visitor& v);
  std::vector<StageReference> references() const;
  void plan(Planner& planner, StagePlan& out) const;
  void inspect(Inspection& to) const;
  int64_t steps() const { return grpo.steps; }
  PromptUse prompt_use() const { return {.new_tokens = grpo.sampling.max_new_tokens, .data = data}; }
  std::vector<PromptUse> prompts() const;
  MemoryNeed memory(const StageModel& model) const;
  // A KL term's reference; where adapters are trained and it stays, it is the policy without them.
  bool needs_reference_model() const {
    return grpo.objective.beta != 0 && (!grpo.training.lora || grpo.reference_refresh_steps > 0);
  }
};

// Whether a reward of the recipe says what is right. Throws Error when the stage asks for it in vain.
bool judged(const rl::GrpoSettings& grpo, const Recipe& recipe) {
  const bool judged = rewards::any_judges(recipe.rewards);
  if (!judged && grpo.dynamic_sampling.enabled && grpo.dynamic_sampling.by == rl::FilterBy::accuracy)
    throw Error("recipe", "dynamic_sampling.by", "reward, where no reward judges right and wrong", "accuracy");
  return judged;
}

// Keeps the first groups of a step, as many whole ones as the recipe's number of samples allows.
void limit_samples(std::vector<store::Group>& groups, const std::optional<int64_t>& limit) {
  if (!limit) return;
  int64_t left = *limit;
  size_t kept = 0;
  while (kept < groups.size() && std::ssize(groups[kept].samples) <= left) left -= std::ssize(groups[kept++].samples);
  groups.resize(kept);
}

// A renewed reference is part of a checkpoint: the folders that the checkpoints on disk name stay until this one is
// whole. What a kill left beside it, half-written folders too, goes.
std::string keep_reference(StageRun& run, const model::Transformer& reference, int64_t updates) {
  const RunFolder& files = run.session.folder();
  const auto folder = files.state_of(run.spec.name).parent_path();
  std::string name = "reference-" + std::to_string(updates);
  std::set<std::string> named;
  for (const auto& state : {files.state_of(run.spec.name), files.state_before(run.spec.name)}) {
    if (!std::filesystem::exists(state)) continue;
    try {
      const Json cursor = parse_json(model::Checkpoint::read_cursor(state), state.string());
      named.insert(cursor.at("stage").at("reference").get<std::string>());
    } catch (const Failure&) {
      throw;
    } catch (const Error&) {
      // a damaged one names nothing
    }
  }
  std::vector<std::filesystem::path> older;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    if (file.starts_with("reference-") && file != name && !named.contains(file)) older.push_back(entry.path());
  }
  for (const auto& path : older) std::filesystem::remove_all(path);
  run.session.save_model(reference, folder / name);
  return name;
}

void load_reference(StageRun& run, const std::string& name, model::Transformer& reference) {
  const auto folder = run.session.folder().model_of(run.spec.name).parent_path();
  reference.copy_weights_from(
      *model::Transformer::load(run.session.backend(), folder / name, DType::f32, nn::Use::inference));
}

void GrpoStage::visit(Visitor& v) {
  v("save_every_steps", save_every_steps,
    {.doc = "Checkpoint this often; 0 = at the end only", .min = 0, .unit = "steps"});
  data.visit(v);
  v.flat(grpo);
  v("model_rewards", model_rewards, {.doc = "Rewards that a model gives, beside the recipe's rules"});
  v("eval", eval, {.doc = "Evaluations within the stage"});
}

std::vector<PromptUse> GrpoStage::prompts() const {
  std::vector<PromptUse> uses = {prompt_use()};
  eval.add_prompts(uses);
  return uses;
}

std::vector<StageReference> GrpoStage::references() const {
  std::vector<StageReference> found;
  for (size_t i = 0; i < model_rewards.size(); ++i) {
    found.push_back({"model_rewards[" + std::to_string(i) + "].stage", model_rewards[i].stage, "model"});
  }
  return found;
}

std::vector<rewards::PartName> reward_names(const Tagged& settings) {
  std::vector<rewards::PartName> names;
  for (ModelReward& reward : settings.get<GrpoStage>()->model_rewards) names.push_back({&reward.name, reward.stage});
  return names;
}

void GrpoStage::plan(Planner& planner, StagePlan& out) const {
  judged(grpo, planner.recipe());
  const auto& g = grpo;
  const auto groups = static_cast<double>(g.steps * g.prompts_per_step);
  out.steps = g.steps;
  planner.sample(out, text::Split::train, groups, static_cast<double>(g.samples_per_prompt), g.sampling);
  Range answers = out.sampled;
  if (g.second_attempts > 0) {
    const auto more = static_cast<double>(g.steps * g.second_attempts * g.samples_per_prompt);
    answers.high += answer_tokens(g.sampling).high * more;
  }
  out.trained = answers * static_cast<double>(g.epochs);
  if (g.objective.beta != 0) out.scored = answers;
  out.sampled = answers;
  if (g.dynamic_sampling.enabled) out.sampled.high *= static_cast<double>(g.dynamic_sampling.max_rounds);
  planner.evaluate(out, eval);
  if (eval.stop_on_collapse) out.sampled.low = out.trained.low = out.scored.low = 0;
}

MemoryNeed GrpoStage::memory(const StageModel& model) const {
  const int64_t prompts = grpo.prompts_per_step, answers = prompts * grpo.samples_per_prompt;
  const auto prompt = model.planner.longest_prompt();
  const int64_t drawn = answers * grpo.sampling.max_new_tokens + prompts * prompt;
  const int64_t limit = grpo.micro_batch_tokens > 0
                            ? grpo.micro_batch_tokens
                            : model::default_micro_batch_rows(model.arch, grpo.training.recompute);
  const int64_t rows = std::min(drawn, std::max(limit, grpo.sampling.max_new_tokens + prompt));
  const DecodeSizes own = decode_sizes(model, grpo.engine, prompts, answers, grpo.sampling.max_new_tokens);
  const DecodeSizes within = in_loop_sizes(model, grpo.engine, eval);
  const bool other = needs_reference_model();
  int64_t scored = std::max(own.rows, within.rows);
  if (other) scored += rows;
  if (grpo.objective.beta != 0 && !other) scored = std::max(scored, rows);
  return {{.rows = rows,
           .scored_rows = scored,
           .cache_blocks = std::max(own.blocks, within.blocks),
           .others = (other ? 1 : 0) + (grpo.staleness > 0 ? 1 : 0),
           .stored = model.stored,
           .optimizer = grpo.training.optimizer()}};
}

void GrpoStage::inspect(Inspection& to) const {
  if (grpo.steps == 0) to.error("steps", "expected above 0: nothing is learnt");
  if (model_rewards.empty()) to.judged();
  if (grpo.sampling.temperature == 0)
    to.error("sampling.temperature", "expected above 0: all answers to a prompt are the same");
  if (grpo.samples_per_prompt == 1)
    to.error("samples_per_prompt", "expected at least 2, got 1: an answer alone has nothing to be compared with");
  to.problems("prompts_per_step", grpo.prompts_per_step, text::Split::train);
  to.sampling("sampling", grpo.sampling, text::Split::train);
  to.training(grpo.training, grpo.steps);
  to.evaluation(eval);
}

StageEnd run_grpo(const GrpoStage& settings, StageRun& run) {
  Session& session = run.session;
  const rl::GrpoSettings& grpo = settings.grpo;
  const auto policy = session.load_model(run.spec, nn::Use::training);
  const auto reference = settings.needs_reference_model() ? session.load_model(run.spec, nn::Use::inference) : nullptr;
  // A copy of the policy that can draw while the policy trains.
  const auto sampler_backend = grpo.staleness > 0 ? nn::make_cpu_backend() : nullptr;
  const auto sampler = grpo.staleness > 0 ? session.empty_copy(*policy, *sampler_backend, run.spec) : nullptr;
  model::Learner learner(*policy, grpo.training.optimizer());
  auto engine = session.make_engine(sampler ? *sampler : *policy, grpo.engine);
  const auto problems = session.problems(run.spec, settings.prompt_use(), policy->arch().max_positions);
  auto collector = session.make_collector(engine, {run.spec.name}, &problems);
  std::optional<ModelRewards> model_rewards;
  if (!settings.model_rewards.empty()) {
    model_rewards.emplace(session, settings.model_rewards);
    collector.then_score([&](std::vector<rollout::ScoredGroup>& groups, const rollout::DrawKey& key) {
      model_rewards->score(groups, key);
    });
  }
  rl::GrpoTrainer trainer({.policy = *policy,
                           .reference = reference.get(),
                           .sampler = sampler.get(),
                           .learner = learner,
                           .engine = engine,
                           .collector = collector,
                           .task = problems,
                           .seed = session.seed(),
                           .stage = run.key(),
                           .checkpoint_every = settings.save_every_steps,
                           .judges = judged(grpo, session.recipe())},
                          grpo);

  TrainingStage stage{.model = *policy, .learner = learner};
  stage.steps = grpo.steps;
  stage.save_every_steps = settings.save_every_steps;
  stage.eval = settings.eval;
  stage.data = data_metrics(problems.lengths());
  stage.step = [&](int64_t step) {
    auto result = trainer.step(step, [&](const char* phase, int64_t done, int64_t total, int64_t tokens) {
      session.progress().phase(phase, done, total, tokens);
    });
    limit_samples(result.groups, session.recipe().store.samples_per_step);
    return store::StepRecord{
        .metrics = std::move(result.metrics), .spans = std::move(result.spans), .groups = std::move(result.groups)};
  };
  stage.resumable_at = [&](int64_t step) { return trainer.resumable_at(step); };
  const bool renewed = reference != nullptr && grpo.reference_refresh_steps > 0;
  stage.cursor = [&] {
    Json cursor = trainer.cursor();
    if (renewed) cursor["reference"] = keep_reference(run, *reference, learner.steps());
    return cursor;
  };
  stage.restore = [&](const Json& cursor, int64_t) {
    trainer.restore(cursor);
    if (renewed) load_reference(run, cursor.at("reference").get<std::string>(), *reference);
  };
  stage.failed_batch = [&] { return trainer.failed_batch(); };
  return run_training(run, stage);
}

}  // namespace

extern const StageType grpo_stage = {
    .settings = {"grpo", "Reinforcement learning with group-relative advantages", &make_params<GrpoStage>},
    .leaves = Leaves::policy,
    .run = of<&run_grpo>,
    .plan = of<&GrpoStage::plan>,
    .inspect = of<&GrpoStage::inspect>,
    .steps = of<&GrpoStage::steps>,
    .memory = of<&GrpoStage::memory>,
    .prompts = of<&GrpoStage::prompts>,
    .references = of<&GrpoStage::references>,
    .reward_names = &reward_names,
};

}  // namespace posttrain::pipeline
