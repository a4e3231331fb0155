// The template language, each rule by a small template; expected texts are those of Jinja2 with transformers' settings.
#include "text/chat.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "base/json.h"
#include "tests/error_of.h"

namespace posttrain {
namespace {

std::string render(const std::string& source, const Json& variables = Json::object()) {
  return ChatTemplate(source, "t").render(Json::array(), Json(), variables).text;
}

std::string template_error(const std::string& source, const Json& variables = Json::object()) {
  return error_of([&] { render(source, variables); });
}

TEST(Template, BlocksTrimTheirLineAndSignsTrimMore) {
  EXPECT_EQ(render("a\n  {% if true %}\n  b\n  {% endif %}\nc\n"), "a\n  b\nc");
  EXPECT_EQ(render("a  {%- if true %} b {% endif -%}  \n c"), "a b c");
  EXPECT_EQ(render("a\n  {%+ if true %}b{% endif +%}\nc"), "a\n  b\nc");
  EXPECT_EQ(render("{{ 1 }}\n{{- 2 }}"), "12");
  EXPECT_EQ(render("a{# note #}\nb"), "ab");
  EXPECT_EQ(render("{% raw %}{{ x }}{% endraw %}"), "{{ x }}");
}

TEST(Template, ExpressionsFollowPython) {
  EXPECT_EQ(render("{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }}"), "3 -4 2 3.5 1024");
  EXPECT_EQ(render("{{ 'a' ~ 1 ~ none ~ true }}"), "a1NoneTrue");
  EXPECT_EQ(render("{{ 1 < 2 < 3 }} {{ 'b' in 'abc' }} {{ 2 not in [1] }}"), "True True True");
  EXPECT_EQ(render("{{ '' or 'x' }}{{ 'a' and 'b' }}{{ 'y' if false }}{{ 'z' if false else 'n' }}"), "xbn");
  EXPECT_EQ(render("{{ 'h\\u00e9llo'[1:3] }} {{ [1,2,3][::-1] }} {{ 'abc'[-1] }}"), "\u00e9l [3, 2, 1] c");
  EXPECT_EQ(render("{{ {'a': [1, 'it\\'s']} }}"), "{'a': [1, \"it's\"]}");
  EXPECT_EQ(render("{{ 1e16 }} {{ 0.1 }} {{ 2.0 }}"), "1e+16 0.1 2.0");
}

TEST(Template, LoopsKnowTheirPlaceAndKeepTheirNames) {
  EXPECT_EQ(render("{% for x in 'abc' %}{{ loop.index }}{{ x }}{{ '' if loop.last else ',' }}{% endfor %}"),
            "1a,2b,3c");
  EXPECT_EQ(render("{% for k, v in {'a': 1}.items() %}{{ k }}={{ v }}{% endfor %}"), "a=1");
  EXPECT_EQ(render("{% for x in [] %}{% else %}none{% endfor %}"), "none");
  EXPECT_EQ(render("{% for x in [1,2,3,4] if x is even %}{{ x }}{{ loop.length }}{% endfor %}"), "2242");
  EXPECT_EQ(render("{% for x in [1,2,3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}"), "13");
  EXPECT_EQ(render("{% for x in [1,2,3] %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}"), "1");
  EXPECT_EQ(render("{% set x = 0 %}{% for i in [1] %}{% set x = 1 %}{% endfor %}{{ x }}"), "0");
  EXPECT_EQ(render("{% set ns = namespace(x=0) %}{% for i in [1] %}{% set ns.x = 1 %}{% endfor %}{{ ns.x }}"), "1");
  EXPECT_EQ(render("{% for n in t recursive %}[{{ n.v }}{{ loop(n.c) }}]{% endfor %}",
                   {{"t", Json::parse(R"([{"v":1,"c":[{"v":2,"c":[]}]}])")}}),
            "[1[2]]");
}

TEST(Template, MacrosCallsAndCaptures) {
  EXPECT_EQ(render("{% macro m(a, b='x') %}<{{ a }}{{ b }}>{% endmacro %}{{ m(1) }}{{ m(2, b='y') }}"), "<1x><2y>");
  EXPECT_EQ(render("{% macro m() %}({{ caller() }}){% endmacro %}{% call m() %}in{% endcall %}"), "(in)");
  EXPECT_EQ(render("{% set t %} a {% endset %}[{{ t | trim }}]"), "[a]");
  EXPECT_EQ(render("{% filter upper %}ab{% endfilter %}"), "AB");
  EXPECT_EQ(render("{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}"), "3False");
}

TEST(Template, FiltersAndTests) {
  EXPECT_EQ(render("{{ x | tojson }}", {{"x", Json::parse(R"({"b":"<\u00e9>","a":[1,null,true,1.5]})")}}),
            "{\"b\": \"<\u00e9>\", \"a\": [1, null, true, 1.5]}");
  EXPECT_EQ(render("{{ {'a': [1]} | tojson(indent=2) }}"), "{\n  \"a\": [\n    1\n  ]\n}");
  EXPECT_EQ(render("{{ [3,1,2] | sort | join('-') }} {{ ['a','B'] | map('upper') | list }}"), "1-2-3 ['A', 'B']");
  EXPECT_EQ(render("{{ ms | selectattr('r', 'equalto', 'u') | map(attribute='c') | join }}",
                   {{"ms", Json::parse(R"([{"r":"u","c":"x"},{"r":"a","c":"y"}])")}}),
            "x");
  EXPECT_EQ(render("{{ missing | default('d') }} {{ '' | default('d', true) }} {{ 'a\nb' | indent(2) }}"),
            "d d a\n  b");
  EXPECT_EQ(render("{{ 'x' is string }} {{ {} is mapping }} {{ none is none }} {{ y is defined }}"),
            "True True True False");
  EXPECT_EQ(render("{{ '  a b '.strip().split(' ') }} {{ 'a,b'.split(',')[-1] }} {{ 'abc'.replace('b', '') }}"),
            "['a', 'b'] b ac");
}

TEST(Template, GenerationBlocksGiveTheBytesToLearn) {
  const ChatTemplate chat(
      "{% for m in messages %}<{{ m.role }}>{% generation %}{{ m.content }}.{% endgeneration %}{% endfor %}", "t");
  const RenderedChat out = chat.render(Json::parse(R"([{"role":"a","content":"hi"}])"), Json(), Json());
  EXPECT_EQ(out.text, "<a>hi.");
  ASSERT_EQ(out.generated.size(), 1u);
  EXPECT_EQ(out.text.substr(out.generated[0].first, out.generated[0].second - out.generated[0].first), "hi.");
}

TEST(Template, ErrorsNameLineAndColumn) {
  EXPECT_EQ(template_error("a\n{{ x.y }}").substr(0, 7), "t:2:5: ");
  EXPECT_NE(template_error("a\n{{ x.y }}").find("'x', undefined"), std::string::npos);
  EXPECT_EQ(template_error("{% if %}"), "t:1:7: expected an expression, got '%}'");
  EXPECT_EQ(template_error("{{ 'a").substr(0, 6), "t:1:4:");
  EXPECT_NE(template_error("{% for x in y %}").find("endfor"), std::string::npos);
  EXPECT_NE(template_error("{{ raise_exception('roles must alternate') }}").find("roles must alternate"),
            std::string::npos);
  EXPECT_NE(template_error("{{ [].append(1) }}").find("may not change"), std::string::npos);
  EXPECT_NE(template_error("{% include 'x' %}").find("unknown statement 'include'"), std::string::npos);
  EXPECT_NE(template_error("{{ 1 + 'a' }}").find("can't apply '+'"), std::string::npos);
  EXPECT_NE(template_error("{{ x | nonsense }}").find("unknown filter"), std::string::npos);
}

TEST(Template, EndlessAndHugeTemplatesStopWithAnError) {
  EXPECT_NE(template_error("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}").find("nested too deeply"),
            std::string::npos);
  EXPECT_NE(template_error("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")
                .find("too many steps"),
            std::string::npos);
  EXPECT_NE(
      template_error("{% set ns = namespace(x='a') %}{% for a in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}")
          .find("t:1:"),
      std::string::npos);
  EXPECT_NE(template_error("{{ 'a' * 99999999999 }}").find("t:1:"), std::string::npos);
  EXPECT_NE(
      template_error("{% set ns = namespace(x=[]) %}{% for a in range(999) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}")
          .find("too large"),
      std::string::npos);
  EXPECT_EQ(render("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns.me.me is defined }}"), "True");
  EXPECT_NE(template_error(std::string(5000, '{') + "{{").find("t:1:"), std::string::npos);
  EXPECT_NE(template_error("{{ " + std::string(5000, '(') + "1" + std::string(5000, ')') + " }}").find("nested"),
            std::string::npos);
  EXPECT_NE(template_error("{{ 1" + std::string(5000, '+') + "1 }}").find("nested"), std::string::npos);
}

}  // namespace
}  // namespace posttrain
