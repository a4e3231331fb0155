// A real model, SmolLM2-135M-Instruct as a GGUF file (scripts/get-smollm2): every command takes it as it takes a model
// directory, and sampling holds little more than the weights.
#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

constexpr double parameters = 134'515'008;

class RealModel : public ProgramTest {
 protected:
  void SetUp() override {
    const char* given = std::getenv("POSTTRAIN_SMOLLM2");
    gguf_ = given != nullptr ? given : POSTTRAIN_SOURCE_DIR "/models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
    if (!std::filesystem::exists(gguf_)) GTEST_SKIP() << "no " << gguf_;
  }

  Result chat(const std::vector<std::string>& options, const std::string& question) const {
    const auto input = write("question.txt", question);
    std::vector<std::string> arguments = {"chat",      gguf_, "--temperature",    "0",
                                          "--context", "512", "--max-new-tokens", "24"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run(arguments, -1, SIGKILL, [&] {
      if (freopen(input.c_str(), "r", stdin) == nullptr) _exit(125);
    });
  }

  std::string gguf_;
};

TEST_F(RealModel, AnswersAPipedQuestionThroughItsOwnTemplateWithinItsMemory) {
  for (const auto& [dtype, width] : {std::pair{"bf16", 2.0}, std::pair{"f32", 4.0}}) {
    const auto result = chat({"--dtype", dtype}, "What is the capital of France?\n");
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_NE(result.out.find("Paris"), std::string::npos) << result.out;
    rusage children{};
    getrusage(RUSAGE_CHILDREN, &children);
    const double cache = 512 * 30 * 2 * 3 * 64 * 4.0;  // keys and values of every layer's 3 heads of 64
    EXPECT_LE(static_cast<double>(children.ru_maxrss) * 1024, 1.3 * parameters * width + cache) << dtype;
  }
}

TEST_F(RealModel, TheGgufFileAndTheDirectoryMadeFromItGiveTheSameTokens) {
  const std::string dir = (folder_ / "model").string();
  ASSERT_EQ(run({"convert", gguf_, dir}).status, 0);
  const std::vector<std::string> options = {"--prompt", "The capital of France is", "--max-new-tokens", "12", "--json"};
  std::vector<std::string> texts;
  for (const std::string& model : {gguf_, dir}) {
    std::vector<std::string> arguments = {"generate", model};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const auto result = run(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    texts.push_back(result.out);
  }
  EXPECT_EQ(texts[0], texts[1]);
}

}  // namespace
}  // namespace posttrain::e2e
