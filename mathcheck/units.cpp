#include "mathcheck/units.h"

#include <algorithm>
#include <vector>

#include "base/letters.h"

namespace posttrain::mathcheck {

namespace {

using D = Dimension;

struct Entry {
  const char* names;  // parted by spaces; longer words in lower case and in the singular
  D dimension;
  int power;
  long numerator, denominator;  // of the base unit
  const char* scale = "";       // a scale of its own: agrees with itself only
};

// Base units: metre, gram, second, month, degree, cent, kelvin, coulomb, mole, byte.
constexpr Entry table[] = {
    {"m meter metre", D::length, 1, 1, 1},
    {"nm nanometer nanometre", D::length, 1, 1, 1'000'000'000},
    {"um micrometer micrometre micron", D::length, 1, 1, 1'000'000},
    {"mm millimeter millimetre", D::length, 1, 1, 1000},
    {"cm centimeter centimetre", D::length, 1, 1, 100},
    {"dm decimeter decimetre", D::length, 1, 1, 10},
    {"km kilometer kilometre", D::length, 1, 1000, 1},
    {"in inch inches", D::length, 1, 254, 10'000},
    {"ft foot feet", D::length, 1, 3048, 10'000},
    {"yd yard", D::length, 1, 9144, 10'000},
    {"mi mile", D::length, 1, 1'609'344, 1000},
    {"ha hectare", D::length, 2, 10'000, 1},
    {"acre", D::length, 2, 40'468'564'224, 10'000'000},
    {"L l liter litre", D::length, 3, 1, 1000},
    {"mL ml milliliter millilitre cc", D::length, 3, 1, 1'000'000},
    {"cL cl centiliter centilitre", D::length, 3, 1, 100'000},
    {"dL dl deciliter decilitre", D::length, 3, 1, 10'000},
    {"gal gallon", D::length, 3, 3'785'411'784, 1'000'000'000'000},
    {"qt quart", D::length, 3, 946'352'946, 1'000'000'000'000},
    {"pt pint", D::length, 3, 473'176'473, 1'000'000'000'000},
    {"g gram gramme", D::mass, 1, 1, 1},
    {"mg milligram", D::mass, 1, 1, 1000},
    {"kg kilogram kilo", D::mass, 1, 1000, 1},
    {"t tonne", D::mass, 1, 1'000'000, 1},
    {"lb lbs pound", D::mass, 1, 45'359'237, 100'000},
    {"oz ounce", D::mass, 1, 45'359'237, 1'600'000},
    {"ton", D::mass, 1, 45'359'237, 50},
    {"s sec second", D::time, 1, 1, 1},
    {"ms millisecond", D::time, 1, 1, 1000},
    {"min mins minute", D::time, 1, 60, 1},
    {"h hr hrs hour", D::time, 1, 3600, 1},
    {"day", D::time, 1, 86'400, 1},
    {"wk week", D::time, 1, 604'800, 1},
    {"month", D::calendar, 1, 1, 1},
    {"yr yrs year", D::calendar, 1, 12, 1},
    {"decade", D::calendar, 1, 120, 1},
    {"century centuries", D::calendar, 1, 1200, 1},
    {"Hz hertz", D::time, -1, 1, 1},
    {"kHz kilohertz", D::time, -1, 1000, 1},
    {"MHz megahertz", D::time, -1, 1'000'000, 1},
    {"deg degree °", D::angle, 1, 1, 1},
    {"arcminute", D::angle, 1, 1, 60},
    {"arcsecond", D::angle, 1, 1, 3600},
    {"revolution rev", D::angle, 1, 360, 1},
    {"rad rads radian", D::angle, 1, 1, 1, "radian"},
    {"$ dollar buck usd USD", D::money, 1, 100, 1},
    {"¢ cent penny pennies", D::money, 1, 1, 1},
    {"nickel", D::money, 1, 5, 1},
    {"dime", D::money, 1, 10, 1},
    {"€ euro eur EUR", D::money, 1, 100, 1, "euro"},
    {"£ gbp GBP", D::money, 1, 100, 1, "pound"},
    {"¥ yen jpy JPY yuan rmb RMB CNY", D::money, 1, 100, 1, "yen"},
    {"₹ rupee rs Rs INR", D::money, 1, 100, 1, "rupee"},
    {"K kelvin", D::temperature, 1, 1, 1, "kelvin"},
    {"C °C celsius centigrade", D::temperature, 1, 1, 1, "celsius"},
    {"F °F fahrenheit", D::temperature, 1, 1, 1, "fahrenheit"},
    {"mol mole", D::amount, 1, 1, 1},
    {"coulomb", D::charge, 1, 1, 1},
    {"bit", D::information, 1, 1, 8},
    {"byte B", D::information, 1, 1, 1},
    {"kB KB kilobyte", D::information, 1, 1000, 1},
    {"MB megabyte", D::information, 1, 1'000'000, 1},
    {"GB gigabyte", D::information, 1, 1'000'000'000, 1},
};

// Units made of others.
struct Compound {
  const char* names;
  const char* meaning;
  long factor;
};
constexpr Compound compounds[] = {
    {"mph", "mi/h", 1},
    {"kph kmh kmph", "km/h", 1},
    {"mps", "m/s", 1},
    {"fps", "ft/s", 1},
    {"rpm", "revolution/min", 1},
    {"N newton", "kg m/s^2", 1},
    {"kN kilonewton", "kg m/s^2", 1000},
    {"J joule", "kg m^2/s^2", 1},
    {"kJ kilojoule", "kg m^2/s^2", 1000},
    {"W watt", "kg m^2/s^3", 1},
    {"kW kilowatt", "kg m^2/s^3", 1000},
    {"Pa pascal", "kg/m/s^2", 1},
    {"kPa kilopascal", "kg/m/s^2", 1000},
    {"amp ampere", "coulomb/s", 1},
    {"V volt", "kg m^2/s^2/coulomb", 1},
    {"ohm Omega Ω", "kg m^2/s/coulomb^2", 1},
};

bool named_in(std::string_view names, std::string_view word) {
  for (size_t at = 0; at <= names.size();) {
    const size_t end = std::min(names.find(' ', at), names.size());
    if (names.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

// The word as it stands, else in lower case, else without a plural s.
template <class Table>
auto find_entry(const Table& entries, std::string_view word) -> decltype(&entries[0]) {
  std::string small = lower_case(word);
  const bool long_word = word.size() > 2;
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (attempt > 0 && !long_word) break;
    if (attempt == 2) {
      if (!small.ends_with('s') || small.size() < 4) break;
      small.pop_back();
    }
    for (const auto& entry : entries) {
      if (named_in(entry.names, attempt == 0 ? word : std::string_view(small))) return &entry;
    }
  }
  return nullptr;
}

void multiply(Unit& unit, const Unit& by, int times) {
  for (int i = 0; i < std::abs(times); ++i) unit.factor = times > 0 ? unit.factor * by.factor : unit.factor / by.factor;
  for (size_t d = 0; d < unit.powers.size(); ++d) {
    unit.powers[d] = static_cast<int8_t>(std::clamp(unit.powers[d] + times * by.powers[d], -100, 100));
  }
  if (!by.noun.empty()) unit.noun = by.noun;
}

std::optional<Unit> named(std::string_view word, int depth) {
  if (const Entry* entry = find_entry(table, word)) {
    Unit unit;
    unit.powers[static_cast<size_t>(entry->dimension)] = static_cast<int8_t>(entry->power);
    unit.factor = Rational(entry->numerator, static_cast<unsigned long>(entry->denominator));
    unit.noun = entry->scale;
    return unit;
  }
  if (depth > 0) return std::nullopt;
  if (const Compound* compound = find_entry(compounds, word)) {
    auto unit = parse_unit(compound->meaning);
    if (unit) unit->factor = unit->factor * Rational(compound->factor);
    return unit;
  }
  return std::nullopt;
}

bool unit_letter(char c) {
  return is_letter(c) || static_cast<unsigned char>(c) >= 0x80 || c == '$';
}

}  // namespace

std::optional<Unit> parse_unit(std::string_view words) {
  if (words.size() > 80) return std::nullopt;
  // "degrees Celsius" and "degree C" are the unit of temperature.
  for (const std::string_view degree : {"degrees ", "degree "}) {
    const std::string_view scale = words.substr(std::min(degree.size(), words.size()));
    if (!words.starts_with(degree)) continue;
    const std::string small = lower_case(scale);
    if (small == "c" || small == "f" || small == "celsius" || small == "fahrenheit" || small == "kelvin") words = scale;
  }
  Unit unit;
  int sign = 1, next_power = 1, found = 0;
  std::optional<Unit> last;  // waits for its exponent
  int last_sign = 1;
  const auto flush = [&](int power) {
    if (last) multiply(unit, *last, last_sign * power);
    last.reset();
  };
  for (size_t at = 0; at < words.size();) {
    const char c = words[at];
    if (unit_letter(c)) {
      size_t end = at;
      while (end < words.size() && unit_letter(words[end])) ++end;
      const std::string_view word = words.substr(at, end - at);
      const std::string small = lower_case(word);
      at = end;
      if (small == "per") {
        flush(1);
        sign = -1;
      } else if (small == "square" || small == "sq") {
        next_power = 2;
      } else if (small == "cubic" || small == "cu") {
        next_power = 3;
      } else if (small == "squared" || small == "cubed") {
        if (!last) return std::nullopt;
        flush(small == "squared" ? 2 : 3);
      } else if (small == "a" || small == "an") {  // miles an hour
        if (found == 0 && !last) return std::nullopt;
        flush(1);
        sign = -1;
      } else if (small == "each" || small == "of" || small == "the") {
        if (found == 0) return std::nullopt;
      } else {
        flush(1);
        last = named(word, 0);
        if (!last) return std::nullopt;
        ++found;
        last_sign = sign * next_power;
        next_power = 1;
      }
    } else if (c == '^' || is_digit(c)) {
      int power = 0, negative = 1;
      for (; at < words.size() && (words[at] == '^' || words[at] == '{' || words[at] == '-' || words[at] == ' ');
           ++at) {
        if (words[at] == '-') negative = -1;
      }
      if (at == words.size() || !is_digit(words[at])) return std::nullopt;
      power = negative * (words[at] - '0');
      ++at;
      if (at < words.size() && is_digit(words[at])) return std::nullopt;
      if (!last) return std::nullopt;
      flush(power);
    } else if (c == '/') {
      flush(1);
      sign = -1;
      ++at;
    } else if (c == ' ' || c == '.' || c == '*' || c == '}' || c == '{' || c == '-' || c == '(' || c == ')') {
      ++at;
    } else {
      return std::nullopt;
    }
  }
  flush(1);
  if (found == 0) return std::nullopt;
  return unit;
}

Unit noun_unit(std::string_view words) {
  Unit unit;
  unit.noun = "=";
  std::string word;
  for (size_t i = 0; i <= words.size(); ++i) {
    const char c = i < words.size() ? words[i] : ' ';
    if (unit_letter(c)) {
      word += lower_case(c);
      continue;
    }
    if (word.size() > 3 && word.ends_with("s")) word.pop_back();
    if (word.size() > 1 && word != "the" && word != "of" && word != "an") unit.noun += word + "=";
    word.clear();
  }
  return unit;
}

Unit noon_unit(bool afternoon) {
  Unit unit;
  unit.powers[static_cast<size_t>(D::noon)] = 1;
  unit.factor = Rational(afternoon ? 1 : 0);
  return unit;
}

bool is_noon(const Unit& unit) {
  return unit.powers[static_cast<size_t>(D::noon)] == 1;
}

bool same_noun(const Unit& a, const Unit& b) {
  if (a.noun == b.noun) return true;
  if (!a.noun.starts_with('=') || !b.noun.starts_with('=')) return false;
  for (size_t at = 0; at + 1 < a.noun.size();) {
    const size_t end = a.noun.find('=', at + 1);
    if (b.noun.find(a.noun.substr(at, end - at + 1)) != std::string::npos) return true;
    at = end;
  }
  return false;
}

}  // namespace posttrain::mathcheck
