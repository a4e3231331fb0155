#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "base/format.h"
#include "base/json_strict.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/nearest.h"
#include "base/node.h"
#include "cli/error_lines.h"

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

int usage_error(const CLI::App& app, const CLI::ParseError& e, bool json) {
  std::string message = e.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&e) != nullptr) {
    const auto extra = innermost(app)->remaining();
    const auto all = app.remaining(true);
    if (!extra.empty() || !all.empty()) message = unexpected(app, extra.empty() ? all.front() : extra.front());
  }
  if (json) {
    std::fputs(error_line(message).c_str(), stdout);
    return bad_input;
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

namespace {

// As Reading of a recipe says it; the text is what stood on the command line.
void check_range(const std::string& name, double value, const std::string& text, bool whole, Range range) {
  if (value >= range.min && value <= range.max) return;
  std::string expected = whole ? "a whole number" : "a number";
  if (std::isfinite(range.min)) expected += " at least " + number_text(range.min);
  if (std::isfinite(range.max))
    expected += (std::isfinite(range.min) ? " and" : "") + std::string(" at most ") + number_text(range.max);
  throw Error("", name, expected, text);
}

template <class T>
void add_number(CLI::App& app, const char* name, T& value, const char* doc, Range range) {
  const auto read = [name = std::string(name), &value, range](const std::string& text) {
    T got{};
    const bool whole = std::is_same_v<T, int64_t>;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), got);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(static_cast<double>(got)))
      throw Error("", name, whole ? "a whole number" : "a number", "\"" + text + "\"");
    check_range(name, static_cast<double>(got), text, whole, range);
    value = got;
  };
  app.add_option_function<std::string>(name, read, doc)->default_str(number_text(static_cast<double>(value)));
}

std::string option_name(const std::string& field) {
  std::string name = "--" + field;
  std::ranges::replace(name, '_', '-');
  return name;
}

// What stands on the command line as the value that a recipe would hold: a number is one, all else is text.
Json value_of(const FieldInfo& field, const std::string& text) {
  if (field.type.find("number") == std::string::npos) return text;
  const std::optional<Json> value = try_parse_json(text);
  return value && value->is_number() ? *value : Json(text);
}

void read_field(Slot described, const FieldInfo& field, const Json& value) {
  std::vector<Problem> problems;
  read_params(to_node(Json{{field.name, value}}, "command line"), described, "", problems);
  for (const Problem& problem : problems) {
    if (problem.path.starts_with(field.name)) throw Error(option_name(field.name), problem.message);
  }
}

}  // namespace

void Arguments::option(const char* name, int64_t& value, const char* doc, Range range) {
  add_number(app_, name, value, doc, range);
}

void Arguments::option(const char* name, double& value, const char* doc, Range range) {
  add_number(app_, name, value, doc, range);
}

void Arguments::settings(Slot described, const std::vector<std::string>& leave,
                         const std::vector<std::pair<std::string, std::string>>& defaults) {
  const Json now = print_params(described);
  for (const FieldInfo& field : describe_params(described)) {
    if (field.section || field.path != field.name || std::ranges::find(leave, field.name) != leave.end()) continue;
    const std::string name = option_name(field.name);
    CLI::Option* option = nullptr;
    if (now[field.name].is_boolean()) {
      const auto on = [described, field](int64_t) { read_field(described, field, true); };
      option = app_.add_flag_function(name, on, field.doc);
    } else if (now[field.name].is_array()) {
      const auto read = [described, field](const std::vector<std::string>& texts) {
        read_field(described, field, texts);
      };
      option = app_.add_option_function<std::vector<std::string>>(name, read, field.doc)->allow_extra_args(false);
    } else {
      const auto read = [described, field](const std::string& text) {
        read_field(described, field, value_of(field, text));
      };
      std::string doc = field.doc;
      if (!field.range.empty()) doc += " (" + field.range + ")";
      option = app_.add_option_function<std::string>(name, read, doc);
      const Json& value = now[field.name];
      option->default_str(value.is_string() ? value.get<std::string>() : to_line(value));
    }
    for (const auto& [of, words] : defaults) {
      if (of == field.name) option->default_str(words);
    }
  }
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
  const bool json = wants_json(argc, argv);
  const auto tell = [json](const std::exception& e) {
    json ? std::fputs(error_lines(e).c_str(), stdout) : std::fprintf(stderr, "%s\n", e.what());
  };
  try {
    app.parse(argc, argv);
    set_log_level(flags.verbose ? LogLevel::debug : flags.quiet ? LogLevel::warning : LogLevel::info);
    return action();
  } catch (const CLI::Success& e) {  // --help and --version
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    return usage_error(app, e, json);
  } catch (const Failure& e) {
    tell(e);
    return failure;
  } catch (const Error& e) {
    tell(e);
    return bad_input;
  } catch (const std::bad_alloc&) {
    tell(std::runtime_error("out of memory"));
    return failure;
  } catch (const std::exception& e) {
    tell(std::runtime_error(std::string("internal failure: ") + e.what()));
    return failure;
  }
}

}  // namespace posttrain::cli
