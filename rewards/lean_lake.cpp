// `lake env lean --json`: one process compiles the candidate's file to an object file, a second one imports that and
// audits it. Slower than a REPL, and nothing is shared between proofs.
#include <stdlib.h>

#include <chrono>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "rewards/lean_child.h"
#include "rewards/lean_reply.h"
#include "rewards/lean_slots.h"

namespace posttrain::rewards {
namespace {

struct Nothing {};

class LakeBackend : public LeanBackend {
 public:
  explicit LakeBackend(const LeanSettings& settings)
      : settings_(settings), slots_(static_cast<size_t>(settings.workers)) {}

  LeanResult judge(std::string_view statement, std::string_view proof) override {
    LeanResult out;
    out.backend = "lean-lake";
    const auto start = std::chrono::steady_clock::now();
    std::string folder = "/tmp/posttrain-lean-XXXXXX";
    try {
      if (const auto refusal = refuse_proof(proof)) {
        out.verdict = Verdict::wrong;
        out.message = *refusal;
        return out;
      }
      const LeanSource source = assemble_lean(statement, proof, fresh_nonce());
      const typename Slots<Nothing>::Taken slot(slots_);
      if (mkdtemp(folder.data()) == nullptr) throw Failure("lean", "no temporary folder");
      run(folder, source, out);
    } catch (const std::exception& e) {
      out.verdict = Verdict::failed;
      out.message = e.what();
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    out.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return out;
  }

 private:
  void run(const std::string& folder, const LeanSource& source, LeanResult& out) {
    const std::filesystem::path at(folder);
    write_file_atomically(at / "Candidate.lean", settings_.header + "\n" + source.text);
    const auto lines = 1 + static_cast<int>(std::count(settings_.header.begin(), settings_.header.end(), '\n'));
    judge_messages(lean({"-o", folder + "/Candidate.olean", folder + "/Candidate.lean"}, ""), source, lines, out);
    if (out.verdict != Verdict::right) return;
    if (!std::filesystem::exists(at / "Candidate.olean")) {
      out.verdict = Verdict::failed;
      out.complete = false;
      out.message = "Lean wrote no object file";
      return;
    }
    write_file_atomically(at / "Audit.lean", "import Candidate\n" + settings_.header + "\n" + source.audit);
    judge_audit(lean({folder + "/Audit.lean"}, folder), source, out);
  }

  // The path is added for the audit only, so that a candidate finds no other candidate.
  LeanReply lean(const std::vector<std::string>& arguments, const std::string& path) {
    std::vector<std::string> command;
    if (!path.empty())
      command = {"/bin/sh", "-c", "LEAN_PATH=\"$0:${LEAN_PATH:-}\"; export LEAN_PATH; exec \"$@\"", path};
    command.insert(command.end(), settings_.command.begin(), settings_.command.end());
    command.emplace_back("--json");
    command.insert(command.end(), arguments.begin(), arguments.end());
    LeanChild child(command, settings_.project, {settings_.memory_mib, static_cast<int64_t>(settings_.timeout_s) + 1});
    child.close_input();
    std::string text;
    LeanReply out;
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<int64_t>(settings_.timeout_s * 1000));
    const LeanChild::Read read = child.read("", text, until);
    if (read == LeanChild::Read::found) {
      out = read_lean_lines(text);
      // The sentinel always says something, so silence means that no Lean ran.
      if (out.messages.empty() && out.fault.empty()) out.fault = "Lean said nothing";
      return out;
    }
    out.fault = read == LeanChild::Read::late ? "timed out" : "Lean's output could not be read";
    return out;
  }

  LeanSettings settings_;
  Slots<Nothing> slots_;
};

}  // namespace

std::unique_ptr<LeanBackend> make_lean_lake(const LeanSettings& settings) {
  return std::make_unique<LakeBackend>(settings);
}

}  // namespace posttrain::rewards
