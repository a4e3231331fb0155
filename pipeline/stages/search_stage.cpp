// Tree search over proofs against plain sampling with as many attempts. Both are judged by the recipe's rewards, as
// every evaluation is; the kernel of the fragment says which beginnings of a proof the tree may go on from.
#include <algorithm>
#include <future>
#include <optional>
#include <tuple>

#include "base/error.h"
#include "base/rng.h"
#include "lean/check.h"
#include "pipeline/preflight/inspection.h"
#include "pipeline/recipe/planner.h"
#include "pipeline/stage.h"
#include "pipeline/stages/proof_tree.h"

namespace posttrain::pipeline {
namespace {

// RMaxTS over proofs against plain sampling with as many attempts.
struct SearchStage {
  int64_t problems = 256, attempts = 16, width = 4;
  double discount = 0.99;
  rollout::SamplingSettings sampling;

  void visit(Visitor& v);
  void plan(Planner& planner, StagePlan& out) const;
  void inspect(Inspection& to) const;
  PromptUse prompt_use() const { return {.split = text::Split::test, .new_tokens = sampling.max_new_tokens}; }
  std::vector<PromptUse> prompts() const { return {prompt_use()}; }
};

// One problem under search.
struct Search {
  text::Problem problem;
  ProofTree tree;
  std::optional<int64_t> proved_by;  // the attempt that did it, from 1
};

struct SearchTally {
  std::vector<std::optional<int64_t>> proved_by;
  int64_t tokens = 0, failed = 0;  // failed: attempts on which no judge had a word

  double proved_within(int64_t attempts) const {
    const auto right = std::ranges::count_if(proved_by, [&](const auto& at) { return at && *at <= attempts; });
    return static_cast<double>(right) / static_cast<double>(proved_by.size());
  }
};

// The accepted beginnings of a proof that go beyond its first `known` bytes, cut behind whole steps.
std::vector<ProofState> accepted_states(const std::string& statement, const std::string& proof, size_t known,
                                        const lean::ProofCheck& check) {
  std::vector<ProofState> out;
  for (size_t at = proof.find_first_of(";\n", known); at != std::string::npos && at < check.accepted_bytes + 1;
       at = proof.find_first_of(";\n", at + 1)) {
    const std::string prefix = proof.substr(0, at);
    const lean::ProofCheck part = lean::check_proof(statement, prefix);
    if (part.verdict != lean::ProofVerdict::incomplete || part.error_line != 0) continue;
    std::string goals;
    for (const std::string& goal : part.goals) goals += goal + "\n";
    out.push_back({prefix + proof[at], goals});
  }
  return out;
}

class Searcher {
 public:
  Searcher(StageRun& run, model::Transformer& model, const SearchStage& settings)
      : run_(run),
        settings_(settings),
        engine_(run.session.make_engine(model, {})),
        asked_(run.session.problems(run.spec, settings.prompt_use(), engine_.max_positions())) {
    const int64_t there = asked_.size(text::Split::test);
    count_ = there > 0 ? std::min(there, settings.problems) : settings.problems;
  }

  int64_t problems() const { return count_; }
  const LengthTally& lengths() const { return asked_.lengths(); }

  SearchTally sample() {
    const auto problems = test_problems();
    SearchTally tally;
    std::vector<rollout::Request> requests;
    for (size_t i = 0; i < problems.size(); ++i)
      requests.push_back(request(problems[i], "", static_cast<int32_t>(settings_.attempts), i, 0));
    tally.proved_by.resize(problems.size());
    std::vector<std::vector<int64_t>> lengths(problems.size(),
                                              std::vector<int64_t>(static_cast<size_t>(settings_.attempts)));
    std::vector<std::tuple<size_t, int64_t, std::future<rewards::Outcome>>> judged;
    generate(requests, [&](size_t i, int64_t attempt, const std::string& proof, int64_t tokens) {
      lengths[i][static_cast<size_t>(attempt)] = tokens;
      judged.emplace_back(i, attempt, judge(problems[i], proof));
    });
    for (auto& [i, attempt, outcome] : judged) {
      if (!proved(outcome.get(), tally)) continue;
      std::optional<int64_t>& first = tally.proved_by[i];
      first = std::min(first.value_or(attempt + 1), attempt + 1);
    }
    // As the search does, a sampler stops after the attempts at a time in which the first proof was.
    for (size_t i = 0; i < problems.size(); ++i) {
      const int64_t first = tally.proved_by[i].value_or(settings_.attempts);
      const int64_t drawn =
          std::min(settings_.attempts, (first + settings_.width - 1) / settings_.width * settings_.width);
      for (int64_t k = 0; k < drawn; ++k) tally.tokens += lengths[i][static_cast<size_t>(k)];
    }
    return tally;
  }

  SearchTally search() {
    std::vector<Search> all;
    for (text::Problem& problem : test_problems())
      all.push_back({std::move(problem), ProofTree(settings_.discount), {}});
    SearchTally tally;
    for (int64_t done = 0; done < settings_.attempts && !run_.session.stop_requested(); done += settings_.width)
      tally.tokens += round(all, done, std::min(settings_.width, settings_.attempts - done), tally);
    for (const Search& s : all) tally.proved_by.push_back(s.proved_by);
    return tally;
  }

 private:
  struct Attempt {
    Search* search;
    int node;
    int64_t number;
  };

  std::future<rewards::Outcome> judge(const text::Problem& problem, const std::string& proof) {
    return run_.session.scoring().submit({.prompt = problem.prompt,
                                          .completion = proof,
                                          .answer = problem.answer,
                                          .extra = problem.extra,
                                          .max_completion_tokens = settings_.sampling.max_new_tokens});
  }

  static bool proved(const rewards::Outcome& outcome, SearchTally& tally) {
    tally.failed += outcome.verdict == Verdict::failed;
    return outcome.verdict == Verdict::right;
  }

  int64_t round(std::vector<Search>& all, int64_t done, int64_t width, SearchTally& tally) {
    std::vector<rollout::Request> requests;
    std::vector<Attempt> attempts;
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i].proved_by) continue;
      for (int64_t k = 0; k < width; ++k) {
        const int node = all[i].tree.select();
        auto next = request(all[i].problem, all[i].tree.prefix(node), 1, i, static_cast<uint64_t>(done + k) + 1);
        // A beginning that leaves no room to go on is an attempt without a proof.
        if (std::ssize(next.prompt) + settings_.sampling.max_new_tokens > engine_.max_positions()) {
          all[i].tree.add(node, {});
          continue;
        }
        attempts.push_back({&all[i], node, done + k});
        requests.push_back(std::move(next));
      }
    }
    std::vector<std::string> written(requests.size());
    const int64_t tokens =
        generate(requests, [&](size_t i, int64_t, const std::string& text, int64_t) { written[i] = text; });
    std::vector<std::future<rewards::Outcome>> judged;
    for (size_t i = 0; i < attempts.size(); ++i) {
      const auto& [search, node, number] = attempts[i];
      judged.push_back(judge(search->problem, search->tree.prefix(node) + written[i]));
    }
    // In the order of selection, so that the tree does not depend on which attempt ended first.
    for (size_t i = 0; i < attempts.size(); ++i) {
      const auto& [search, node, number] = attempts[i];
      const std::string prefix = search->tree.prefix(node), proof = prefix + written[i];
      const std::string& statement = search->problem.statement;
      if (proved(judged[i].get(), tally) && !search->proved_by) search->proved_by = number + 1;
      search->tree.add(node, accepted_states(statement, proof, prefix.size(), lean::check_proof(statement, proof)));
    }
    return tokens;
  }

  std::vector<text::Problem> test_problems() const {
    std::vector<text::Problem> out;
    for (int64_t i = 0; i < count_; ++i)
      out.push_back(asked_.problem(text::Split::test, hash_name("search"), static_cast<uint64_t>(i)));
    return out;
  }

  rollout::Request request(text::Problem problem, const std::string& prefix, int32_t samples, size_t index,
                           uint64_t attempt) const {
    std::vector<int32_t> more;  // what the model wrote goes on behind the question
    if (!problem.messages.is_null()) more = run_.session.tokenizer().encode_untrusted(prefix);
    if (!prefix.empty()) problem.untrusted.emplace_back(problem.prompt.size(), problem.prompt.size() + prefix.size());
    problem.prompt += prefix;
    std::vector<int32_t> ids = run_.session.renderer().prompt(problem);
    ids.insert(ids.end(), more.begin(), more.end());
    return {.prompt = std::move(ids), .samples = samples, .key = {run_.session.seed(), run_.key(), attempt, index}};
  }

  // Hands over each finished text; how many tokens were drawn.
  int64_t generate(const std::vector<rollout::Request>& requests,
                   const std::function<void(size_t, int64_t, const std::string&, int64_t)>& take) {
    const Tokenizer& tokenizer = run_.session.tokenizer();
    const auto done = [&](rollout::Completion&& c) {
      std::span<const int32_t> ids = c.ids;
      if (c.finish == rollout::Finish::stop_token) ids = ids.first(ids.size() - 1);
      take(c.request, c.sample, tokenizer.decode(ids), std::ssize(c.ids));
    };
    const auto go_on = [&](int64_t, int64_t, int64_t) { return !run_.session.stop_requested(); };
    return engine_.generate(requests, settings_.sampling, done, go_on).sampled_tokens;
  }

  StageRun& run_;
  const SearchStage& settings_;
  rollout::Engine engine_;
  AskedProblems asked_;
  int64_t count_ = 0;
};

void SearchStage::visit(Visitor& v) {
  v("problems", problems, {.doc = "Problems of the test split", .min = 1, .max = 1 << 20});
  v("attempts", attempts, {.doc = "Proofs that the model writes for each, by either way", .min = 1, .max = 1 << 16});
  v("width", width, {.doc = "Attempts of a problem at a time", .min = 1, .max = 1024});
  v("discount", discount, {.doc = "How much of a reward in the tree is left after each attempt", .min = 0, .max = 1});
  v("sampling", sampling, {.doc = "How proofs are drawn"});
}

// The tree and the plain samples.
void SearchStage::plan(Planner& planner, StagePlan& out) const {
  const auto asked = static_cast<double>(problems), tried = static_cast<double>(attempts);
  planner.sample(out, text::Split::test, asked, tried, sampling);
  Range tree = answer_tokens(sampling) * (asked * tried);
  tree.low = asked;  // a proof ends the search
  out.sampled += tree;
}

void SearchStage::inspect(Inspection& to) const {
  to.problems("problems", problems, text::Split::test);
  to.sampling("sampling", sampling, text::Split::test);
}

StageEnd run_search(const SearchStage& settings, StageRun& run) {
  Session& session = run.session;
  run.announce();
  const auto model = session.load_model(run.spec, nn::Use::inference);
  Searcher searcher(run, *model, settings);
  const SearchTally plain = searcher.sample(), tree = searcher.search();
  if (session.stop_requested()) return StageEnd::stopped;
  store::EvalRecord record{
      .stage = run.index, .task = run.spec.name, .role = "final", .n = searcher.problems(), .k = settings.attempts};
  for (int64_t k = 1;; k = std::min(2 * k, settings.attempts)) {
    record.metrics.emplace_back("sampling@" + std::to_string(k), plain.proved_within(k));
    record.metrics.emplace_back("search@" + std::to_string(k), tree.proved_within(k));
    if (k == settings.attempts) break;
  }
  record.metrics.emplace_back("sampling_tokens", static_cast<double>(plain.tokens));
  record.metrics.emplace_back("search_tokens", static_cast<double>(tree.tokens));
  const auto attempts = static_cast<double>(2 * searcher.problems() * settings.attempts);
  if (const int64_t failed = plain.failed + tree.failed; failed > 0)
    record.metrics.emplace_back("failed", static_cast<double>(failed) / attempts);
  if (searcher.lengths().left_out() > 0)
    record.metrics.emplace_back("overlong", static_cast<double>(searcher.lengths().left_out()));
  session.store().write_eval(record);
  session.metrics_file().eval(run.spec.name, record);
  session.progress().eval(0, record.task, record.metrics);
  return StageEnd::done;
}

}  // namespace

extern const StageType search_stage = {
    .settings = {"search", "Prove by tree search (RMaxTS) and by plain sampling, with as many attempts",
                 &make_params<SearchStage>},
    .leaves = Leaves::no_model,
    .run = of<&run_search>,
    .plan = of<&SearchStage::plan>,
    .inspect = of<&SearchStage::inspect>,
    .prompts = of<&SearchStage::prompts>,
};

}  // namespace posttrain::pipeline
