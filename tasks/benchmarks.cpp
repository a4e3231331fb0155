#include "tasks/benchmarks.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace posttrain::tasks {
namespace {

constexpr const char* boxed = "Please reason step by step, and put your final answer within \\boxed{}.";

// A mathematics set whose lines text/dataset.h reads as they are.
constexpr Benchmark math(const char* name, const char* file, const char* doc, const char* settings = "{}") {
  return {name, file, "jsonl", settings, "math", R"({"answer_in": "marked"})", boxed, doc};
}
constexpr Benchmark code(const char* name, const char* file, const char* doc) {
  return {name, file, "code", "{}", "code", "{}", "", doc};
}

constexpr std::array kBenchmarks = {
    math("gsm8k", "gsm8k/test.jsonl", "1,319 word problems"),
    math("math500", "math/test500.jsonl", "500 problems of MATH"),
    math("aime24", "aime24/test.jsonl", "30 problems; papers take 16 to 64 samples"),
    math("aime25", "aime25/test.jsonl", "30 problems; papers take 16 to 64 samples"),
    math("amc23", "amc23/test.jsonl", "40 problems"),
    math("minerva", "minerva_math/test.jsonl", "272 problems of undergraduate science"),
    math("olympiadbench", "olympiadbench/test.jsonl", "675 olympiad problems in English",
         R"({"fields": {"answer": "final_answer"}})"),
    code("humaneval", "humaneval/HumanEval.jsonl", "164 Python functions"),
    code("mbpp", "mbpp/mbpp.jsonl", "974 Python functions; papers take tasks 11 to 510"),
    code("codecontests", "code_stdio/codecontests_sample.jsonl", "programs that read and write"),
    Benchmark{"minif2f", "minif2f/minif2f.jsonl", "lean",
              R"({"test_split": "test",
                  "instruction": "Write the Lean 4 tactics that follow `:= by`, in one ```lean block.\n\n"})",
              "lean", R"({"backend": "lean", "proof_in": "fence"})", "", "244 statements; needs a Lean toolchain"},
};

}  // namespace

std::span<const Benchmark> benchmarks() {
  return kBenchmarks;
}

const Benchmark* find_benchmark(std::string_view name) {
  const auto found = std::ranges::find_if(kBenchmarks, [&](const Benchmark& b) { return name == b.name; });
  return found == kBenchmarks.end() ? nullptr : &*found;
}

std::filesystem::path benchmark_file(const Benchmark& benchmark, const std::filesystem::path& data) {
  auto file = std::filesystem::is_directory(data) ? data / benchmark.file : data;
  if (std::filesystem::is_regular_file(file)) return file;
  throw Error("eval", "--data", std::string("the file of ") + benchmark.name + ", or a folder with " + benchmark.file,
              data.empty() ? "none" : file.string());
}

}  // namespace posttrain::tasks
