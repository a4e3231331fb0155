// JSON Schema as its standard has it, one line a case; and that no schema or value makes it hang, crash or guess.
#include "rewards/schema.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "rewards/json_schema.h"
#include "rewards/lean_reply.h"
#include "rewards/plain_value.h"
#include "samples.h"
#include "tests/error_of.h"
#include "tests/small_stack.h"

namespace posttrain::rewards {
namespace {

struct SchemaCase {
  const char* schema;
  std::vector<const char*> match, differ;
};

const SchemaCase kSchemaCases[] = {
    {"true", {"1", "null"}, {}},
    {"false", {}, {"1", "null"}},
    {"{}", {"1", "{}"}, {}},
    {R"({"type": "integer"})",
     {"1", "1.0", "1e3", "-0", "123456789012345678901234567890"},
     {"1.5", "\"1\"", "true", "null"}},
    {R"({"type": "number"})", {"1", "1.5"}, {"\"1\"", "true"}},
    {R"({"type": ["string", "null"]})", {"\"\"", "null"}, {"1", "[]"}},
    // equality whatever the order of keys and the way a number is written
    {R"({"enum": [{"a": 1, "b": 2}]})", {R"({"b": 2, "a": 1})", R"({"a": 1.0, "b": 2})"}, {R"({"a": 1})", "[1, 2]"}},
    {R"({"const": {"a": [1, {"x": 0, "y": 1}]}})",
     {R"({"a": [1, {"y": 1, "x": 0.0}]})"},
     {R"({"a": [{"y": 1, "x": 0}, 1]})"}},
    {R"({"const": false})", {"false"}, {"0", "\"\"", "null", "[]"}},
    {R"({"const": 0})", {"0", "0.0", "-0.0"}, {"false", "\"0\""}},
    {R"({"enum": [[1, 2]]})", {"[1, 2.0]"}, {"[2, 1]", "\"[1,2]\""}},
    {R"({"const": "a\"b"})", {R"("a\"b")", R"("\u0061\"b")"}, {"\"ab\""}},
    {R"({"enum": [1, 2], "const": 2})", {"2"}, {"1", "3"}},
    {R"({"uniqueItems": true})",
     {"[1, 2]", R"([{"a": 1}, {"a": 2}])", "[1, true]", "[0, false]", R"(["1", 1])"},
     {"[1, 1.0]", R"([{"a": 1, "b": 2}, {"b": 2, "a": 1}])", "[[], []]"}},
    {R"({"uniqueItems": false})", {"[1, 1]"}, {}},
    // numbers as decimals
    {R"({"type": "number", "multipleOf": 0.1})", {"0.3", "1", "1.1", "-0.7", "0", "1e22"}, {"0.35", "0.01"}},
    {R"({"multipleOf": 0.01})", {"19.99", "4.35", "\"text\""}, {"19.995"}},
    {R"({"multipleOf": 0.0001})", {"0.0075"}, {"0.00751"}},
    {R"({"multipleOf": 1e-8})", {"12391239123"}, {}},
    {R"({"minimum": 0.3})", {"0.3", "0.30000000000000004"}, {"0.29999999999999993", "-1"}},
    {R"({"exclusiveMinimum": 3})", {"3.1"}, {"3", "3.0"}},
    {R"({"exclusiveMaximum": 9007199254740993})", {"9007199254740992"}, {"9007199254740993"}},
    {R"({"maximum": 18446744073709551615})", {"18446744073709551615"}, {"1e20"}},
    // texts count characters, patterns are searched for
    {R"({"minLength": 2, "maxLength": 2})", {"\"ab\"", "\"\\uD83D\\uDCA9\\uD83D\\uDCA9\"", "7"}, {"\"a\"", "\"abc\""}},
    {R"({"maxLength": 2.0})", {"\"ab\""}, {"\"abc\""}},
    {R"({"pattern": "^a*$"})", {"\"aaa\"", "\"\"", "true", "{}"}, {"\"abc\"", "\"a\\n\""}},
    {R"({"pattern": "a+"})", {"\"xxaayy\""}, {"\"xxyy\""}},
    {R"({"pattern": "^\\d+$"})", {"\"42\""}, {"\"\\u09EA\"", "\"4 2\""}},
    {R"({"pattern": "^\\w$"})", {"\"a\""}, {"\"\\u00e9\""}},
    {R"({"pattern": "^\\s[^\\s]$"})", {"\" a\"", "\"\\u00a0a\"", "\"\\ufeffa\""}, {"\"a \""}},
    {R"({"pattern": "^\\u00e9$"})", {"\"\\u00e9\""}, {"\"e\""}},
    {R"({"type": "object", "properties": {"a": {"type": "string", "pattern": "^x"}}})",
     {R"({"a": "xyz"})", "{}"},
     {R"({"a": "yx"})"}},
    // lists
    {R"({"items": {"type": "integer"}})", {"[]", "[1, 2]", "{}"}, {"[1, \"x\"]"}},
    {R"({"items": [{"type": "integer"}, {"type": "string"}]})",
     {"[1, \"a\"]", "[1]", "[1, \"a\", true]"},
     {"[\"a\", 1]"}},
    {R"({"items": [{}], "additionalItems": {"type": "integer"}})", {"[null, 2, 3]"}, {"[null, 2, \"x\"]"}},
    {R"({"items": {}, "additionalItems": false})", {"[1, 2, 3]"}, {}},
    {R"({"items": [{}], "additionalItems": false})", {"[1]"}, {"[1, 2]"}},
    {R"({"prefixItems": [{"type": "integer"}], "items": false})", {"[1]", "[]"}, {"[1, 2]", "[\"x\"]"}},
    {R"({"minItems": 1, "maxItems": 2})", {"[1]", "[1, 2]", "\"\""}, {"[]", "[1, 2, 3]"}},
    {R"({"contains": {"minimum": 5}})", {"[3, 5]", "{}"}, {"[]", "[3, 4]"}},
    {R"({"contains": {"const": 1}, "minContains": 2, "maxContains": 3})",
     {"[1, 1]", "[1, 2, 1, 1]"},
     {"[1]", "[1, 1, 1, 1]"}},
    // objects
    {R"({"required": ["a"], "minProperties": 2})",
     {R"({"a": 1, "b": 2})", "[]"},
     {R"({"a": 1})", R"({"b": 1, "c": 1})"}},
    {R"({"maxProperties": 1})", {"{}", R"({"a": 1})"}, {R"({"a": 1, "b": 2})"}},
    {R"({"properties": {"a": {}}, "patternProperties": {"^v": {"type": "integer"}}, "additionalProperties": false})",
     {R"({"a": "x", "v1": 1})"},
     {R"({"b": 1})", R"({"v1": "x"})"}},
    {R"({"properties": {"ab": {"maxLength": 3}}, "patternProperties": {"a": {"minLength": 2}}})",
     {R"({"ab": "xyz"})"},
     {R"({"ab": "x"})", R"({"ab": "wxyz"})"}},
    {R"({"additionalProperties": {"type": "boolean"}})", {R"({"x": true})"}, {R"({"x": 1})"}},
    {R"({"propertyNames": {"maxLength": 3}})", {R"({"abc": 1})"}, {R"({"abcd": 1})"}},
    {R"({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}})",
     {R"({"a": 1, "b": 1})", R"({"c": 1, "d": 1})", "{}"},
     {R"({"a": 1})", R"({"c": 1})"}},
    {R"({"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"c": {"maxProperties": 1}}})",
     {R"({"b": 1})", R"({"c": 1})"},
     {R"({"a": 1})", R"({"c": 1, "d": 1})"}},
    // combinations
    {R"({"allOf": [{"minimum": 1}, {"maximum": 2}]})", {"1", "2"}, {"0", "3"}},
    {R"({"anyOf": [{"type": "integer"}, {"minimum": 2}]})", {"1", "2.5"}, {"1.5"}},
    {R"({"oneOf": [{"type": "integer"}, {"minimum": 2}]})", {"1", "2.5"}, {"3", "1.5"}},
    {R"({"not": {"type": "integer"}})", {"\"x\""}, {"1"}},
    {R"({"if": {"maximum": 0}, "then": {"minimum": -10}, "else": {"multipleOf": 2}})", {"-1", "4"}, {"-100", "3"}},
    {R"({"then": {"const": 0}, "else": {"const": 1}})", {"2"}, {}},
    // references
    {R"({"properties": {"foo": {"$ref": "#"}}, "additionalProperties": false})",
     {R"({"foo": {"foo": {}}})"},
     {R"({"foo": {"bar": 1}})"}},
    {R"({"definitions": {"a/b": {"type": "integer"}, "c~d": {"$ref": "#/definitions/a~1b"}, "e%f": {"$ref": "#/definitions/c~0d"}},
       "allOf": [{"$ref": "#/definitions/e%25f"}]})",
     {"1"},
     {"\"x\""}},
    {R"({"items": [{"type": "integer"}, {"$ref": "#/items/0"}]})", {"[1, 2]"}, {"[1, \"x\"]"}},
    {R"({"$ref": "#/definitions/l", "maxItems": 1, "definitions": {"l": {"type": "array"}}})", {"[1, 2]"}, {"1"}},
    {R"({"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": "#/$defs/l", "maxItems": 1,
       "$defs": {"l": {"type": "array"}}})",
     {"[1]"},
     {"[1, 2]", "1"}},
    {R"({"properties": {"$ref": {"type": "string"}}})", {R"({"$ref": "a"})"}, {R"({"$ref": 2})"}},
    {R"({"definitions": {"node": {"type": "object", "required": ["v"], "properties": {"v": {"type": "integer"},
       "next": {"$ref": "#/definitions/node"}}}}, "$ref": "#/definitions/node"})",
     {R"({"v": 1, "next": {"v": 2}})"},
     {R"({"v": 1, "next": {}})"}},
};

TEST(Schema, MatchesAsTheStandardSays) {
  for (const SchemaCase& c : kSchemaCases) {
    const Schema schema(parse_json(c.schema, "schema"));
    for (const char* value : c.match) EXPECT_EQ(schema.mismatch(Json::parse(value)), std::nullopt) << c.schema << value;
    for (const char* value : c.differ)
      EXPECT_NE(schema.mismatch(Json::parse(value)), std::nullopt) << c.schema << value;
  }
}

TEST(Schema, WhatCannotBeJudgedByIsRefusedBeforeAnything) {
  for (const char* text :
       {"1", "null", "[]", R"({"type": "strin"})", R"({"type": []})", R"({"type": 3})", R"({"minimum": "three"})",
        R"({"type": "object", "minimum": "three"})", R"({"multipleOf": 0})", R"({"multipleOf": -1})",
        R"({"minLength": -1})", R"({"minLength": 1.5})", R"({"maxItems": "2"})", R"({"required": "a"})",
        R"({"required": [1]})", R"({"enum": 1})", R"({"enum": []})", R"({"uniqueItems": 1})", R"({"properties": []})",
        R"({"items": 3})", R"({"allOf": []})", R"({"allOf": {}})", R"({"not": 1})", R"({"pattern": 3})",
        R"({"pattern": "("})", R"({"exclusiveMinimum": true})", R"({"patternProperties": {"[": {}}})",
        R"({"unevaluatedProperties": false})", R"({"requird": ["a"]})",
        R"({"properties": {"a": {"items": {"minimum": "x"}}}})", R"({"definitions": {"unused": {"type": "x"}}})",
        R"({"$ref": "http://example.com/x.json"})", R"({"$ref": "other.json#/a"})", R"({"$ref": "#name"})",
        R"({"$ref": "#/definitions/missing"})", R"({"$ref": 1})",
        R"({"$schema": "http://json-schema.org/draft-04/schema#"})",
        // circles that look at nothing
        R"({"$ref": "#"})", R"({"allOf": [{"$ref": "#"}]})",
        R"({"definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"not": {"$ref": "#/definitions/a"}}}})"}) {
    EXPECT_NE(error_of([&] { Schema(Json::parse(text)); }), "") << text;
  }
  EXPECT_NE(error_of([] {
              Schema(Json::parse(R"({"properties": {"a": {"items": {"minimum": "x"}}}})"));
            }).find("/properties/a/items/minimum"),
            std::string::npos);
}

std::string limit_of(const Schema& schema, const Json& value) {
  try {
    schema.mismatch(value);
  } catch (const SchemaLimit& limit) {
    return limit.what;
  }
  return "";
}

TEST(Schema, HostileValuesNeitherHangNorCrashIt) {
  on_small_stack([] {
    const Clock clock;
    // Twice the work with each level.
    const Schema doubling(Json::parse(R"({"items": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, "type": "array"})"));
    std::string inner = "1";
    for (int i = 0; i < 200; ++i) inner = "[" + inner + "]";
    EXPECT_NE(limit_of(doubling, Json::parse(inner)), "");
    // std::regex runs out of stack on long texts; PCRE2 gives up.
    const Schema pattern(Json::parse(R"({"pattern": "^(a+)+$"})"));
    EXPECT_NE(limit_of(pattern, std::string(50'000, 'a') + "b"), "");
    const Schema lazy(Json::parse(R"({"pattern": "^(.|x)*$"})"));
    limit_of(lazy, std::string(2'000'000, 'x'));
    // Many repeated items, wide objects.
    const Schema unique(Json::parse(R"({"uniqueItems": true})"));
    Json many = Json::array();
    for (int i = 0; i < 100'000; ++i) many.push_back(Json{{"n", i}});
    EXPECT_EQ(unique.mismatch(many), std::nullopt);
    EXPECT_LT(clock.seconds(), 60);
  });
}

TEST(Schema, TooMuchWorkIsUndecidedAndARowsBadSchemaIsTheDatasFault) {
  const JsonSchemaReward costly({.schema = Json{{"pattern", "^(a+)+$"}}, .tag = ""});
  const Score score = costly.score(sample_of("\"" + std::string(50'000, 'a') + "b\""));
  EXPECT_EQ(score.verdict, Verdict::undecided);
  EXPECT_THROW(JsonSchemaReward({.schema = Json{{"type", "strin"}}}), Error);
  const JsonSchemaReward of_row({.tag = ""});
  Sample sample = sample_of("1");
  const Json row = {{"schema", {{"type", "integer"}}}}, bad = {{"schema", {{"type", "int"}}}};
  sample.extra = &row;
  EXPECT_EQ(of_row.score(sample).verdict, Verdict::right);
  sample.extra = &bad;
  EXPECT_THROW(of_row.score(sample), Error);
}

// What a model, a tool or a server says, nested deeper than anything sane.
TEST(DeepJson, NoReplyEndsTheProgram) {
  on_small_stack([] {
    const std::string deep = nested_lists(1'000'000);
    EXPECT_NE(read_repl_reply(R"({"env": 0, "messages": )" + deep + "}").fault, "");
    EXPECT_NE(read_lean_lines(R"({"severity": )" + deep + "}\n").fault, "");
    EXPECT_NE(read_kimina_reply(R"({"results": )" + deep + "}", "x").fault, "");
    EXPECT_FALSE(is_value(deep));
    EXPECT_THROW(parse_value(deep, "x"), Error);
    const JsonSchemaReward reward({.schema = true, .tag = ""});
    EXPECT_EQ(reward.score(sample_of(deep)).verdict, Verdict::wrong);
  });
}

}  // namespace
}  // namespace posttrain::rewards
