// Which program this is and on what it runs, as a run remembers it.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace posttrain {

extern const char* const version;

// {"cpu", "cpus", "memory_gb", "compiler"}
Json machine_facts();

// The models of the GPUs that NVIDIA's driver lists. None is used yet.
std::vector<std::string> gpu_names(const std::string& driver_folder = "/proc/driver/nvidia/gpus");

}  // namespace posttrain
