#include "tasks/task_table.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "tasks/chain_task.h"
#include "tasks/code_data_task.h"
#include "tasks/coder_task.h"
#include "tasks/jsonl_task.h"
#include "tasks/lean_data_task.h"
#include "tasks/prover_task.h"
#include "tasks/word_task.h"

namespace posttrain::tasks {
namespace {

struct TaskEntry {
  ParamsCase settings;
  std::unique_ptr<text::Task> (*make)(const Slot& settings, HoldOut hold_out);
  CharVocabulary (*vocabulary)();  // null: the task has none of its own
};

constexpr auto kTasks = std::to_array<TaskEntry>({
    {{"chain", "Generated chains of + - * on digits, every step mod 10", &make_params<ChainSettings>},
     [](const Slot& s, HoldOut) -> std::unique_ptr<text::Task> {
       return std::make_unique<ChainTask>(s.as<ChainSettings>());
     },
     &chain_vocabulary},
    {{"coder", "Words for operations on x, to be written as a Python expression", &make_params<CoderSettings>},
     [](const Slot& s, HoldOut) -> std::unique_ptr<text::Task> {
       return std::make_unique<CoderTask>(s.as<CoderSettings>());
     },
     &chain_vocabulary},
    {{"code", "Programming problems from a file: HumanEval, MBPP, CodeContests, one's own",
      &make_params<CodeDataSettings>},
     [](const Slot& s, HoldOut hold_out) -> std::unique_ptr<text::Task> {
       return std::make_unique<CodeDataTask>(s.as<CodeDataSettings>(), hold_out);
     },
     nullptr},
    {{"lean", "Lean statements from a file: miniF2F, ProofNet, one's own; judged by the reward lean",
      &make_params<LeanDataSettings>},
     [](const Slot& s, HoldOut hold_out) -> std::unique_ptr<text::Task> {
       return std::make_unique<LeanDataTask>(s.as<LeanDataSettings>(), hold_out);
     },
     nullptr},
    {{"prover", "Generated sequents to be proved by tactic scripts; judged by the reward lean",
      &make_params<ProverSettings>},
     [](const Slot& s, HoldOut) -> std::unique_ptr<text::Task> {
       return std::make_unique<ProverTask>(s.as<ProverSettings>());
     },
     &chain_vocabulary},
    {{"words", "Generated word problems of one or two steps, for models that read English", &make_params<WordSettings>},
     [](const Slot& s, HoldOut) -> std::unique_ptr<text::Task> {
       return std::make_unique<WordTask>(s.as<WordSettings>());
     },
     nullptr},
    {{"jsonl", "Conversations, prompts or questions with their answers from JSONL files: GSM8K, MATH, one's own",
      &make_params<JsonlSettings>},
     [](const Slot& s, HoldOut hold_out) -> std::unique_ptr<text::Task> {
       return std::make_unique<JsonlTask>(s.as<JsonlSettings>(), hold_out);
     },
     nullptr},
});

constexpr auto kTaskCases = [] {
  std::array<ParamsCase, kTasks.size()> out{};
  std::ranges::transform(kTasks, out.begin(), &TaskEntry::settings);
  return out;
}();

const TaskEntry& entry_of(const Tagged& settings) {
  const auto found =
      std::ranges::find_if(kTasks, [&](const TaskEntry& e) { return settings.type() == e.settings.name; });
  if (found == kTasks.end()) throw Error("task", "type", "a known task", "\"" + settings.type() + "\"");
  return *found;
}

}  // namespace

std::span<const ParamsCase> task_cases() {
  return kTaskCases;
}

std::unique_ptr<text::Task> make_task(const Tagged& settings, HoldOut hold_out) {
  return entry_of(settings).make(*settings.slot(), hold_out);
}

std::optional<CharVocabulary> task_vocabulary(const Tagged& settings) {
  const auto vocabulary = entry_of(settings).vocabulary;
  if (vocabulary == nullptr) return std::nullopt;
  return vocabulary();
}

}  // namespace posttrain::tasks
