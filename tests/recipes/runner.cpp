#include "tests/recipes/runner.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "base/file.h"
#include "tests/recipes/base_model.h"

namespace posttrain::recipes {
namespace {

namespace fs = std::filesystem;

// The word after --out, or "".
std::string out_of(std::string arguments) {
  while (!arguments.empty()) {
    if (take_word(arguments) == "--out") return take_word(arguments);
  }
  return "";
}

}  // namespace

Runner::Runner(fs::path file, fs::path folder) : file_(std::move(file)), folder_(std::move(folder)) {}

std::vector<std::pair<std::string, std::string>> Runner::names() const {
  return {{"BASE", base_model().string()}, {"HERE", folder_.string()}, {"SOURCE", POSTTRAIN_SOURCE_DIR}};
}

void Runner::run(const CaseFile& test) {
  const auto names = this->names();
  for (const auto& entry : fs::directory_iterator(file_.parent_path().parent_path() / "common")) {
    std::ofstream(folder_ / entry.path().filename()) << replaced(read_file(entry.path()), names);
  }
  for (const Section& section : test.sections) {
    const testing::ScopedTrace where(file_.c_str(), section.line, "--- " + section.verb + " " + section.words);
    const bool looks = section.verb == "expect" && section.words.starts_with("rc ");
    if (!checked_ && !looks) must_end(0);
    try {
      step(section);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
    if (testing::Test::HasFatalFailure()) return;
  }
  if (!checked_) must_end(0);
}

void Runner::must_end(int rc) {
  checked_ = true;
  EXPECT_EQ(last_.rc, rc) << last_.err.substr(0, 2000);
}

void Runner::step(const Section& section) {
  const auto& [line, verb, words, body] = section;
  if (verb == "file" || verb == "recipe") {
    const fs::path target = folder_ / (words.empty() ? "recipe.json" : words);
    fs::create_directories(target.parent_path());
    std::ofstream(target) << body;
  } else if (verb == "env") {
    const auto equals = words.find('=');
    if (equals == std::string::npos) throw std::runtime_error("env NAME=VALUE");
    environment_[words.substr(0, equals)] = words.substr(equals + 1);
  } else if (verb == "run") {
    start(words);
  } else if (verb == "resume") {
    resume(words);
  } else if (verb == "command") {
    execute("exec \"$P\" " + words);
  } else if (verb == "shell") {
    execute(words + "\n" + body);
  } else if (verb == "kill") {
    std::string rest = words;
    const std::string how = take_word(rest);
    if (how == "at") {
      kill_after(rest);
    } else if (how == "on") {
      faults_["FAULT_KILL_ON"] = rest;
    } else {
      throw std::runtime_error("kill at STAGE/STEP, or kill on NAME");
    }
  } else if (verb == "survives") {
    survives(section);
  } else if (verb == "expect") {
    expect(words, body);
  } else {
    throw std::runtime_error("unknown section \"" + verb + "\"");
  }
}

void Runner::start(const std::string& arguments) {
  std::string out = out_of(arguments);
  out_ = out.empty() ? "run" : out;
  execute("exec \"$P\" run recipe.json --progress none " + (out.empty() ? "--out run " : std::string()) + arguments);
}

void Runner::resume(const std::string& arguments) {
  execute("exec \"$P\" run --resume --out " + out_ + " --progress none " + arguments);
}

// "zero/3": once this step's line is in metrics.jsonl.
void Runner::kill_after(const std::string& moment) {
  const auto slash = moment.find('/');
  if (slash == std::string::npos) throw std::runtime_error("expected STAGE/STEP, got " + moment);
  faults_["FAULT_KILL_AFTER"] =
      "{\"stage\":\"" + moment.substr(0, slash) + "\",\"step\":" + moment.substr(slash + 1) + ",";
}

void Runner::survives(const Section& section) {
  std::string arguments = section.words;
  const std::string moment = take_word(arguments);
  start("--out whole " + arguments);
  must_end(0);
  kill_after(moment);
  start("--out cut " + arguments);
  must_end(128 + SIGKILL);
  resume("");
  must_end(0);
  expect_bytes("whole cut", true);
}

void Runner::execute(const std::string& script) {
  const auto out = folder_ / "stdout.txt", err = folder_ / "stderr.txt";
  auto environment = environment_;
  if (!faults_.empty()) {
    environment.merge(faults_);
    environment["LD_PRELOAD"] = POSTTRAIN_FAULTS;
    environment["FAULT_ROOT"] = folder_.string();
    faults_.clear();
  }
  const pid_t child = fork();
  if (child == 0) {
    const int in = open("/dev/null", O_RDONLY);
    const int to = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    const int to_err = open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (in < 0 || to < 0 || to_err < 0 || dup2(in, 0) < 0 || dup2(to, 1) < 0 || dup2(to_err, 2) < 0) _exit(126);
    if (chdir(folder_.c_str()) != 0 || setenv("P", POSTTRAIN_PROGRAM, 1) != 0) _exit(126);
    for (const auto& [name, value] : environment) {
      if ((value.empty() ? unsetenv(name.c_str()) : setenv(name.c_str(), value.c_str(), 1)) != 0) _exit(126);
    }
    execl("/bin/bash", "bash", "-c", script.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) throw std::runtime_error("can't start bash");
  last_ = {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out), read_file(err)};
  checked_ = false;
}

}  // namespace posttrain::recipes
