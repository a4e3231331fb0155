// Writes GGUF files, version 3.
#include <algorithm>

#include "base/error.h"
#include "formats/file_writer.h"
#include "formats/gguf_tensors.h"

namespace posttrain {
namespace {

class GgufWriter {
 public:
  template <class T>
  void put(T value) {
    const auto* at = reinterpret_cast<const char*>(&value);
    bytes.append(at, sizeof value);
  }
  void text(const std::string& value) {
    put(static_cast<uint64_t>(value.size()));
    bytes += value;
  }
  void number(GgufKind kind, int64_t integer, double real_value) {
    switch (gguf_width(kind)) {
      case 1:
        return put(static_cast<uint8_t>(integer));
      case 2:
        return put(static_cast<uint16_t>(integer));
      case 4:
        return kind == GgufKind::f32 ? put(static_cast<float>(real_value)) : put(static_cast<uint32_t>(integer));
      default:
        return kind == GgufKind::f64 ? put(real_value) : put(integer);
    }
  }
  void value(const GgufValue& v) {
    put(static_cast<uint32_t>(v.kind));
    if (v.kind == GgufKind::text) return text(v.text);
    if (v.kind != GgufKind::array) return number(v.kind, v.integer, v.real);
    put(static_cast<uint32_t>(v.item));
    put(static_cast<uint64_t>(v.item == GgufKind::text ? v.texts.size() : v.numbers.size()));
    for (const std::string& item : v.texts) text(item);
    for (const double item : v.numbers) number(v.item, static_cast<int64_t>(item), item);
  }

  std::string bytes;
};

}  // namespace

void write_gguf(const std::filesystem::path& file, const std::vector<std::pair<std::string, GgufValue>>& metadata,
                std::span<const GgufSource> tensors) {
  constexpr uint64_t alignment = 32;
  const auto aligned = [](uint64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; };
  GgufWriter head;
  head.put(gguf_magic);
  head.put(uint32_t{3});
  head.put(static_cast<uint64_t>(tensors.size()));
  head.put(static_cast<uint64_t>(metadata.size()));
  for (const auto& [key, value] : metadata) {
    head.text(key);
    head.value(value);
  }
  uint64_t offset = 0;
  int64_t largest = 0;
  for (const GgufSource& source : tensors) {
    const GgufTensor tensor{source.name, source.shape, source.type, 0};
    head.text(source.name);
    head.put(static_cast<uint32_t>(source.shape.size()));
    for (auto d = source.shape.rbegin(); d != source.shape.rend(); ++d) head.put(static_cast<uint64_t>(*d));
    head.put(static_cast<uint32_t>(source.type));
    head.put(offset);
    offset += aligned(tensor.bytes());
    largest = std::max(largest, tensor.size());
  }
  auto temporary = file;
  temporary += ".tmp";
  FileWriter out(temporary);
  const std::string zeros(alignment, '\0');
  const auto write_padded = [&](const void* data, size_t bytes) {
    out.write(data, bytes);
    out.write(zeros.data(), aligned(bytes) - bytes);
  };
  write_padded(head.bytes.data(), head.bytes.size());
  std::vector<float> values(static_cast<size_t>(largest));
  std::vector<std::byte> encoded;
  for (const GgufSource& source : tensors) {
    const GgufTensor tensor{source.name, source.shape, source.type, 0};
    source.fill(values.data());
    encoded.resize(tensor.bytes());
    quantize(source.type, values.data(), static_cast<size_t>(tensor.size()), encoded.data());
    write_padded(encoded.data(), encoded.size());
  }
  out.close();
  replace_file(temporary, file);
}

}  // namespace posttrain
