// The GGUF container, versions 2 and 3: typed metadata, tensor descriptions, where their data lies.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace posttrain {

constexpr uint32_t gguf_magic = 0x46554747;  // "GGUF"

// Numbers as in the file.
enum class GgufKind : uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  text = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12
};

// Bytes of one number; 8 where a kind has no width of its own.
size_t gguf_width(GgufKind kind);

// One metadata value. Integers are kept as int64 (u64 above that are refused), all reals as double.
struct GgufValue {
  GgufKind kind = GgufKind::u32, item = GgufKind::u32;  // `item`: of an array
  int64_t integer = 0;                                  // integers and booleans
  double real = 0;
  std::string text;
  std::vector<std::string> texts;  // array of texts
  std::vector<double> numbers;     // any other array

  static GgufValue of(int64_t value) { return {GgufKind::u32, {}, value, 0, {}, {}, {}}; }
  static GgufValue of(double value) { return {GgufKind::f32, {}, 0, value, {}, {}, {}}; }
  static GgufValue of(bool value) { return {GgufKind::boolean, {}, value, 0, {}, {}, {}}; }
  static GgufValue of(std::string value) { return {GgufKind::text, {}, 0, 0, std::move(value), {}, {}}; }
  static GgufValue of(std::vector<std::string> values) {
    return {GgufKind::array, GgufKind::text, 0, 0, {}, std::move(values), {}};
  }
  static GgufValue of(GgufKind item, std::vector<double> values) {
    return {GgufKind::array, item, 0, 0, {}, {}, std::move(values)};
  }
};

// Encodings of tensors, numbered as in the file.
enum class GgufType : uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  bf16 = 30
};
std::string gguf_type_name(GgufType type);
// Values in one block of the encoding, and its bytes; {0, 0} for a type that is not read here.
struct GgufBlock {
  int64_t values, bytes;
};
GgufBlock gguf_block(GgufType type);

struct GgufTensor {
  std::string name;
  std::vector<int64_t> shape;  // outermost first, as everywhere else here (the file has it the other way round)
  GgufType type = GgufType::f32;
  uint64_t begin = 0;  // byte of the file

  int64_t size() const;
  uint64_t bytes() const;
};

struct GgufHeader {
  std::string where;
  std::map<std::string, GgufValue> metadata;
  std::vector<GgufTensor> tensors;

  bool has(const std::string& key) const { return metadata.contains(key); }
  // All throw Error naming the file and the key when it is absent or of another kind.
  int64_t integer(const std::string& key) const;
  int64_t integer(const std::string& key, int64_t otherwise) const { return has(key) ? integer(key) : otherwise; }
  double number(const std::string& key) const;
  double number(const std::string& key, double otherwise) const { return has(key) ? number(key) : otherwise; }
  const std::string& text(const std::string& key) const;
  const std::vector<std::string>& texts(const std::string& key) const;
  const std::vector<double>& numbers(const std::string& key) const;
  const GgufTensor* tensor(const std::string& name) const;
};

// Throws Error for anything that lies about counts, lengths, types or places.
GgufHeader parse_gguf(std::span<const std::byte> bytes, const std::string& where);

// Whether `path` is one file with the name of a GGUF file: then it holds weights, tokenizer and chat template.
bool is_gguf(const std::filesystem::path& path);

}  // namespace posttrain
