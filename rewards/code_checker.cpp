#include "rewards/code_checker.h"

#include <sys/stat.h>

namespace posttrain::rewards {
namespace {

using sandbox::Code;

constexpr size_t kDetailBytes = 300;

// How a checker is started, and the file it is: a compiled program or Python text.
struct Prepared {
  std::vector<std::string> argv;
  std::string name, program;
};

std::string content_of(int file) {
  struct stat status {};
  if (fstat(file, &status) != 0) return "";
  std::string content(static_cast<size_t>(status.st_size), '\0');
  const ssize_t got = pread(file, content.data(), content.size(), 0);
  return got == status.st_size ? content : "";
}

bool prepare(sandbox::Sandbox& sandbox, sandbox::Compiler& compiler, const std::string& checker, Prepared& prepared,
             std::string& detail) {
  if (checker.find("#include") == std::string::npos) {
    prepared = {{sandbox.options().python, "checker.py"}, "checker.py", checker};
    return true;
  }
  sandbox::CompileLimits limits;
  limits.wall_s = 60;
  const sandbox::Compiled compiled = compiler.compile({{"checker.cpp", checker}}, limits);
  if (compiled.program) prepared = {{"./checker"}, "checker", content_of(compiled.program->get())};
  detail = "the checker: " + (compiled.error.empty() ? compiled.diagnostics.substr(0, kDetailBytes) : compiled.error);
  return !prepared.program.empty();
}

// 0, 1 and 2 as testlib means them; -1 for every other end.
int run_checker(sandbox::Sandbox& sandbox, const Prepared& checker, const CodeTest& test, std::string_view output,
                std::string& detail) {
  sandbox::Job job;
  job.kind = sandbox::Kind::command;
  job.argv = checker.argv;
  for (const char* name : {"input", "output", "answer"}) job.argv.emplace_back(name);
  job.files = {{checker.name, checker.program}, {"input", test.input}, {"output", output}, {"answer", test.expected}};
  job.limits.cpu_s = 10;
  job.limits.wall_s = 60;
  job.limits.memory_mib = 1024;
  job.limits.disk_mib = 256;
  job.limits.stdout_kib = 64;
  job.merge_errors = true;
  const sandbox::Outcome run = sandbox.run(job);
  detail = run.error.empty() ? run.out.substr(0, kDetailBytes) : run.error;
  const bool ended = run.error.empty() && run.stop == sandbox::Stop::none && run.signal == 0;
  return ended && run.exit_code <= 2 ? run.exit_code : -1;
}

}  // namespace

Code check_output(sandbox::Sandbox& sandbox, sandbox::Compiler& compiler, const std::string& checker,
                  const CodeTest& test, std::string_view output, std::string& detail) {
  Prepared prepared;
  if (!prepare(sandbox, compiler, checker, prepared, detail)) return Code::ie;
  const int end = run_checker(sandbox, prepared, test, output, detail);
  if (end == 0) return Code::ac;
  std::string ignored;
  const bool sound =
      test.expected.empty() ? end > 0 : run_checker(sandbox, prepared, test, test.expected, ignored) == 0;
  if (sound) return Code::wa;
  detail = "the checker fails: " + detail;
  return Code::ie;
}

}  // namespace posttrain::rewards
