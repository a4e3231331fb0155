// The code reward: comparing outside the box, and one test for every known cheat (docs of the design, section 5).
#include "rewards/code.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace posttrain::rewards {
namespace {

using sandbox::Code;

struct Scorer {
  std::unique_ptr<CodeScorer> scorer;
  std::string why_not;
  Scorer() {
    CodeSettings settings;
    settings.wall_s = 30;
    settings.boxes = 1;
    try {
      scorer = std::make_unique<CodeScorer>(settings);
    } catch (const Error& error) {
      why_not = error.what();
    }
  }
};

Scorer& shared() {
  static Scorer scorer;
  return scorer;
}

#define NEEDS_SANDBOX() \
  if (!shared().scorer) GTEST_SKIP() << shared().why_not

const char* kAdd = R"({"entry": "add", "tests": [{"args": [1, 2], "expect": 3}, {"args": [5, 7], "expect": 12},
                       {"args": [-4, 9], "expect": 5}, {"args": [100000000000000000, 1], "expect": 100000000000000001}]})";
const char* kHumanEval =
    R"({"task_id": "T/0", "prompt": "import math\n\ndef add(a, b):\n    \"\"\"Sum.\"\"\"\n", "entry_point": "add",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n    for i in range(3):\n        assert candidate(i, i) == 2 * i\n"})";
const char* kSquares = R"({"tests": [{"stdin": "3\n", "stdout": "1\n4\n9\n"}, {"stdin": "1\n", "stdout": "1\n"}]})";

CodeScore score(const char* row, const std::string& program) {
  return shared().scorer->score_program(code_problem(parse_json(row, "test"), "test"), program);
}
std::string verdict(const char* row, const std::string& program) {
  return to_string(score(row, program).code);
}

TEST(Tokens, AreComparedWholeAndByBytes) {
  EXPECT_TRUE(same_tokens(" 1\n2\t3\r\n", "1 2 3"));
  EXPECT_FALSE(same_tokens("1 2", "1 2 3")) << "a prefix is no answer";
  EXPECT_FALSE(same_tokens("1 2 3 4", "1 2 3"));
  EXPECT_FALSE(same_tokens(std::string_view("1\0", 2), "1"));
  EXPECT_FALSE(same_tokens("1.0", "1"));
  EXPECT_TRUE(same_tokens("1.0000001", "1", 1e-6));
  EXPECT_FALSE(same_tokens("nan", "1", 1e-6));
  EXPECT_TRUE(same_tokens("", " \n"));
}

TEST(Records, ExactlyOneIsTaken) {
  std::string_view payload;
  EXPECT_TRUE(read_record("3\nV42\n", payload));
  EXPECT_EQ(payload, "V42");
  for (const char* bad :
       {"", "V42", "3\nV42", "3\nV42\n3\nV42\n", "4\nV42\n", "-1\nV\n", "3 \nV42\n", "99999999999999999999\nV\n"}) {
    EXPECT_FALSE(read_record(bad, payload)) << bad;
  }
}

TEST(Values, FollowTheContractOfComparison) {
  const auto match = [](const char* got, const char* want) { return match_value(got, parse_value(want, "test")); };
  EXPECT_EQ(match("[1, {\"a\": null, \"b\": \"\\u00e9\"}]", "[1,{\"b\":\"\xc3\xa9\",\"a\":null}]"), Match::equal);
  EXPECT_EQ(match("true", "1"), Match::different) << "True is not 1";
  EXPECT_EQ(match("1", "true"), Match::different);
  EXPECT_EQ(match("123456789012345678901234567890", "123456789012345678901234567890"), Match::equal);
  EXPECT_EQ(match("123456789012345678901234567891", "123456789012345678901234567890"), Match::different);
  EXPECT_EQ(match("1.0000000001", "1"), Match::equal);
  EXPECT_EQ(match("1.00000001", "1"), Match::different);
  EXPECT_EQ(match("NaN", "NaN"), Match::different);
  EXPECT_EQ(match("Infinity", "1e400"), Match::different);
  EXPECT_EQ(match("[1]", "[1,2]"), Match::different);
  EXPECT_EQ(match("{\"a\":1,\"a\":1}", "{\"a\":1}"), Match::different);
  for (const char* bad : {"", "[1", "1 2", "01", "{1:2}", "\"\x01\"", "'a'", "[1,]", "nul"}) {
    EXPECT_EQ(match(bad, "1"), Match::malformed) << bad;
  }
  EXPECT_EQ(match((std::string(200, '[') + std::string(200, ']')).c_str(), "1"), Match::malformed);
}

TEST(Extraction, TakesTheBlockThatHoldsTheProgramThenTheTag) {
  const CodeProblem problem = code_problem(parse_json(kSquares, "test"), "test");
  EXPECT_EQ(extract_program(problem, "a\n```\nx\n```\nb\n```\ny\n```\n"), "y\n");
  EXPECT_EQ(extract_program(problem, "a\n```python\nx\n```\nIt prints\n```\n16\n```\n"), "x\n");
  EXPECT_EQ(extract_program(problem, "```python\nx\n```\nRun it:\n```bash\npython x.py\n```\n"), "x\n");
  EXPECT_EQ(extract_program(problem, "```cpp\nint main(){}\n```\n```\nopen"), "int main(){}\n");
  EXPECT_EQ(extract_program(problem, "```python\nprint(1)\nprint(2)"), "print(1)\nprint(2)") << "never closed";
  EXPECT_EQ(extract_program(problem, "~~~py\nx\n~~~"), "x\n");
  EXPECT_EQ(extract_program(problem, "1. so\n   ```python\n   if 1:\n     y\n   ```"), "if 1:\n  y\n");
  EXPECT_EQ(extract_program(problem, "````python\ns = 1\n```\n````"), "s = 1\n```\n") << "fewer signs close nothing";
  EXPECT_EQ(extract_program(problem, "<think>```python\nx\n```</think>no code"), "no code");
  EXPECT_EQ(extract_program(problem, "<think>```python\nx\n```"), "") << "an unfinished thought";
  EXPECT_EQ(extract_program(problem, "<answer>1</answer> <answer>z</answer>"), "z");
  EXPECT_EQ(extract_program(problem, "print(1)"), "print(1)");
  const CodeProblem human = code_problem(parse_json(kHumanEval, "test"), "test");
  EXPECT_EQ(extract_program(human, "    return a + b\n\nprint(add(1, 2))"), human.prompt + "    return a + b\n\n");
  EXPECT_EQ(extract_program(human, "```\ndef add(a, b):\n    return a\n```"),
            "import math\n\ndef add(a, b):\n    return a\n");
  EXPECT_EQ(
      extract_program(human, "```python\ndef add(a, b):\n    return a\n```\nUse:\n```python\nprint(add(1, 2))\n```"),
      "import math\n\ndef add(a, b):\n    return a\n");
  const std::string inner = "    def add_all(x):\n        return sum(x)\n    return add_all([a, b])\n";
  EXPECT_EQ(extract_program(human, inner), human.prompt + inner) << "add_all is not add";
}

TEST(CodeReward, RightProgramsPassAndABrokenLineFails) {
  NEEDS_SANDBOX();
  EXPECT_EQ(verdict(kAdd, "def add(a, b):\n    return a + b"), "AC");
  EXPECT_EQ(verdict(kAdd, "def add(a, b):\n    return a - b"), "WA");
  EXPECT_EQ(verdict(kHumanEval, "def add(a, b):\n    return a + b"), "AC");
  EXPECT_EQ(verdict(kHumanEval, "def add(a, b):\n    return a + b + (a == 2)"), "WA");
  EXPECT_EQ(verdict(kSquares, "for i in range(1, int(input()) + 1): print(i * i)"), "AC");
  EXPECT_EQ(verdict(kSquares,
                    "#include <cstdio>\nint main(){int n;std::scanf(\"%d\",&n);for(int "
                    "i=1;i<=n;i++)std::printf(\"%d\\n\",i*i);}"),
            "AC");
  const CodeScore broken = score(kSquares, "#include <cstdio>\nint main(){ return }");
  EXPECT_EQ(broken.code, Code::ce);
  EXPECT_NE(broken.diagnostics.find("error"), std::string::npos);
}

TEST(CodeReward, MbppAssertsMayUseTheProgramsOwnNames) {
  NEEDS_SANDBOX();
  const char* row =
      R"row({"text": "t", "test_list": ["assert total([Box(1), Box(2)]) == 3", "assert set(pair(1)) == {1, 2}",
                         "assert math.isclose(half(3), 1.5)"], "test_setup_code": ""
})row";
  EXPECT_EQ(verdict(row,
                    "class Box:\n  def __init__(self, n): self.n = n\ndef total(v): return sum(b.n for b in v)\n"
                    "def pair(n): return (n, n + 1)\ndef half(n): return n / 2"),
            "AC");
}

// Any divisor of the input that is neither 1 nor the number itself.
std::string divisor_row(const std::string& checker) {
  return to_line({{"tests", {{{"stdin", "12"}, {"stdout", "3"}}}}, {"checker", checker}});
}
constexpr const char* kPythonChecker =
    "import sys\nn, d = (int(open(sys.argv[i]).read()) for i in (1, 2))\nsys.exit(0 if 1 < d < n and n % d == 0 else "
    "1)";
constexpr const char* kCppChecker =
    "#include <fstream>\nint main(int, char** v) {\n  std::ifstream in(v[1]), out(v[2]);\n  long n, d;\n"
    "  in >> n;\n  if (!(out >> d)) return 2;\n  return 1 < d && d < n && n % d == 0 ? 0 : 1;\n}";

TEST(Checkers, DecideWhereSeveralAnswersAreRight) {
  NEEDS_SANDBOX();
  for (const char* checker : {kPythonChecker, kCppChecker}) {
    const std::string row = divisor_row(checker);
    EXPECT_EQ(verdict(row.c_str(), "print(3)"), "AC");
    EXPECT_EQ(verdict(row.c_str(), "print(6)"), "AC") << "not the expected answer, but right";
    EXPECT_EQ(verdict(row.c_str(), "print(5)"), "WA");
    EXPECT_EQ(verdict(row.c_str(), "print('no number')"), "WA") << "an output gains nothing by breaking its checker";
    EXPECT_EQ(verdict(row.c_str(), "print(3); 1/0"), "RE");
  }
}

TEST(Checkers, ThatFailAreTheJudgesOwnFault) {
  NEEDS_SANDBOX();
  for (const char* checker : {"1/0", "import os; os.abort()", "#include <nowhere>\nint main() {}"}) {
    EXPECT_EQ(verdict(divisor_row(checker).c_str(), "print(3)"), "IE") << checker;
  }
}

TEST(Cheats, EndingBeforeTheTestsIsNoPass) {
  NEEDS_SANDBOX();
  for (const char* end : {"import sys; sys.exit(0)", "import os; os._exit(0)",
                          "import atexit, os; atexit.register(os._exit, 0); exit()"}) {
    EXPECT_EQ(verdict(kAdd, end), "RE") << end;
    EXPECT_EQ(verdict(kHumanEval, end), "RE") << end;
    EXPECT_EQ(verdict(kAdd, std::string("def add(a, b):\n    ") + end), "RE") << end;
    EXPECT_NE(verdict(kHumanEval, std::string("def add(a, b):\n    ") + end), "AC") << end;
  }
}

TEST(Cheats, ObjectsThatEqualEverythingAreNoPlainValues) {
  NEEDS_SANDBOX();
  const char* any =
      "class Any:\n  def __eq__(self, o): return True\n  def __hash__(self): return 0\n  def __repr__(self): return "
      "'3'\n"
      "def add(a, b): return Any()";
  EXPECT_EQ(verdict(kAdd, any), "WA");
  EXPECT_NE(verdict(kHumanEval, any), "AC");
  const char* number =
      "class Int(int):\n  def __eq__(self, o): return True\n  __hash__ = int.__hash__\ndef add(a, b): return Int(7)";
  EXPECT_EQ(verdict(kAdd, number), "WA");
  EXPECT_EQ(verdict(kHumanEval, number), "WA") << "it counts as the 7 that it holds";
}

TEST(Cheats, PickledReturnsAreNeverOpened) {
  NEEDS_SANDBOX();
  EXPECT_EQ(
      verdict(kAdd, "class P:\n  def __reduce__(self): import os; return (os._exit, (0,))\ndef add(a, b): return P()"),
      "WA");
}

TEST(Cheats, PatchedBuiltinsFoolOnlyTheirOwnProcess) {
  NEEDS_SANDBOX();
  const char* patch =
      "import builtins, json, operator, sys\noperator.eq = lambda a, b: True\n"
      "builtins.isinstance = lambda a, b: True\njson.loads = lambda *a, **k: 3\n"
      "builtins.AssertionError = type('Quiet', (BaseException,), {})\nsys.excepthook = lambda *a: None\n"
      "def add(a, b): return 0";
  EXPECT_NE(verdict(kAdd, patch), "AC");
  EXPECT_NE(verdict(kHumanEval, patch), "AC");
}

TEST(Cheats, ExpectedValuesAreNowhereInTheBox) {
  NEEDS_SANDBOX();
  const char* search =
      "import gc, sys\ndef add(a, b):\n"
      "  seen = [o for o in gc.get_objects() if type(o) is dict and ('expect' in o or 'expected' in o or 'stdout' in "
      "o)]\n"
      "  f = sys._getframe(1)\n"
      "  while f:\n    seen += [v for k, v in f.f_locals.items() if 'expect' in k]; f = f.f_back\n"
      "  return len(seen)";
  EXPECT_EQ(score(R"({"entry": "add", "tests": [{"args": [1, 2], "expect": 0}]})", search).code, Code::ac);
}

TEST(Cheats, ForgedRecordsNeedTheRightAnswer) {
  NEEDS_SANDBOX();
  EXPECT_EQ(verdict(kAdd,
                    "import os\ndef add(a, b):\n  for fd in range(64):\n    try: os.write(fd, b'2\\nV3\\n')\n    "
                    "except OSError: pass\n  return 3"),
            "RE");
  EXPECT_EQ(verdict(kAdd, "import os\ndef add(a, b):\n  os.write(3, b'2\\nV3\\n'); os._exit(0)"), "WA");
}

TEST(Cheats, PrefixesAndAllAnswersAtOnceAreWrong) {
  NEEDS_SANDBOX();
  EXPECT_EQ(verdict(kSquares, "print(1)"), "WA");
  EXPECT_EQ(verdict(kSquares, "for i in range(1, 100): print(i * i)"), "WA");
  EXPECT_EQ(verdict(kSquares, "while True: print('1 4 9')"), "OLE");
}

TEST(Cheats, HardCodedExamplesFailHiddenTests) {
  NEEDS_SANDBOX();
  EXPECT_EQ(verdict(kAdd, "def add(a, b): return {(1, 2): 3, (5, 7): 12}.get((a, b), 0)"), "WA");
}

TEST(Cheats, NoStateReachesTheNextTest) {
  NEEDS_SANDBOX();
  // Would answer right from the second call on if calls shared anything.
  const char* counter =
      "import os\nn = [0]\ndef add(a, b):\n  n[0] += 1\n  if os.path.exists('/tmp/seen') or n[0] > 1: return a + b\n"
      "  open('/tmp/seen', 'w').close(); return a + b if (a, b) == (1, 2) else 0";
  EXPECT_EQ(verdict(kAdd, counter), "WA");
}

TEST(Cheats, PlantedModulesAreNotFoundByTheNextRun) {
  NEEDS_SANDBOX();
  score(kSquares,
        "import os\nfor d in ('.', '/tmp', os.path.expanduser('~')):\n  for n in ('sitecustomize.py', 'conftest.py', "
        "'heapq.py', 'x.pth'):\n"
        "    try: open(d + '/' + n, 'w').write('import os; os._exit(0)')\n    except OSError: pass");
  EXPECT_EQ(verdict(kSquares, "import heapq, colorsys\nfor i in range(1, int(input()) + 1): print(i * i)"), "AC");
}

TEST(Cheats, AKilledProgramIsNoOutageOfTheJudge) {
  NEEDS_SANDBOX();
  EXPECT_EQ(verdict(kAdd, "import os, signal\ndef add(a, b): os.kill(os.getpid(), signal.SIGKILL)"), "RE");
}

TEST(Cheats, CompileTimeTricksAreCompileErrors) {
  NEEDS_SANDBOX();
  const char* row = R"({"language": "cpp", "entry": "add", "params": ["long long", "long long"], "returns": "long long",
                        "tests": [{"args": [1, 2], "expect": 3}]})";
  EXPECT_EQ(verdict(row, "long long add(long long a, long long b) { return a + b; }"), "AC");
  EXPECT_EQ(verdict(row, "long long add(long long a, long long b) { return a + b; }\nint main() {}"), "CE");
  EXPECT_EQ(verdict(row, "long long sub(long long a, long long b) { return a - b; }"), "CE");
  EXPECT_EQ(verdict(row,
                    "#include <unistd.h>\nstruct E { E() { (void)!write(3, \"2\\nV3\\n9\", 6); _exit(0); } } e;\nlong "
                    "long add(long long, long long) { return 0; }"),
            "RE");
}

TEST(CodeReward, AnExpressionStandsBetweenHeadAndTail) {
  NEEDS_SANDBOX();
  const CodeProblem problem =
      code_problem(parse_json(R"row({"entry": "f", "head": "def f(v):\n    return [", "tail": " for x in v]\n",
                        "tests": [{"args": [[1, 2]], "expect": [8, 10]}]})row",
                              "test"),
                   "test");
  EXPECT_EQ(shared().scorer->score(problem, "<answer>(x+3)*2</answer>").code, Code::ac);
  EXPECT_EQ(shared().scorer->score(problem, "<answer>x+3*2</answer>").code, Code::wa);
}

TEST(CodeReward, DiagnosticsAreFeedbackAndTracebacksAreNot) {
  NEEDS_SANDBOX();
  EXPECT_NE(score(kAdd, "def add(a, b):\n    return a +").diagnostics.find("SyntaxError"), std::string::npos);
  EXPECT_NE(score(kHumanEval, "def add(a, b):\nreturn a").diagnostics.find("IndentationError"), std::string::npos);
  EXPECT_NE(score(kSquares, "#include <cstdio>\nint main(){ return }").diagnostics.find("error:"), std::string::npos);
  for (const char* program : {"def add(a, b):\n    raise ValueError((a, b))", "def add(a, b): return a + b"}) {
    EXPECT_EQ(score(kAdd, program).diagnostics, "") << "what a running program says may quote hidden tests";
  }
}

TEST(CodeReward, CountsAndPartialCreditFollowTheRecipe) {
  NEEDS_SANDBOX();
  CodeSettings settings;
  settings.score = "fraction";
  settings.compile_credit = 0.1;
  settings.boxes = 1;
  settings.wall_s = 30;
  const CodeReward reward(settings);
  const Json row = parse_json(kAdd, "test");
  const auto value = [&](const std::string& completion) {
    Sample sample;
    sample.completion = completion;
    sample.extra = &row;
    return reward.score(sample);
  };
  EXPECT_EQ(value("```python\ndef add(a, b): return a + b\n```").verdict, Verdict::right);
  EXPECT_DOUBLE_EQ(value("```\ndef add(a, b): return {(1, 2): 3, (5, 7): 12}.get((a, b), 0)\n```").value, 0.5);
  EXPECT_DOUBLE_EQ(value("no program").value, 0.1) << "Python has no compile step that could fail";
}

}  // namespace
}  // namespace posttrain::rewards
