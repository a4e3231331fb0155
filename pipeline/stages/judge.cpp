#include "pipeline/stages/judge.h"

#include <charconv>
#include <limits>

#include "base/json.h"
#include "base/letters.h"
#include "base/rng.h"

namespace posttrain::pipeline {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

constexpr const char* pair_prompt =
    "Question:\n{prompt}\n\nAnswer {first}:\n{a}\n\nAnswer {second}:\n{b}\n\n"
    "Which answer is better? Reply with {first} or {second} only.\n";
constexpr const char* grade_prompt =
    "Question:\n{prompt}\n\nAnswer:\n{answer}\n\n"
    "Is it right, complete and clear? Reply with one number from 0 to {best}.\n";

// One pass from left to right, so that braces within a value stay as they are.
std::string fill(std::string_view text, const std::vector<std::pair<std::string_view, std::string_view>>& values) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    bool found = false;
    for (const auto& [name, value] : values) {
      if (!text.substr(i).starts_with(name)) continue;
      out += value;
      i += name.size();
      found = true;
      break;
    }
    if (!found) out += text[i++];
  }
  return out;
}

// Where a label stands as a word of its own.
size_t word_at(std::string_view text, std::string_view word) {
  const auto letter = [&](size_t i) { return i < text.size() && is_letter_or_digit(text[i]); };
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    if (!(at > 0 && letter(at - 1)) && !letter(at + word.size())) return at;
  }
  return std::string_view::npos;
}

}  // namespace

void JudgeSettings::visit(Visitor& v) {
  v("mode", mode, {.doc = "Which of two answers is better, or a grade for each", .choices = {"pairs", "grade"}});
  v("prompt", prompt,
    {.doc = "The question, with {prompt}, {a} and {b} (pairs) or {answer} (grade); \"\" = a built-in one"});
  v("first", first, {.doc = "The word that names the answer that stands first"});
  v("second", second, {.doc = "The word that names the other"});
  v("votes", votes, {.doc = "Replies to each question; pairs are asked in both orders", .min = 1, .max = 1024});
  v("best_grade", best_grade, {.doc = "The best grade", .min = 1});
  v("sampling", sampling, {.doc = "How replies are drawn"});
  v("engine", engine, {.doc = "The rollout engine's sizes"});
}

std::optional<int> named_choice(std::string_view reply, std::string_view first, std::string_view second) {
  const size_t a = word_at(reply, first), b = word_at(reply, second);
  if (a == b) return std::nullopt;  // neither
  return a < b ? 0 : 1;
}

std::optional<double> named_grade(std::string_view reply, double best) {
  size_t at = 0;
  while (at < reply.size() && !is_digit(reply[at])) ++at;
  double grade = 0;
  const auto [end, error] = std::from_chars(reply.data() + at, reply.data() + reply.size(), grade);
  const bool negative = at > 0 && reply[at - 1] == '-';
  if (error != std::errc() || negative || grade > best) return std::nullopt;
  return grade;
}

GenerativeJudge::GenerativeJudge(model::Transformer& model, const Renderer& renderer, const JudgeSettings& settings)
    : renderer_(renderer),
      tokenizer_(renderer.tokenizer()),
      settings_(settings),
      engine_(model, settings.engine, tokenizer_.stop_ids(),
              [this](std::span<const int32_t> ids) { return tokenizer_.decode(ids); }) {}

// What a model wrote makes no special tokens in the question.
std::vector<int32_t> GenerativeJudge::question(const Answers& answers) const {
  const bool pairs = settings_.mode == "pairs";
  const std::string plain = settings_.prompt.empty() ? (pairs ? pair_prompt : grade_prompt) : settings_.prompt;
  const std::string best = std::to_string(static_cast<int64_t>(settings_.best_grade));
  const std::string a = tokenizer_.guard(answers.a), b = tokenizer_.guard(answers.b);
  std::string text = fill(plain, {{"{prompt}", answers.prompt},
                                  {"{a}", a},
                                  {"{b}", b},
                                  {"{answer}", a},
                                  {"{first}", settings_.first},
                                  {"{second}", settings_.second},
                                  {"{best}", best}});
  if (!renderer_.has_template()) return renderer_.plain_prompt(text);
  return renderer_.prompt(Json::array({{{"role", "user"}, {"content", text}}}), Json());
}

std::vector<std::vector<std::string>> GenerativeJudge::ask(const std::vector<Answers>& questions,
                                                           const rollout::DrawKey& key) {
  // The key's first prompt belongs to the name of the batch: a step may collect, and ask, several times.
  const uint64_t batch = Rng({key.stage, hash_name("questions"), key.first_prompt}).at(0);
  std::vector<rollout::Request> requests;
  std::vector<size_t> asked;
  for (size_t i = 0; i < questions.size(); ++i) {
    auto prompt = question(questions[i]);
    // What does not fit has no reply, and so no verdict.
    if (std::ssize(prompt) + settings_.sampling.max_new_tokens > engine_.max_positions()) continue;
    asked.push_back(i);
    requests.push_back({.prompt = std::move(prompt),
                        .samples = static_cast<int32_t>(settings_.votes),
                        .key = {key.seed, batch, key.step, i}});
  }
  std::vector<std::vector<std::string>> replies(questions.size());
  engine_.generate(requests, settings_.sampling, [&](rollout::Completion&& c) {
    replies[asked[c.request]].push_back(tokenizer_.decode(c.ids, true));
  });
  return replies;
}

std::vector<Preference> GenerativeJudge::prefer(std::span<const Answers> pairs, const rollout::DrawKey& key) {
  std::vector<Answers> questions;
  for (const Answers& pair : pairs) {
    questions.push_back(pair);
    questions.push_back({pair.prompt, pair.b, pair.a});
  }
  const auto replies = ask(questions, key);
  const auto votes_for = [&](const std::vector<std::string>& texts, int wanted) {
    double votes = 0, valid = 0;
    for (const std::string& text : texts) {
      const auto choice = named_choice(text, settings_.first, settings_.second);
      valid += choice.has_value();
      votes += choice == wanted;
    }
    return valid > 0 ? votes / valid : nothing;
  };
  std::vector<Preference> out;
  for (size_t i = 0; i < pairs.size(); ++i) {
    out.push_back({votes_for(replies[2 * i], 0), votes_for(replies[2 * i + 1], 1)});
  }
  return out;
}

std::vector<double> GenerativeJudge::grade(std::span<const Answers> answers, const rollout::DrawKey& key) {
  std::vector<double> out;
  for (const auto& texts : ask({answers.begin(), answers.end()}, key)) {
    double sum = 0, valid = 0;
    for (const std::string& text : texts) {
      const auto grade = named_grade(text, settings_.best_grade);
      valid += grade.has_value();
      sum += grade.value_or(0);
    }
    out.push_back(valid > 0 ? sum / valid / settings_.best_grade : nothing);
  }
  return out;
}

}  // namespace posttrain::pipeline
