// Runs a case in a folder of its own, into which tests/recipes/common is copied. In every file and section @BASE@ is a
// trained tiny model's folder (its tokenizer inside), @HERE@ the case's folder, @SOURCE@ the checkout. Sections:
//
//   --- file NAME             writes the lines below as a file
//   --- recipe [NAME]         the same, as recipe.json
//   --- env NAME=VALUE        for all later commands; an empty value unsets it
//   --- run [ARGUMENTS]       posttrain run recipe.json --out run --progress none ARGUMENTS
//   --- resume [ARGUMENTS]    posttrain run --resume --out <the folder of the last run> --progress none ARGUMENTS
//   --- command ARGUMENTS     posttrain ARGUMENTS; `bash` quotes
//   --- shell                 the lines below by bash; $P is the program
//   --- kill at STAGE/STEP    the next command dies by SIGKILL right after this step's metrics are written: always
//                             at the same instruction, however busy the machine
//   --- kill on NAME          the next command dies before it first writes, renames or syncs a file with NAME in its
//   path
//   --- survives STAGE/STEP [ARGUMENTS]   run it whole, run it again with a kill there, resume: same bytes
//
// A command must end with rc 0 unless `expect rc` follows. What is expected of the last command and of its run:
//
//   --- expect rc N
//   --- expect error TEXT | error /REGEX/ | no error TEXT     on stderr; `output` likewise on stdout and stderr
//   --- expect metric STAGE/STEP KEY = 0.25 ±1e-6    also < <= > >= !=, or `absent`; STEP may be * (every step)
//   --- expect eval STAGE[/STEP] KEY = 0.5           the same for an evaluation's figures; n and k are keys too
//   --- expect verdicts STAGE right = 4              samples of a stage with this verdict
//   --- expect alert STAGE CODE | no alert STAGE [CODE]
//   --- expect sql SELECT ...                        of run.db; the lines below are the rows, columns parted by |
//   --- expect file NAME | no file NAME | file NAME contains TEXT      within the case's folder
//   --- expect same-bytes A B | other-bytes A B      two files, or two runs: models, data, metrics and store
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "tests/recipes/case_file.h"

namespace posttrain::recipes {

struct Ended {
  int rc = 0;  // 128 + the signal's number when killed
  std::string out, err;
};

class Runner {
 public:
  // `folder` is empty and stays the caller's.
  Runner(std::filesystem::path file, std::filesystem::path folder);
  // Failed expectations are GoogleTest's, each with the case's file and line.
  void run(const CaseFile& test);
  std::vector<std::pair<std::string, std::string>> names() const;

 private:
  void step(const Section& section);
  void execute(const std::string& script);
  void start(const std::string& arguments);
  void resume(const std::string& arguments);
  void survives(const Section& section);
  void kill_after(const std::string& moment);
  void must_end(int rc);
  void expect(std::string words, const std::string& body);
  void expect_text(const std::string& text, const std::string& pattern, bool wanted) const;
  void expect_number(const std::string& what, const std::vector<double>& values, std::string words) const;
  void expect_figure(const std::string& kind, std::string words) const;
  void expect_rows(const std::string& sql, const std::string& rows) const;
  void expect_file(std::string words, bool wanted) const;
  void expect_bytes(std::string words, bool same) const;
  // Rows of run.db, columns parted by |.
  std::vector<std::string> query(const std::string& sql) const;

  std::filesystem::path file_, folder_;
  std::map<std::string, std::string> environment_;
  std::string out_ = "run";
  std::map<std::string, std::string> faults_;  // of the next command, for tests/faults/seam.cpp
  Ended last_;
  bool checked_ = true;  // the last command's exit status was looked at
};

}  // namespace posttrain::recipes
