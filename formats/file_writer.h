// Writes one file piece by piece, and folders that appear whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

namespace posttrain {

// Creates the file; throws Failure when something can't be written. Without close() the file is removed again.
class FileWriter {
 public:
  explicit FileWriter(std::filesystem::path file);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(const void* data, size_t bytes);
  // Flushes, fsyncs and closes.
  void close();

 private:
  void flush();
  void fail(const char* verb);

  std::filesystem::path file_;
  int fd_ = -1;
  std::vector<std::byte> buffer_;
};

// Replaces `file` by `temporary`, durably.
void replace_file(const std::filesystem::path& temporary, const std::filesystem::path& file);

// Lets `fill` write into a temporary folder beside `dir`, then puts it in the place of `dir` in one step; an older
// folder there is removed after that. If fill throws, nothing has changed.
void write_folder_atomically(const std::filesystem::path& dir,
                             const std::function<void(const std::filesystem::path&)>& fill);

}  // namespace posttrain
