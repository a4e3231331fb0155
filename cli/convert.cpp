// posttrain convert: a model from one format to another, its tokenizer with it.
#include <array>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "cli/arguments.h"
#include "model/adapter.h"
#include "model/gguf_model.h"
#include "pipeline/provenance.h"
#include "text/convert_tokenizer.h"
#include "text/gguf_tokenizer.h"

namespace posttrain::cli {
namespace {

struct ConvertGiven {
  std::string from, to, dtype, adapter;
};

GgufType gguf_type(const std::string& dtype) {
  if (const auto type = model::written_gguf_type(dtype)) return *type;
  throw Error("convert", "--dtype", "f32, f16, bf16 or q8_0 for a GGUF file", dtype);
}

DType file_type(const std::string& dtype) {
  if (dtype.empty() || dtype == "f32") return DType::f32;
  if (dtype == "bf16") return DType::bf16;
  throw Error("convert", "--dtype", "f32 or bf16 for a model directory", dtype);
}

int convert(const ConvertGiven& given) {
  const std::filesystem::path from = given.from, to = given.to;
  // Wrong options are told before the work.
  if (is_gguf(to)) {
    gguf_type(given.dtype);
  } else {
    file_type(given.dtype);
  }
  pipeline::check_model_of_run(from);
  GgufMetadata tokenizer;
  if (is_gguf(to) && (tokenizer = gguf_tokenizer_of(from)).empty()) {
    throw Error(given.from, "tokenizer", "byte-level BPE, the one kind that a GGUF file of ours can hold",
                "another or none; a directory keeps every kind");
  }
  const auto backend = nn::make_cpu_backend();
  const auto model = model::Transformer::load(*backend, from, DType::f32, nn::Use::inference);
  if (!given.adapter.empty()) model::merge_adapter(*model, given.adapter);
  if (is_gguf(to)) {
    model::save_gguf(*model, to, gguf_type(given.dtype), tokenizer);
  } else {
    model::SaveOptions options;
    options.dtype = file_type(given.dtype);
    options.add_files = [&](const std::filesystem::path& dir) { save_tokenizer_files(from, dir); };
    model->save(to, options);
  }
  std::fprintf(stderr, "%s: %lld parameters\n", given.to.c_str(), static_cast<long long>(model->parameters()));
  return 0;
}

}  // namespace

Action convert_command(Arguments& args) {
  auto given = std::make_shared<ConvertGiven>();
  args.positional("in", given->from, "A model directory or a .gguf file");
  args.positional("out", given->to, "A .gguf file, or a directory for config.json and safetensors");
  args.option("--dtype", given->dtype, "GGUF: f32, f16 (default), bf16, q8_0; directory: f32 (default), bf16");
  args.option("--adapter", given->adapter, "A folder with a LoRA adapter in PEFT's format, merged into the model");
  args.example("posttrain convert runs/r1-smollm2/final model.gguf --dtype q8_0");
  return [given] { return convert(*given); };
}

}  // namespace posttrain::cli
