#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/nearest.h"

namespace posttrain::cli {
namespace {

constexpr int bad_input = 2, failure = 1;

struct Flags {
  bool quiet = false, verbose = false;
};

Action build(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version", std::string("posttrain ") + version, "Print the version and leave");
  app.add_flag("-q,--quiet", flags.quiet, "Only warnings and errors");
  app.add_flag("-v,--verbose", flags.verbose, "Also what is of use when something is wrong");
  app.footer(
      "posttrain COMMAND --help or posttrain help COMMAND tells more; posttrain help KEY explains a recipe key.");
  return Arguments(app).subcommands(commands());
}

// The innermost command that was named.
const CLI::App* innermost(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return at;
}

std::string unexpected(const CLI::App& app, const std::string& word) {
  const CLI::App* at = innermost(app);
  std::vector<std::string> known;
  if (word.starts_with("-")) {
    for (const CLI::Option* option : at->get_options()) {
      for (const auto& name : option->get_lnames()) known.push_back("--" + name);
    }
    return "unknown option " + word + suggestion(word.substr(0, word.find('=')), known);
  }
  const auto subcommands = at->get_subcommands([](const CLI::App*) { return true; });
  if (subcommands.empty()) return "unexpected argument \"" + word + "\"";
  for (const CLI::App* command : subcommands) known.push_back(command->get_name());
  return "unknown command \"" + word + "\"" + suggestion(word, known);
}

int usage_error(const CLI::App& app, const CLI::ParseError& e) {
  std::string message = e.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&e) != nullptr) {
    const auto extra = innermost(app)->remaining();
    const auto all = app.remaining(true);
    if (!extra.empty() || !all.empty()) message = unexpected(app, extra.empty() ? all.front() : extra.front());
  }
  std::fprintf(stderr, "%s\n", message.c_str());
  std::string command;
  for (const CLI::App* at = innermost(app); at != nullptr && at->get_parent() != nullptr; at = at->get_parent()) {
    command = " " + at->get_name() + command;
  }
  std::fprintf(stderr, "See posttrain%s --help\n", command.c_str());
  return bad_input;
}

}  // namespace

void Arguments::positional(const char* name, std::string& value, const char* doc) {
  app_.add_option(name, value, doc)->required();
}

void Arguments::optional_positional(const char* name, std::string& value, const char* doc) {
  app_.add_option(name, value, doc);
}

void Arguments::positionals(const char* name, std::vector<std::string>& values, const char* doc) {
  app_.add_option(name, values, doc)->required();
}

void Arguments::optional_positionals(const char* name, std::vector<std::string>& values, const char* doc) {
  app_.add_option(name, values, doc);
}

void Arguments::option(const char* name, std::string& value, const char* doc) {
  auto* option = app_.add_option(name, value, doc);
  if (!value.empty()) option->default_str(value);
}

void Arguments::option(const char* name, int64_t& value, const char* doc) {
  app_.add_option(name, value, doc)->capture_default_str();
}

void Arguments::option(const char* name, double& value, const char* doc) {
  app_.add_option(name, value, doc)->capture_default_str();
}

void Arguments::option(const char* name, std::vector<std::string>& values, const char* doc) {
  app_.add_option(name, values, doc)->allow_extra_args(false);
}

void Arguments::option_list(const char* name, std::vector<std::string>& values, const char* doc) {
  app_.add_option(name, values, doc);
}

void Arguments::flag(const char* name, bool& value, const char* doc) {
  app_.add_flag(name, value, doc);
}

void Arguments::example(const std::string& text) {
  examples_ += "\n  " + text;
  app_.footer("Example:" + examples_);
}

Action Arguments::subcommands(std::span<const Command> table) {
  std::vector<std::pair<const CLI::App*, Action>> actions;
  for (const Command& command : table) {
    CLI::App* sub = app_.add_subcommand(command.name, command.summary);
    sub->group(command.group);
    Arguments arguments(*sub);
    actions.emplace_back(sub, command.setup(arguments));
  }
  const CLI::App* app = &app_;
  app_.require_subcommand(0, 1);
  return [app, actions = std::move(actions)] {
    for (const auto& [sub, action] : actions) {
      if (sub->parsed()) return action();
    }
    std::fputs(app->help().c_str(), stdout);
    return 0;
  };
}

std::string overview() {
  CLI::App app("Language models through the R1 pipeline on one machine.", "posttrain");
  Flags flags;
  build(app, flags);
  return app.help();
}

std::string command_help(const std::string& name) {
  CLI::App app("", "posttrain");
  Flags flags;
  build(app, flags);
  const auto found = app.get_subcommands([&name](const CLI::App* command) { return command->get_name() == name; });
  return found.empty() ? "" : found.front()->help("posttrain");
}

int run_command_line(int argc, const char* const* argv) {
  CLI::App app("Language models through the R1 pipeline on one machine.", "posttrain");
  Flags flags;
  const Action action = build(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // --help and --version
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    return usage_error(app, e);
  }
  set_log_level(flags.verbose ? LogLevel::debug : flags.quiet ? LogLevel::warning : LogLevel::info);
  try {
    return action();
  } catch (const Failure& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return failure;
  } catch (const Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return bad_input;
  } catch (const std::bad_alloc&) {
    std::fputs("out of memory\n", stderr);
    return failure;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "internal failure: %s\n", e.what());
    return failure;
  }
}

}  // namespace posttrain::cli
