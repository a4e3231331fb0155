#include "rewards/plugin.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace posttrain::rewards {
namespace {

Json request_of(const Sample& sample) {
  Json out = {{"prompt", sample.prompt},
              {"completion", sample.completion},
              {"answer", sample.answer},
              {"completion_tokens", sample.completion_tokens},
              {"max_completion_tokens", sample.max_completion_tokens},
              {"truncated", sample.truncated}};
  if (sample.extra != nullptr) out["extra"] = *sample.extra;
  if (sample.correctness != nullptr) out["correctness"] = to_string(*sample.correctness);
  return out;
}

void add_occasion(Json& request, const Sample& sample) {
  request["stage"] = sample.stage;
  request["step"] = sample.step;
  request["split"] = sample.split;
}

[[noreturn]] void bad_reply(const std::string& what, const std::string& text) {
  throw Failure("", what + ": " + text.substr(0, 300));
}

// A text field that may be left out or null.
std::string reply_text(const Json& reply, const char* field) {
  const auto found = reply.find(field);
  if (found == reply.end() || found->is_null()) return {};
  if (!found->is_string()) bad_reply("expected " + std::string(field) + " to be a text in its reply", to_line(reply));
  return found->get<std::string>();
}

// The word on one sample: an object, or the number or null alone.
Score read_score(const Json& reply) {
  if (!reply.is_object()) return read_score(Json{{"reward", reply}});
  const auto reward = reply.find("reward");
  const std::string error = reward == reply.end() ? reply_text(reply, "error") : "";
  if (!error.empty()) return {0, Verdict::failed, error};  // the judge's own word that it could not judge
  if (reward == reply.end()) bad_reply("expected \"reward\" in its reply", to_line(reply));
  Score score{0, Verdict::absent, reply_text(reply, "detail"), reply_text(reply, "answer")};
  if (reward->is_null()) {
    if (score.detail.empty()) score.detail = "it gave no reward to this sample";
    return score;
  }
  if (!reward->is_number()) bad_reply("expected \"reward\" to be a number or null in its reply", to_line(reply));
  score.value = reward->get<double>();
  std::string verdict = reply_text(reply, "verdict");
  if (verdict.empty()) verdict = score.value > 0 ? "right" : "wrong";
  for (const Verdict v : {Verdict::right, Verdict::wrong, Verdict::undecided, Verdict::failed}) {
    if (verdict != to_string(v)) continue;
    score.verdict = v;
    return score;
  }
  bad_reply("expected \"verdict\" to be right, wrong, undecided or failed in its reply", to_line(reply));
}

std::vector<Score> read_reply(const std::string& text, int64_t id, bool batch, size_t samples) {
  Json reply;
  try {
    reply = parse_json_line(text, "plugin's reply");
  } catch (const Error&) {
    bad_reply("it wrote a line that is not JSON (replies go to stdout, all else to stderr)", "\"" + text + "\"");
  }
  if (!batch) {
    if (!reply.is_object() || reply.value("id", Json()) != Json(id))
      bad_reply("expected an object with \"id\": " + std::to_string(id) + " as its reply", text);
    return {read_score(reply)};
  }
  if (!reply.is_array() || reply.size() != samples)
    bad_reply("expected a list of " + std::to_string(samples) + " rewards as its reply to a batch", text);
  std::vector<Score> scores;
  for (const Json& one : reply) scores.push_back(read_score(one));
  return scores;
}

}  // namespace

void PluginReward::Settings::visit(Visitor& v) {
  v("command", command,
    {.doc = "The program and its arguments; relative ones are looked for in `folder`", .required = true});
  v("folder", folder, {.doc = "Where it runs; \"\" = the folder of the recipe that names it", .path = true});
  v("batch", batch, {.doc = "Give it all answers to a prompt at once; a list of as many rewards answers"});
  v("deadline_s", deadline_s,
    {.doc = "Most processor time for one request; a busy machine does not use it up", .min = 0.01, .unit = "s"});
  v("wall_s", wall_s, {.doc = "Longest time by the clock for one; 0 = ten times deadline_s", .min = 0, .unit = "s"});
  v("start_s", start_s, {.doc = "Longest time for a start, beside that of the first request", .min = 0, .unit = "s"});
}

PluginReward::PluginReward(const Settings& settings) : settings_(settings) {
  if (settings.command.empty() || settings.command.front().empty())
    throw Error("plugin", "command", "a program", "nothing");
  if (settings_.wall_s == 0) settings_.wall_s = 10 * settings_.deadline_s;
  log_ = memfd_create("plugin-stderr", MFD_CLOEXEC);
  if (log_ < 0) throw Failure("plugin", std::string("no file for its stderr: ") + std::strerror(errno));
  fcntl(log_, F_SETFL, O_APPEND);
}

PluginReward::~PluginReward() {
  idle_.clear();
  close(log_);
}

void PluginReward::log_to(const std::filesystem::path& file) {
  std::error_code ignored;  // open() tells
  std::filesystem::create_directories(file.parent_path(), ignored);
  const int opened = open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (opened < 0) throw Failure(file.string(), std::string("can't open it: ") + std::strerror(errno));
  idle_.clear();
  close(log_);
  log_ = opened;
}

std::unique_ptr<PluginChild> PluginReward::take_child() const {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto child = std::move(idle_.back());
      idle_.pop_back();
      return child;
    }
  }
  return std::make_unique<PluginChild>(starter_, settings_.command, settings_.folder, log_);
}

std::vector<Score> PluginReward::ask(Json& request, size_t samples) const {
  auto child = take_child();
  constexpr int64_t id = 1;  // a child has one request at a time
  request["id"] = id;
  const std::string reply = child->exchange(to_line(request), {settings_.deadline_s, settings_.wall_s},
                                            {settings_.start_s, settings_.start_s});
  try {
    auto scores = read_reply(reply, id, settings_.batch, samples);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(child));
    return scores;
  } catch (const Failure& failure) {
    throw Failure("", child->told(failure.what()));
  }
}

std::vector<Score> PluginReward::judged(std::span<const Sample> samples) const {
  Json request = Json::object();
  if (settings_.batch) {
    for (const Sample& sample : samples) request["batch"].push_back(request_of(sample));
  } else {
    request = request_of(samples.front());
  }
  add_occasion(request, samples.front());
  try {
    return ask(request, samples.size());
  } catch (const ChildEnded&) {  // one that ended since its last answer deserves a second chance
    return ask(request, samples.size());
  }
}

std::vector<Score> PluginReward::score_group(std::span<const Sample> samples) const {
  if (!settings_.batch && samples.size() != 1) return Reward::score_group(samples);
  try {
    return judged(samples);
  } catch (const std::exception& error) {
    return {samples.size(), Score{0, Verdict::failed, error.what()}};
  }
}

Score PluginReward::score(const Sample& sample) const {
  return score_group({&sample, 1}).front();
}

void PluginReward::probe(const Sample& sample) const {
  try {
    judged({&sample, 1});
  } catch (const std::exception& error) {
    throw Failure("", "command", "a program that judges a sample", error.what());
  }
}

}  // namespace posttrain::rewards
