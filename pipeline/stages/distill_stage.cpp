#include "base/error.h"
#include "pipeline/stage.h"
#include "pipeline/stages/examples.h"

namespace posttrain::pipeline {
namespace {

// An answer begins with the first token that is learnt.
std::vector<distill::Example> answers_in(Session& session, const std::vector<DataPart>& data) {
  std::vector<distill::Example> answers;
  for (const sft::Example& example : load_examples(session, data)) {
    size_t begin = 1;
    while (begin < example.ids.size() && example.weight[begin] == 0) ++begin;
    if (begin >= example.ids.size()) continue;
    const auto middle = example.ids.begin() + static_cast<ptrdiff_t>(begin);
    answers.push_back({.prompt = {example.ids.begin(), middle}, .completion = {.ids = {middle, example.ids.end()}}});
  }
  return answers;
}

std::unique_ptr<model::Transformer> load_teacher(StageRun& run, const DistillStage& settings, int64_t vocab) {
  Session& session = run.session;
  auto teacher =
      settings.teacher.empty()
          ? model::Transformer::load(session.backend(), settings.teacher_path, DType::f32, nn::Use::inference)
          : session.load_result(*session.recipe().stage(settings.teacher), nn::Use::inference);
  if (teacher->arch().vocab != vocab) {
    throw Error("stages." + run.spec.name, "teacher", "the student's vocabulary of " + std::to_string(vocab),
                std::to_string(teacher->arch().vocab));
  }
  return teacher;
}

}  // namespace

StageEnd run_distill_stage(StageRun& run) {
  Session& session = run.session;
  const auto& settings = *run.spec.settings.get<DistillStage>();
  const auto& distill = settings.distill;
  const auto model = session.load_model(run.spec, nn::Use::training);
  const auto examples = answers_in(session, settings.data);

  // A finished cache stands for the teacher; one that an interrupted run left is whole or not there.
  const auto cache_file = session.folder().teacher_of(run.spec.name);
  const bool cached = distill.top_k > 0, reused = cached && run.resumed && std::filesystem::exists(cache_file);
  auto teacher = reused ? nullptr : load_teacher(run, settings, model->arch().vocab);
  std::unique_ptr<distill::TeacherCache> cache;
  if (cached) {
    const auto samples = distill::samples_of(examples);
    if (!reused) {
      distill::write_teacher_cache(
          cache_file, *teacher, samples, distill.top_k, distill.sampling.temperature, distill.micro_batch_tokens,
          [&](int64_t done, int64_t total) { session.progress().phase("teacher", done, total); });
      teacher.reset();
    }
    const auto key = distill::cache_key(samples, distill.top_k, distill.sampling.temperature);
    cache = std::make_unique<distill::TeacherCache>(cache_file, key);
  }

  model::Learner learner(*model, distill.training.optimizer());
  auto engine = session.make_engine(*model, distill.engine);
  auto collector = session.make_collector(engine);
  distill::DistillTrainer trainer({.learner = learner,
                                   .teacher = teacher.get(),
                                   .cache = cache.get(),
                                   .collector = collector,
                                   .task = session.task(),
                                   .examples = examples,
                                   .seed = session.seed(),
                                   .stage = run.key()},
                                  distill);
  TrainingStage stage{.model = *model, .learner = learner};
  stage.steps = distill.steps;
  stage.save_every_steps = settings.save_every_steps;
  stage.eval = settings.eval;
  stage.step = [&](int64_t step) {
    session.progress().phase("distill", 0, 0);
    auto result = trainer.step(step);
    return store::StepRecord{.metrics = std::move(result.metrics), .spans = std::move(result.spans)};
  };
  return run_training(run, stage);
}

}  // namespace posttrain::pipeline
