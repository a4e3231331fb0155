// A tiny teacher, a smaller student and answers for both.
#pragma once

#include <memory>
#include <vector>

#include "base/rng.h"
#include "distill/distill.h"

namespace posttrain::distill {

struct TeacherAndStudent {
  std::unique_ptr<nn::Backend> backend = nn::make_cpu_backend();
  model::Transformer teacher{*backend, model::llama_arch(40, 24, 2, 2, 2, 32, true), DType::f32, nn::Use::inference};
  model::Transformer student{*backend, model::llama_arch(40, 16, 1, 2, 2, 24, false), DType::f32, nn::Use::training};
  std::vector<Example> examples;

  TeacherAndStudent() {
    teacher.init_random(1, {1.0, 2.0, 0.5});
    student.init_random(2, {1.0, 1.0, 0.5});
    Rng rng({7});
    for (int i = 0; i < 9; ++i) {
      Example example;
      for (int64_t n = rng.integer(1, 4); n > 0; --n)
        example.prompt.push_back(static_cast<int32_t>(rng.integer(0, 39)));
      for (int64_t n = rng.integer(1, 8); n > 0; --n)
        example.completion.ids.push_back(static_cast<int32_t>(rng.integer(0, 39)));
      examples.push_back(example);
    }
  }
};

}  // namespace posttrain::distill
