#include <algorithm>
#include <filesystem>

#include "base/folders.h"
#include "model/gguf_model.h"
#include "pipeline/preflight/inspection.h"
#include "pipeline/stage.h"
#include "text/convert_tokenizer.h"

namespace posttrain::pipeline {
namespace {

// A model in a form that other programs read: the weights that the stage starts from; nothing is trained.
struct ExportStage {
  std::string format = "safetensors";  // safetensors | gguf
  std::string dtype;
  std::string path;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
  void plan(Planner&, StagePlan&) const {}  // reads and writes, no tokens
  void inspect(Inspection&) const {}
};

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

StageEnd run_export(const ExportStage& settings, StageRun& run) {
  Session& session = run.session;
  run.announce();
  const auto model = session.load_model(run.spec, nn::Use::inference);
  const bool gguf = settings.format == "gguf";
  std::filesystem::path to = session.folder().root / "export" / (run.spec.name + (gguf ? ".gguf" : ""));
  if (!settings.path.empty()) to = session.folder().root / settings.path;
  make_folders(to.parent_path());
  if (gguf) {
    model::save_gguf(*model, to, model::written_gguf_type(settings.dtype).value(),
                     gguf_tokenizer_of(session.tokenizer_files()));
  } else {
    session.save_model(*model, to, settings.dtype == "bf16" ? DType::bf16 : DType::f32);
  }
  session.progress().note(run.spec.name + ": " + std::to_string(model->parameters()) + " parameters in " + to.string());
  return StageEnd::done;
}

}  // namespace

extern const StageType export_stage = {
    .settings = {"export", "Write a model for other programs", &make_params<ExportStage>},
    .leaves = Leaves::no_model,
    .run = of<&run_export>,
    .plan = of<&ExportStage::plan>,
    .inspect = of<&ExportStage::inspect>,
};

}  // namespace posttrain::pipeline
