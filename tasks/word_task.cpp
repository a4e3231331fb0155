#include "tasks/word_task.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"

namespace posttrain::tasks {
namespace {

struct Person {
  const char* name;
  const char* pronoun;
};

constexpr auto people = std::to_array<Person>({{"Mia", "she"},
                                               {"Tom", "he"},
                                               {"Ann", "she"},
                                               {"Ben", "he"},
                                               {"Lily", "she"},
                                               {"Sam", "he"},
                                               {"Zoe", "she"},
                                               {"Max", "he"},
                                               {"Emma", "she"},
                                               {"Leo", "he"},
                                               {"Nina", "she"},
                                               {"Paul", "he"}});
constexpr auto things = std::to_array<const char*>({"apples", "marbles", "books", "stickers", "pencils", "cookies",
                                                    "coins", "cards", "shells", "balloons", "stamps", "flowers"});
constexpr auto holders =
    std::to_array<const char*>({"boxes", "bags", "baskets", "shelves", "packs", "jars", "drawers", "rows"});

// {0} the person, {1} the pronoun, {2} the things, {3} the number, {4} another person, {5} the holders.
constexpr auto more = std::to_array<const char*>({"{4} gives {0} {3} more.", "Then {1} buys {3} more.",
                                                  "Then {1} finds {3} more.", "Later {1} gets {3} more from {4}."});
constexpr auto less = std::to_array<const char*>(
    {"Then {1} gives {3} to {4}.", "Then {1} loses {3}.", "Later {1} sells {3}.", "{4} takes {3} of them."});
constexpr auto times = std::to_array<const char*>(
    {"Then {1} gets enough to have {3} times as many.", "{4} has {3} times as many {2} as {0}."});
constexpr auto shared = std::to_array<const char*>(
    {"{0} shares the {2} equally among {3} friends.", "{0} puts the {2} into {3} {5}, the same number in each."});
constexpr auto have = std::to_array<const char*>(
    {"{0} has {3} {2}.", "{0} starts with {3} {2}.", "{0} brings {3} {2}.", "{0} collects {3} {2}."});

struct Story {
  std::string text, work;
  int64_t answer = 0;
};

class Teller {
 public:
  Teller(const WordSettings& settings, Rng rng) : largest_(settings.largest), rng_(rng) {
    person_ = pick(people);
    do {
      other_ = pick(people);
    } while (other_.name == person_.name);
    thing_ = pick(things);
    holder_ = pick(holders);
  }

  Story tell(int64_t steps) {
    begin(steps);
    while (done_ < steps) step(done_ + 1 == steps);
    say(question_, 0);
    story_.work += "\nAnswer: " + std::to_string(value_);
    story_.answer = value_;
    return story_;
  }

 private:
  template <size_t N, class T>
  T pick(const std::array<T, N>& list) {
    return list[static_cast<size_t>(rng_.integer(0, static_cast<int64_t>(N) - 1))];
  }

  void say(const std::string& phrase, int64_t number) {
    if (!story_.text.empty()) story_.text += ' ';
    for (size_t i = 0; i < phrase.size(); ++i) {
      if (phrase[i] != '{') {
        story_.text += phrase[i];
        continue;
      }
      const std::array<std::string, 6> words = {person_.name,           person_.pronoun, thing_,
                                                std::to_string(number), other_.name,     holder_};
      story_.text += words[static_cast<size_t>(phrase[i + 1] - '0')];
      i += 2;
    }
  }

  void work(char op, int64_t by, int64_t result) {
    if (done_++ > 0) story_.work += ' ';
    story_.work += std::to_string(value_) + ' ' + op + ' ' + std::to_string(by) + " = " + std::to_string(result) + '.';
    value_ = result;
  }

  // A first sentence; one of three stories begins with a product.
  void begin(int64_t steps) {
    question_ = "How many {2} does {0} have now?";
    if (rng_.integer(0, 2) == 0) {
      value_ = rng_.integer(2, 9);
      const int64_t each = rng_.integer(2, steps == 1 ? 12 : 9);
      say("{0} has {3} {5} with " + std::to_string(each) + " {2} in each.", value_);
      question_ = "How many {2} does {0} have?";
      return work('*', each, value_ * each);
    }
    value_ = rng_.integer(5, largest_);
    say(pick(have), value_);
  }

  void step(bool last) {
    const int64_t kind = rng_.integer(0, last ? 3 : 2);
    if (kind == 0 || value_ < 4) {
      const int64_t by = rng_.integer(2, largest_ * 3 / 4);
      say(pick(more), by);
      return work('+', by, value_ + by);
    }
    if (kind == 1 || (kind == 2 && value_ > 30)) {
      return take_away();
    }
    if (kind == 2) {
      const int64_t by = rng_.integer(2, 4);
      const auto* phrase = last ? pick(times) : times[0];
      say(phrase, by);
      question_ = phrase == times[1] ? "How many {2} does {4} have?" : "How many {2} does {0} have now?";
      return work('*', by, value_ * by);
    }
    share();
  }

  // Divides when that comes out even, else takes some away first in the same sentence's place.
  void share() {
    std::vector<int64_t> divisors;
    for (int64_t d = 2; d <= 9; ++d) {
      if (value_ % d == 0 && value_ > d) divisors.push_back(d);
    }
    if (divisors.empty()) return take_away();
    const int64_t by = divisors[static_cast<size_t>(rng_.integer(0, std::ssize(divisors) - 1))];
    const auto* phrase = pick(shared);
    say(phrase, by);
    question_ = phrase == shared[0] ? "How many {2} does each friend get?" : "How many {2} are in each?";
    work('/', by, value_ / by);
  }

  // Less than what is there.
  void take_away() {
    const int64_t by = rng_.integer(2, std::min(value_ - 1, largest_));
    say(pick(less), by);
    question_ = "How many {2} does {0} have left?";
    work('-', by, value_ - by);
  }

  int64_t largest_;
  Rng rng_;
  Person person_{}, other_{};
  const char *thing_ = "", *holder_ = "";
  std::string question_;
  Story story_;
  int64_t value_ = 0, done_ = 0;
};

// The first story of the split among those that the key gives.
Story draw(const WordSettings& settings, text::Split split, uint64_t seed, uint64_t kind, uint64_t index) {
  for (uint64_t attempt = 0;; ++attempt) {
    Rng rng({seed, kind, index, attempt});
    const int64_t steps = rng.integer(settings.min_steps, settings.max_steps);
    Story story = Teller(settings, rng).tell(steps);
    if (WordTask::split(story.text) == split) return story;
  }
}

Json asked(const Story& story) {
  return Json::array({{{"role", "user"}, {"content", story.text}}});
}

}  // namespace

void WordSettings::visit(Visitor& v) {
  v("min_steps", min_steps, {.doc = "Fewest calculations in a problem", .min = 1, .max = 4});
  v("max_steps", max_steps, {.doc = "Most calculations in a problem", .min = 1, .max = 4});
  v("largest", largest, {.doc = "Largest number that a story begins with or takes away", .min = 10, .max = 1000});
}

void WordSettings::check(const Complain& complain) const {
  if (min_steps > max_steps) complain("max_steps", "expected at least min_steps");
}

text::Problem WordTask::problem(text::Split split, uint64_t seed, uint64_t index) const {
  const uint64_t kind = hash_name(std::string("words/") + text::split_name(split));
  const Story story = draw(settings_, split, seed, kind, index);
  return {.id = story.text,
          .prompt = story.text,
          .answer = std::to_string(story.answer),
          .extra = {},
          .messages = asked(story),
          .tools = {}};
}

text::Document WordTask::document(text::Source source, uint64_t seed, uint64_t index) const {
  if (source != text::Source::traces) throw Error("task", "source", "traces", "another");
  const Story story = draw(settings_, text::Split::train, seed, hash_name("words/traces"), index);
  text::Document document;
  document.messages = asked(story);
  document.messages.push_back({{"role", "assistant"}, {"content", story.work}});
  return document;
}

}  // namespace posttrain::tasks
