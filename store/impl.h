// Inside of Store, shared by its writing and its reading half.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "store/lock.h"
#include "store/sqlite.h"
#include "store/store.h"

namespace posttrain::store {

// The statements of a step, prepared once.
struct StepStatements {
  explicit StepStatements(Database& db)
      : step(db, "INSERT INTO steps VALUES (?, ?)"),
        metric(db, "INSERT INTO metrics VALUES (?, ?, ?, ?)"),
        span(db, "INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?)"),
        alert(db, "INSERT INTO alerts VALUES (?, ?, ?, ?)"),
        find_prompt(db, "SELECT id FROM prompts WHERE digest = ? AND text = ? AND answer = ?"),
        prompt(db, "INSERT INTO prompts (digest, text, answer) VALUES (?, ?, ?)"),
        sample(db, "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        eval(db, "INSERT OR REPLACE INTO evals VALUES (?, ?, ?, ?, ?, ?, ?)"),
        drop_samples(db, "DELETE FROM samples WHERE stage = ? AND step = ? AND task = ?") {}
  Statement step, metric, span, alert, find_prompt, prompt, sample, eval, drop_samples;
};

struct Store::Impl {
  mutable std::mutex mutex;
  std::optional<FileLock> lock;  // first member to be made, last to go
  std::unique_ptr<Database> db;
  std::unique_ptr<StepStatements> statements;  // null when read-only
  bool abandoned = false;                      // read-only, and no process writes

  // Settings of the connection, and the statements.
  void start_writing();
  int64_t prompt_id(const std::string& text, const std::string& answer);
  void write_files(int stage, const std::vector<FileDigest>& files);
  void write_groups(int stage, int64_t step, const std::string& task, const std::vector<Group>& groups);
};

}  // namespace posttrain::store
