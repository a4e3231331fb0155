// posttrain chat: a conversation in the terminal, word by word; one question and answer when input is piped in.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "cli/arguments.h"
#include "cli/model_session.h"
#include "model/direct_decoder.h"
#include "text/stream_decoder.h"

namespace posttrain::cli {
namespace {

struct ChatGiven {
  std::string model, system, thinking;
  int64_t context = 4096;
  SamplingOptions options;
  bool stats = false;
};

ChatSettings chat_settings(const ChatGiven& given) {
  ChatSettings settings{.system = given.system};
  if (given.thinking == "on" || given.thinking == "off")
    settings.enable_thinking = given.thinking == "on";
  else if (!given.thinking.empty())
    throw Error("chat", "--thinking", "on or off", given.thinking);
  return settings;
}

class Conversation {
 public:
  Conversation(const ChatGiven& given, const Clock& start)
      : given_(given),
        start_(start),
        session_(given.model, chat_settings(given), given.options.stored(), given.options.adapter),
        context_(std::min<int64_t>(given.context, session_.model->arch().max_positions)),
        decoder_(*session_.model, 1, context_) {
    if (!session_.renderer.has_template())
      throw Error(given.model, "no chat template; use posttrain generate, which continues plain text");
  }

  // Prints the answer as it comes. A question that no longer fits the context is taken back with a word about it.
  void ask(const std::string& text) {
    if (turn_ > 0) start_ = Clock();
    messages_.push_back({{"role", "user"}, {"content", text}});
    std::vector<int32_t> prompt = session_.renderer.prompt(messages_, Json());
    if (std::ssize(prompt) >= context_) {
      messages_.erase(messages_.size() - 1);
      std::fprintf(stderr, "The context of %lld tokens is full; /reset begins anew.\n",
                   static_cast<long long>(context_));
      return;
    }
    SamplingOptions options = given_.options;
    options.fit(std::ssize(prompt), context_);
    messages_.push_back({{"role", "assistant"}, {"content", answer(prompt, options.sampling)}, {"untrusted", true}});
    ++turn_;
  }

  void reset() {
    messages_ = Json::array();
    std::fprintf(stderr, "A new conversation.\n");
  }

 private:
  // The part of the prompt that the cache does not hold yet; at least its last token.
  std::vector<int32_t> new_part(const std::vector<int32_t>& prompt) {
    const auto same = std::ranges::mismatch(prompt, cached_).in1 - prompt.begin();
    const auto keep = std::min<std::ptrdiff_t>(same, std::ssize(prompt) - 1);
    decoder_.cut(0, keep);
    cached_ = prompt;
    return {prompt.begin() + keep, prompt.end()};
  }

  std::string answer(const std::vector<int32_t>& prompt, const rollout::SamplingSettings& sampling) {
    const auto& stops = session_.tokenizer.stop_ids();
    const Rng rng({static_cast<uint64_t>(given_.options.seed), hash_name("chat"), turn_});
    StreamDecoder stream(session_.tokenizer);
    std::vector<int32_t> next = new_part(prompt);
    std::string said;
    int64_t tokens = 0;
    double first = 0;
    while (tokens < sampling.max_new_tokens && decoder_.length(0) + std::ssize(next) <= context_) {
      const double uniform = rng.uniform_at(static_cast<uint64_t>(tokens));
      const int32_t id = decoder_.append({next}, sampling.filter(), std::span(&uniform, 1)).ids[0];
      if (tokens++ == 0) first = start_.seconds();
      if (std::ranges::find(stops, id) != stops.end()) break;
      next = {id};
      cached_.push_back(id);
      const auto piece = stream.push(id);
      if (!piece) continue;
      said += *piece;
      std::fputs(piece->c_str(), stdout);
      std::fflush(stdout);
    }
    cached_.resize(static_cast<size_t>(decoder_.length(0)));  // the last token was sampled, not run
    std::printf("\n");
    std::fflush(stdout);
    if (given_.stats) {
      const double rest = start_.seconds() - first;
      std::fprintf(stderr, "first token after %.2f s, then %.1f tokens/s\n", first,
                   static_cast<double>(tokens - 1) / std::max(rest, 1e-9));
    }
    return said;
  }

  const ChatGiven& given_;
  Clock start_;
  ModelSession session_;
  int64_t context_;
  model::DirectDecoder decoder_;
  Json messages_ = Json::array();
  std::vector<int32_t> cached_;  // what the cache holds
  uint64_t turn_ = 0;
};

int chat(const ChatGiven& given) {
  const Clock start;
  set_compute_threads(static_cast<int>(given.options.threads));
  Conversation conversation(given, start);
  if (isatty(STDIN_FILENO) == 0) {
    std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    while (text.ends_with('\n')) text.pop_back();
    if (text.empty()) throw Error("chat", "standard input", "a question", "nothing");
    conversation.ask(text);
    return 0;
  }
  std::fprintf(stderr, "/reset begins a new conversation, /quit ends.\n");
  for (std::string line; std::printf("> "), std::fflush(stdout), std::getline(std::cin, line);) {
    if (line == "/quit" || line == "/exit") return 0;
    if (line == "/reset") {
      conversation.reset();
    } else if (!line.empty()) {
      conversation.ask(line);
    }
  }
  return 0;
}

}  // namespace

Action chat_command(Arguments& args) {
  auto given = std::make_shared<ChatGiven>();
  given->options.sampling.temperature = 0.6;
  given->options.sampling.top_p = 0.95;
  args.positional("model", given->model, "A model directory or a .gguf file, with a chat template");
  args.option("--system", given->system, "System message");
  args.option("--thinking", given->thinking, "on or off, for templates that ask for it");
  args.option("--context", given->context, "Most tokens of a conversation, within what the model was made for",
              {.min = 2, .max = 1 << 24});
  given->options.declare(args);
  args.flag("--stats", given->stats, "Say how long the first token took, and the speed");
  args.example("posttrain chat runs/r1-smollm2/final");
  args.example("echo 'What is the capital of France?' | posttrain chat model.gguf --temperature 0");
  return [given] { return chat(*given); };
}

}  // namespace posttrain::cli
