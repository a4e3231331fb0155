#include "model/checkpoint.h"

#include <array>
#include <cstring>
#include <map>
#include <span>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "formats/file_writer.h"
#include "model/learner_state.h"

namespace posttrain::model {
namespace {

constexpr std::string_view magic = "PTCKPT02";
constexpr std::array<const char*, 7> section_order = {"arch", "cursor", "steps", "weights", "m", "v", "end"};

constexpr size_t kSumBytes = 16;

struct Head {
  char name[8] = {};
  uint64_t length = 0;

  Head() = default;
  Head(const char* text, uint64_t bytes) : length(bytes) { std::memcpy(name, text, std::strlen(text)); }
};
static_assert(sizeof(Head) == 16);

class CheckpointWriter {
 public:
  explicit CheckpointWriter(const std::filesystem::path& file) : out_(file) { out_.write(magic.data(), magic.size()); }

  void begin(const char* name, uint64_t bytes) {
    const Head head(name, bytes);
    sum_ = Digest();
    put(&head, sizeof head);
  }
  void put(const void* data, size_t bytes) {
    sum_.add(data, bytes);
    out_.write(data, bytes);
  }
  void end() {
    const auto sum = sum_.value();
    out_.write(sum.data(), sum.size());
  }
  void section(const char* name, std::string_view payload) {
    begin(name, payload.size());
    put(payload.data(), payload.size());
    end();
  }
  void floats(const char* name, nn::Backend& backend, const float* from, size_t count) {
    begin(name, count * sizeof(float));
    std::vector<float> piece(std::min(count, size_t{1} << 18));
    for (size_t done = 0; done < count; done += piece.size()) {
      const size_t n = std::min(piece.size(), count - done);
      backend.to_host(piece.data(), from + done, n * sizeof(float));
      put(piece.data(), n * sizeof(float));
    }
    end();
  }
  void close() { out_.close(); }

 private:
  FileWriter out_;
  Digest sum_;
};

// The sections of a file, all checked.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : where_(file.string()), map_(file) {
    if (map_.size() < magic.size() || std::memcmp(map_.data(), magic.data(), magic.size()) != 0) {
      const std::string_view start(reinterpret_cast<const char*>(map_.data()), std::min(map_.size(), magic.size()));
      const bool other = start.size() == magic.size() && start.starts_with(magic.substr(0, 6));
      throw Error(where_, "format", "a checkpoint of version " + std::string(magic.substr(6)),
                  other ? "version " + std::string(start.substr(6)) +
                              ", which another posttrain wrote; that one reads it, or this stage is trained anew"
                        : "another kind of file");
    }
    size_t at = magic.size();
    for (const char* name : section_order) at = read_section(name, at);
    if (at != map_.size())
      damaged("end", "nothing after the last section", std::to_string(map_.size() - at) + " bytes");
  }

  std::span<const std::byte> operator[](const char* name) const { return sections_.at(name); }
  std::string text(const char* name) const {
    const auto bytes = (*this)[name];
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

 private:
  [[noreturn]] void damaged(const char* section, const std::string& expected, const std::string& got) const {
    throw Error(where_, std::string("section '") + section + "' of a damaged or unfinished checkpoint", expected, got);
  }

  size_t read_section(const char* name, size_t at) {
    const size_t left = map_.size() - at;
    if (left < sizeof(Head) + kSumBytes) damaged(name, "a section", "the end of the file");
    Head head;
    std::memcpy(&head, map_.data() + at, sizeof head);
    if (std::memcmp(head.name, Head(name, 0).name, sizeof head.name) != 0) damaged(name, "its name", "another name");
    if (head.length > left - sizeof(Head) - kSumBytes) {
      damaged(name, std::to_string(head.length) + " bytes", "the end of the file");
    }
    Digest sum;
    sum.add(map_.data() + at, sizeof head + head.length);
    std::array<unsigned char, kSumBytes> stored;
    std::memcpy(stored.data(), map_.data() + at + sizeof head + head.length, kSumBytes);
    if (stored != sum.value()) damaged(name, "its checksum", "other bytes");
    sections_[name] = {map_.data() + at + sizeof head, head.length};
    return at + sizeof head + head.length + kSumBytes;
  }

  std::string where_;
  MappedFile map_;
  std::map<std::string, std::span<const std::byte>> sections_;
};

void require_same_arch(const std::string& where, const std::string& ours, const std::string& theirs) {
  if (ours == theirs) return;
  // Name the first line that differs.
  size_t begin = 0;
  while (begin < ours.size() && begin < theirs.size()) {
    const std::string a = ours.substr(begin, ours.find('\n', begin) - begin);
    const std::string b = theirs.substr(begin, theirs.find('\n', begin) - begin);
    if (a != b) throw Error(where, "architecture", a, b);
    begin += a.size() + 1;
  }
  throw Error(where, "architecture", "the run's", "another");
}

}  // namespace

void Checkpoint::save(const std::filesystem::path& file, const Learner& learner, std::string_view cursor) {
  const Learner::State& s = *learner.state_;
  auto temporary = file;
  temporary += ".tmp";
  CheckpointWriter out(temporary);
  out.section("arch", write_arch(s.transformer.arch(), s.weights.stored()));
  out.section("cursor", cursor);
  const auto steps = static_cast<uint64_t>(s.steps);
  out.section("steps", {reinterpret_cast<const char*>(&steps), sizeof steps});
  out.floats("weights", s.backend, s.weights.master(), s.weights.all_floats());
  if (s.lora) {
    const std::vector<float> state = s.lora->state();
    out.section("m", {reinterpret_cast<const char*>(state.data()), state.size() * sizeof(float)});
    out.section("v", {});
  } else {
    out.floats("m", s.backend, s.m.f32(), s.m.bytes() / sizeof(float));
    out.floats("v", s.backend, s.v.f32(), s.v.bytes() / sizeof(float));
  }
  out.section("end", {});
  out.close();
  replace_file(temporary, file);
}

std::string Checkpoint::load(const std::filesystem::path& file, Learner& learner) {
  Learner::State& s = *learner.state_;
  const Reader in(file);
  require_same_arch(file.string(), write_arch(s.transformer.arch(), s.weights.stored()), in.text("arch"));
  const auto require_size = [&](const char* name, size_t bytes) {
    if (in[name].size() != bytes) {
      throw Error(file.string(), name, std::to_string(bytes) + " bytes", std::to_string(in[name].size()));
    }
  };
  require_size("steps", sizeof(uint64_t));
  require_size("weights", s.weights.all_floats() * sizeof(float));
  require_size("m", s.lora ? s.lora->state_floats() * sizeof(float) : s.m.bytes());
  require_size("v", s.v.bytes());
  uint64_t steps = 0;
  std::memcpy(&steps, in["steps"].data(), sizeof steps);
  s.steps = static_cast<int64_t>(steps);
  s.backend.to_device(s.weights.master(), in["weights"].data(), in["weights"].size());
  if (s.lora) {
    std::vector<float> state(s.lora->state_floats());
    std::memcpy(state.data(), in["m"].data(), in["m"].size());
    s.lora->set_state(state);
  } else {
    s.backend.to_device(s.m.data(), in["m"].data(), in["m"].size());
    s.backend.to_device(s.v.data(), in["v"].data(), in["v"].size());
  }
  s.weights.refresh();
  if (s.lora) s.lora->use(true);
  learner.zero_gradients();
  return in.text("cursor");
}

std::string Checkpoint::read_cursor(const std::filesystem::path& file) {
  return Reader(file).text("cursor");
}

}  // namespace posttrain::model
