#include "tasks/chain_task.h"

#include <array>
#include <numeric>

#include "base/error.h"

namespace posttrain::tasks {
namespace {

constexpr const char* wait_token = " wait, ";

struct ChainStep {
  char op;
  int operand;
};

struct Chain {
  int first = 0;
  std::vector<ChainStep> steps;

  std::string text() const {
    std::string s(1, static_cast<char>('0' + first));
    for (const ChainStep& step : steps) {
      s += step.op;
      s += static_cast<char>('0' + step.operand);
    }
    return s;
  }
};

int apply(int value, ChainStep step) {
  const int result = step.op == '+'   ? value + step.operand
                     : step.op == '-' ? value - step.operand
                                      : value * step.operand;
  return ((result % 10) + 10) % 10;
}

int answer(const Chain& chain) {
  return std::accumulate(chain.steps.begin(), chain.steps.end(), chain.first, apply);
}

char digit(int value) {
  return static_cast<char>('0' + value);
}

std::string single_step(int value, ChainStep step) {
  return {digit(value), step.op, digit(step.operand), '='};
}

Chain random_chain(Rng& rng, int64_t steps) {
  Chain chain;
  chain.first = static_cast<int>(rng.integer(0, 9));
  for (int64_t i = 0; i < steps; ++i) {
    const char op = "+-*"[rng.integer(0, 2)];
    chain.steps.push_back({op, static_cast<int>(rng.integer(1, 9))});
  }
  return chain;
}

// A wrong digit near the right one, as a careless hand would write.
int slipped(Rng& rng, int value) {
  constexpr std::array<int, 6> offsets = {1, 2, 3, 7, 8, 9};
  return (value + offsets[static_cast<size_t>(rng.integer(0, 5))]) % 10;
}

struct Style {
  double slip = 0, repair = 0;
  bool results_only = false;
};

// A response that works step by step: a slip is carried on unless it is repaired.
std::string worked(Rng& rng, const Chain& chain, const Style& style) {
  std::string work;
  int value = chain.first;
  for (const ChainStep& step : chain.steps) {
    const int right = apply(value, step);
    int written = rng.chance(style.slip) ? slipped(rng, right) : right;
    if (!work.empty()) work += ';';
    if (!style.results_only) work += single_step(value, step);
    work += digit(written);
    if (written != right && rng.chance(style.repair)) {
      work += wait_token + single_step(value, step) + digit(right);
      written = right;
    }
    value = written;
  }
  return "<think>" + work + "</think><answer>" + digit(value) + "</answer><eos>";
}

std::string broken(Rng& rng, int right) {
  const std::string a(1, digit(rng.chance(0.7) ? right : slipped(rng, right)));
  switch (rng.integer(0, 4)) {
    case 0:
      return a + "<eos>";
    case 1:
      return "<answer>" + a + "<eos>";
    case 2:
      return "<think>" + a + "</think><eos>";
    case 3:
      return "<think><answer>" + a + "<eos>";
    default:
      return a + "</answer><eos>";
  }
}

std::string without_one_tag(Rng& rng, std::string response) {
  constexpr std::array<const char*, 4> tags = {"<think>", "</think>", "<answer>", "</answer>"};
  const std::string tag = tags[static_cast<size_t>(rng.integer(0, 3))];
  return response.erase(response.find(tag), tag.size());
}

}  // namespace

void ChainMix::visit(Visitor& v) {
  v("facts", facts, {.doc = "Share of pages of six single steps", .min = 0});
  v("guess", guess, {.doc = "Share of right answers with an empty think block", .min = 0});
  v("broken", broken, {.doc = "Share of broken formats, 30% of them wrong", .min = 0});
  v("sloppy", sloppy, {.doc = "Share of results-only thinking with many slips", .min = 0});
  v("steps", steps, {.doc = "Share of full steps with some slips", .min = 0});
  v("repaired", repaired, {.doc = "Share of full steps whose slips are mostly repaired", .min = 0});
  v("broken_steps", broken_steps, {.doc = "Share of full steps with one tag missing", .min = 0});
}

void ChainSettings::visit(Visitor& v) {
  v("min_steps", min_steps, {.doc = "Fewest operations in a problem", .min = 2, .max = 20});
  v("max_steps", max_steps, {.doc = "Most operations in a problem", .min = 2, .max = 20});
  v("slip", slip, {.doc = "Chance of a slip per step in worked documents", .min = 0, .max = 1});
  v("sloppy_slip", sloppy_slip, {.doc = "Chance of a slip per step in sloppy documents", .min = 0, .max = 1});
  v("repair", repair, {.doc = "Chance that a slip is repaired in `repaired` documents", .min = 0, .max = 1});
  v("mix", mix, {.doc = "Shares of the corpus by kind of document"});
}

void ChainSettings::check(const Complain& complain) const {
  if (min_steps > max_steps) complain("max_steps", "expected at least min_steps");
  const ChainMix& m = mix;
  if (m.facts + m.guess + m.broken + m.sloppy + m.steps + m.repaired + m.broken_steps <= 0) {
    complain("mix", "expected at least one share above 0");
  }
}

ChainTask::ChainTask(const ChainSettings& settings) : settings_(settings) {}

text::Split ChainTask::split(std::string_view problem) {
  uint32_t h = 2166136261u;
  for (const char c : problem) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
  h ^= h >> 15;
  return text::split_of(h);
}

namespace {

Chain chain_of(const ChainSettings& settings, text::Split split, Rng& rng) {
  for (;;) {
    Chain chain = random_chain(rng, rng.integer(settings.min_steps, settings.max_steps));
    if (ChainTask::split(chain.text()) == split) return chain;
  }
}

std::string fact_page(Rng& rng) {
  std::string page = "#";
  for (int i = 0; i < 6; ++i) {
    const Chain fact = random_chain(rng, 1);
    if (i > 0) page += ';';
    page += fact.text() + '=' + digit(answer(fact));
  }
  return page + "<eos>";
}

}  // namespace

text::Problem ChainTask::problem(text::Split split, uint64_t seed, uint64_t index) const {
  Rng rng({seed, hash_name(std::string("chain/") + text::split_name(split)), index});
  const Chain chain = chain_of(settings_, split, rng);
  return {
      .id = chain.text(), .prompt = chain.text() + "=", .answer = std::string(1, digit(answer(chain))), .extra = {}};
}

text::Document ChainTask::document(text::Source source, uint64_t seed, uint64_t index) const {
  if (source == text::Source::general) {
    Rng rng({seed, hash_name("chain/general"), index});
    return {.text = fact_page(rng), .prompt_bytes = 1};
  }
  if (source == text::Source::traces) {  // readable steps, every slip repaired
    Rng rng({seed, hash_name("chain/traces"), index});
    const Chain chain = chain_of(settings_, text::Split::train, rng);
    const std::string prompt = chain.text() + "=";
    return {.text = prompt + worked(rng, chain, {.slip = settings_.slip, .repair = 1}), .prompt_bytes = prompt.size()};
  }
  Rng rng({seed, hash_name("chain/document"), index});
  const ChainMix& m = settings_.mix;
  const std::array<double, 7> shares = {m.facts, m.guess, m.broken, m.sloppy, m.steps, m.repaired, m.broken_steps};
  double at = rng.uniform() * std::accumulate(shares.begin(), shares.end(), 0.0);
  size_t kind = 0;
  while (kind + 1 < shares.size() && at >= shares[kind]) at -= shares[kind++];
  if (kind == 0) return {.text = fact_page(rng), .prompt_bytes = 1};

  const Chain chain = chain_of(settings_, text::Split::train, rng);
  const int right = answer(chain);
  const std::string prompt = chain.text() + "=";
  std::string response;
  switch (kind) {
    case 1:
      response = std::string("<think></think><answer>") + digit(right) + "</answer><eos>";
      break;
    case 2:
      response = broken(rng, right);
      break;
    case 3:
      response = worked(rng, chain, {.slip = settings_.sloppy_slip, .results_only = true});
      break;
    case 4:
      response = worked(rng, chain, {.slip = settings_.slip});
      break;
    case 5:
      response = worked(rng, chain, {.slip = 1.5 * settings_.slip, .repair = settings_.repair});
      break;
    default:
      response = without_one_tag(rng, worked(rng, chain, {.slip = settings_.slip}));
      break;
  }
  return {.text = prompt + response, .prompt_bytes = prompt.size()};
}

}  // namespace posttrain::tasks
