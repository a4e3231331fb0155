// Numbers that the host and the launcher share.
#pragma once

namespace posttrain::sandbox {

// Host users that boxes have when the host process is root: kFirstBoxUser + index of the box.
constexpr unsigned kBoxUsers = 256;
constexpr unsigned kFirstBoxUser = 1'610'600'000;

}  // namespace posttrain::sandbox
