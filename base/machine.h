// Which program this is and on what it runs, as a run remembers it.
#pragma once

#include "base/json.h"

namespace posttrain {

extern const char* const version;

// {"cpu", "cpus", "memory_gb", "compiler"}
Json machine_facts();

}  // namespace posttrain
