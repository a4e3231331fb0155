#include "mathcheck/checker.h"

#include "base/rng.h"
#include "mathcheck/choice.h"
#include "mathcheck/compare.h"
#include "mathcheck/evaluate.h"
#include "mathcheck/lexer.h"
#include "mathcheck/normalize.h"
#include "mathcheck/parser.h"
#include "mathcheck/words.h"

namespace posttrain::mathcheck {

namespace {

bool has_bare_log(const Tree& tree) {
  for (int node = 0; node < tree.size(); ++node) {
    if (tree.kind(node) == Kind::function && tree.at(node).op == static_cast<uint8_t>(Function::log)) return true;
  }
  return false;
}

// 1/0, 0/0, NaN: equal to nothing, not even to itself.
bool is_undefined(const Tree& tree, int root, Budget& budget) {
  const int node = tree.bare(root);
  if (tree.kind(node) == Kind::text) return tree.name(node) == "nan";
  return tree.is_scalar(node) && exact_value(tree, node, {}, budget).state == State::undefined;
}

// The date that a phrase is or ends with.
std::optional<Date> last_date(const std::string& words) {
  for (size_t at = 0; at < words.size(); at = words.find(' ', at), at = std::min(at, words.size() - 1) + 1) {
    if (const auto date = parse_date(std::string_view(words).substr(at))) return date;
  }
  return std::nullopt;
}

// Answers in words: dates, choices and texts, before any formula is read.
std::optional<bool> compare_words(const std::string& gold, const std::string& pred, bool gold_is_text,
                                  const char*& method) {
  bool gold_whole = false, pred_whole = false;
  const auto gold_letter = choice_letter(gold, gold_whole), pred_letter = choice_letter(pred, pred_whole);
  if (gold_letter && pred_letter && (gold_whole || pred_whole || *gold_letter != *pred_letter)) {
    method = "choice";
    // Two formulas that begin with a letter are no choices.
    if (gold_whole || pred_whole) return *gold_letter == *pred_letter;
  }
  if (const auto x = parse_date(plain_words(gold, true))) {
    const auto y = last_date(plain_words(pred, true));
    method = "date";
    return y && same_date(*x, *y);
  }
  if (!gold_is_text) return std::nullopt;
  method = "text";
  const std::string a = plain_words(gold), b = plain_words(pred);
  return !a.empty() && a == b ? std::optional(true) : std::nullopt;
}

// "Yes, because it converges": yes, no, true or false at the start of the phrase, and not its opposite in it.
bool starts_with_verdict(const std::string& gold, const std::string& phrase) {
  const std::string a = plain_words(gold), b = plain_words(phrase);
  const char* opposite = a == "yes"     ? "no"
                         : a == "no"    ? "yes"
                         : a == "true"  ? "false"
                         : a == "false" ? "true"
                                        : nullptr;
  if (opposite == nullptr || !b.starts_with(a) || b.size() == a.size()) return false;
  const char next = b[a.size()];
  const std::string rest = b.substr(a.size()) + " ";
  return (next == ',' || next == '.' || next == ';' || next == '!' || rest.starts_with(" because")) &&
         rest.find(std::string(" ") + opposite) == std::string::npos;
}

// "So the day is Thursday": the gold text where the phrase ends with it behind a copula.
bool ends_with_text(const std::string& gold, const std::string& phrase) {
  const std::string a = plain_words(gold), b = plain_words(phrase);
  if (a.empty() || !b.ends_with(a) || b.size() == a.size()) return false;
  std::string before = b.substr(0, b.size() - a.size());
  for (const std::string_view article : {" a ", " an ", " the "}) {
    if (before.ends_with(article)) before.resize(before.size() - article.size() + 1);
  }
  return before.ends_with(" be ") || before.ends_with(" is ") || before.ends_with(" are ") || before.ends_with(": ") ||
         before.ends_with(" on ");
}

Verdict verdict_of(Same same) {
  return same == Same::yes ? Verdict::right : same == Same::no ? Verdict::wrong : Verdict::undecided;
}

CheckResult decide(std::string_view gold_text, std::string_view reply, const CheckOptions& options) {
  CheckResult out;
  std::string gold_source(gold_text);
  if (gold_text.find("\\boxed") != std::string_view::npos || gold_text.find("####") != std::string_view::npos) {
    const Answer inner = extract_answer(gold_text, Policy::marked, Think::off);
    if (inner.found) gold_source = inner.text;
  }
  const Answer answer = extract_answer(reply, options.policy, options.think);
  if (!answer.found) {
    out.method = "no answer found";
    return out;
  }
  if (gold_source.size() > max_answer_bytes || answer.raw.size() > 4 * max_answer_bytes ||
      answer.text.size() > max_answer_bytes) {
    out.method = "too long";
    out.verdict = Verdict::undecided;
    return out;
  }
  const std::string gold = normalize(gold_source), pred = normalize(answer.text);
  Budget budget(options.steps);
  Tree tree;
  Case c{tree, budget, "", false, hash_name(gold) ^ hash_name(pred)};
  try {
    const auto gold_root = parse(gold, tree, budget);
    if (gold_root)
      out.gold_parsed = tree.print(*gold_root);
    else
      out.gold_parsed = gold;
    const bool defined = !gold_root || !is_undefined(tree, *gold_root, budget);
    const std::string squeezed = squeeze(gold);
    if (defined && !squeezed.empty() && squeezed == squeeze(pred)) {
      out.verdict = Verdict::right;
      out.pred_parsed = out.gold_parsed;
      out.method = "same text";
      return out;
    }
    const std::string raw = answer.raw.size() < 2000 ? normalize(answer.raw) : pred;
    const bool gold_is_text = gold_root && tree.kind(tree.bare(*gold_root)) == Kind::text;
    const char* method = "";
    for (const std::string* phrase : {&pred, &raw}) {
      const auto words = compare_words(gold, *phrase, gold_is_text, method);
      if (!words) continue;
      out.verdict = *words && defined ? Verdict::right : Verdict::wrong;
      out.pred_parsed = *phrase;
      out.method = method;
      if (*words || phrase == &raw) return out;
    }
    bool gold_whole = false, pred_whole = false;
    if (const auto letter = choice_letter(gold, gold_whole);
        letter && gold_whole && answer.place != std::string_view("box") && !choice_letter(raw, pred_whole)) {
      if (const auto stated = stated_choice(reply)) {
        out.verdict = *stated == *letter ? Verdict::right : Verdict::wrong;
        out.pred_parsed = std::string(1, *stated);
        out.method = "choice";
        return out;
      }
    }
    if (gold_is_text && (ends_with_text(gold, raw) || starts_with_verdict(gold, raw))) {
      out.verdict = Verdict::right;
      out.pred_parsed = raw;
      out.method = "text";
      return out;
    }
    const auto pred_root = pred.empty() ? std::nullopt : parse(pred, tree, budget);
    if (!pred_root) {
      out.verdict = Verdict::wrong;
      out.pred_parsed = pred;
      out.method = "not an answer";
      return out;
    }
    out.pred_parsed = tree.print(*pred_root);
    if (!gold_root) {
      out.verdict = Verdict::undecided;
      out.method = "gold answer not understood";
      return out;
    }
    Same same = defined ? compare_answers(c, *gold_root, *pred_root) : Same::no;
    if (same != Same::yes && has_bare_log(tree)) {
      const char* first = c.method;
      c.log_is_ten = true;
      const Same again = compare_answers(c, *gold_root, *pred_root);
      if (again == Same::yes)
        same = again;
      else
        c.method = first;
    }
    out.verdict = verdict_of(same);
    out.method = defined ? c.method : "undefined";
    if (same == Same::yes && !fits_form(c, *gold_root, *pred_root, options.form)) {
      out.verdict = Verdict::wrong;
      out.method = "equal, but not worked out";
    }
  } catch (const OverBudget&) {
    out.verdict = Verdict::undecided;
    out.method = "over budget";
  }
  return out;
}

}  // namespace

CheckResult check(std::string_view gold, std::string_view reply, const CheckOptions& options) {
  try {
    return decide(gold, reply, options);
  } catch (const std::exception& error) {  // out of memory
    return {Verdict::failed, {}, {}, error.what()};
  }
}

}  // namespace posttrain::mathcheck
