// Whole files: read at once, written so that a reader sees the old bytes or the new ones and never a half.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace posttrain {

// Throws Error("<file>", ...) when it can't be read.
std::string read_file(const std::filesystem::path& file);

// Writes to "<file>.tmp", fsyncs, renames over `file`, fsyncs the folder. Throws Failure and leaves the old file
// as it was when the disk is full or the folder can't be written.
void write_file_atomically(const std::filesystem::path& file, std::string_view bytes);

// A read-only memory map of a whole file; the bytes live as long as the object.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  MappedFile& operator=(MappedFile&&) = delete;

  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  // Gives the memory of these bytes back to the system; reading them again is a matter of the page cache.
  void forget(const std::byte* from, size_t bytes) const;

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace posttrain
