// Every sequent of the prover task is provable, by the proof that comes with it.
#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "lean/check.h"
#include "tasks/chain_task.h"
#include "tasks/prover_task.h"
#include "text/char_tokenizer.h"

namespace posttrain::tasks {
namespace {

bool proves(const std::string& statement, const std::string& proof) {
  return lean::check_proof(statement, proof).verdict == lean::ProofVerdict::proved;
}

TEST(ProverTask, ComesWithProofsThatTheKernelAccepts) {
  const ProverTask task({});
  for (const text::Split split : {text::Split::train, text::Split::valid, text::Split::test})
    for (uint64_t i = 0; i < 300; ++i) {
      const text::Problem p = task.problem(split, 1, i);
      const std::string proof = p.extra["proof"];
      EXPECT_TRUE(proves(p.answer, proof)) << p.prompt << "\n" << p.answer << "\n" << proof;
      EXPECT_EQ(ChainTask::split(p.prompt), split);
      EXPECT_EQ(p.statement, p.answer);
      EXPECT_LE(p.prompt.size() + proof.size(), 200u);
    }
}

TEST(ProverTask, WritesACorpusWhereMostProofsFail) {
  const ProverTask task({});
  std::set<std::string> vocabulary;
  for (const auto& token : chain_vocabulary().tokens) vocabulary.insert(token.text);
  for (uint64_t i = 0; i < 200; ++i) {
    const text::Document d = task.document(text::Source::corpus, 1, i);
    EXPECT_TRUE(d.text.ends_with("<eos>"));
    for (const char c : d.text.substr(0, d.text.size() - 5)) {
      EXPECT_TRUE(vocabulary.contains(std::string(1, c))) << d.text;
    }
  }
}

}  // namespace
}  // namespace posttrain::tasks
