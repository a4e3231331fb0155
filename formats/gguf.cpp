#include "formats/gguf.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <set>

#include "base/error.h"

namespace posttrain {
namespace {

struct Encoding {
  GgufType type;
  const char* name;
  GgufBlock block;
};

constexpr std::array<Encoding, 11> encodings = {{
    {GgufType::f32, "F32", {1, 4}},
    {GgufType::f16, "F16", {1, 2}},
    {GgufType::bf16, "BF16", {1, 2}},
    {GgufType::q4_0, "Q4_0", {32, 18}},
    {GgufType::q4_1, "Q4_1", {32, 20}},
    {GgufType::q5_0, "Q5_0", {32, 22}},
    {GgufType::q5_1, "Q5_1", {32, 24}},
    {GgufType::q8_0, "Q8_0", {32, 34}},
    {GgufType::q4_k, "Q4_K", {256, 144}},
    {GgufType::q5_k, "Q5_K", {256, 176}},
    {GgufType::q6_k, "Q6_K", {256, 210}},
}};

const Encoding* find(GgufType type) {
  const auto found = std::ranges::find(encodings, type, &Encoding::type);
  return found == encodings.end() ? nullptr : found;
}

// Reads values one after another and never past the end.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }
  [[noreturn]] void bad(const std::string& field, const std::string& expected, const std::string& got) const {
    throw Error(where_, field, expected, got);
  }

  template <class T>
  T take(const std::string& field) {
    if (left() < sizeof(T)) bad(field, std::to_string(sizeof(T)) + " bytes", "the end of the file");
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string text(const std::string& field) {
    const auto length = take<uint64_t>(field);
    if (length > left()) bad(field, "a text inside the file", std::to_string(length) + " bytes");
    const auto* begin = reinterpret_cast<const char*>(bytes_.data() + at_);
    at_ += length;
    return {begin, static_cast<size_t>(length)};
  }
  // A count of things of at least `each` bytes: more than the file can hold is a lie.
  uint64_t count(const std::string& field, uint64_t each) {
    const auto n = take<uint64_t>(field);
    if (n > left() / each) bad(field, "at most " + std::to_string(left() / each), std::to_string(n));
    return n;
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& where_;
  size_t at_ = 0;
};

bool real(GgufKind kind) {
  return kind == GgufKind::f32 || kind == GgufKind::f64;
}

int64_t read_integer(Reader& in, GgufKind kind, const std::string& key) {
  switch (kind) {
    case GgufKind::u8:
    case GgufKind::boolean:
      return in.take<uint8_t>(key);
    case GgufKind::i8:
      return in.take<int8_t>(key);
    case GgufKind::u16:
      return in.take<uint16_t>(key);
    case GgufKind::i16:
      return in.take<int16_t>(key);
    case GgufKind::u32:
      return in.take<uint32_t>(key);
    case GgufKind::i32:
      return in.take<int32_t>(key);
    case GgufKind::i64:
      return in.take<int64_t>(key);
    default:
      break;
  }
  const auto value = in.take<uint64_t>(key);
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    in.bad(key, "an integer below 2^63", std::to_string(value));
  }
  return static_cast<int64_t>(value);
}

double read_real(Reader& in, GgufKind kind, const std::string& key) {
  return kind == GgufKind::f32 ? static_cast<double>(in.take<float>(key)) : in.take<double>(key);
}

GgufKind read_kind(Reader& in, const std::string& key) {
  const auto kind = in.take<uint32_t>(key);
  if (kind > static_cast<uint32_t>(GgufKind::f64)) in.bad(key, "a known kind of value", std::to_string(kind));
  return static_cast<GgufKind>(kind);
}

GgufValue read_value(Reader& in, const std::string& key) {
  GgufValue value;
  value.kind = read_kind(in, key);
  if (value.kind == GgufKind::text) {
    value.text = in.text(key);
  } else if (real(value.kind)) {
    value.real = read_real(in, value.kind, key);
  } else if (value.kind != GgufKind::array) {
    value.integer = read_integer(in, value.kind, key);
  } else {
    value.item = read_kind(in, key);
    if (value.item == GgufKind::array) in.bad(key, "an array of plain values", "an array of arrays");
    const uint64_t n = in.count(key, value.item == GgufKind::text ? 8 : gguf_width(value.item));
    for (uint64_t i = 0; i < n; ++i) {
      if (value.item == GgufKind::text) {
        value.texts.push_back(in.text(key));
      } else if (real(value.item)) {
        value.numbers.push_back(read_real(in, value.item, key));
      } else {
        value.numbers.push_back(static_cast<double>(read_integer(in, value.item, key)));
      }
    }
  }
  return value;
}

GgufTensor read_tensor(Reader& in) {
  GgufTensor tensor;
  tensor.name = in.text("tensor name");
  const auto dimensions = in.take<uint32_t>(tensor.name);
  if (dimensions > 4) in.bad(tensor.name, "at most 4 dimensions", std::to_string(dimensions));
  uint64_t size = 1;
  for (uint32_t d = 0; d < dimensions; ++d) {
    const auto n = in.take<uint64_t>(tensor.name);
    if (n > uint64_t{1} << 40 || __builtin_mul_overflow(size, n, &size) || size > uint64_t{1} << 46) {
      in.bad(tensor.name, "a shape of possible size", std::to_string(n));
    }
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(n));
  }
  tensor.type = static_cast<GgufType>(in.take<uint32_t>(tensor.name));
  const GgufBlock block = gguf_block(tensor.type);
  if (block.values == 0) {
    in.bad(tensor.name, "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K",
           gguf_type_name(tensor.type));
  }
  if (tensor.shape.empty() || tensor.shape.back() % block.values != 0) {
    in.bad(tensor.name, "rows of whole blocks of " + std::to_string(block.values), "a shape that is not");
  }
  tensor.begin = in.take<uint64_t>(tensor.name);
  return tensor;
}

const GgufValue& value_of(const GgufHeader& header, const std::string& key, bool fits, const char* expected) {
  const auto found = header.metadata.find(key);
  if (found == header.metadata.end()) throw Error(header.where, key, expected, "nothing");
  if (!fits) throw Error(header.where, key, expected, "another kind of value");
  return found->second;
}

const GgufValue* look(const GgufHeader& header, const std::string& key) {
  const auto found = header.metadata.find(key);
  return found == header.metadata.end() ? nullptr : &found->second;
}

}  // namespace

size_t gguf_width(GgufKind kind) {
  switch (kind) {
    case GgufKind::u8:
    case GgufKind::i8:
    case GgufKind::boolean:
      return 1;
    case GgufKind::u16:
    case GgufKind::i16:
      return 2;
    case GgufKind::u32:
    case GgufKind::i32:
    case GgufKind::f32:
      return 4;
    default:
      return 8;
  }
}

std::string gguf_type_name(GgufType type) {
  const Encoding* e = find(type);
  return e != nullptr ? e->name : "type " + std::to_string(static_cast<uint32_t>(type));
}

GgufBlock gguf_block(GgufType type) {
  const Encoding* e = find(type);
  return e != nullptr ? e->block : GgufBlock{0, 0};
}

int64_t GgufTensor::size() const {
  int64_t n = 1;
  for (const int64_t dimension : shape) n *= dimension;
  return n;
}

uint64_t GgufTensor::bytes() const {
  const GgufBlock block = gguf_block(type);
  return static_cast<uint64_t>(size() / block.values * block.bytes);
}

int64_t GgufHeader::integer(const std::string& key) const {
  const GgufValue* v = look(*this, key);
  const bool fits = v != nullptr && !real(v->kind) && v->kind != GgufKind::text && v->kind != GgufKind::array;
  return value_of(*this, key, fits, "an integer").integer;
}

double GgufHeader::number(const std::string& key) const {
  const GgufValue* v = look(*this, key);
  if (v != nullptr && !real(v->kind)) return static_cast<double>(integer(key));
  return value_of(*this, key, true, "a number").real;
}

const std::string& GgufHeader::text(const std::string& key) const {
  const GgufValue* v = look(*this, key);
  return value_of(*this, key, v != nullptr && v->kind == GgufKind::text, "a text").text;
}

const std::vector<std::string>& GgufHeader::texts(const std::string& key) const {
  const GgufValue* v = look(*this, key);
  const bool fits = v != nullptr && v->kind == GgufKind::array && v->item == GgufKind::text;
  return value_of(*this, key, fits, "a list of texts").texts;
}

const std::vector<double>& GgufHeader::numbers(const std::string& key) const {
  const GgufValue* v = look(*this, key);
  const bool fits = v != nullptr && v->kind == GgufKind::array && v->item != GgufKind::text;
  return value_of(*this, key, fits, "a list of numbers").numbers;
}

const GgufTensor* GgufHeader::tensor(const std::string& name) const {
  for (const GgufTensor& t : tensors) {
    if (t.name == name) return &t;
  }
  return nullptr;
}

GgufHeader parse_gguf(std::span<const std::byte> bytes, const std::string& where) {
  Reader in(bytes, where);
  if (in.take<uint32_t>("magic") != gguf_magic) in.bad("magic", "GGUF", "another kind of file");
  const auto version = in.take<uint32_t>("version");
  if (version != 2 && version != 3) in.bad("version", "2 or 3", std::to_string(version));
  GgufHeader header;
  header.where = where;
  const uint64_t tensors = in.count("tensor count", 24);
  const uint64_t values = in.count("metadata count", 13);
  for (uint64_t i = 0; i < values; ++i) {
    const std::string key = in.text("metadata key");
    if (!header.metadata.emplace(key, read_value(in, key)).second) in.bad(key, "once", "twice");
  }
  std::set<std::string> names;
  for (uint64_t i = 0; i < tensors; ++i) {
    header.tensors.push_back(read_tensor(in));
    if (!names.insert(header.tensors.back().name).second) in.bad(header.tensors.back().name, "once", "twice");
  }
  const int64_t alignment = header.integer("general.alignment", 32);
  if (alignment < 1 || alignment > 1 << 20 || (alignment & (alignment - 1)) != 0) {
    in.bad("general.alignment", "a power of two", std::to_string(alignment));
  }
  const auto step = static_cast<uint64_t>(alignment);
  const uint64_t data = (in.at() + step - 1) / step * step;
  for (GgufTensor& tensor : header.tensors) {
    const uint64_t room = data < bytes.size() ? bytes.size() - data : 0;
    if (tensor.begin % step != 0 || tensor.begin > room || tensor.bytes() > room - tensor.begin) {
      in.bad(tensor.name, "data inside the file", "bytes from " + std::to_string(tensor.begin));
    }
    tensor.begin += data;
  }
  return header;
}

bool is_gguf(const std::filesystem::path& path) {
  return path.extension() == ".gguf" && !std::filesystem::is_directory(path);
}

}  // namespace posttrain
