// One sandbox for all tests of a program; where this machine can't build one, tests are skipped and say why.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/error.h"
#include "sandbox/compiler.h"
#include "sandbox/sandbox.h"
#include "sandbox/verdict.h"

namespace posttrain::sandbox {

struct SharedBoxes {
  std::unique_ptr<Sandbox> sandbox;
  std::unique_ptr<Compiler> compiler;
  std::string why_not;
  SharedBoxes() {
    Options options;
    options.boxes = 2;
    try {
      sandbox = std::make_unique<Sandbox>(options);
      compiler = std::make_unique<Compiler>(*sandbox);
    } catch (const Error& error) {
      why_not = error.what();
    }
  }
};

inline SharedBoxes& shared_boxes() {
  static SharedBoxes boxes;
  return boxes;
}

#define NEEDS_SANDBOX() \
  if (!shared_boxes().sandbox) GTEST_SKIP() << shared_boxes().why_not

inline Limits quick_limits() {
  Limits limits;
  limits.cpu_s = 1;
  limits.wall_s = 120;  // the machine may be busy
  limits.memory_mib = 128;
  return limits;
}

inline Outcome run_python(const std::string& source, const std::string& input = "", Limits limits = quick_limits(),
                          Sandbox* in = nullptr) {
  const Fd file = memory_file(source.data(), source.size());
  Job job;
  job.kind = Kind::python;
  job.program = file.get();
  job.input = input;
  job.limits = limits;
  return (in != nullptr ? *in : *shared_boxes().sandbox).run(job);
}

inline Compiled compile(const std::string& source, CompileLimits limits = {}) {
  limits.wall_s = 300;
  return shared_boxes().compiler->compile({{"main.cpp", source}}, limits);
}

inline Outcome run_native(const Compiled& compiled, const std::string& input = "", Limits limits = quick_limits()) {
  Job job;
  job.program = compiled.program->get();
  job.argv = {"program"};
  job.input = input;
  job.limits = limits;
  return shared_boxes().sandbox->run(job);
}

}  // namespace posttrain::sandbox
