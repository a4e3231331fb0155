// What is sent to Lean, what its replies mean, and that no cheat and no absence of Lean becomes a reward.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "rewards/lean.h"
#include "rewards/lean_child.h"
#include "rewards/lean_http.h"
#include "rewards/lean_reply.h"
#include "rewards/lean_source.h"

namespace posttrain::rewards {
namespace {

const std::string fake = POSTTRAIN_SOURCE_DIR "/tests/rewards/fake_lean.py";
const std::string statement = "theorem t (a b : ℕ) (h : a ≤ b) : a < b + 1 := by\n";

// The cheats of the design page's table that a look at the tokens must stop.
TEST(LeanSource, RefusesProofsThatCheat) {
  for (const char* cheat : {"sorry",
                            "admit",
                            "exact sorryAx _ false",
                            "simp\naxiom cheat : False",
                            "exact cheat\nend foo",
                            "native_decide",
                            "bv_decide",
                            "decide\nmacro \"x\" : tactic => `(tactic| skip)",
                            "simp\nnotation \"a\" => 1",
                            "simp\nlocal instance : Add Nat := ⟨Nat.mul⟩",
                            "set_option debug.skipKernelTC true in simp",
                            "set_option maxRecDepth 100000 in simp",
                            "simp\n#print axioms t",
                            "simp\n#eval IO.println \"{}\"",
                            "simp\n#exit",
                            "apply?",
                            "exact?",
                            "unsafe simp",
                            "simp\n@[implemented_by foo] def x := 1",
                            "simp\nrun_cmd skip",
                            "simp\ninitialize foo : Nat ← pure 1",
                            "open Foo in simp",
                            "simp\nexample : True := trivial",
                            "simp /- never closed",
                            "exact \"never closed",
                            "simp)",
                            "simp ]",
                            "(simp",
                            "",
                            "  -- only a comment",
                            "run_tac Lean.Elab.Tactic.evalTactic default",
                            "simp\nnamespace X",
                            "exact Lean.ofReduceBool _ _ rfl",
                            "exact «sorry»",
                            "simp\nelab \"x\" : tactic => pure ()",
                            "exact posttrain_sentinel_1",
                            "simp\nopaque x : Nat",
                            "/- /- -/ simp",
                            "simp\nimport Foo",
                            "exact unsafeCast 1"})
    EXPECT_TRUE(refuse_proof(cheat)) << cheat;
}

TEST(LeanSource, TakesProofsThatOnlyLookLikeCheats) {
  for (const char* honest : {"omega -- no sorry here", "/- axiom /- nested -/ sorry -/ simp", "exact h.le\n  -- end",
                             "simp [Nat.lt_succ_iff]", "exact Or.inl (by simp)", "rcases h with ⟨x, hx⟩"})
    EXPECT_FALSE(refuse_proof(honest)) << honest << ": " << *refuse_proof(honest);
}

TEST(LeanSource, WritesTheStatementItself) {
  const LeanSource s = assemble_lean(statement, "have h2 := h\nomega", "77");
  EXPECT_EQ(s.name, "t");
  EXPECT_EQ(s.text,
            "theorem t (a b : ℕ) (h : a ≤ b) : a < b + 1 := by\n  have h2 := h\n  omega\n\n"
            "theorem posttrain_sentinel_77 : True := True.intro\n#check @posttrain_sentinel_77\n");
  EXPECT_EQ(s.proof_line, 2);
  EXPECT_NE(s.audit.find("theorem posttrain_audit_77 (a b : ℕ) (h : a ≤ b) : a < b + 1"), std::string::npos);
  EXPECT_THROW(assemble_lean("axiom t : False", "simp", "1"), Error);
}

TEST(LeanSource, AllowsThreeAxiomsAndNoOthers) {
  EXPECT_EQ(axioms_in("'t' does not depend on any axioms", "t"), std::vector<std::string>{});
  const auto some = axioms_in("'t' depends on axioms: [propext,\n Classical.choice, Quot.sound]", "t");
  ASSERT_TRUE(some);
  EXPECT_EQ(some->size(), 3u);
  EXPECT_FALSE(forbidden_axiom(*some));
  for (const char* bad : {"sorryAx", "Lean.ofReduceBool", "t._native.native_decide.ax_1", "cheat", ""})
    EXPECT_TRUE(forbidden_axiom({"propext", bad}));
  EXPECT_FALSE(axioms_in("'u' does not depend on any axioms", "t"));
  EXPECT_FALSE(axioms_in("'t' does not depend on any axioms\n't' depends on axioms: [sorryAx]", "t"));
}

// Behind walls where this machine has them; lean_walls_test.cpp says what they hold.
LeanSettings toolchain(const char* kind) {
  LeanSettings s;
  s.backend = "lean";
  s.toolchain = kind;
  s.header = "import Mathlib\n";
  s.workers = 1;
  s.sandbox = sandbox::ToolWalls::missing().empty() ? "require" : "off";
  return s;
}

LeanResult judged(const char* kind, const std::string& mode, const std::string& proof = "good", double timeout = 120) {
  LeanSettings s = toolchain(kind);
  s.command = {"python3", fake, kind, mode};
  s.timeout_s = timeout;
  s.memory_mib = 4096;
  return make_lean_backend(s)->judge(statement, proof);
}

TEST(LeanBackend, AReplAndItsAuditorAgreeOnAGoodProof) {
  for (const char* kind : {"repl", "lake"}) {
    const LeanResult r = judged(kind, "plain");
    EXPECT_EQ(r.verdict, Verdict::right) << kind << ": " << r.message;
    EXPECT_EQ(r.trust, "audited");
    EXPECT_EQ(r.backend, std::string("lean-") + kind);
    EXPECT_TRUE(r.complete);
    EXPECT_EQ(r.axioms, (std::vector<std::string>{"propext", "Quot.sound"}));
  }
}

TEST(LeanBackend, NoHostileReplyIsAReward) {
  for (const char* kind : {"repl", "lake"}) {
    EXPECT_EQ(judged(kind, "plain", "bad").verdict, Verdict::wrong);
    EXPECT_EQ(judged(kind, "sorry").verdict, Verdict::wrong);
    EXPECT_EQ(judged(kind, "swallowed").verdict, Verdict::wrong);
    EXPECT_EQ(judged(kind, "axiom").verdict, Verdict::wrong);
    EXPECT_EQ(judged(kind, "native").verdict, Verdict::wrong);
    EXPECT_EQ(judged(kind, "restated").verdict, Verdict::wrong);
    EXPECT_EQ(judged(kind, "forged").verdict, Verdict::failed);
    EXPECT_EQ(judged(kind, "mute").verdict, Verdict::failed);
  }
  EXPECT_EQ(judged("lake", "nofile").verdict, Verdict::failed);
  EXPECT_EQ(judged("repl", "garbage").verdict, Verdict::failed);
  EXPECT_EQ(judged("repl", "flood").verdict, Verdict::failed);
}

TEST(LeanBackend, TheJudgesOwnFaultsAreNeverAZeroAndTimeIsUndecided) {
  EXPECT_EQ(judged("repl", "dies").verdict, Verdict::failed);
  EXPECT_EQ(judged("repl", "slow", "good", 6).verdict, Verdict::undecided);
  for (const char* kind : {"repl", "lake", "kimina"}) {
    LeanSettings missing = toolchain(kind);
    missing.command = {"/no/such/lean"};
    missing.timeout_s = 5;
    missing.url = "http://127.0.0.1:9";
    const LeanResult r = make_lean_backend(missing)->judge(statement, "omega");
    EXPECT_NE(r.verdict, Verdict::right) << kind;
    EXPECT_EQ(r.verdict, Verdict::failed) << kind << ": " << r.message;
  }
}

TEST(LeanBackend, AReplThatDiedIsStartedAgain) {
  LeanSettings s = toolchain("repl");
  s.command = {"python3", fake, "repl", "plain"};
  s.timeout_s = 120;
  const auto backend = make_lean_backend(s);
  EXPECT_EQ(backend->judge(statement, "good").verdict, Verdict::right);
  EXPECT_EQ(backend->judge(statement, "bad").verdict, Verdict::wrong);
  EXPECT_EQ(backend->judge(statement, "good").verdict, Verdict::right);
}

TEST(LeanBackend, TellsTheFirstErrorsPlaceInTheProof) {
  const LeanResult r = judged("repl", "plain", "bad");
  EXPECT_EQ(r.error_line, 1);
  EXPECT_EQ(r.error_column, 2);
}

class Server {
 public:
  explicit Server(const std::string& mode) : child_({"python3", fake, "kimina", mode}, "", {}) {
    child_.read_until("\n", port, std::chrono::steady_clock::now() + std::chrono::seconds(30));
  }
  std::string port;

 private:
  LeanChild child_;
};

TEST(LeanBackend, AKiminaServersWordIsTakenAsMessagesOnly) {
  const auto ask = [](const std::string& mode, const std::string& proof) {
    const Server server(mode);
    LeanSettings s;
    s.backend = "lean";
    s.toolchain = "kimina";
    s.url = "http://127.0.0.1:" + server.port + "/";
    s.timeout_s = 120;
    return make_lean_backend(s)->judge(statement, proof);
  };
  const LeanResult good = ask("plain", "good");
  EXPECT_EQ(good.verdict, Verdict::right) << good.message;
  EXPECT_EQ(good.trust, "messages");
  EXPECT_EQ(ask("plain", "bad").verdict, Verdict::wrong);
  EXPECT_EQ(ask("axiom", "good").verdict, Verdict::wrong);
  EXPECT_EQ(ask("error", "good").verdict, Verdict::undecided);
  EXPECT_EQ(ask("other", "good").verdict, Verdict::failed);
  EXPECT_EQ(ask("busy", "good").verdict, Verdict::failed);
}

TEST(LeanReply, ReadsRecordedReplies) {
  const LeanReply ok = read_repl_reply(
      R"({"sorries": [{"proofState": 0, "pos": {"line": 1, "column": 18}, "goal": "⊢ Nat", "endPos": {"line": 1, "column": 23}}],
          "messages": [{"severity": "warning", "pos": {"line": 1, "column": 4}, "endPos": {"line": 1, "column": 5},
                        "data": "declaration uses 'sorry'"}], "env": 3})");
  EXPECT_TRUE(ok.sorry);
  EXPECT_EQ(ok.env, 3);
  EXPECT_TRUE(ok.fault.empty());
  EXPECT_FALSE(read_repl_reply(R"({"message": "Unknown environment."})").fault.empty());
  EXPECT_FALSE(read_repl_reply("[]").fault.empty());
  EXPECT_FALSE(read_repl_reply(R"({"messages": [{"severity": "fine"}]})").fault.empty());
  const LeanReply line = read_lean_lines(
      R"({"severity":"information","pos":{"line":3,"column":0},"keepFullRange":false,"isSilent":false,"fileName":"a.lean","endPos":null,"data":"x : True","caption":"","kind":"[anonymous]"})");
  ASSERT_EQ(line.messages.size(), 1u);
  EXPECT_EQ(line.messages[0].severity, "info");
  EXPECT_FALSE(read_lean_lines("Segmentation fault").fault.empty());
  EXPECT_FALSE(read_kimina_reply(R"({"results": []})", "1").fault.empty());
  EXPECT_FALSE(
      read_kimina_reply(R"({"results": [{"id": "1", "error": "x", "response": {"env": 0}}]})", "1").fault.empty());
}

TEST(LeanReward, SaysWhoJudgedAndOffJudgesNothing) {
  LeanSettings s;
  Sample sample;
  sample.answer = statement;
  sample.completion = "omega<eos>";
  const Score kernel = LeanReward(s).score(sample);
  EXPECT_EQ(kernel.verdict, Verdict::right);
  EXPECT_EQ(kernel.value, 1);
  EXPECT_EQ(kernel.detail, "backend kernel, trust kernel");
  sample.completion = "rfl<eos>";
  EXPECT_EQ(LeanReward(s).score(sample).verdict, Verdict::wrong);
  s.backend = "off";
  sample.completion = "omega<eos>";
  EXPECT_EQ(LeanReward(s).score(sample).verdict, Verdict::failed);
  EXPECT_EQ(LeanReward(s).score(sample).value, 0);
  Sample outside = sample;
  outside.answer = "theorem t (x : ℝ) : Real.sin x ≤ 1";
  s.backend = "kernel";
  EXPECT_EQ(LeanReward(s).score(outside).verdict, Verdict::failed);
}

TEST(LeanReward, FindsTheProofInTheCompletion) {
  EXPECT_EQ(LeanReward::proof_of("<think>x</think><answer>omega</answer>", "answer"), "omega");
  EXPECT_EQ(LeanReward::proof_of("Here:\n```lean4\nsimp\n```\nand\n```lean4\nomega\n```\n", "fence"), "omega\n");
  EXPECT_EQ(LeanReward::proof_of("omega<eos>", "completion"), "omega");
}

}  // namespace
}  // namespace posttrain::rewards
