#include "store/birth.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/error.h"
#include "base/folders.h"
#include "store/store.h"

namespace posttrain::store {
namespace {

// What SQLite keeps beside a file.
constexpr std::array<const char*, 4> companions = {"", "-wal", "-shm", "-journal"};

}  // namespace

std::filesystem::path unborn_file(const std::filesystem::path& file) {
  auto unborn = file;
  unborn += ".new";
  return unborn;
}

bool is_unborn(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return true;
  if (std::filesystem::is_regular_file(file, error) && std::filesystem::file_size(file, error) == 0) return true;
  return Store::is_store_without_run(file);
}

bool birth_was_begun(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::exists(unborn_file(file), ignored) ||
         std::filesystem::exists(file.string() + ".lock", ignored);
}

bool holds_only_unborn(const std::filesystem::path& folder, const std::filesystem::path& file,
                       const std::vector<std::string>& beside) {
  const bool begun = birth_was_begun(file);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string(), own = file.filename().string();
    bool known = name == own + ".lock" || (begun && std::ranges::find(beside, name) != beside.end());
    for (const char* companion : companions) known |= name == own + companion || name == own + ".new" + companion;
    if (!known || !entry.is_regular_file()) return false;
  }
  return is_unborn(file);
}

void remove_unborn(const std::filesystem::path& file) {
  for (const auto& base : {unborn_file(file), file}) {
    for (const char* companion : companions) std::filesystem::remove(base.string() + companion);
  }
}

void give_birth(const std::filesystem::path& file) {
  if (::rename(unborn_file(file).c_str(), file.c_str()) != 0)
    throw Failure(file.string(), std::string("can't create: ") + std::strerror(errno));
  sync_folder(file.parent_path());
}

}  // namespace posttrain::store
