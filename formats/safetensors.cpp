#include "formats/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/half.h"
#include "base/json_strict.h"
#include "formats/file_writer.h"

namespace posttrain {
namespace {

constexpr uint64_t most_header_bytes = 100'000'000;  // the limit of the reference implementation

// Bytes per value; 0 = unknown.
uint64_t width(const std::string& dtype) {
  static const std::map<std::string, uint64_t> widths = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
      {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"F64", 8},     {"I64", 8}, {"U64", 8}};
  const auto found = widths.find(dtype);
  return found == widths.end() ? 0 : found->second;
}

// Parses and refuses an object that names a key twice, at whatever depth.
Json parse_header(std::string_view text, const std::string& where) {
  Json json = parse_strict_json(text, where + ": header");
  if (!json.is_object()) throw Error(where, "header", "an object", "something else");
  return json;
}

uint64_t natural(const Json& value, const std::string& where, const std::string& field) {
  if (!value.is_number_unsigned()) throw Error(where, field, "a whole number", to_line(value));
  return value.get<uint64_t>();
}

TensorEntry parse_entry(const std::string& name, const Json& json, uint64_t data_begin, const std::string& where) {
  const auto bad = [&](const char* expected, const std::string& got) { throw Error(where, name, expected, got); };
  if (!json.is_object() || !json.contains("dtype") || !json.contains("shape") || !json.contains("data_offsets")) {
    bad("dtype, shape and data_offsets", "something else");
  }
  TensorEntry entry;
  entry.name = name;
  if (!json["dtype"].is_string()) bad("a dtype", to_line(json["dtype"]));
  entry.dtype = json["dtype"].get<std::string>();
  const uint64_t bytes = width(entry.dtype);
  if (bytes == 0) bad("a known dtype", entry.dtype);
  const Json& offsets = json["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2) bad("two data_offsets", to_line(offsets));
  const uint64_t begin = natural(offsets[0], where, name), end = natural(offsets[1], where, name);
  if (!json["shape"].is_array() || json["shape"].size() > 16) bad("a shape", "something else");
  uint64_t size = bytes;
  for (const Json& dimension : json["shape"]) {
    const uint64_t n = natural(dimension, where, name);
    if (n > uint64_t{1} << 40 || __builtin_mul_overflow(size, n, &size) || size > uint64_t{1} << 50) {
      bad("a shape of possible size", to_line(json["shape"]));
    }
    entry.shape.push_back(static_cast<int64_t>(n));
  }
  if (end < begin || end - begin != size) {
    bad("as many bytes as dtype and shape say", to_line(offsets) + " for " + std::to_string(size));
  }
  if (end > uint64_t{1} << 62) bad("offsets inside the file", to_line(offsets));
  entry.begin = data_begin + begin;
  entry.end = data_begin + end;
  return entry;
}

}  // namespace

int64_t TensorEntry::size() const {
  int64_t n = 1;
  for (const int64_t dimension : shape) n *= dimension;
  return n;
}

std::vector<TensorEntry> parse_safetensors(std::span<const std::byte> bytes, const std::string& where) {
  static_assert(std::endian::native == std::endian::little);
  if (bytes.size() < 8) throw Error(where, "", "at least 8 bytes", std::to_string(bytes.size()));
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  if (length > most_header_bytes || length > bytes.size() - 8) {
    throw Error(where, "header length", "at most " + std::to_string(bytes.size() - 8), std::to_string(length));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, length);
  const Json json = parse_header(text, where);
  std::vector<TensorEntry> entries;
  for (const auto& [name, value] : json.items()) {
    if (name != "__metadata__") entries.push_back(parse_entry(name, value, 8 + length, where));
  }
  std::stable_sort(entries.begin(), entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t at = 8 + length;
  for (const TensorEntry& entry : entries) {
    if (entry.begin != at) {
      throw Error(where, entry.name, "to begin at byte " + std::to_string(at), std::to_string(entry.begin));
    }
    at = entry.end;
  }
  if (at != bytes.size()) {
    throw Error(where, "file size", std::to_string(at) + " bytes as the header says", std::to_string(bytes.size()));
  }
  return entries;
}

Safetensors Safetensors::open_file(const std::filesystem::path& file) {
  Safetensors s;
  s.source_ = file.string();
  s.add_file(file);
  return s;
}

Safetensors Safetensors::open_model(const std::filesystem::path& dir) {
  const auto single = dir / "model.safetensors", index = dir / "model.safetensors.index.json";
  if (std::filesystem::exists(single) || !std::filesystem::exists(index)) return open_file(single);
  const Json json = read_json(index);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    throw Error(index.string(), "weight_map", "an object", "nothing");
  }
  std::set<std::string> shards;
  for (const auto& [name, shard] : json["weight_map"].items()) {
    // A shard lies beside its index, nowhere else.
    if (!shard.is_string() || std::filesystem::path(shard.get<std::string>()).filename() != shard.get<std::string>()) {
      throw Error(index.string(), "weight_map." + name, "a file name", to_line(shard));
    }
    shards.insert(shard.get<std::string>());
  }
  Safetensors s;
  s.source_ = index.string();
  for (const std::string& shard : shards) s.add_file(dir / shard);
  for (const auto& [name, shard] : json["weight_map"].items()) {
    if (!s.contains(name)) throw Error((dir / shard.get<std::string>()).string(), name, "the tensor", "none");
  }
  return s;
}

void Safetensors::add_file(const std::filesystem::path& file) {
  const MappedFile& map = maps_.emplace_back(file);
  files_.push_back(file.string());
  for (TensorEntry& entry : parse_safetensors({map.data(), map.size()}, file.string())) {
    const std::string name = entry.name;
    names_.push_back(name);
    const auto [at, added] = tensors_.emplace(name, Place{std::move(entry), maps_.size() - 1});
    if (!added) throw Error(file.string(), name, "once", "also in " + files_[at->second.file]);
  }
}

const Safetensors::Place& Safetensors::place(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw Error(source_, name, "the tensor", "none");
  return found->second;
}

const TensorEntry& Safetensors::entry(const std::string& name) const {
  return place(name).entry;
}

void Safetensors::forget(const std::string& name) const {
  const Place& p = place(name);
  maps_[p.file].forget(maps_[p.file].data() + p.entry.begin, p.entry.end - p.entry.begin);
}

const std::byte* Safetensors::data(const std::string& name) const {
  const Place& p = place(name);
  return maps_[p.file].data() + p.entry.begin;
}

const std::string& Safetensors::file(const std::string& name) const {
  return files_[place(name).file];
}

DType Safetensors::dtype(const std::string& name) const {
  const Place& p = place(name);
  if (p.entry.dtype == "F32") return DType::f32;
  if (p.entry.dtype == "BF16") return DType::bf16;
  if (p.entry.dtype == "F16") return DType::f16;
  throw Error(files_[p.file], name, "dtype F32, F16 or BF16", p.entry.dtype);
}

std::vector<float> Safetensors::floats(const std::string& name) const {
  const TensorEntry& e = entry(name);
  const std::byte* from = data(name);
  std::vector<float> values(static_cast<size_t>(e.size()));
  const auto convert = [&]<class T>(T) {
    for (size_t i = 0; i < values.size(); ++i) {
      T value;
      std::memcpy(&value, from + i * sizeof value, sizeof value);
      values[i] = static_cast<float>(value);
    }
  };
  if (e.dtype == "F64") {
    convert(double{});
  } else if (e.dtype == "I64") {
    convert(int64_t{});
  } else if (e.dtype == "I32") {
    convert(int32_t{});
  } else if (e.dtype == "U8" || e.dtype == "BOOL") {
    convert(uint8_t{});
  } else {
    widen(from, dtype(name), values.size(), values.data());
  }
  return values;
}

void write_safetensors_file(const std::filesystem::path& file, std::span<const TensorSource> tensors, DType dtype,
                            const std::map<std::string, std::string>& metadata) {
  PT_ASSERT(dtype == DType::f32 || dtype == DType::bf16 || dtype == DType::f16);
  Json header;
  header["__metadata__"] = {{"format", "pt"}};
  for (const auto& [key, value] : metadata) header["__metadata__"][key] = value;
  uint64_t at = 0;
  int64_t largest = 0;
  for (const TensorSource& tensor : tensors) {
    int64_t size = 1;
    for (const int64_t dimension : tensor.shape) size *= dimension;
    largest = std::max(largest, size);
    const uint64_t end = at + static_cast<uint64_t>(size) * bytes_of(dtype);
    header[tensor.name] = {{"dtype", dtype == DType::f32    ? "F32"
                                     : dtype == DType::bf16 ? "BF16"
                                                            : "F16"},
                           {"shape", tensor.shape},
                           {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = to_line(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  FileWriter out(file);
  out.write(&length, sizeof length);
  out.write(text.data(), text.size());
  std::vector<float> values(static_cast<size_t>(largest));
  std::vector<uint16_t> halves(dtype == DType::f32 ? 0 : values.size());
  for (const TensorSource& tensor : tensors) {
    size_t size = 1;
    for (const int64_t dimension : tensor.shape) size *= static_cast<size_t>(dimension);
    tensor.fill(values.data());
    if (dtype == DType::f32) {
      out.write(values.data(), size * sizeof(float));
      continue;
    }
    for (size_t i = 0; i < size; ++i) {
      halves[i] = dtype == DType::bf16 ? f32_to_bf16(values[i]) : f32_to_f16(values[i]);
    }
    out.write(halves.data(), size * sizeof(uint16_t));
  }
  out.close();
}

void write_safetensors_model(const std::filesystem::path& dir, std::span<const TensorSource> tensors, DType dtype,
                             uint64_t shard_bytes) {
  std::vector<size_t> cuts = {0};  // first tensor of every shard
  uint64_t total = 0, shard = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    uint64_t bytes = bytes_of(dtype);
    for (const int64_t dimension : tensors[i].shape) bytes *= static_cast<uint64_t>(dimension);
    if (shard > 0 && shard + bytes > shard_bytes) {
      cuts.push_back(i);
      shard = 0;
    }
    shard += bytes;
    total += bytes;
  }
  if (cuts.size() == 1) return write_safetensors_file(dir / "model.safetensors", tensors, dtype, {});
  cuts.push_back(tensors.size());
  Json index;
  index["metadata"]["total_size"] = total;
  for (size_t s = 0; s + 1 < cuts.size(); ++s) {
    std::array<char, 64> name{};
    std::snprintf(name.data(), name.size(), "model-%05zu-of-%05zu.safetensors", s + 1, cuts.size() - 1);
    const auto part = tensors.subspan(cuts[s], cuts[s + 1] - cuts[s]);
    write_safetensors_file(dir / name.data(), part, dtype, {});
    for (const TensorSource& tensor : part) index["weight_map"][tensor.name] = name.data();
  }
  write_file_atomically(dir / "model.safetensors.index.json", to_pretty(index) + "\n");
}

}  // namespace posttrain
