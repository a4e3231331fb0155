// leanprover-community/repl: JSON objects parted by blank lines. Each slot has a REPL for candidates, which holds the
// header as environment 0, and one that only audits: it loads what the first has pickled and never runs a candidate's
// text.
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "base/error.h"
#include "base/json.h"
#include "rewards/lean_child.h"
#include "rewards/lean_reply.h"
#include "rewards/lean_slots.h"

namespace posttrain::rewards {
namespace {

struct ReplSlot {
  std::unique_ptr<LeanChild> candidate, auditor;
};

class ReplBackend : public LeanBackend {
 public:
  explicit ReplBackend(const LeanSettings& settings)
      : settings_(settings), slots_(static_cast<size_t>(settings.workers)) {}

  LeanResult judge(std::string_view statement, std::string_view proof) override {
    LeanResult out;
    out.backend = "lean-repl";
    const auto start = std::chrono::steady_clock::now();
    try {
      if (const auto refusal = refuse_proof(proof)) {
        out.verdict = Verdict::wrong;
        out.message = *refusal;
        return out;
      }
      const LeanSource source = assemble_lean(statement, proof, fresh_nonce());
      const typename Slots<ReplSlot>::Taken slot(slots_);
      run(*slot, source, out);
    } catch (const std::exception& e) {
      out.verdict = Verdict::failed;
      out.message = e.what();
    }
    out.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return out;
  }

 private:
  Deadline deadline() const {
    return std::chrono::steady_clock::now() +
           std::chrono::milliseconds(static_cast<int64_t>(settings_.timeout_s * 1000));
  }

  LeanReply ask(LeanChild& child, const Json& command) {
    const Deadline until = deadline();
    LeanReply out;
    std::string text;
    if (!child.write(to_line(command) + "\n\n", until)) {
      out.fault = "the REPL takes no commands";
      return out;
    }
    switch (child.read("\n\n", text, until)) {
      case LeanChild::Read::found:
        return read_repl_reply(text);
      case LeanChild::Read::late:
        out.fault = "timed out";
        break;
      case LeanChild::Read::too_long:
        out.fault = "a reply of more than 16 MiB";
        break;
      case LeanChild::Read::ended:
        out.fault = "the REPL ended";
        break;
    }
    return out;
  }

  std::unique_ptr<LeanChild> start() {
    return std::make_unique<LeanChild>(settings_.command, settings_.project, ChildLimits{settings_.memory_mib, 0});
  }

  void run(ReplSlot& slot, const LeanSource& source, LeanResult& out) {
    if (!slot.candidate) {
      slot.candidate = start();
      const LeanReply header = ask(*slot.candidate, {{"cmd", settings_.header}});
      if (!header.fault.empty() || header.env != 0) {
        slot.candidate.reset();
        throw Failure("lean", "the header does not load: " + header.fault + header.all_text());
      }
    }
    const LeanReply reply = ask(*slot.candidate, {{"cmd", source.text}, {"env", 0}});
    judge_messages(reply, source, 0, out);
    if (!reply.fault.empty()) slot.candidate.reset();  // whatever it is doing, the next proof gets a fresh one
    if (out.verdict == Verdict::right) audit(slot, source, reply.env, out);
  }

  void audit(ReplSlot& slot, const LeanSource& source, int64_t env, LeanResult& out) {
    out.verdict = Verdict::failed;
    char folder[] = "/tmp/posttrain-lean-XXXXXX";
    if (mkdtemp(folder) == nullptr) throw Failure("lean", "no temporary folder");
    struct Remove {
      std::filesystem::path path;
      ~Remove() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
      }
    } const remove{folder};
    const std::string file = std::string(folder) + "/env.olean";
    const LeanReply written = ask(*slot.candidate, {{"pickleTo", file}, {"env", env}});
    if (!written.fault.empty()) {
      slot.candidate.reset();
      throw Failure("lean", "the environment is not saved: " + written.fault);
    }
    if (!slot.auditor) slot.auditor = start();
    const LeanReply loaded = ask(*slot.auditor, {{"unpickleEnvFrom", file}});
    LeanReply reply = loaded;
    if (loaded.fault.empty() && loaded.env >= 0)
      reply = ask(*slot.auditor, {{"cmd", source.audit}, {"env", loaded.env}});
    if (!reply.fault.empty()) slot.auditor.reset();
    out.verdict = Verdict::right;
    judge_audit(reply, source, out);
  }

  LeanSettings settings_;
  Slots<ReplSlot> slots_;
};

}  // namespace

std::unique_ptr<LeanBackend> make_lean_repl(const LeanSettings& settings) {
  return std::make_unique<ReplBackend>(settings);
}

}  // namespace posttrain::rewards
