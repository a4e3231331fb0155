// A training run's state in one file: master weights, both moments, step count, and the caller's own cursor.
//
// Format (little-endian): the 8 bytes "PTCKPT02", then sections of
//   name, 8 bytes, zero-padded | length, u64 | payload | XXH3-128 of name, length and payload, 16 bytes
// in the order arch (config.json text), cursor (text), steps (u64), weights, m, v (moments as the learner keeps them;
// with adapters m is their whole state and v empty), end (empty). A file with anything missing, added or changed is
// refused before the learner is touched. Version 01 had another checksum; it is refused with that word.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "model/learner.h"

namespace posttrain::model {

class Checkpoint {
 public:
  // Written beside `file` first and renamed when complete and on disk: at every moment there is either the old
  // checkpoint or the new one. Throws Failure (disk full, ...) and leaves the old one. Call between steps only:
  // gradients are not part of it.
  static void save(const std::filesystem::path& file, const Learner& learner, std::string_view cursor);

  // Restores the learner and its transformer bit for bit and returns the cursor. Throws Error for a file that is torn,
  // truncated, damaged, of another format or of another architecture; the learner is then as before.
  static std::string load(const std::filesystem::path& file, Learner& learner);

  // The cursor alone, after the same checks of the file itself.
  static std::string read_cursor(const std::filesystem::path& file);
};

}  // namespace posttrain::model
