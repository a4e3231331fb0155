#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/nearest.h"
#include "cli/arguments.h"
#include "pipeline/recipe/recipe_doc.h"

namespace posttrain::cli {
namespace {

// A word may be a command, a key of recipes, or both ("eval").
int explain(const std::string& topic) {
  if (topic.empty()) {
    std::fputs(overview().c_str(), stdout);
    return 0;
  }
  const std::string command = command_help(topic), key = pipeline::explain_key(topic);
  if (command.empty() && key.empty()) {
    std::vector<std::string> known = pipeline::known_keys();
    for (const Command& entry : commands()) known.emplace_back(entry.name);
    throw Error("help", "no command or recipe key is called \"" + topic + "\"" + suggestion(topic, known));
  }
  std::fputs(command.c_str(), stdout);
  if (!command.empty() && !key.empty()) std::fputs("\nIn recipes:\n", stdout);
  std::fputs(key.c_str(), stdout);
  return 0;
}

}  // namespace

Action help_command(Arguments& args) {
  struct HelpGiven {
    std::string topic;
    bool markdown = false;
  };
  auto given = std::make_shared<HelpGiven>();
  args.optional_positional("topic", given->topic, "A command, or a key or section of recipes");
  args.flag("--markdown", given->markdown, "The whole recipe reference, as docs/recipes.md holds it");
  args.example("posttrain help run");
  args.example("posttrain help model.arch.hidden");
  return [given] {
    if (given->markdown && !given->topic.empty())
      throw Error("help", "--markdown", "no topic: it is the whole", given->topic);
    if (!given->markdown) return explain(given->topic);
    std::fputs(pipeline::recipe_markdown().c_str(), stdout);
    return 0;
  };
}

}  // namespace posttrain::cli
