// Names that last: a file whose bytes are on the disk is lost all the same when the power goes before its folder is
// synced.
#pragma once

#include <filesystem>

namespace posttrain {

// The names in a folder last over a loss of power from here on. Where a file system can't do that, it is left.
void sync_folder(const std::filesystem::path& folder);

// So do the bytes of a file that another hand wrote; one that is not there is left. Throws Failure.
void sync_file(const std::filesystem::path& file);

// Creates a folder and those above it that are missing, to last. Throws Failure.
void make_folders(const std::filesystem::path& folder);

}  // namespace posttrain
