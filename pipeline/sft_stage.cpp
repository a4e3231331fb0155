#include "base/error.h"
#include "pipeline/stage.h"

namespace posttrain::pipeline {
namespace {

// Documents as token ids: a leading bos, then the prompt without loss, then what is learnt.
std::vector<sft::Example> tokenize_corpus(Session& session, int64_t documents) {
  std::vector<sft::Example> examples;
  const auto bos = session.tokenizer().bos_id();
  for (int64_t i = 0; i < documents; ++i) {
    if (i % 1000 == 0) session.progress().phase("tokenize", i, documents);
    const text::Document document = session.task().document(session.seed(), static_cast<uint64_t>(i));
    const std::string_view body = document.text;
    sft::Example example;
    if (bos) example.ids.push_back(*bos);
    const auto prompt = session.tokenizer().encode(body.substr(0, document.prompt_bytes));
    const auto response = session.tokenizer().encode(body.substr(document.prompt_bytes));
    example.ids.insert(example.ids.end(), prompt.begin(), prompt.end());
    example.weight.assign(example.ids.size(), 0);
    example.ids.insert(example.ids.end(), response.begin(), response.end());
    example.weight.resize(example.ids.size(), 1);
    examples.push_back(std::move(example));
  }
  return examples;
}

}  // namespace

StageEnd run_sft_stage(StageRun& run) {
  Session& session = run.session;
  const auto& settings = *run.spec.settings.get<SftStage>();
  const auto model = session.load_model(run.spec.from, nn::Use::training);
  model::Learner learner(*model, settings.sft.training.optimizer());
  const auto examples = tokenize_corpus(session, settings.documents);
  sft::SftTrainer trainer(learner, examples, settings.sft, session.seed(), run.key());

  TrainingStage stage{.model = *model, .learner = learner};
  stage.steps = trainer.steps();
  stage.save_every_steps = settings.save_every_steps;
  stage.eval = settings.eval;
  stage.step = [&](int64_t step) {
    session.progress().phase("update", 0, 0);
    const auto result = trainer.step(step);
    return store::StepRecord{.metrics = result.metrics, .spans = {{.phase = "update", .t0 = 0, .t1 = result.seconds}}};
  };
  stage.cursor = [] { return Json::object(); };
  stage.restore = [](const Json&, int64_t) {};
  return run_training(run, stage);
}

}  // namespace posttrain::pipeline
