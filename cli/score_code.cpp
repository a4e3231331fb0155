// posttrain score code: programs or completions in a file, judged by the tests of their problems.
#include <atomic>
#include <cstdio>
#include <exception>
#include <future>
#include <map>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "rewards/code.h"

namespace posttrain::cli {
namespace {

struct ScoreCodeGiven {
  std::string problems, completions;
  rewards::CodeSettings settings;
};

// What is to be judged: from a JSONL file with id (or task_id) and completion (or program), else the data's own
// solutions.
std::vector<std::pair<std::string, std::string>> read_completions(const std::string& file) {
  std::vector<std::pair<std::string, std::string>> all;
  read_json_lines(file, [&](Json&& json, const std::string& where) {
    const char* id = json.contains("task_id") ? "task_id" : "id";
    if (!json.contains(id) || !json.contains("completion") || !json.at("completion").is_string()) {
      throw Error(where, "completion", "an id and a completion", to_line(json).substr(0, 60));
    }
    all.emplace_back(json.at(id).is_string() ? json.at(id).get<std::string>() : to_line(json.at(id)),
                     json.at("completion").get<std::string>());
  });
  return all;
}

int score(const ScoreCodeGiven& given) {
  const std::vector<rewards::CodeProblem> problems = rewards::load_code_problems(given.problems);
  std::map<std::string, const rewards::CodeProblem*> by_id;
  for (const rewards::CodeProblem& problem : problems) by_id[problem.id] = &problem;
  std::vector<std::pair<std::string, std::string>> completions;
  if (!given.completions.empty()) completions = read_completions(given.completions);
  const bool own = completions.empty();
  for (const rewards::CodeProblem& problem : problems) {
    if (own && !problem.reference.empty()) completions.emplace_back(problem.id, problem.reference);
  }
  if (completions.empty()) throw Error(given.problems, "completions", "solutions in the data or --completions", "none");
  rewards::CodeScorer scorer(given.settings);
  for (const auto& [id, completion] : completions) {
    if (!by_id.contains(id)) throw Error(given.completions, "id", "a problem of " + given.problems, id);
  }
  const auto score_one = [&](const std::pair<std::string, std::string>& one) {
    const rewards::CodeProblem& problem = *by_id.at(one.first);
    return own ? scorer.score_program(problem, one.second) : scorer.score(problem, one.second);
  };
  // One thread a box; lines come in the file's order.
  std::vector<std::promise<rewards::CodeScore>> scores(completions.size());
  std::atomic<size_t> next{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < scorer.sandbox().boxes(); ++i) {
    threads.emplace_back([&] {
      for (size_t at; (at = next++) < completions.size();) {
        try {
          scores[at].set_value(score_one(completions[at]));
        } catch (...) {
          scores[at].set_exception(std::current_exception());
        }
      }
    });
  }
  int64_t right = 0, failed = 0;
  for (size_t i = 0; i < completions.size(); ++i) {
    const std::string& id = completions[i].first;
    const rewards::CodeScore judged = scores[i].get_future().get();
    right += judged.code == sandbox::Code::ac ? 1 : 0;
    failed += judged.code == sandbox::Code::ie ? 1 : 0;
    Json line = {{"id", id},
                 {"verdict", to_string(judged.code)},
                 {"passed", judged.passed},
                 {"total", judged.total},
                 {"detail", judged.detail}};
    if (!judged.diagnostics.empty()) line["diagnostics"] = judged.diagnostics.substr(0, 4000);
    std::printf("%s\n", to_line(line).c_str());
    std::fflush(stdout);
  }
  const Json summary = {{"completions", completions.size()}, {"right", right}, {"failed", failed}};
  std::printf("%s\n", to_line(Json{{"summary", summary}}).c_str());
  return failed == 0 ? 0 : 1;
}

}  // namespace

Action score_code_command(Arguments& args) {
  auto given = std::make_shared<ScoreCodeGiven>();
  args.positional("problems", given->problems, "JSONL of problems: HumanEval, MBPP, CodeContests or rows with tests");
  args.option("--completions", given->completions, "JSONL with id and completion; without it the data's own solutions");
  args.settings(slot(given->settings));
  args.example("posttrain score code HumanEval.jsonl --completions samples.jsonl");
  return [given] { return score(*given); };
}

}  // namespace posttrain::cli
