#include "base/digest.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <vector>

#include "base/error.h"

namespace posttrain {

struct Digest::State {
  State() {
    if (at == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(at);
  }
  ~State() { XXH3_freeState(at); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  XXH3_state_t* at = XXH3_createState();
};

Digest::Digest() : state_(std::make_unique<State>()) {}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::add(const void* data, size_t bytes) {
  if (bytes > 0) XXH3_128bits_update(state_->at, data, bytes);
}

std::array<unsigned char, 16> Digest::value() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->at));
  std::array<unsigned char, 16> out;
  std::memcpy(out.data(), canonical.digest, out.size());
  return out;
}

std::string Digest::hex() const {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : value()) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string digest_of(std::string_view text) {
  Digest digest;
  digest.add(text);
  return digest.hex();
}

std::string digest_of_file(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw Error(file.string(), std::string("can't open: ") + std::strerror(errno));
  Digest digest;
  std::vector<char> piece(size_t{1} << 20);
  for (;;) {
    const ssize_t n = ::read(fd, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    const int cause = errno;
    if (n <= 0) ::close(fd);
    if (n < 0) throw Error(file.string(), std::string("can't read: ") + std::strerror(cause));
    if (n == 0) return digest.hex();
    digest.add(piece.data(), static_cast<size_t>(n));
  }
}

}  // namespace posttrain
