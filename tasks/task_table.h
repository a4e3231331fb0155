// The visible table of tasks: where problems come from. A new one is a settings struct, a class and a line here.
#pragma once

#include <memory>
#include <span>

#include "base/params.h"
#include "tasks/file_task.h"
#include "text/char_tokenizer.h"
#include "text/task.h"

namespace posttrain::tasks {

std::span<const ParamsCase> task_cases();

// The task that the settings describe; throws Error for a file that can't be read or holds nothing usable.
std::unique_ptr<text::Task> make_task(const Tagged& settings, HoldOut hold_out = HoldOut::nothing);

// The vocabulary that a generated task brings along; nothing for tasks that come with a model's tokenizer.
std::optional<CharVocabulary> task_vocabulary(const Tagged& settings);

}  // namespace posttrain::tasks
