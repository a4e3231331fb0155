// posttrain report and posttrain export on a small store.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "cli/command.h"
#include "store/store.h"

namespace posttrain::cli {
namespace {

class ReportCommand : public testing::Test {
 protected:
  void SetUp() override {
    store::Store store(folder_ / "run.db", store::Mode::create);
    store.begin_run({"tiny", "0", 1, "{}", "{}"});
    store.begin_stage({0, "zero", "grpo", "", 2});
    store.write_eval({0, 0, "mod", "base", 64, 16, {{"pass@1", 0.25}}, {}});
    store.write_step({0, 1, {{"reward", 0.5}}, {}, {}, {}});
    store.write_eval({0, 1, "mod", "final", 64, 16, {{"pass@1", 0.75}}, {}});
  }

  int run(const std::vector<std::string>& words, std::string& out) {
    std::vector<const char*> argv = {"posttrain"};
    for (const std::string& word : words) argv.push_back(word.c_str());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = run_command_line(static_cast<int>(argv.size()), argv.data());
    std::fflush(stdout);
    out = testing::internal::GetCapturedStdout();
    testing::internal::GetCapturedStderr();
    return status;
  }
  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

TEST_F(ReportCommand, WritesThePageAndSaysWhatTheRunCameTo) {
  std::string out;
  ASSERT_EQ(run({"report", folder_.string(), "--curves", (folder_ / "c.svg").string()}, out), 0);
  EXPECT_NE(out.find("rose from 25.0% to 75.0%"), std::string::npos) << out;
  EXPECT_NE(read_file(folder_ / "report.html").find("</html>"), std::string::npos);
  EXPECT_TRUE(read_file(folder_ / "c.svg").starts_with("<svg"));
  ASSERT_EQ(run({"report", (folder_ / "run.db").string(), "--json"}, out), 0);
  const Json line = parse_json(out, "stdout");
  EXPECT_EQ(line["final"]["pass@1"], 0.75);
  EXPECT_EQ(line["report"], (folder_ / "report.html").string());
}

TEST_F(ReportCommand, ExportsJsonLinesAndCsv) {
  std::string out;
  ASSERT_EQ(run({"export", folder_.string()}, out), 0);
  EXPECT_NE(out.find("{\"stage\":\"zero\",\"step\":1,\"reward\":0.5}\n"), std::string::npos) << out;
  ASSERT_EQ(run({"export", folder_.string(), "--csv", "--out", (folder_ / "x.csv").string()}, out), 0);
  EXPECT_TRUE(read_file(folder_ / "x.csv").starts_with("stage,step,reward,"));
  EXPECT_EQ(run({"export", folder_.string(), "--csv", "--jsonl"}, out), 2);
}

TEST_F(ReportCommand, AFolderWithoutARunIsBadInput) {
  std::string out;
  EXPECT_EQ(run({"report", (folder_ / "nothing").string()}, out), 2);
  EXPECT_EQ(run({"export", "/tmp"}, out), 2);
}

}  // namespace
}  // namespace posttrain::cli
