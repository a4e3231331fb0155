#include "model/transformer.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "formats/file_writer.h"
#include "formats/safetensors.h"
#include "model/forward.h"
#include "model/gguf_model.h"
#include "model/weights.h"

namespace posttrain::model {

struct Transformer::State {
  State(nn::Backend& b, Arch a, DType stored, nn::Use use)
      : backend(b), arch(std::move(a)), weights(b, arch, stored, use), forward(b, arch, weights) {}

  nn::Backend& backend;
  const Arch arch;
  Weights weights;
  Forward forward;
};

namespace {

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::vector<int64_t> shape_of(const Parameter& p) {
  return p.cols == 0 ? std::vector<int64_t>{p.rows} : std::vector<int64_t>{p.rows, p.cols};
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (const int64_t n : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + "]";
}

// Tensors that checkpoints carry without needing them: old Llama files' frequencies, a tied head stored anyway, and
// DeepSeek's multi-token prediction layers behind the last one.
bool ignorable(const std::string& name, const Arch& arch) {
  if (ends_with(name, "rotary_emb.inv_freq") || (arch.tied_head && name == "lm_head.weight")) return true;
  const std::string prefix = "model.layers.";
  if (!name.starts_with(prefix)) return false;
  return std::atoi(name.c_str() + prefix.size()) >= arch.layers;
}

std::string generation_config(const Arch& arch) {
  Json j;
  if (arch.bos >= 0) j["bos_token_id"] = arch.bos;
  if (arch.eos.size() == 1) j["eos_token_id"] = arch.eos.front();
  if (arch.eos.size() > 1) j["eos_token_id"] = arch.eos;
  if (arch.pad >= 0) j["pad_token_id"] = arch.pad;
  return j.is_null() ? "{}\n" : to_pretty(j) + "\n";
}

}  // namespace

Transformer::Transformer(nn::Backend& backend, Arch arch, DType stored, nn::Use use)
    : Transformer(std::make_unique<State>(backend, std::move(arch), stored, use)) {
  state_->weights.allocate();
}

Transformer::Transformer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Transformer::~Transformer() = default;

std::unique_ptr<Transformer> Transformer::load(nn::Backend& backend, const std::filesystem::path& dir, DType stored,
                                               nn::Use use) {
  if (std::filesystem::is_regular_file(dir)) return load_gguf(backend, dir, stored, use);
  const Arch arch = read_arch(dir);
  const Safetensors file = Safetensors::open_model(dir);
  // Every name and shape is compared before memory is asked for: a lying config must not make us allocate.
  const auto tensors = static_cast<int64_t>(file.names().size());
  if (int64_t{arch.layers} * std::max(1, arch.moe.experts) > tensors) {
    throw Error((dir / "config.json").string(), "num_hidden_layers",
                "no more layers than the checkpoint's " + std::to_string(tensors) + " tensors can make",
                std::to_string(arch.layers));
  }
  auto state = std::make_unique<State>(backend, arch, stored, use);
  Weights& weights = state->weights;
  std::set<std::string> known;
  for (const Parameter& p : weights.parameters()) {
    known.insert(p.name);
    const auto& shape = file.entry(p.name).shape;
    if (shape != shape_of(p)) throw Error(file.file(p.name), p.name, shape_text(shape_of(p)), shape_text(shape));
    file.dtype(p.name);
  }
  for (const std::string& name : file.names()) {
    if (known.contains(name) || ignorable(name, arch)) continue;
    throw Error(file.file(name), name, "a tensor that " + arch.family + " with this config.json has", "an unknown one");
  }
  weights.allocate();
  for (const Parameter& p : weights.parameters()) {
    weights.write(p, file.data(p.name), file.dtype(p.name));
    file.forget(p.name);
  }
  return std::unique_ptr<Transformer>(new Transformer(std::move(state)));
}

std::unique_ptr<Transformer> Transformer::load_gguf(nn::Backend& backend, const std::filesystem::path& file,
                                                    DType stored, nn::Use use) {
  const MappedFile map(file);
  const GgufHeader header = parse_gguf({map.data(), map.size()}, file.string());
  Arch arch = gguf_arch(header);
  gguf_rope_factors(header, map.data(), arch);
  if (static_cast<size_t>(arch.layers) > header.tensors.size()) {
    throw Error(file.string(), "block_count", "no more layers than tensors", std::to_string(arch.layers));
  }
  auto state = std::make_unique<State>(backend, arch, stored, use);
  Weights& weights = state->weights;
  std::set<std::string> known = {"rope_freqs.weight"};
  for (const Parameter& p : weights.parameters()) {
    const std::string name = gguf_name(p.name);
    known.insert(name);
    const GgufTensor* tensor = header.tensor(name);
    if (tensor == nullptr) throw Error(file.string(), name, "the tensor", "none");
    if (tensor->shape != shape_of(p)) {
      throw Error(file.string(), name, shape_text(shape_of(p)), shape_text(tensor->shape));
    }
  }
  for (const GgufTensor& tensor : header.tensors) {
    if (!known.contains(tensor.name)) throw Error(file.string(), tensor.name, "no such tensor", "one");
  }
  weights.allocate();
  for (const Parameter& p : weights.parameters()) {
    const GgufTensor& tensor = *header.tensor(gguf_name(p.name));
    write_gguf_tensor(weights, p, map, tensor, gguf_reordered(arch, p.name) ? arch.head_dim : 0);
  }
  return std::unique_ptr<Transformer>(new Transformer(std::move(state)));
}

void Transformer::init_random(uint64_t seed, const InitSettings& settings) {
  Weights& w = state_->weights;
  const double deep = std::sqrt(2.0 * state_->arch.layers);
  std::vector<float> values;
  for (const Parameter& p : w.parameters()) {
    values.assign(static_cast<size_t>(p.size()), 0);
    if (p.cols > 0) {
      double std = settings.gain / std::sqrt(static_cast<double>(p.cols));
      if (ends_with(p.name, "o_proj.weight") || ends_with(p.name, "down_proj.weight")) std /= deep;
      if (p.matrix == &w.head) std *= settings.head;
      if (p.matrix == &w.embedding) std = settings.embedding;
      Rng rng({seed, hash_name("init"), hash_name(p.name)});
      for (float& value : values) value = static_cast<float>(std * rng.normal());
    } else if (ends_with(p.name, "norm.weight")) {
      values.assign(values.size(), 1 - state_->arch.norm_offset);
    }
    w.write(p, values.data(), DType::f32);
  }
}

void Transformer::copy_weights_from(const Transformer& other) {
  blend_weights_from(other, 1);
}

void Transformer::blend_weights_from(const Transformer& other, double share) {
  Weights& to = state_->weights;
  const Weights& from = other.weights();
  PT_ASSERT(arch() == other.arch());
  std::vector<float> values, own;
  for (size_t i = 0; i < to.parameters().size(); ++i) {
    const Parameter& p = to.parameters()[i];
    values.resize(static_cast<size_t>(p.size()));
    from.read(from.parameters()[i], values.data());
    if (share != 1) {
      own.resize(values.size());
      to.read(p, own.data());
      for (size_t j = 0; j < own.size(); ++j) {
        values[j] = static_cast<float>(share * double{values[j]} + (1 - share) * double{own[j]});
      }
    }
    to.write(p, values.data(), DType::f32);
  }
}

void Transformer::save(const std::filesystem::path& dir, const SaveOptions& options) const {
  std::vector<TensorSource> tensors;
  for (const Parameter& p : state_->weights.parameters()) {
    tensors.push_back({p.name, shape_of(p), [this, &p](float* to) { state_->weights.read(p, to); }});
  }
  write_folder_atomically(dir, [&](const std::filesystem::path& folder) {
    write_file_atomically(folder / "config.json", write_arch(state_->arch, options.dtype));
    write_file_atomically(folder / "generation_config.json", generation_config(state_->arch));
    write_safetensors_model(folder, tensors, options.dtype, options.shard_bytes);
    if (options.add_files) options.add_files(folder);
  });
}

const Arch& Transformer::arch() const {
  return state_->arch;
}

nn::Backend& Transformer::backend() const {
  return state_->backend;
}

int64_t Transformer::parameters() const {
  return state_->weights.count();
}

Weights& Transformer::weights() {
  return state_->weights;
}

const Weights& Transformer::weights() const {
  return state_->weights;
}

std::unique_ptr<nn::KvPool> Transformer::make_kv_pool(int64_t blocks) const {
  const Arch& a = state_->arch;
  return state_->backend.make_kv_pool(a.layers, a.kv_heads, a.qk_width(), a.v_width(), blocks);
}

nn::Sampled Transformer::decode(nn::KvPool& pool, const DecodeBatch& batch) {
  PT_ASSERT(batch.sample_rows.size() == batch.filters.size() && batch.filters.size() == batch.uniforms.size(),
            batch.sample_rows.size(), batch.filters.size(), batch.uniforms.size());
  Pass pass;
  pass.rows = static_cast<int64_t>(batch.ids.size());
  pass.positions = batch.positions;
  pass.pool = &pool;
  pass.slots = batch.slots;
  pass.paged = {batch.tables, batch.table_begin, batch.lengths};
  state_->forward.run(pass, batch.ids, Keep::nothing);
  if (batch.sample_rows.empty()) return {};
  const float* h = state_->forward.head_input(batch.sample_rows);
  return state_->backend.head_sample(static_cast<int64_t>(batch.sample_rows.size()), h,
                                     *state_->weights.head_matrix().weight, state_->arch.final_softcap, batch.filters,
                                     batch.uniforms);
}

Scores Transformer::score(const TrainBatch& batch) {
  state_->forward.run(packed_pass(batch), batch.ids, Keep::nothing);
  const float* h = state_->forward.head_input(batch.target_rows);
  nn::HeadScores scores = state_->backend.head_logprobs(batch.targets(), h, *state_->weights.head_matrix().weight,
                                                        head_targets(state_->arch, batch));
  return {std::move(scores.logp), std::move(scores.entropy)};
}

nn::TeacherRows Transformer::teacher_rows(const TrainBatch& batch) {
  state_->forward.run(packed_pass(batch), batch.ids, Keep::nothing);
  const float* h = state_->forward.head_input(batch.target_rows);
  return {.h = h, .w = state_->weights.head_matrix().weight.get(), .softcap = state_->arch.final_softcap};
}

nn::Likeliest Transformer::likeliest(const TrainBatch& batch, int64_t k) {
  const nn::TeacherRows rows = teacher_rows(batch);
  return state_->backend.head_likeliest(batch.targets(), rows.h, *rows.w, rows.softcap, 1 / batch.temperature, k);
}

std::vector<float> Transformer::logits(const TrainBatch& batch) {
  nn::Backend& backend = state_->backend;
  state_->forward.run(packed_pass(batch), batch.ids, Keep::nothing);
  const float* h = state_->forward.head_input(batch.target_rows);
  std::vector<float> logits(static_cast<size_t>(batch.targets() * state_->arch.vocab));
  const nn::Buffer y = backend.alloc(logits.size() * sizeof(float));
  backend.linear(batch.targets(), h, *state_->weights.head_matrix().weight, nullptr, y.f32(), nn::Into::overwrite);
  backend.to_host(logits.data(), y.data(), logits.size() * sizeof(float));
  const float cap = state_->arch.final_softcap;
  if (cap > 0) {
    for (float& x : logits) x = cap * std::tanh(x / cap);
  }
  return logits;
}

}  // namespace posttrain::model
