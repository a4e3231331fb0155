#include "report/report.h"

#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "records_for_tests.h"
#include "report/chart.h"
#include "report/figures.h"
#include "report/html.h"
#include "report/report_parts.h"
#include "report/summary.h"
#include "synthetic_run.h"
#include "temporary_folder.h"

namespace posttrain::report {
using namespace store;
namespace {

// One synthetic run for all tests that only read it.
class ReportTest : public FolderTest {
 protected:
  static void SetUpTestSuite() {
    shared_folder = new TemporaryFolder(temporary_prefix());
    shared_run = new Store(shared_folder->path() / "run.db", Mode::create);
    write_synthetic_run(*shared_run, 80);
  }
  static void TearDownTestSuite() {
    delete shared_run;
    shared_run = nullptr;
    delete shared_folder;
    shared_folder = nullptr;
  }
  static const Store& synthetic() { return *shared_run; }

 private:
  static inline TemporaryFolder* shared_folder = nullptr;
  static inline Store* shared_run = nullptr;
};

bool contains(const std::string& text, const std::string& piece) {
  return text.find(piece) != std::string::npos;
}

size_t count_of(const std::string& text, const std::string& piece) {
  size_t n = 0;
  for (size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + piece.size())) ++n;
  return n;
}

TEST(Html, HostileTextBecomesInert) {
  EXPECT_EQ(escape_html("<script>alert('&\"')</script>"), "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;");
  EXPECT_EQ(escape_html(std::string("\x1b[31m\0", 6)), "<b class=\"code\">\\x1b</b>[31m<b class=\"code\">\\x00</b>");
  EXPECT_EQ(escape_html("\xe2\x80\xae"), "<b class=\"code\">U+202E</b>");
  EXPECT_EQ(escape_html("a\xff\xc0\xaf"),
            "a<b class=\"code\">\\xff</b><b class=\"code\">\\xc0</b><b class=\"code\">\\xaf</b>");
  EXPECT_EQ(escape_html("über 漢字 😀\n\t"), "über 漢字 😀\n\t");
  EXPECT_EQ(escape_plain("<\x07>"), "&lt;\xef\xbf\xbd&gt;");
}

TEST(Html, ThinkingAndAnswerAreMarkedEvenWhenTagsAreTorn) {
  EXPECT_EQ(completion_html("<think>a</think><answer>7</answer><eos>", 100),
            "<i class=\"tag\">&lt;think&gt;</i><span class=\"think\">a</span><i class=\"tag\">&lt;/think&gt;</i>"
            "<i class=\"tag\">&lt;answer&gt;</i><span class=\"answer\">7</span><i class=\"tag\">&lt;/answer&gt;</i>"
            "<i class=\"tag\">&lt;eos&gt;</i>");
  for (const char* torn :
       {"<think>", "</think>", "<answer><think>x", "<think><think></answer></answer>", "a<b & <", "<>"}) {
    const std::string html = completion_html(torn, 100);
    EXPECT_EQ(count_of(html, "<span"), count_of(html, "</span>")) << torn;
  }
  EXPECT_TRUE(contains(completion_html("漢字漢字", 4), "漢<b class=\"code\">… 9 more bytes</b>"));
}

TEST(Html, TheHashOfTheEmptyTextIsTheKnownOne) {
  EXPECT_EQ(csp_hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
}

TEST(Chart, DownsamplingKeepsEveryExtreme) {
  std::vector<std::pair<double, double>> points;
  for (int i = 0; i < 10000; ++i) points.emplace_back(i, std::sin(i));
  points[7321].second = 50;
  points[13].second = -50;
  const auto few = downsampled(points, 400);
  EXPECT_LE(few.size(), 400u);
  EXPECT_TRUE(std::is_sorted(few.begin(), few.end(), [](auto& a, auto& b) { return a.first < b.first; }));
  EXPECT_EQ(std::count(few.begin(), few.end(), points[7321]), 1);
  EXPECT_EQ(std::count(few.begin(), few.end(), points[13]), 1);
}

TEST(Chart, EveryShapeOfDataIsDrawnWithFiniteNumbers) {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  const std::vector<std::vector<std::pair<double, double>>> cases = {{},
                                                                     {{1, 0}},
                                                                     {{1, 5}, {2, 5}},
                                                                     {{1, nan}, {2, nan}},
                                                                     {{1, 1}, {2, nan}, {3, 2}},
                                                                     {{0, 1e-300}, {1, 1e300}},
                                                                     {{1, inf}, {2, -inf}, {3, 1}}};
  for (const auto& points : cases) {
    for (const bool from_zero : {false, true}) {
      for (const char* unit : {"", "%", "s"}) {
        const std::string svg =
            chart_svg({"t", unit, from_zero, true, {{"a", points, true}, {"b", points, false}}, {}, true}, 360, 170);
        EXPECT_FALSE(contains(svg, "nan") || contains(svg, "inf")) << svg;
      }
    }
  }
  const std::string broken =
      chart_svg({"t", "", false, false, {{"a", {{1, 1}, {2, nan}, {3, 2}}, false}}, {}, true}, 360, 170);
  const std::string drawn = broken.substr(broken.find("class=\"line s0\" d=\""));
  EXPECT_EQ(count_of(drawn.substr(0, drawn.find("/>")), "M"), 2u) << "a NaN breaks the line";
}

TEST_F(ReportTest, SummaryComparesBaseWithFinal) {
  const Store& store = synthetic();
  const Json json = parse_json(summary_json(summarize(store)), "summary");
  EXPECT_NEAR(json["base"]["pass@1"].get<double>(), 0.29, 0.01);
  EXPECT_NEAR(json["final"]["pass@1"].get<double>(), 0.946, 0.001);
  for (const char* key : {"pass@1", "cons@16", "pass@16", "mean_length", "format"}) {
    EXPECT_TRUE(json["base"][key].is_number() && json["final"][key].is_number()) << key;
  }
  EXPECT_EQ(json["logp_mismatch_max"], 0.0);
  EXPECT_EQ(json["seconds"], 117.6);
  const std::string verdict = verdict_sentence(store);
  EXPECT_TRUE(contains(verdict, "Accuracy on mod rose from 28.9% to 94.6% (pass@1)")) << verdict;
  EXPECT_TRUE(contains(verdict, "responses grew from 12.2 to 26.3 tokens")) << verdict;
  EXPECT_TRUE(contains(verdict, "to the last bit")) << verdict;
}

TEST_F(ReportTest, BoundsAreNoFiguresAndFailuresStandBesideThem) {
  Store store(folder_ / "run.db", Mode::create);
  store.begin_run(test_run());
  store.begin_stage({.index = 0, .name = "ev", .type = "eval"});
  const Metrics bounds = {{"cons@16_low", 0.5}, {"cons@16_high", 0.6}};
  Metrics base = {{"pass@1", 0.25}, {"cons@16", 0.56}, {"failed", 0.48}}, final = {{"pass@1", 0.95}, {"cons@16", 0.99}};
  base.insert(base.end(), bounds.begin(), bounds.end());
  final.insert(final.end(), bounds.begin(), bounds.end());
  store.write_eval({0, 0, "mod", "base", 64, 16, base, {}, {}});
  store.write_eval({0, 1, "mod", "", 64, 16, {{"mean_length", 3}, {"failed", 0.9}}, {}, {}});
  store.write_eval({0, 2, "mod", "final", 64, 16, final, {}, {}});
  const std::string sentence = verdict_sentence(store);
  EXPECT_FALSE(contains(sentence, "_low") || contains(sentence, "_high")) << sentence;
  EXPECT_TRUE(contains(sentence, "failed 48.0% to 0.0%")) << sentence;
  const std::string lines = figures_text(base);
  EXPECT_TRUE(contains(lines, "failed 48.0%") && !contains(lines, "_low")) << lines;
  EXPECT_TRUE(contains(report_html(store), "failed 48.0%"));
}

TEST_F(ReportTest, TheSummaryOfARunWithoutMeasurementsIsNull) {
  Store store(folder_ / "run.db", Mode::create);
  EXPECT_TRUE(parse_json(summary_json(summarize(store)), "s")["base"].is_null());
  EXPECT_THROW(report_html(store), Error);
  store.begin_run(test_run());
  EXPECT_TRUE(parse_json(summary_json(summarize(store)), "s")["logp_mismatch_max"].is_null());
  EXPECT_TRUE(contains(verdict_sentence(store), "no stage has begun"));
  EXPECT_TRUE(contains(report_html(store), "</html>"));
}

TEST_F(ReportTest, AMismatchThatIsNotANumberIsNotHidden) {
  Store store(folder_ / "run.db", Mode::create);
  store.begin_run(test_run());
  store.begin_stage({0, "zero", "grpo", "", 3});
  for (int64_t step = 1; step <= 3; ++step) {
    store.write_step({0, step, {{"logp_mismatch_max", step == 2 ? std::nan("") : 0.0}}, {}, {}, {}});
  }
  EXPECT_TRUE(std::isnan(*summarize(store).logp_mismatch_max));
  EXPECT_FALSE(contains(verdict_sentence(store), "agreed"));
}

TEST_F(ReportTest, ChangesWithinTheNoiseAreCalledThat) {
  Store store(folder_ / "run.db", Mode::create);
  store.begin_run(test_run());
  store.write_eval({0, 0, "mod", "base", 48, 16, {{"pass@1", 0.50}, {"mean_length", 20}}, {}});
  store.write_eval({0, 9, "mod", "final", 48, 16, {{"pass@1", 0.55}, {"mean_length", 10}}, {}});
  const std::string verdict = verdict_sentence(store);
  EXPECT_TRUE(contains(verdict, "did not change measurably (50.0% to 55.0%, 48 problems)")) << verdict;
  EXPECT_TRUE(contains(verdict, "shrank from 20.0 to 10.0")) << verdict;
}

TEST_F(ReportTest, ShowsTheWholeStoryInOneFile) {
  const Store& store = synthetic();
  const std::string html = report_html(store);
  for (const char* piece :
       {"Accuracy on unseen problems", "Response length", "Groups without spread", "Entropy", "KL to the reference",
        "Gradient norm", "Learning rate", "Tokens per second", "log-probability gap", "Before and after",
        "The same problems through the run", "Before: zero, step 0", "In the middle: zero, step 40",
        "At the end: zero, step 80", "Rollouts", "too easy", "Reward by function", "Recipe, resolved"}) {
    EXPECT_TRUE(contains(html, piece)) << piece;
  }
  EXPECT_LT(html.size(), 6'000'000u);
  if (const char* keep = std::getenv("POSTTRAIN_KEEP_REPORT")) {
    write_report(std::filesystem::path(keep) / "report.html", store);
    write_curves_svg(std::filesystem::path(keep) / "curves.svg", store);
    Store half(folder_ / "half.db", Mode::create);
    write_synthetic_run(half, 33);
    write_report(std::filesystem::path(keep) / "running.html", half);
  }
}

TEST_F(ReportTest, TheStoryFollowsTheWeightsThroughTheStages) {
  Store store(folder_ / "run.db", Mode::create);
  store.begin_run(test_run());
  const auto eval = [&](int stage, int64_t step, int64_t n, double pass) {
    store.write_eval({stage, step, "mod", "", n, 16, {{"pass@1", pass}, {"pass@1_low", 0.1}, {"cons@16", 0.9}}, {}});
  };
  store.begin_stage({0, "base", "sft", "init", 400});
  store.begin_stage({1, "base-eval", "eval", "base", 0});
  eval(1, 0, 256, 0.25);
  store.begin_stage({2, "zero", "grpo", "base", 80});
  eval(2, 0, 48, 0.5);  // the same weights on fewer problems: left out
  eval(2, 40, 48, 0.75);
  const auto one = story_charts(store).at(0);
  ASSERT_EQ(one.series.size(), 2u);  // not the bounds of the interval
  EXPECT_TRUE(one.step_axis);
  EXPECT_EQ(one.series[0].points, (std::vector<std::pair<double, double>>{{0, 0.25}, {40, 0.75}}));

  store.begin_stage({3, "sft", "sft", "base", 20});
  store.begin_stage({4, "sft-eval", "eval", "sft", 0});
  eval(4, 0, 256, 0.9);
  const auto two = story_charts(store).at(0);
  EXPECT_FALSE(two.step_axis);
  const auto& points = two.series[0].points;
  ASSERT_EQ(points.size(), 5u);
  EXPECT_EQ(points[1], (std::pair<double, double>(0.5, 0.75)));
  EXPECT_TRUE(std::isnan(points[2].second));                   // a new line:
  EXPECT_EQ(points[3], (std::pair<double, double>(1, 0.25)));  // it starts from the base again
  EXPECT_EQ(points[4], (std::pair<double, double>(2, 0.9)));
}

TEST_F(ReportTest, LoadsNothingAndRunsNothingButItsOwnScript) {
  Store store(folder_ / "run.db", Mode::create);
  store.begin_run({"<script>name()</script>", "0", 1, "{\"a\": \"</script><img src=x onerror=e()>\"}", "not json <b>"});
  store.begin_stage({0, "<img src=x>", "\"><svg onload=e()>", "", 2});
  StepRecord record = test_step(0, 1);
  record.metrics.emplace_back("<iframe src=//evil>", 1);
  record.spans.push_back({"<embed src=//evil>", 0, 0, 1});
  record.alerts = {{"x", "<a href=javascript:e()>"}};
  for (const char* hostile :
       {"</pre></script><script>e()</script>", "<img src=//evil onerror=e()>", "\x1b]0;x\x07", "\xff\xfe<b>"}) {
    Group group = test_group(1, 3);
    group.prompt = group.answer = group.samples[0].completion = group.samples[0].verdict = hostile;
    group.samples[0].parts = {{hostile, 1, 1, hostile, hostile}};
    record.groups.push_back(group);
  }
  record.groups[0].samples[0].completion = std::string(1 << 20, 'A');  // a line of a megabyte
  store.write_step(record);
  EvalRecord eval = test_eval(0, 1);
  eval.task = "<object data=//evil>";
  eval.metrics = {{"pass@1<b>", 0.5}, {"pass@1", 0.5}};
  eval.groups = record.groups;
  store.write_eval(eval);
  store.finish_run("<u>odd</u>", 1, "<script>message()</script>");
  const std::string html = report_html(store);
  EXPECT_EQ(count_of(html, "<script"), 1u);
  EXPECT_EQ(count_of(html, "</script"), 1u);
  for (const char* tag : {"<img", "<iframe", "<embed", "<object", "<a ", "<u>", "<link", "https://", "url("}) {
    EXPECT_FALSE(contains(html, tag)) << tag;
  }
  EXPECT_EQ(count_of(html, "http://"), count_of(html, "http://www.w3.org/2000/svg"));  // a name, not an address
  // No attribute of a handler outside of escaped text: every quote and angle in model text is an entity.
  for (size_t open = html.find('<'); open != std::string::npos; open = html.find('<', open + 1)) {
    std::string tag;  // without what stands between quotes
    bool quoted = false;
    for (size_t i = open; i < html.size() && html[i] != '>' && tag.size() < 400; ++i) {
      if (html[i] == '"') quoted = !quoted;
      if (!quoted) tag += html[i];
    }
    EXPECT_TRUE(!contains(tag, " on") || tag.size() == 400) << tag;
  }
  EXPECT_TRUE(contains(html, "default-src 'none'"));
  EXPECT_LT(html.size(), 400'000u);
  EXPECT_FALSE(contains(html, "\x1b"));
}

TEST_F(ReportTest, StaysBoundedForALongRun) {
  Store store(folder_ / "run.db", Mode::create);
  store.begin_run(test_run());
  store.begin_stage({0, "zero", "grpo", "", 0});
  for (int64_t step = 1; step <= 300; ++step) {
    StepRecord record = test_step(0, step);
    for (int m = 0; m < 20; ++m)
      record.metrics.emplace_back("extra/" + std::to_string(m), std::sin(static_cast<double>(step)));
    for (Group& group : record.groups) {
      for (SampleRow& s : group.samples) s.completion = std::string(20000, 'x');
    }
    store.write_step(record);
  }
  const std::string html = report_html(store);
  EXPECT_LT(html.size(), 2'500'000u);
  EXPECT_EQ(count_of(html, "<details class=\"step\""), 24u);
  EXPECT_TRUE(contains(html, "zero, step 1 ") && contains(html, "zero, step 300 "));
}

TEST_F(ReportTest, WorksWhileTheRunGoesOnAndAfterACrash) {
  Store store(folder_ / "run.db", Mode::create);
  write_synthetic_run(store, 33);
  const Store reader(folder_ / "run.db", Mode::read_only);
  const std::string html = report_html(reader);
  EXPECT_TRUE(contains(html, "Not finished: stage zero, step 33 of 80. Reward so far: "));
  store.finish_run("failed", 30, "NaN in the loss of step 34");
  EXPECT_TRUE(contains(report_html(reader), "Failed in stage zero, step 33 of 80: NaN in the loss of step 34."));
}

TEST_F(ReportTest, ThePictureOfTheCurvesIsOneSvg) {
  const Store& store = synthetic();
  write_curves_svg(folder_ / "curves.svg", store);
  const std::string svg = read_file(folder_ / "curves.svg");
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_EQ(count_of(svg, "<svg"), count_of(svg, "</svg>"));
  EXPECT_EQ(count_of(svg, "class=\"title\""), 4u);
}

}  // namespace
}  // namespace posttrain::report
