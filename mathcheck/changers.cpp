#include "mathcheck/changers.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "base/letters.h"

namespace posttrain::mathcheck {

namespace {

using Words = std::initializer_list<std::string_view>;

// English, then German, French and Spanish, whose words stand beside numbers too.
constexpr auto kDenials = std::to_array<std::string_view>(
    {"not",       "no",    "non",       "never",     "nor",     "neither", "none",    "nothing",    "cannot",
     "without",   "isn",   "aren",      "wasn",      "weren",   "ain",     "doesn",   "don",        "didn",
     "couldn",    "can't", "won",       "wouldn",    "shouldn", "hardly",  "except",  "unlike",     "wrong",
     "incorrect", "false", "excluding", "different", "but",     "besides", "unequal", "impossible", "undefined",
     "unknown",   "nicht", "kein",      "keine",     "weder",   "falsch",  "pas",     "ni",         "jamais",
     "faux",      "sauf",  "nunca",     "tampoco",   "falso",   "salvo"});
constexpr auto kHedges = std::to_array<std::string_view>(
    {"or",    "either",        "maybe",     "perhaps", "possibly", "probably", "might",   "may",
     "could", "alternatively", "otherwise", "unsure",  "guess",    "likely",   "instead", "actually",
     "oder",  "vielleicht",    "ou",        "peut",    "quizas",   "quizás",   "o"});
constexpr auto kComparisons = std::to_array<std::string_view>(
    {"least",  "most",    "less",    "fewer",   "more",   "greater",   "larger", "smaller", "bigger", "than",
     "above",  "below",   "under",   "over",    "beyond", "exceeding", "within", "between", "upto",   "up",
     "almost", "nearly",  "minimum", "maximum", "shy",    "short",     "unless", "other",   "any",    "another",
     "mehr",   "weniger", "plus",    "moins",   "mas",    "más",       "menos"});
constexpr auto kSigns =
    std::to_array<std::string_view>({"negative", "minus", "opposite", "inverse", "reciprocal", "additive", "negated",
                                     "negativ", "négatif", "negativo", "complement", "conjugate"});
constexpr auto kScales = std::to_array<std::string_view>(
    {"half",        "halves",    "halved",     "third",       "thirds",     "fourth",    "fourths",    "quarter",
     "fifth",       "fifths",    "sixth",      "sixths",      "seventh",    "sevenths",  "eighth",     "eighths",
     "ninth",       "ninths",    "tenth",      "tenths",      "twentieth",  "hundredth", "hundredths", "thousandth",
     "thousandths", "millionth", "millionths", "billionth",   "billionths", "hundred",   "hundreds",   "thousand",
     "thousands",   "million",   "millions",   "billion",     "billions",   "trillion",  "trillions",  "quadrillion",
     "lakh",        "lakhs",     "crore",      "crores",      "myriad",     "dozen",     "dozens",     "score",
     "gross",       "grand",     "k",          "mn",          "bn",         "mio",       "mrd",        "percent",
     "percentage",  "permille",  "mille",      "ppm",         "ppb",        "bps",       "double",     "doubled",
     "twice",       "triple",    "tripled",    "thrice",      "quadruple",  "fold",      "times",      "divided",
     "multiplied",  "squared",   "square",     "cubed",       "cube",       "power",     "powers",     "exponent",
     "root",        "roots",     "factorial",  "choose",      "permute",    "mod",       "modulo",     "base",
     "log",         "logarithm", "ln",         "sine",        "cosine",     "tangent",   "remainder",  "point",
     "decimal",     "binary",    "octal",      "hexadecimal", "out",        "into",      "by",         "pi",
     "tens",        "ones",      "sum",        "product",     "difference", "ratio",     "hundert",    "tausend",
     "millionen",   "milliarde", "milliarden", "halb",        "halbe",      "hälfte",    "viertel",    "drittel",
     "doppelt",     "cent",      "mil",        "demi",        "demie",      "moitié",    "double",     "millones",
     "medio",       "media",     "mitad",      "doble",       "wurzel",     "racine",    "raíz",       "carré",
     "cuadrado"});

// Characters that say nothing about the value, and measure words; longer ones first.
constexpr auto kPlainChinese = std::to_array<std::string_view>(
    {"平方厘米", "平方分米", "平方千米", "立方厘米", "立方分米", "平方米", "立方米", "最终答案", "答案", "大约", "等于",
     "一共",     "总共",     "共有",     "需要",     "因此",     "所以",   "结果",   "面积",     "周长", "体积", "长度",
     "高度",     "宽度",     "厘米",     "分米",     "毫米",     "千米",   "公里",   "千克",     "公斤", "毫升", "小时",
     "分钟",     "个月",     "星期",     "摄氏度",   "数量",     "总数",   "人数",   "学生",     "苹果", "正",   "个",
     "只",       "人",       "元",       "角",       "米",       "克",     "吨",     "升",       "时",   "秒",   "天",
     "日",       "周",       "月",       "年",       "岁",       "本",     "张",     "条",       "块",   "支",   "名",
     "位",       "次",       "种",       "组",       "度",       "棵",     "件",     "辆",       "颗",   "朵",   "页",
     "台",       "箱",       "袋",       "瓶",       "盒",       "份",     "套",     "道",       "题",   "枚",   "头",
     "匹",       "间",       "座",       "层",       "株",       "粒",     "步",     "句",       "辆",   "艘",   "为",
     "是",       "约",       "共",       "有",       "即",       "故",     "得",     "：",       "，",   "。",   "了",
     "的",       "数",       "分",       "圆",       "円",       "歳",     "人"});

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (is_letter(c) || static_cast<unsigned char>(c) >= 0x80)
      out.back() += lower_case(c);
    else if (!out.back().empty())
      out.emplace_back();
  }
  if (out.back().empty()) out.pop_back();
  return out;
}

bool holds(const std::vector<std::string>& words, std::span<const std::string_view> list) {
  return std::ranges::any_of(words, [&](const std::string& w) { return std::ranges::find(list, w) != list.end(); });
}

bool holds_text(std::string_view text, Words parts) {
  return std::ranges::any_of(parts, [&](std::string_view p) { return text.find(p) != std::string_view::npos; });
}

bool odd_chinese(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    if (!wide_at(text, at)) {
      ++at;
      continue;
    }
    const auto* known =
        std::ranges::find_if(kPlainChinese, [&](std::string_view w) { return text.substr(at).starts_with(w); });
    if (known == kPlainChinese.end()) return true;
    at += known->size();
  }
  return false;
}

}  // namespace

bool wide_at(std::string_view text, size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  return c >= 0xE3 && c <= 0xED;
}

bool denies(std::string_view words) {
  return holds(words_of(words), kDenials) || holds_text(words, {"不", "非", "没", "除了", "否", "ない", "아니"});
}

bool hedges(std::string_view words) {
  return holds(words_of(words), kHedges) || holds_text(words, {"或", "也许", "可能", "还是", "また", "또는"});
}

bool changes_value(std::string_view words) {
  const std::vector<std::string> list = words_of(words);
  return denies(words) || hedges(words) || holds(list, kComparisons) || holds(list, kSigns) || holds(list, kScales) ||
         odd_chinese(words);
}

}  // namespace posttrain::mathcheck
