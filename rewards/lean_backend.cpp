#include "rewards/lean_backend.h"

#include "base/error.h"
#include "sandbox/tool_walls.h"

namespace posttrain::rewards {
namespace {

class OffBackend : public LeanBackend {
 public:
  LeanResult judge(std::string_view, std::string_view) override {
    LeanResult out;
    out.backend = "off";
    out.message = "Lean is off: nothing is judged";
    return out;
  }
};

}  // namespace

void LeanSettings::visit(Visitor& v) {
  v("backend", backend,
    {.doc = "Who judges: a real toolchain, the in-process kernel of a Lean-syntax fragment (not Lean), or nobody",
     .choices = {"lean", "kernel", "off"}});
  v("toolchain", toolchain,
    {.doc = "How a real toolchain is reached: REPL processes, `lake env lean --json`, or a Kimina server",
     .choices = {"repl", "lake", "kimina"}});
  v("command", command, {.doc = "The REPL's command; for lake the command before --json, such as lake env lean"});
  v("project", project, {.doc = "Folder of the Lean project where the command runs"});
  v("url", url, {.doc = "Address of the Kimina server, http:// or https://host:port"});
  v("header", header, {.doc = "Imports and opens before every statement"});
  v("workers", workers, {.doc = "Lean processes at a time", .min = 1, .max = 256});
  v("timeout_s", timeout_s,
    {.doc = "Time for one proof; beyond it the proof is undecided", .min = 0.1, .unit = "seconds"});
  v("memory_mib", memory_mib, {.doc = "Address space of a Lean process", .min = 64, .unit = "MiB"});
  v("max_steps", max_steps, {.doc = "Steps of the kernel for one proof; beyond them it is undecided", .min = 1000});
  v("sandbox", sandbox,
    {.doc =
         "Walls round Lean's processes, which run what the model wrote: no network, no files changed. require: refuse "
         "to start when one is missing; off: none",
     .choices = {"require", "off"}});
  v("proof_in", proof_in,
    {.doc = "Where the proof stands: the whole completion, the answer tag, or the last ```lean block",
     .choices = {"completion", "answer", "fence"}});
}

std::unique_ptr<LeanBackend> make_lean_backend(const LeanSettings& settings) {
  if (settings.backend == "off") return std::make_unique<OffBackend>();
  if (settings.backend == "kernel") return make_lean_kernel(settings);
  if (settings.toolchain == "kimina") return make_lean_kimina(settings);
  if (settings.command.empty()) throw Error("rewards.lean", "command", "a command", "nothing");
  if (settings.sandbox == "require") {
    const std::string missing = sandbox::ToolWalls::missing();
    if (!missing.empty())
      throw Failure("rewards.lean",
                    "this machine can't put up a wall round Lean: " + missing + "; \"sandbox\": \"off\" goes without");
  }
  if (settings.toolchain == "lake") return make_lean_lake(settings);
  return make_lean_repl(settings);
}

}  // namespace posttrain::rewards
