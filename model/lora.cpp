#include "model/lora.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "base/folders.h"
#include "base/json.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "formats/safetensors.h"

namespace posttrain::model {
namespace {

// "model.layers.0.self_attn.q_proj.weight" -> "q_proj".
std::string module_of(const std::string& name) {
  const size_t end = name.rfind('.'), begin = name.rfind('.', end - 1) + 1;
  return name.substr(begin, end - begin);
}

// In sixteen partial sums, always the same ones.
float dot(const float* x, const float* y, int64_t n) {
  float lane[16] = {};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int64_t j = 0; j < 16; ++j) lane[j] += x[i + j] * y[i + j];
  }
  for (; i < n; ++i) lane[i % 16] += x[i] * y[i];
  float sum = 0;
  for (const float part : lane) sum += part;
  return sum;
}

}  // namespace

void LoraSettings::visit(Visitor& v) {
  v("rank", rank, {.doc = "Rank of the adapters", .min = 1, .max = 4096});
  v("alpha", alpha, {.doc = "The adapters' product is multiplied by alpha / rank", .min = 0});
  v("targets", targets, {.doc = "Matrices that get adapters, by the last part of their names"});
}

Lora::Lora(nn::Backend& backend, Weights& weights, const LoraSettings& settings)
    : backend_(backend),
      weights_(weights),
      settings_(settings),
      scale_(static_cast<float>(settings.alpha / static_cast<double>(settings.rank))) {
  const auto rank = static_cast<size_t>(settings.rank);
  size_t base = 0;
  for (const Parameter& p : weights.parameters()) {
    const bool target = p.cols > 0 && std::ranges::find(settings.targets, module_of(p.name)) != settings.targets.end();
    if (!target) continue;
    const size_t a = count_, b = a + rank * static_cast<size_t>(p.cols);
    adapters_.push_back({&p, a, b, base});
    count_ = b + rank * static_cast<size_t>(p.rows);
    base += static_cast<size_t>(p.size());
  }
  if (adapters_.empty()) throw Error("training.lora", "targets", "names of the model's matrices", "none of them");
  base_.resize(base);
  std::vector<float> values(count_);
  for (const Adapter& adapter : adapters_) {
    const Parameter& p = *adapter.parameter;
    weights.read(p, base_.data() + adapter.base);
    const Rng rng({hash_name("lora"), hash_name(p.name)});
    const double bound = 1 / std::sqrt(static_cast<double>(p.cols));
    for (size_t i = adapter.a; i < adapter.b; ++i)
      values[i] = static_cast<float>((2 * rng.uniform_at(i - adapter.a) - 1) * bound);
  }
  const size_t bytes = count_ * sizeof(float);
  for (nn::Buffer* buffer : {&values_, &gradients_, &m_, &v_}) *buffer = backend.alloc(bytes);
  backend.to_device(values_.data(), values.data(), bytes);
}

std::vector<float> Lora::host(const nn::Buffer& buffer) const {
  std::vector<float> values(count_);
  backend_.to_host(values.data(), buffer.data(), count_ * sizeof(float));
  return values;
}

double Lora::project(const float* gradients) {
  const std::vector<float> values = host(values_);
  std::vector<float> projected(count_), g;
  const int64_t rank = settings_.rank;
  for (const auto& [parameter, a, b, base] : adapters_) {
    const int64_t rows = parameter->rows, cols = parameter->cols;
    g.resize(static_cast<size_t>(rows * cols));
    backend_.to_host(g.data(), gradients + parameter->offset, g.size() * sizeof(float));
    const float *A = values.data() + a, *B = values.data() + b;
    float *dA = projected.data() + a, *dB = projected.data() + b;
    parallel_for(rows, 16, [&](ptrdiff_t first, ptrdiff_t last) {
      for (int64_t o = first; o < last; ++o) {
        for (int64_t r = 0; r < rank; ++r) dB[o * rank + r] = scale_ * dot(g.data() + o * cols, A + r * cols, cols);
      }
    });
    parallel_for(cols, 64, [&](ptrdiff_t first, ptrdiff_t last) {
      for (int64_t o = 0; o < rows; ++o) {
        for (int64_t r = 0; r < rank; ++r) {
          const float weight = scale_ * B[o * rank + r];
          const float* row = g.data() + o * cols;
          for (int64_t i = first; i < last; ++i) dA[r * cols + i] += weight * row[i];
        }
      }
    });
  }
  backend_.to_device(gradients_.data(), projected.data(), count_ * sizeof(float));
  return backend_.sum_squares(count_, gradients_.f32());
}

void Lora::step(const nn::AdamW& settings) {
  backend_.adamw(settings, count_, values_.f32(), gradients_.f32(), m_.f32(), v_.f32());
  merge();
}

void Lora::merge() {
  const std::vector<float> values = host(values_);
  std::vector<float> merged;
  const int64_t rank = settings_.rank;
  for (const auto& [parameter, a, b, base] : adapters_) {
    const int64_t rows = parameter->rows, cols = parameter->cols;
    merged.assign(base_.begin() + static_cast<ptrdiff_t>(base),
                  base_.begin() + static_cast<ptrdiff_t>(base) + rows * cols);
    const float *A = values.data() + a, *B = values.data() + b;
    parallel_for(rows, 16, [&](ptrdiff_t first, ptrdiff_t last) {
      for (int64_t o = first; o < last; ++o) {
        float* row = merged.data() + o * cols;
        for (int64_t r = 0; r < rank; ++r) {
          const float weight = scale_ * B[o * rank + r];
          for (int64_t i = 0; i < cols; ++i) row[i] += weight * A[r * cols + i];
        }
      }
    });
    backend_.to_device(weights_.master() + parameter->offset, merged.data(), merged.size() * sizeof(float));
  }
}

std::vector<float> Lora::state() const {
  std::vector<float> all;
  for (const nn::Buffer* buffer : {&values_, &m_, &v_}) {
    const auto part = host(*buffer);
    all.insert(all.end(), part.begin(), part.end());
  }
  all.insert(all.end(), base_.begin(), base_.end());
  return all;
}

void Lora::set_state(std::span<const float> state) {
  PT_ASSERT(state.size() == state_floats(), state.size(), state_floats());
  size_t at = 0;
  for (nn::Buffer* buffer : {&values_, &m_, &v_}) {
    backend_.to_device(buffer->data(), state.data() + at, count_ * sizeof(float));
    at += count_;
  }
  std::ranges::copy(state.subspan(at), base_.begin());
  merge();
}

void Lora::save(const std::filesystem::path& dir) const {
  make_folders(dir);
  const std::vector<float> values = host(values_);
  std::vector<TensorSource> tensors;
  for (const Adapter& adapter : adapters_) {
    const Parameter& p = *adapter.parameter;
    const std::string name = "base_model.model." + p.name.substr(0, p.name.rfind('.'));
    const auto put = [&](const char* part, std::vector<int64_t> shape, size_t begin, size_t end) {
      tensors.push_back({name + part, std::move(shape), [&values, begin, end](float* to) {
                           std::copy(values.begin() + static_cast<ptrdiff_t>(begin),
                                     values.begin() + static_cast<ptrdiff_t>(end), to);
                         }});
    };
    put(".lora_A.weight", {settings_.rank, p.cols}, adapter.a, adapter.b);
    put(".lora_B.weight", {p.rows, settings_.rank}, adapter.b,
        adapter.b + static_cast<size_t>(settings_.rank * p.rows));
  }
  write_safetensors_file(dir / "adapter_model.safetensors", tensors, DType::f32, {{"format", "pt"}});
  const Json config = {{"peft_type", "LORA"},
                       {"task_type", "CAUSAL_LM"},
                       {"base_model_name_or_path", nullptr},
                       {"r", settings_.rank},
                       {"lora_alpha", settings_.alpha},
                       {"lora_dropout", 0.0},
                       {"bias", "none"},
                       {"fan_in_fan_out", false},
                       {"inference_mode", true},
                       {"target_modules", settings_.targets}};
  write_file_atomically(dir / "adapter_config.json", to_pretty(config) + "\n");
}

}  // namespace posttrain::model
