// The one door to the command line library: the arguments of one command.
//
//   Action eval_command(Arguments& args) {
//     struct Given { std::string model; int64_t samples = 16; bool json = false; };
//     auto given = std::make_shared<Given>();
//     args.positional("model", given->model, "A model directory");
//     args.option("--samples", given->samples, "Completions a problem");
//     args.flag("--json", given->json, "One JSON object a line");
//     args.example("posttrain eval runs/r1/final --samples 4");
//     return [given] { return evaluate(*given); };
//   }
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/params.h"
#include "cli/command.h"

namespace CLI {
class App;
}

namespace posttrain::cli {

struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
};

class Arguments {
 public:
  explicit Arguments(CLI::App& app) : app_(app) {}

  void positional(const char* name, std::string& value, const char* doc);                 // required
  void optional_positional(const char* name, std::string& value, const char* doc);        // may be left out
  void positionals(const char* name, std::vector<std::string>& values, const char* doc);  // at least one

  void optional_positionals(const char* name, std::vector<std::string>& values, const char* doc);  // may be none

  // name is "--long" or "-s,--long". The value before parsing is the default that help shows.
  void option(const char* name, std::string& value, const char* doc);
  // A number outside of what `range` allows is refused with it.
  void option(const char* name, int64_t& value, const char* doc, Range range = {});
  void option(const char* name, double& value, const char* doc, Range range = {});
  void option(const char* name, std::vector<std::string>& values, const char* doc);  // given once or several times
  // Takes every word up to the next option.
  void option_list(const char* name, std::vector<std::string>& values, const char* doc);
  void flag(const char* name, bool& value, const char* doc);

  // Options from a struct's own description, max_new_tokens as --max-new-tokens: its words, its default, its range.
  // What a field refuses is bad input. Structs within it and what `leave` names get none; `defaults` are words for
  // defaults that follow from other things.
  void settings(Slot described, const std::vector<std::string>& leave = {},
                const std::vector<std::pair<std::string, std::string>>& defaults = {});

  // Shown below the help page.
  void example(const std::string& text);
  // Makes this a command of commands; the action runs the one that was named.
  Action subcommands(std::span<const Command> table);

 private:
  CLI::App& app_;
  std::string examples_;
};

}  // namespace posttrain::cli
