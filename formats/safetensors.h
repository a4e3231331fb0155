// The safetensors format: an 8-byte little-endian length, a JSON header, then the tensors' bytes without holes.
// https://github.com/huggingface/safetensors, section "Format".
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/file.h"

namespace posttrain {

struct TensorEntry {
  std::string name, dtype;  // dtype as in the file: "F32", "BF16", ...
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;  // bytes from the start of the file

  int64_t size() const;
};

// The header of a whole file of `bytes`, in order of offsets. Throws Error naming `where` for anything that is not
// exactly as the format says: lying lengths, overlaps, holes, duplicates, shapes that don't match their bytes.
std::vector<TensorEntry> parse_safetensors(std::span<const std::byte> bytes, const std::string& where);

// The tensors of one file, or of all shards of a model directory, memory-mapped.
class Safetensors {
 public:
  // <dir>/model.safetensors, or the files of <dir>/model.safetensors.index.json.
  static Safetensors open_model(const std::filesystem::path& dir);
  static Safetensors open_file(const std::filesystem::path& file);

  const std::vector<std::string>& names() const { return names_; }
  bool contains(const std::string& name) const { return tensors_.contains(name); }
  // All of these throw Error when there is no such tensor.
  const TensorEntry& entry(const std::string& name) const;
  const std::byte* data(const std::string& name) const;
  const std::string& file(const std::string& name) const;
  // The tensor has been read: its memory may be used for something else.
  void forget(const std::string& name) const;
  // Throws Error unless the dtype is F32, F16 or BF16.
  DType dtype(const std::string& name) const;
  // Converted from F32, F16, BF16, F64, I64, I32 or BOOL/U8.
  std::vector<float> floats(const std::string& name) const;

 private:
  struct Place {
    TensorEntry entry;
    size_t file;
  };
  void add_file(const std::filesystem::path& file);
  const Place& place(const std::string& name) const;

  std::string source_;
  std::vector<std::string> files_;
  std::vector<MappedFile> maps_;
  std::map<std::string, Place> tensors_;
  std::vector<std::string> names_;
};

// What is to be written; `fill` gives the float32 values when their turn comes, so that no second copy of a model is
// ever held.
struct TensorSource {
  std::string name;
  std::vector<int64_t> shape;
  std::function<void(float*)> fill;
};

// Writes <dir>/model.safetensors, or above shard_bytes several files and their index. Throws Failure.
void write_safetensors_model(const std::filesystem::path& dir, std::span<const TensorSource> tensors, DType dtype,
                             uint64_t shard_bytes);
void write_safetensors_file(const std::filesystem::path& file, std::span<const TensorSource> tensors, DType dtype,
                            const std::map<std::string, std::string>& metadata);

}  // namespace posttrain
