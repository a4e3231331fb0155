#include "model/gguf_model.h"
#include "pipeline/stage.h"
#include "text/convert_tokenizer.h"

namespace posttrain::pipeline {

// The weights that the stage starts from, for other programs; nothing is trained.
StageEnd run_export_stage(StageRun& run) {
  Session& session = run.session;
  const auto& settings = *run.spec.settings.get<ExportStage>();
  run.announce();
  const auto model = session.load_model(run.spec, nn::Use::inference);
  const bool gguf = settings.format == "gguf";
  std::filesystem::path to = session.folder().root / "export" / (run.spec.name + (gguf ? ".gguf" : ""));
  if (!settings.path.empty()) to = session.folder().root / settings.path;
  std::filesystem::create_directories(to.parent_path());
  if (gguf) {
    model::save_gguf(*model, to, model::written_gguf_type(settings.dtype).value(),
                     gguf_tokenizer_of(session.tokenizer_files()));
  } else {
    session.save_model(*model, to, settings.dtype == "bf16" ? DType::bf16 : DType::f32);
  }
  session.progress().note(run.spec.name + ": " + std::to_string(model->parameters()) + " parameters in " + to.string());
  return StageEnd::done;
}

}  // namespace posttrain::pipeline
