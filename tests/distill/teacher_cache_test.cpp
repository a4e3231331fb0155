#include "distill/teacher_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "tests/distill/models.h"

namespace posttrain::distill {
namespace {

struct CacheFile {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("teacher-" + std::to_string(getpid()) + ".cache");
  ~CacheFile() { std::filesystem::remove(path); }
};

TEST(TeacherCache, GivesBackTheTeachersLikeliestTokensOfAnyExamples) {
  TeacherAndStudent models;
  const auto samples = samples_of(models.examples);
  const CacheFile file;
  write_teacher_cache(file.path, models.teacher, samples, 5, 0.7, 20, [](int64_t, int64_t) {});
  const TeacherCache cache(file.path, cache_key(samples, 5, 0.7));
  const std::vector<size_t> some = {4, 0, 7};
  std::vector<rollout::TrainSample> chosen;
  for (const size_t i : some) chosen.push_back(samples[i]);
  const auto got = cache.rows(some);
  const auto expected = models.teacher.likeliest(rollout::pack_samples(chosen, 0.7), 5);
  EXPECT_EQ(got.begin, expected.begin);
  EXPECT_EQ(got.ids, expected.ids);
  EXPECT_EQ(got.logp, expected.logp);
}

TEST(TeacherCache, OfOtherExamplesTemperatureOrSizeIsRefused) {
  TeacherAndStudent models;
  const auto samples = samples_of(models.examples);
  const CacheFile file;
  write_teacher_cache(file.path, models.teacher, samples, 5, 1, 1000, [](int64_t, int64_t) {});
  EXPECT_THROW(TeacherCache(file.path, cache_key(samples, 6, 1)), Error);
  EXPECT_THROW(TeacherCache(file.path, cache_key(samples, 5, 0.9)), Error);
  EXPECT_THROW(TeacherCache(file.path, cache_key(std::span(samples).first(8), 5, 1)), Error);
}

TEST(TeacherCache, ACutFileIsRefusedWhereverItIsCut) {
  TeacherAndStudent models;
  const auto samples = samples_of(models.examples);
  const CacheFile file;
  write_teacher_cache(file.path, models.teacher, samples, 3, 1, 1000, [](int64_t, int64_t) {});
  const auto whole = std::filesystem::file_size(file.path);
  for (const uintmax_t size : {whole - 1, whole / 2, uintmax_t{40}, uintmax_t{20}, uintmax_t{7}}) {
    std::filesystem::resize_file(file.path, size);
    EXPECT_THROW(TeacherCache(file.path, cache_key(samples, 3, 1)), Error) << size;
  }
}

}  // namespace
}  // namespace posttrain::distill
