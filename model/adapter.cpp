#include "model/adapter.h"

#include <cmath>
#include <map>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "formats/safetensors.h"
#include "model/weights.h"

namespace posttrain::model {
namespace {

constexpr std::string_view peft_prefix = "base_model.model.";
constexpr std::string_view peft_a = ".lora_A.weight", peft_b = ".lora_B.weight";

struct AdapterScale {
  double alpha = 0;
  bool rank_stabilized = false;  // Kalajdzievski 2023, arXiv 2312.03732
  float of(int64_t rank) const {
    const auto r = static_cast<double>(rank);
    return static_cast<float>(alpha / (rank_stabilized ? std::sqrt(r) : r));
  }
};

AdapterScale read_config(const std::filesystem::path& file) {
  const Json config = parse_json(read_file(file), file.string());
  const auto refuse = [&](const char* key, const char* expected) {
    throw Error(file.string(), key, expected, config.contains(key) ? to_line(config[key]) : "nothing");
  };
  if (!config.is_object()) throw Error(file.string(), "", "an object", "something else");
  if (config.value("peft_type", Json()) != "LORA") refuse("peft_type", "LORA");
  if (config.value("bias", Json("none")) != "none") refuse("bias", "none");
  for (const char* key : {"use_dora", "fan_in_fan_out"}) {
    if (config.value(key, Json(false)) == true) refuse(key, "false");
  }
  for (const char* key : {"rank_pattern", "alpha_pattern", "modules_to_save"}) {
    const Json value = config.value(key, Json());
    if (!value.is_null() && !value.empty()) refuse(key, "nothing");
  }
  const Json alpha = config.value("lora_alpha", Json());
  if (!alpha.is_number()) refuse("lora_alpha", "a number");
  return {alpha.get<double>(), config.value("use_rslora", Json(false)) == true};
}

}  // namespace

void merge_adapter(Transformer& model, const std::filesystem::path& dir) {
  if (!std::filesystem::is_directory(dir))
    throw Error(dir.string(), "", "a folder with adapter_config.json", "nothing there");
  const AdapterScale scale = read_config(dir / "adapter_config.json");
  const Safetensors tensors = Safetensors::open_file(dir / "adapter_model.safetensors");
  std::map<std::string, const Parameter*> matrices;
  for (const Parameter& p : model.weights().parameters()) {
    if (p.cols > 0) matrices[p.name] = &p;
  }
  std::vector<float> values;
  for (const std::string& name : tensors.names()) {
    const std::string& where = tensors.file(name);
    if (name.ends_with(peft_b) && name.starts_with(peft_prefix)) continue;  // read with its A
    if (!name.starts_with(peft_prefix) || !name.ends_with(peft_a))
      throw Error(where, name, "a tensor of a LoRA adapter", "another");
    const std::string module = name.substr(0, name.size() - peft_a.size());
    const auto found = matrices.find(module.substr(peft_prefix.size()) + ".weight");
    if (found == matrices.end()) throw Error(where, name, "a matrix of the model", "none of that name");
    const Parameter& p = *found->second;
    const auto a_shape = tensors.entry(name).shape, b_shape = tensors.entry(module + std::string(peft_b)).shape;
    const int64_t rank = a_shape.empty() ? 0 : a_shape[0];
    if (rank < 1 || a_shape != std::vector<int64_t>{rank, p.cols} || b_shape != std::vector<int64_t>{p.rows, rank}) {
      throw Error(where, name, "A [rank, " + std::to_string(p.cols) + "] and B [" + std::to_string(p.rows) + ", rank]",
                  "other shapes");
    }
    const std::vector<float> a = tensors.floats(name), b = tensors.floats(module + std::string(peft_b));
    values.resize(static_cast<size_t>(p.size()));
    model.weights().read(p, values.data());
    const float factor = scale.of(rank);
    for (int64_t o = 0; o < p.rows; ++o) {
      for (int64_t r = 0; r < rank; ++r) {
        const float weight = factor * b[static_cast<size_t>(o * rank + r)];
        for (int64_t i = 0; i < p.cols; ++i)
          values[static_cast<size_t>(o * p.cols + i)] += weight * a[static_cast<size_t>(r * p.cols + i)];
      }
    }
    model.weights().write(p, values.data(), DType::f32);
  }
}

}  // namespace posttrain::model
