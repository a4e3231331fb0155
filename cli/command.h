// The commands of the program: one line each in the table of commands.cpp, one file each in this folder.
#pragma once

#include <functional>
#include <span>
#include <string>

namespace posttrain::cli {

class Arguments;

// What a command does once its arguments are read. Returns the exit status: 0 well, 1 failure, 2 bad input,
// 130 interrupted. An Error that it throws becomes 2, a Failure or anything else 1.
using Action = std::function<int()>;

struct Command {
  const char* name;
  const char* group;  // the heading under which `posttrain help` lists it
  const char* summary;
  // Declares the arguments; what they are read into must live as long as the action.
  Action (*setup)(Arguments&);
};

std::span<const Command> commands();

// The whole program: parses argv, runs the command, tells errors on stderr, returns the exit status.
int run_command_line(int argc, const char* const* argv);
// The overview, or the help page of one command, as text; empty when there is no such command.
std::string overview();
std::string command_help(const std::string& name);

}  // namespace posttrain::cli
