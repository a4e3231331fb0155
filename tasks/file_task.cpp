#include "tasks/file_task.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/lines.h"

namespace posttrain::tasks {
namespace {

std::string place_in(const std::string& file, size_t line) {
  return file + ":" + std::to_string(line);
}

// Of what is asked, so that equal problems are one wherever they stand.
uint64_t digest_of(const text::Problem& problem) {
  const std::string asked = problem.messages.is_null() ? problem.prompt : to_line(problem.messages);
  return Rng({hash_name(asked)}).at(0);
}

}  // namespace

void DataFiles::visit(Visitor& v) {
  v("train", train, {.doc = "JSONL to train on", .path = true});
  v("valid", valid,
    {.doc = "JSONL for evaluations within stages, by which weights are chosen; \"\" = a part held out of train where a "
            "stage evaluates",
     .path = true});
  v("test", test, {.doc = "JSONL for the figures that are told", .path = true});
  v("valid_share", valid_share,
    {.doc = "How much of train is held out for evaluations within stages, when it is needed", .min = 0, .max = 0.5});
}

FileTask::FileTask(std::string type, std::string what, const DataFiles& files, HoldOut hold, int64_t limit,
                   const std::function<MakeProblem(text::Split)>& maker)
    : type_(std::move(type)), what_(std::move(what)) {
  using enum text::Split;
  const std::pair<text::Split, const std::string*> all[] = {
      {train, &files.train}, {valid, &files.valid}, {test, &files.test}};
  for (const auto& [split, file] : all) {
    Rows& rows = rows_[static_cast<size_t>(split)];
    rows.name = text::split_name(split);
    if (file->empty()) continue;
    rows.file = *file;
    rows.make = maker(split);
    for_each_line(read_file(*file), [&](std::string_view line, size_t number) {
      if (is_blank(line) || (limit > 0 && std::ssize(rows.lines) >= limit)) return;
      const std::string where = place_in(rows.file, number);
      const auto problem = rows.make(parse_json_line(line, where), where);
      if (problem) rows.lines.push_back({number, std::string(line), digest_of(*problem)});
    });
    if (rows.lines.empty()) throw Error(rows.file, rows.name, "at least one line", "none");
  }
  if (rows(train).lines.empty() && rows(test).lines.empty())
    throw Error("task", "train", what_, "neither train nor test");
  if (hold == HoldOut::valid && files.valid.empty()) hold_out(files.valid_share);
}

void FileTask::hold_out(double share) {
  Rows& from = rows_[static_cast<size_t>(text::Split::train)];
  Rows& held = rows_[static_cast<size_t>(text::Split::valid)];
  held.file = from.file;
  held.name = from.name;  // ids stay those of the file
  held.make = from.make;
  std::set<uint64_t> tested, chosen, others;
  for (const Line& line : rows(text::Split::test).lines) tested.insert(line.digest);
  for (const Line& line : from.lines) {
    if (!tested.contains(line.digest)) others.insert(line.digest);
  }
  if (others.empty()) {  // the test file is the training file: told elsewhere
    for (const Line& line : from.lines) others.insert(line.digest);
  }
  const auto bound = static_cast<uint64_t>(share * 0x1.0p63) * 2;
  for (const uint64_t digest : others) {
    if (digest < bound) chosen.insert(digest);
  }
  if (chosen.empty() && !others.empty()) chosen.insert(*others.begin());
  const auto stays = std::stable_partition(from.lines.begin(), from.lines.end(),
                                           [&](const Line& line) { return !chosen.contains(line.digest); });
  held.lines.assign(std::make_move_iterator(stays), std::make_move_iterator(from.lines.end()));
  from.lines.erase(stays, from.lines.end());
  if (from.lines.empty()) {
    throw Error("task", "valid", "a file of its own, or a training file of two problems to hold one out of",
                from.file.empty() ? "none" : from.file);
  }
}

size_t FileTask::place_of(text::Split split, uint64_t seed, uint64_t index) const {
  const auto& lines = rows(split).lines;
  if (lines.empty()) throw Error("task", text::split_name(split), what_, "none");
  return orders_[static_cast<size_t>(split)].at(index, lines.size(), order(seed));
}

text::Problem FileTask::problem(text::Split split, uint64_t seed, uint64_t index) const {
  return row(split, place_of(split, seed, index));
}

text::Problem FileTask::row(text::Split split, size_t place) const {
  const Rows& all = rows(split);
  PT_ASSERT(place < all.lines.size(), place, all.lines.size());
  const Line& line = all.lines[place];
  const std::string where = place_in(all.file, line.number);
  text::Problem problem = *all.make(parse_json_line(line.text, where), where);
  if (problem.id.empty()) problem.id = all.name + ":" + std::to_string(line.number);
  problem.where = where;
  return problem;
}

text::Document FileTask::document(text::Source, uint64_t, uint64_t) const {
  throw Error("task", "type", "a task with a corpus of its own", type_);
}

}  // namespace posttrain::tasks
