// The one door to xxHash: the digest of a file or of bytes as they come, XXH3 with 128 bits. It finds every accident
// and is no protection against someone who means to deceive. `xxhsum -H2 FILE` prints the same digits.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace posttrain {

class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void add(const void* data, size_t bytes);
  void add(std::string_view text) { add(text.data(), text.size()); }
  // Of all that was added so far, which may go on: 16 bytes, the most significant first.
  std::array<unsigned char, 16> value() const;
  // The same as 32 hexadecimal digits.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string digest_of(std::string_view text);
// Reads the file piece by piece, some GB a second when it is in memory. Throws Error when it can't be read.
std::string digest_of_file(const std::filesystem::path& file);

}  // namespace posttrain
