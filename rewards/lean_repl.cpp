// leanprover-community/repl: JSON objects parted by blank lines. Each slot has a REPL for candidates, which holds the
// header as environment 0, and one that only audits: it loads what the first has pickled and never runs a candidate's
// text.
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "rewards/lean_pooled.h"
#include "rewards/lean_reply.h"

namespace posttrain::rewards {
namespace {

struct ReplSlot {
  std::optional<TemporaryFolder> folder;  // what the candidate's process may change
  std::unique_ptr<LeanChild> candidate, auditor;
};

class ReplBackend : public PooledLean<ReplSlot> {
 public:
  explicit ReplBackend(const LeanSettings& settings) : PooledLean("lean-repl", settings) {}

 private:
  LeanReply ask(LeanChild& child, const Json& command) {
    const Deadline until = deadline_in(settings_.timeout_s);
    LeanReply out;
    std::string text;
    if (child.write(to_line(command) + "\n\n", until) != ChildIo::done) {
      out.fault = "the REPL takes no commands";
      return out;
    }
    switch (child.read_until("\n\n", text, until)) {
      case ChildIo::done:
        return read_repl_reply(text);
      case ChildIo::late:
        out.fault = "timed out";
        break;
      case ChildIo::too_long:
        out.fault = "a reply of more than 16 MiB";
        break;
      case ChildIo::ended:
        out.fault = "the REPL ended";
        break;
    }
    return out;
  }

  std::unique_ptr<LeanChild> start(std::vector<std::string> writable) {
    return std::make_unique<LeanChild>(settings_.command, settings_.project, limits(0, std::move(writable)));
  }

  void run(ReplSlot& slot, const LeanSource& source, LeanResult& out) override {
    if (!slot.candidate) {
      slot.folder.emplace("/tmp/posttrain-lean");
      slot.candidate = start({slot.folder->path()});
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
    const std::string file = slot.folder->path() / (source.sentinel + ".olean");
    const LeanReply written = ask(*slot.candidate, {{"pickleTo", file}, {"env", env}});
    if (!written.fault.empty()) {
      slot.candidate.reset();
      throw Failure("lean", "the environment is not saved: " + written.fault);
    }
    if (!slot.auditor) slot.auditor = start({});
    const LeanReply loaded = ask(*slot.auditor, {{"unpickleEnvFrom", file}});
    LeanReply reply = loaded;
    if (loaded.fault.empty() && loaded.env >= 0)
      reply = ask(*slot.auditor, {{"cmd", source.audit}, {"env", loaded.env}});
    if (!reply.fault.empty()) slot.auditor.reset();
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    out.verdict = Verdict::right;
    judge_audit(reply, source, out);
  }
};

}  // namespace

std::unique_ptr<LeanBackend> make_lean_repl(const LeanSettings& settings) {
  return std::make_unique<ReplBackend>(settings);
}

}  // namespace posttrain::rewards
