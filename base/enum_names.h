// Enums that settings are written with: values 0, 1, ... and the name of each, in one table beside the enum.
//
//   enum class Clip : uint8_t { none, ppo };
//   constexpr auto enum_names(Clip) { return std::to_array({"none", "ppo"}); }  // in the order of the values
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace posttrain {

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E e) {
  enum_names(e)[0];
};

template <NamedEnum E>
inline constexpr auto names_of = enum_names(E{});

template <NamedEnum E>
constexpr const char* to_string(E value) {
  return names_of<E>.at(static_cast<size_t>(value));
}

// The value of that name, if it is one.
template <NamedEnum E>
constexpr std::optional<E> from_name(std::string_view name) {
  for (size_t i = 0; i < names_of<E>.size(); ++i) {
    if (name == names_of<E>[i]) return static_cast<E>(i);
  }
  return std::nullopt;
}

}  // namespace posttrain
