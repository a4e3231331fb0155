// Problems that were read from files, in endless passes over them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/params.h"
#include "base/shuffle.h"
#include "text/task.h"

namespace posttrain::tasks {

// The files of a task, one a split.
struct DataFiles {
  std::string train, valid, test;
  double valid_share = 0.0625;
  void visit(Visitor& v);
};

// Makes a problem of a row; nothing for one that is not of the split. Throws Error(where, ...) for one that can't be
// read. An empty id becomes "<split>:<line>".
using MakeProblem = std::function<std::optional<text::Problem>(Json&& row, const std::string& where)>;

// Where a recipe evaluates within a stage and names no file for it, `valid` is a part of the training file, chosen by a
// digest of each problem alone: at least one, equal problems together, none that the test file has too where others
// are there.
enum class HoldOut : uint8_t { nothing, valid };

// A row is kept as its line and read anew when it is asked for.
class FileTask : public text::Task {
 public:
  int64_t size(text::Split split) const override { return std::ssize(rows(split).lines); }
  text::Problem problem(text::Split split, uint64_t seed, uint64_t index) const override;
  text::Problem row(text::Split split, size_t place) const override;
  Rng order(uint64_t seed) const override { return Rng({seed, hash_name(type_ + "/order")}); }
  // Throws Error: such a task has no corpus of its own.
  text::Document document(text::Source source, uint64_t seed, uint64_t index) const override;

 protected:
  struct Line {
    size_t number = 0;  // from 1
    std::string text;
    uint64_t digest = 0;  // of what is asked
  };
  struct Rows {
    std::string file, name;  // name: of the split that the file is for
    MakeProblem make;
    std::vector<Line> lines;
  };

  // `type` is the task's name in a recipe, `what` such as "a file of statements"; `limit` 0: every row. Throws Error
  // with file and line for a row that can't be read, and when there is nothing to read.
  FileTask(std::string type, std::string what, const DataFiles& files, HoldOut hold_out, int64_t limit,
           const std::function<MakeProblem(text::Split)>& maker);

  const Rows& rows(text::Split split) const { return rows_[static_cast<size_t>(split)]; }
  size_t place_of(text::Split split, uint64_t seed, uint64_t index) const;

 private:
  void hold_out(double share);

  std::string type_, what_;
  Rows rows_[3];
  mutable PassOrder orders_[3];
};

}  // namespace posttrain::tasks
