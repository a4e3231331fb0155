// Scoring beside generation.
#include "rewards/pool.h"

#include <gtest/gtest.h>

namespace posttrain::rewards {
namespace {

OwnedSample numbered(int i) {
  OwnedSample sample;
  sample.completion = "<answer>" + std::to_string(i % 10) + "</answer>";
  sample.answer = "3";
  return sample;
}

TEST(ScoringPool, EveryTicketGetsItsOwnOutcomeWhateverTheThreads) {
  const RewardSet set({{"exact", 1, Json::object()}});
  for (const int threads : {1, 4}) {
    ScoringPool pool(set, threads, 8);  // far fewer places than samples: submit waits for room
    std::vector<std::future<Outcome>> tickets;
    for (int i = 0; i < 500; ++i) tickets.push_back(pool.submit(numbered(i)));
    pool.wait_all();
    for (int i = 0; i < 500; ++i) {
      ASSERT_EQ(tickets[i].wait_for(std::chrono::seconds(0)), std::future_status::ready);
      EXPECT_EQ(tickets[i].get().total, i % 10 == 3 ? 1 : 0);
    }
  }
}

TEST(ScoringPool, DestructorFinishesWhatWasSubmitted) {
  const RewardSet set({{"exact", 1, Json::object()}});
  std::vector<std::future<Outcome>> tickets;
  {
    ScoringPool pool(set, 2);
    for (int i = 0; i < 100; ++i) tickets.push_back(pool.submit(numbered(i)));
  }
  for (auto& ticket : tickets) EXPECT_NO_THROW(ticket.get());
}

}  // namespace
}  // namespace posttrain::rewards
