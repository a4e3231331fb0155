#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/nearest.h"
#include "cli/arguments.h"

namespace posttrain::cli {
namespace {

int explain(const std::string& topic) {
  if (topic.empty()) {
    std::fputs(overview().c_str(), stdout);
    return 0;
  }
  const std::string page = command_help(topic);
  if (!page.empty()) {
    std::fputs(page.c_str(), stdout);
    return 0;
  }
  std::vector<std::string> known;
  for (const Command& command : commands()) known.emplace_back(command.name);
  throw Error("help", "nothing is called \"" + topic + "\"" + suggestion(topic, known));
}

}  // namespace

Action help_command(Arguments& args) {
  auto topic = std::make_shared<std::string>();
  args.optional_positional("topic", *topic, "A command");
  args.example("posttrain help help");
  return [topic] { return explain(*topic); };
}

}  // namespace posttrain::cli
