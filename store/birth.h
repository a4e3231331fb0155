// How a store comes to be: written under another name, renamed once the run is begun in it. At every moment of a birth
// there is either a store with its run or nothing that counts as one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace posttrain::store {

// The name under which `file` is made.
std::filesystem::path unborn_file(const std::filesystem::path& file);

// Whether no run was begun in `file`: it is not there, empty, or a store of ours without a run. What is another
// program's, or can't be read, counts as born.
bool is_unborn(const std::filesystem::path& file);

// Whether a birth of `file` was begun, as far as files tell: its lock or its other name is there.
bool birth_was_begun(const std::filesystem::path& file);

// Whether `folder` holds nothing but what a birth of `file` that was cut short may leave, `beside` (file names) where
// it was begun. An empty folder does.
bool holds_only_unborn(const std::filesystem::path& folder, const std::filesystem::path& file,
                       const std::vector<std::string>& beside);

// Removes all that a birth which was cut short left of `file`. Only where is_unborn(file).
void remove_unborn(const std::filesystem::path& file);

// The finished file takes its name, durably. Throws Failure.
void give_birth(const std::filesystem::path& file);

}  // namespace posttrain::store
