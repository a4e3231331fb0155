// posttrain inspect: what a model directory, a GGUF file or a safetensors file holds.
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/arguments.h"
#include "formats/safetensors.h"
#include "model/gguf_model.h"
#include "store/store.h"

namespace posttrain::cli {
namespace {

struct InspectGiven {
  std::string path;
  bool json = false, tensors = false;
};

Json tensor_line(const std::string& name, const std::string& type, const std::vector<int64_t>& shape) {
  return {{"name", name}, {"dtype", type}, {"shape", shape}};
}

Json inspect_gguf(const std::filesystem::path& file, Json& tensors) {
  const MappedFile map(file);
  const GgufHeader header = parse_gguf({map.data(), map.size()}, file.string());
  int64_t parameters = 0;
  for (const GgufTensor& t : header.tensors) {
    tensors.push_back(tensor_line(t.name, gguf_type_name(t.type), t.shape));
    parameters += t.size();
  }
  Json metadata = Json::object();
  for (const auto& [key, value] : header.metadata) {
    if (value.kind == GgufKind::text) {
      metadata[key] = value.text;
    } else if (value.kind == GgufKind::array) {
      metadata[key] = std::to_string(std::max(value.texts.size(), value.numbers.size())) + " values";
    } else if (value.kind == GgufKind::f32 || value.kind == GgufKind::f64) {
      metadata[key] = value.real;
    } else if (value.kind == GgufKind::boolean) {
      metadata[key] = value.integer != 0;
    } else {
      metadata[key] = value.integer;
    }
  }
  return {{"format", "gguf"}, {"parameters", parameters}, {"metadata", metadata}};
}

Json inspect_safetensors(const Safetensors& file, Json& tensors) {
  int64_t parameters = 0;
  for (const std::string& name : file.names()) {
    const TensorEntry& entry = file.entry(name);
    tensors.push_back(tensor_line(name, entry.dtype, entry.shape));
    parameters += entry.size();
  }
  return {{"format", "safetensors"}, {"parameters", parameters}};
}

Json inspect_run(const std::filesystem::path& file) {
  const store::Store store(file, store::Mode::read_only);
  const auto run = store.run();
  if (!run) throw Error(file.string(), "", "a run", "none was begun");
  Json stages = Json::array();
  for (const auto& stage : store.stages()) {
    stages.push_back({{"name", stage.name},
                      {"type", stage.type},
                      {"from", stage.from},
                      {"status", stage.status},
                      {"steps", store.last_step(stage.index).value_or(0)},
                      {"planned", stage.steps},
                      {"seconds", stage.seconds}});
  }
  return {{"format", "run"},         {"name", run->name},       {"status", run->status}, {"message", run->message},
          {"created", run->created}, {"version", run->version}, {"seed", run->seed},     {"stages", stages}};
}

int inspect(const InspectGiven& given) {
  const std::filesystem::path path = given.path;
  if (!std::filesystem::exists(path)) throw Error(given.path, "", "a model directory or file", "nothing");
  Json tensors = Json::array(), result;
  if (std::filesystem::exists(path / "run.db")) {
    if (given.tensors) throw Error(given.path, "--tensors", "a model", "a run; its model is final/");
    const Json run = inspect_run(path / "run.db");
    std::printf("%s\n", (given.json ? to_line(run) : to_pretty(run)).c_str());
    return 0;
  }
  if (std::filesystem::is_directory(path)) {
    const model::Arch arch = model::read_arch(path);
    result = inspect_safetensors(Safetensors::open_model(path), tensors);
    result["config"] = parse_json(model::write_arch(arch, DType::f32), given.path);
  } else if (path.extension() == ".gguf") {
    result = inspect_gguf(path, tensors);
  } else {
    result = inspect_safetensors(Safetensors::open_file(path), tensors);
  }
  result["tensors"] = given.tensors ? tensors : Json(tensors.size());
  std::printf("%s\n", (given.json ? to_line(result) : to_pretty(result)).c_str());
  return 0;
}

}  // namespace

Action inspect_command(Arguments& args) {
  auto given = std::make_shared<InspectGiven>();
  args.positional("path", given->path, "A model directory, a .gguf or a .safetensors file, or the folder of a run");
  args.flag("--tensors", given->tensors, "List every tensor, not only their number");
  args.flag("--json", given->json, "On one line");
  args.example("posttrain inspect model.gguf --tensors");
  args.example("posttrain inspect runs/r1-zero");
  return [given] { return inspect(*given); };
}

}  // namespace posttrain::cli
