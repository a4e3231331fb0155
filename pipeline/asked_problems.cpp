#include "pipeline/asked_problems.h"

#include <algorithm>
#include <exception>
#include <mutex>

#include "base/error.h"
#include "base/parallel.h"

namespace posttrain::pipeline {
namespace {

constexpr uint64_t kFirstProblems = 64;  // problems of a task without end

std::string shown_name(const text::Problem& problem) {
  return problem.where.empty() ? "\"" + problem.id + "\"" : problem.where;
}

}  // namespace

std::vector<int64_t> prompt_lengths(const text::Task& task, const Renderer& renderer, text::Split split) {
  std::vector<int64_t> lengths(static_cast<size_t>(task.size(split)));
  std::mutex guard;
  size_t failed_at = lengths.size();
  std::exception_ptr failure;
  parallel_for(std::ssize(lengths), 64, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      try {
        lengths[i] = std::ssize(renderer.prompt(task.row(split, i)));
      } catch (...) {
        const std::scoped_lock lock(guard);
        if (i < failed_at) failed_at = i, failure = std::current_exception();
        return;
      }
    }
  });
  if (failure) std::rethrow_exception(failure);
  return lengths;
}

AskedProblems::AskedProblems(const text::Task& task, const Renderer& renderer, const PromptUse& use,
                             int64_t max_positions, const std::vector<int64_t>& lengths, const std::string& where)
    : task_(task),
      renderer_(renderer),
      use_(use),
      room_(max_positions - use.new_tokens),
      tally_("prompt", std::max<int64_t>(0, room_),
             std::to_string(max_positions) + " positions less " + std::to_string(use.new_tokens) + " for the answer",
             use.data) {
  const auto no_room = [&](const std::string& more) {
    return Error(where, use.field,
                 "room for a prompt and its answer within the model's " + std::to_string(max_positions) + " positions",
                 std::to_string(use.new_tokens) + " new tokens" + more);
  };
  if (room_ < 1) throw no_room("");
  const auto look = [&](int64_t tokens, const text::Problem& problem) {
    return tally_.look(tokens, shown_name(problem)) != LengthTally::Fate::left_out;
  };
  for (size_t i = 0; i < lengths.size(); ++i) {
    // The row itself is read where it is needed only: to name it.
    const bool fits = lengths[i] <= room_;
    if (fits ? look(lengths[i], {}) : look(lengths[i], task_.row(use_.split, i))) kept_.push_back(i);
  }
  if (lengths.empty()) {
    for (uint64_t i = 0; i < kFirstProblems; ++i) {
      const text::Problem problem = task_.problem(use_.split, hash_name(where), i);
      look(std::ssize(renderer_.prompt(problem)), problem);
    }
  }
  if (tally_.left_out() > 0 && tally_.left_out() == tally_.seen())
    throw no_room(", and the shortest prompt has " + std::to_string(tally_.shortest()));
}

int64_t AskedProblems::size(text::Split split) const {
  PT_ASSERT(split == use_.split, text::split_name(split));
  return std::ssize(kept_);
}

text::Problem AskedProblems::row(text::Split split, size_t place) const {
  PT_ASSERT(split == use_.split && place < kept_.size(), text::split_name(split), place);
  return task_.row(split, kept_[place]);
}

text::Problem AskedProblems::problem(text::Split split, uint64_t seed, uint64_t index) const {
  PT_ASSERT(split == use_.split, text::split_name(split));
  if (!kept_.empty()) {
    if (use_.data.in_file_order()) return task_.row(split, kept_[index % kept_.size()]);
    return task_.row(split, kept_[passes_.at(index, kept_.size(), order(seed))]);
  }
  // Without end: what does not fit gives way to another that only the key decides.
  constexpr uint64_t tries = 1000;
  for (uint64_t i = 0; i < tries; ++i) {
    text::Problem problem = task_.problem(split, i == 0 ? seed : Rng({seed, hash_name("instead")}).at(i), index);
    if (use_.data.overlong == "cut" || std::ssize(renderer_.prompt(problem)) <= room_) return problem;
  }
  throw Failure("task", "none of " + std::to_string(tries) + " problems fits the model's positions");
}

text::Document AskedProblems::document(text::Source source, uint64_t seed, uint64_t index) const {
  return task_.document(source, seed, index);
}

std::vector<int32_t> AskedProblems::prompt(const text::Problem& problem) const {
  std::vector<int32_t> ids = renderer_.prompt(problem);
  if (use_.data.overlong == "cut" && std::ssize(ids) > room_) ids.erase(ids.begin(), ids.end() - room_);
  return ids;
}

}  // namespace posttrain::pipeline
