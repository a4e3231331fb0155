// posttrain sandbox probe: which layers of the wall this machine gives to the present user.
#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/error.h"
#include "base/json.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "sandbox/sandbox.h"
#include "sandbox/tool_walls.h"

namespace posttrain::cli {
namespace {

struct SandboxGiven {
  std::string python = "/usr/bin/python3";
  bool json = false;
};

int probe(const SandboxGiven& given) {
  sandbox::Options options;
  options.boxes = 1;
  options.python = given.python;
  options.mode = sandbox::Mode::warn;
  Json answer = {{"user", geteuid() == 0 ? "root" : "ordinary"}, {"complete", false}};
  uint32_t layers = 0;
  try {
    const sandbox::Sandbox boxes(options);
    layers = boxes.layers();
    answer["landlock_abi"] = boxes.landlock_abi();
  } catch (const Error& error) {
    answer["error"] = error.what();
  }
  const std::string missing = sandbox::missing_layers(layers, !given.python.empty());
  answer["complete"] = missing.empty();
  Json& list = answer["layers"] = Json::object();
  for (const auto& [name, there] : sandbox::describe_layers(layers)) list[name] = there;
  // Round a Lean toolchain's processes; a recipe without one does not need them.
  const std::string no_tool_wall = sandbox::ToolWalls::missing();
  answer["tool_walls"] = no_tool_wall.empty() ? "whole" : "missing: " + no_tool_wall;
  if (given.json) {
    std::printf("%s\n", to_line(answer).c_str());
  } else {
    for (const auto& [name, there] : sandbox::describe_layers(layers))
      std::printf("%-4s %s\n", there ? "yes" : "NO", name);
    if (answer.contains("error")) std::printf("%s\n", answer["error"].get<std::string>().c_str());
    std::printf("%s\n", missing.empty() ? "The wall is whole: \"require\" mode starts."
                                        : "The wall has gaps: \"require\" mode refuses to start.");
    std::printf("Walls round a Lean toolchain: %s\n", answer["tool_walls"].get<std::string>().c_str());
  }
  return missing.empty() ? 0 : 1;
}

Action probe_command(Arguments& args) {
  auto given = std::make_shared<SandboxGiven>();
  args.flag("--json", given->json, "One JSON object");
  args.option("--python", given->python, "The Python interpreter of the boxes; empty for none");
  return [given] { return probe(*given); };
}

constexpr auto kSandboxCommands = std::to_array<Command>({
    {"probe", "Sandbox", "Build one box and list its layers; exit status 1 when one is missing", &probe_command},
});

}  // namespace

Action sandbox_command(Arguments& args) {
  args.example("posttrain sandbox probe");
  return args.subcommands(kSandboxCommands);
}

}  // namespace posttrain::cli
