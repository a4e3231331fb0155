// `lake env lean --json`: one process compiles the candidate's file to an object file, a second one imports that and
// audits it. Slower than a REPL, and nothing is shared between proofs.
#include <filesystem>

#include "base/file.h"
#include "base/temporary_folder.h"
#include "rewards/lean_pooled.h"
#include "rewards/lean_reply.h"

namespace posttrain::rewards {
namespace {

class LakeBackend : public PooledLean<NoState> {
 public:
  explicit LakeBackend(const LeanSettings& settings) : PooledLean("lean-lake", settings) {}

 private:
  void run(NoState&, const LeanSource& source, LeanResult& out) override {
    const TemporaryFolder folder("/tmp/posttrain-lean");
    const std::filesystem::path& at = folder.path();
    write_file_atomically(at / "Candidate.lean", settings_.header + "\n" + source.text);
    judge_messages(lean({"-o", at / "Candidate.olean", at / "Candidate.lean"}, "", {at}), source, header_lines(), out);
    if (out.verdict != Verdict::right) return;
    if (!std::filesystem::exists(at / "Candidate.olean")) {
      out.verdict = Verdict::failed;
      out.complete = false;
      out.message = "Lean wrote no object file";
      return;
    }
    write_file_atomically(at / "Audit.lean", "import Candidate\n" + settings_.header + "\n" + source.audit);
    judge_audit(lean({at / "Audit.lean"}, at, {}), source, out);
  }

  // The path is added for the audit only, so that a candidate finds no other candidate.
  LeanReply lean(const std::vector<std::string>& arguments, const std::string& path,
                 std::vector<std::string> writable) {
    std::vector<std::string> command;
    if (!path.empty())
      command = {"/bin/sh", "-c", "LEAN_PATH=\"$0:${LEAN_PATH:-}\"; export LEAN_PATH; exec \"$@\"", path};
    command.insert(command.end(), settings_.command.begin(), settings_.command.end());
    command.emplace_back("--json");
    command.insert(command.end(), arguments.begin(), arguments.end());
    LeanChild child(command, settings_.project,
                    limits(static_cast<int64_t>(settings_.timeout_s) + 1, std::move(writable)));
    child.close_input();
    std::string text;
    LeanReply out;
    const ChildIo read = child.read_all(text, deadline_in(settings_.timeout_s));
    if (read == ChildIo::done) {
      out = read_lean_lines(text);
      // The sentinel always says something, so silence means that no Lean ran.
      if (out.messages.empty() && out.fault.empty()) out.fault = "Lean said nothing";
      return out;
    }
    out.fault = read == ChildIo::late ? "timed out" : "Lean's output could not be read";
    return out;
  }
};

}  // namespace

std::unique_ptr<LeanBackend> make_lean_lake(const LeanSettings& settings) {
  return std::make_unique<LakeBackend>(settings);
}

}  // namespace posttrain::rewards
