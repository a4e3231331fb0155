// Every command that README, quickstart, the documents and the help pages print, run as printed on a model of seconds.
#include <cstdlib>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

// What is printed but not run here, and why. A line that nobody prints any more is an error.
const std::map<std::string, std::string> left_out = {
    {"scripts/get-smollm2", "downloads"},
    {"build/posttrain run recipes/r1-smollm2.json --out runs/r1-smollm2", "a downloaded model"},
    {"build/posttrain run recipes/r1-smollm2.json --out runs/r1-smollm2-2 --set seed=2", "a downloaded model"},
    {"build/posttrain eval MODEL --task math500 --data data --temperature 0.6 --max-new-tokens 4096",
     "downloaded data"},
    {"posttrain eval MODEL --task math500 --data data --samples 4 --temperature 0.6 --max-new-tokens 4096",
     "downloaded data"},
    {"build/posttrain chat model.gguf", "a downloaded model"},
    {R"(build/posttrain chat MODEL --system 'Solve the problem step by step. End with a line "Answer: <number>".' --temperature 0)",
     "a downloaded model"},
    {"posttrain chat $MODEL", "a downloaded model"},
    {"echo 'What is the capital of France?' | posttrain chat $MODEL --temperature 0", "a downloaded model"},
    {"posttrain generate $MODEL --prompt 'Once upon a time' --max-new-tokens 40", "a downloaded model"},
    {"posttrain eval $MODEL --task words --problems 100 --samples 1 --max-new-tokens 64", "a downloaded model"},
    {"posttrain convert $MODEL smollm2 --dtype bf16", "a downloaded model"},
    {"posttrain convert smollm2 smollm2.gguf --dtype q8_0", "a downloaded model"},
    {"posttrain inspect $MODEL", "a downloaded model"},
    {"posttrain chat runs/r1-smollm2/final", "a downloaded model"},
    {"echo 'What is the capital of France?' | posttrain chat model.gguf --temperature 0", "a downloaded model"},
    {"posttrain convert runs/r1-smollm2/final model.gguf --dtype q8_0", "a downloaded model"},
    {"posttrain inspect model.gguf --tensors", "a downloaded model"},
    {"posttrain parity ../shared/fixtures/models/*", "fixtures beside the checkout"},
    {"posttrain parity --rl ../shared/fixtures/rl/*", "fixtures beside the checkout"},
    {"posttrain parity --tokenizer ../shared/tokenizers/qwen3 --cases ../shared/fixtures/tokenizers/qwen3.jsonl",
     "fixtures beside the checkout"},
    {"posttrain score code HumanEval.jsonl --completions samples.jsonl", "downloaded data"},
    {"posttrain judge sandbox_attacks/manifest.json --json", "attacks beside the checkout"},
};

// Commands that measure, so that their time is their work.
bool is_measurement(const std::string& command) {
  return command.starts_with("posttrain bench");
}

std::string trimmed(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  return text.substr(std::min(text.size(), text.find_first_not_of(" \t")));
}

// Without the remark behind it.
std::string without_remark(const std::string& line) {
  const size_t at = line.find(" #");
  return trimmed(at == std::string::npos ? line : line.substr(0, at));
}

bool names_the_program(const std::string& line) {
  return line.starts_with("posttrain ") || line.starts_with("build/posttrain ") || line.starts_with("scripts/get-") ||
         (line.starts_with("echo ") && line.find("| posttrain ") != std::string::npos);
}

class PrintedCommands : public ProgramTest {
 protected:
  // The lines of a document's code blocks.
  static std::vector<std::string> commands_in(const std::string& text) {
    std::vector<std::string> found;
    std::istringstream in(text);
    bool code = false;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("```")) {
        code = !code;
        continue;
      }
      const std::string command = without_remark(line);
      if (code && names_the_program(command)) found.push_back(command);
    }
    return found;
  }

  // The examples of a help page and of those below it.
  void add_examples(const std::string& words, std::vector<std::string>& found) const {
    const std::string page = shell("posttrain " + words + " --help").out;
    std::istringstream in(page);
    bool examples = false, commands = false;
    std::vector<std::string> below;
    const std::regex entry("^  ([a-z][a-z0-9-]*) {2,}[^ ].*");
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("Example:")) examples = true;
      if (!line.empty() && line[0] != ' ')
        commands = line.ends_with(":") && line != "Options:" && line != "Positionals:";
      std::smatch match;
      if (!examples && commands && std::regex_match(line, match, entry)) below.push_back(match[1]);
      if (examples && names_the_program(without_remark(trimmed(line)))) found.push_back(without_remark(trimmed(line)));
    }
    for (const std::string& command : below) add_examples(words.empty() ? command : words + " " + command, found);
  }

  Result shell(const std::string& command) const {
    const auto out = folder_ / "stdout.txt", err = folder_ / "stderr.txt";
    const std::string line = "cd '" + folder_.string() + "' && PATH=\"$PWD/bin:$PATH\" MODEL= && { " + command +
                             "\n} > stdout.txt 2> stderr.txt < /dev/null";
    const int status = std::system(("bash -c '" + std::regex_replace(line, std::regex("'"), "'\\''") + "'").c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 255, read_file(out), read_file(err)};
  }

  // The project as a reader has it, but with recipes of seconds.
  void lay_out() const {
    const std::filesystem::path source = POSTTRAIN_SOURCE;
    for (const char* name : {"bin", "build", "runs"}) std::filesystem::create_directories(folder_ / name);
    std::filesystem::create_symlink(POSTTRAIN_PROGRAM, folder_ / "bin/posttrain");
    std::filesystem::create_symlink(POSTTRAIN_PROGRAM, folder_ / "build/posttrain");
    std::filesystem::copy(source / "recipes", folder_ / "recipes", std::filesystem::copy_options::recursive);
    // smoke.json extends r1-zero.json and has its stages; whole, it takes the name that documents use.
    const auto resolved = run({"recipe", "show", (source / "recipes/smoke.json").string()});
    ASSERT_EQ(resolved.status, 0) << resolved.err;
    write("recipes/r1-zero.json", resolved.out);
    write("in.jsonl", "");
  }
};

TEST_F(PrintedCommands, AllOfThemRun) {
  lay_out();
  const std::filesystem::path source = POSTTRAIN_SOURCE;
  std::vector<std::string> commands;
  for (const char* name : {"README.md", "docs/models.md", "docs/results.md", "docs/rewards.md", "docs/recipes.md",
                           "docs/objectives.md", "docs/speed.md"}) {
    for (const std::string& command : commands_in(read_file(source / name))) commands.push_back(command);
  }
  ASSERT_GE(commands.size(), 10u) << "code blocks were found";
  // What quickstart says at the end, of the run that it made.
  const std::string quickstart = read_file(source / "quickstart");
  const size_t talk = quickstart.find("Talk to the model: ");
  ASSERT_NE(talk, std::string::npos);
  std::string last = quickstart.substr(talk + 19, quickstart.find('"', talk) - talk - 19);
  commands.push_back(std::regex_replace(last, std::regex("\\$out"), "runs/r1-zero"));
  const size_t documents = commands.size();
  add_examples("", commands);
  ASSERT_GE(commands.size(), documents + 20) << "help pages have examples";

  ASSERT_EQ(shell("posttrain run recipes/r1-zero.json --out runs/r1-zero --progress none").status, 0);
  ASSERT_EQ(shell("cp -r runs/r1-zero runs/mine").status, 0);
  std::set<std::string> seen, skipped;
  const std::regex fresh("--out (\\S+)");
  for (const std::string& command : commands) {
    if (!seen.insert(command).second) continue;
    if (left_out.contains(command)) {
      skipped.insert(command);
      continue;
    }
    std::smatch out;
    const bool begins = command.find("posttrain run ") != std::string::npos &&
                        command.find("--resume") == std::string::npos && command.find("--from") == std::string::npos;
    if (begins && std::regex_search(command, out, fresh)) std::filesystem::remove_all(folder_ / out[1].str());
    if (is_measurement(command)) continue;
    std::string line = command;
    if (line.find(" MODEL") != std::string::npos)
      line = std::regex_replace(line, std::regex(" MODEL"), " runs/mine/final");
    const Result result = shell(line);
    EXPECT_EQ(result.status, 0) << command << "\n" << result.err << result.out.substr(0, 500);
  }
  for (const auto& [command, why] : left_out)
    EXPECT_TRUE(skipped.contains(command)) << "nobody prints this any more: " << command;
}

}  // namespace
}  // namespace posttrain::e2e
