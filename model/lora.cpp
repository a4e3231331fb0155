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
      scale_(static_cast<float>(settings.alpha / static_cast<double>(settings.rank))),
      workspace_(backend) {
  const auto rank = static_cast<size_t>(settings.rank);
  for (const Parameter& p : weights.parameters()) {
    const bool target = p.cols > 0 && std::ranges::find(settings.targets, module_of(p.name)) != settings.targets.end();
    if (!target) continue;
    const size_t a = count_, b = a + rank * static_cast<size_t>(p.cols);
    adapters_.push_back({&p, a, b, backend.make_weight(settings.rank, p.cols, DType::f32, nn::Use::inference),
                         backend.make_weight(settings.rank, p.rows, DType::f32, nn::Use::inference)});
    count_ = b + rank * static_cast<size_t>(p.rows);
  }
  if (adapters_.empty()) throw Error("training.lora", "targets", "names of the model's matrices", "none of them");
  std::vector<float> values(count_);
  for (const Adapter& adapter : adapters_) {
    const Parameter& p = *adapter.parameter;
    const Rng rng({hash_name("lora"), hash_name(p.name)});
    const double bound = 1 / std::sqrt(static_cast<double>(p.cols));
    for (size_t i = adapter.a; i < adapter.b; ++i)
      values[i] = static_cast<float>((2 * rng.uniform_at(i - adapter.a) - 1) * bound);
  }
  const size_t bytes = count_ * sizeof(float);
  for (nn::Buffer* buffer : {&values_, &gradients_, &m_, &v_}) *buffer = backend.alloc(bytes);
  backend.to_device(values_.data(), values.data(), bytes);
  read_values();
  weights.set_overlay([this](const Parameter& parameter, float* to) {
    for (const Adapter& adapter : adapters_) {
      if (adapter.parameter == &parameter) add_product(adapter, to);
    }
  });
}

Lora::~Lora() {
  std::vector<float> merged;
  for (const Adapter& adapter : adapters_) {
    const Parameter& p = *adapter.parameter;
    merged.resize(static_cast<size_t>(p.size()));
    weights_.read(p, merged.data());
    backend_.to_device(weights_.master() + p.offset, merged.data(), merged.size() * sizeof(float));
  }
  weights_.set_overlay(nullptr);
}

std::vector<float> Lora::host(const nn::Buffer& buffer) const {
  std::vector<float> values(count_);
  backend_.to_host(values.data(), buffer.data(), count_ * sizeof(float));
  return values;
}

void Lora::accumulate(const Matrix& matrix, int64_t rows, const float* dy, const float* x) {
  for (const Adapter& adapter : adapters_) {
    const Parameter& p = *adapter.parameter;
    if (p.matrix != &matrix || rows == 0) continue;
    workspace_.reset();
    if (p.rows != matrix.out) {  // one of several that lie side by side
      float* own = workspace_.take(rows * p.rows);
      const auto width = static_cast<int>(p.rows);
      backend_.copy_heads(rows, 1, width, {const_cast<float*>(dy) + p.first_row, matrix.out, 0}, {own, p.rows, 0},
                          nn::Into::overwrite);
      accumulate(adapter, rows, own, x);
    } else {
      accumulate(adapter, rows, dy, x);
    }
  }
}

void Lora::accumulate(const Adapter& adapter, int64_t rows, const float* dy, const float* x) {
  const int64_t rank = settings_.rank;
  const Parameter& p = *adapter.parameter;
  float *through = workspace_.take(rows * rank), *back = workspace_.take(rows * rank);
  backend_.linear(rows, x, *adapter.down, nullptr, through, nn::Into::overwrite);
  backend_.linear(rows, dy, *adapter.up, nullptr, back, nn::Into::overwrite);
  backend_.linear_dw(rows, rank, p.cols, back, x, gradients_.f32() + adapter.a, nullptr);
  backend_.linear_dw(rows, p.rows, rank, dy, through, gradients_.f32() + adapter.b, nullptr);
}

void Lora::zero_gradients() {
  backend_.fill(gradients_.f32(), 0, count_);
}

double Lora::squares() const {
  return double{scale_} * double{scale_} * backend_.sum_squares(count_, gradients_.f32());
}

void Lora::step(const nn::AdamW& settings) {
  nn::AdamW scaled = settings;
  scaled.gradient_scale *= scale_;
  backend_.adamw(scaled, count_, values_.f32(), gradients_.f32(), m_.f32(), v_.f32());
  read_values();
  use(true);
}

// After the values have changed: on the host, and as products read them.
void Lora::read_values() {
  host_ = host(values_);
  const int64_t rank = settings_.rank;
  std::vector<float> transposed;
  for (const Adapter& adapter : adapters_) {
    const int64_t rows = adapter.parameter->rows;
    backend_.load_rows(*adapter.down, 0, rank, host_.data() + adapter.a, DType::f32);
    transposed.resize(static_cast<size_t>(rank * rows));
    const float* B = host_.data() + adapter.b;
    for (int64_t o = 0; o < rows; ++o) {
      for (int64_t r = 0; r < rank; ++r) transposed[static_cast<size_t>(r * rows + o)] = B[o * rank + r];
    }
    backend_.load_rows(*adapter.up, 0, rank, transposed.data(), DType::f32);
  }
}

// to[out, in] += scale B A
void Lora::add_product(const Adapter& adapter, float* to) const {
  const int64_t rows = adapter.parameter->rows, cols = adapter.parameter->cols, rank = settings_.rank;
  const float *A = host_.data() + adapter.a, *B = host_.data() + adapter.b;
  parallel_for(rows, 16, [&](ptrdiff_t first, ptrdiff_t last) {
    for (int64_t o = first; o < last; ++o) {
      float* row = to + o * cols;
      for (int64_t r = 0; r < rank; ++r) {
        const float weight = scale_ * B[o * rank + r];
        for (int64_t i = 0; i < cols; ++i) row[i] += weight * A[r * cols + i];
      }
    }
  });
}

void Lora::use(bool adapters) {
  std::vector<float> merged;
  for (const Adapter& adapter : adapters_) {
    const Parameter& p = *adapter.parameter;
    merged.resize(static_cast<size_t>(p.size()));
    backend_.to_host(merged.data(), weights_.master() + p.offset, merged.size() * sizeof(float));
    if (adapters) add_product(adapter, merged.data());
    backend_.load_rows(*p.matrix->weight, p.first_row, p.rows, merged.data(), DType::f32);
  }
}

std::vector<float> Lora::state() const {
  std::vector<float> all;
  for (const nn::Buffer* buffer : {&values_, &m_, &v_}) {
    const auto part = host(*buffer);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

void Lora::set_state(std::span<const float> state) {
  PT_ASSERT(state.size() == state_floats(), state.size(), state_floats());
  size_t at = 0;
  for (nn::Buffer* buffer : {&values_, &m_, &v_}) {
    backend_.to_device(buffer->data(), state.data() + at, count_ * sizeof(float));
    at += count_;
  }
  read_values();
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
