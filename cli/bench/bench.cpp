#include "cli/bench/bench.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/median.h"
#include "base/parallel.h"
#include "cli/arguments.h"
#include "nn/measure.h"

namespace posttrain::cli {

Action bench_decode_command(Arguments&);
Action bench_gemm_command(Arguments&);
Action bench_grpo_command(Arguments&);
Action bench_sandbox_command(Arguments&);
Action bench_tokenizer_command(Arguments&);
Action bench_train_command(Arguments&);

Action bench_command(Arguments& args) {
  args.example("posttrain bench decode --shape smollm2-135m --json");
  static constexpr auto table = std::to_array<Command>({
      {"gemm", "", "Matrix products beside OpenBLAS, and their share of the peak", &bench_gemm_command},
      {"train", "", "Training steps: forward, backward and AdamW", &bench_train_command},
      {"decode", "", "Sampling token by token at several batch sizes", &bench_decode_command},
      {"grpo-step", "", "A whole GRPO step: groups sampled, one update", &bench_grpo_command},
      {"sandbox", "", "Isolated runs, function tests and compiles, beside bubblewrap", &bench_sandbox_command},
      {"tokenizer", "", "Encoding and decoding of a text", &bench_tokenizer_command},
  });
  return args.subcommands(table);
}

model::Arch bench_arch(const std::string& shape) {
  if (shape == "tiny-89k") return model::llama_arch(64, 48, 3, 4, 4, 128, false);
  if (shape == "tiny-1m") return model::llama_arch(128, 128, 4, 4, 2, 384, true);
  if (shape == "smollm2-135m") return model::llama_arch(49152, 576, 30, 9, 3, 1536, true);
  throw Error("bench", "--shape", "tiny-89k, tiny-1m or smollm2-135m", shape);
}

int64_t bench_products(const model::Arch& a) {
  const int64_t attention = int64_t{2 * a.heads + 2 * a.kv_heads} * a.head_dim * a.hidden;
  return a.layers * (attention + 3 * a.hidden * a.mlp) + a.vocab * a.hidden;
}

Timing time_runs(int64_t runs, const std::function<void()>& body, Neighbours* neighbours) {
  constexpr int64_t kProbes = 10;  // a probe takes milliseconds, some runs only microseconds
  const int64_t every = std::max<int64_t>(runs / kProbes, 1);
  Timing timing;
  double before = nn::probe_peak();
  for (int64_t run = 0; run < runs; ++run) {
    const Clock clock;
    body();
    timing.seconds.push_back(clock.seconds());
    const double after = (run + 1) % every == 0 ? nn::probe_peak() : before;
    timing.peaks.push_back(std::max(before, after));  // a neighbour's milliseconds must not make a peak of minutes
    before = after;
    if (neighbours == nullptr || neighbours->count() == 0) continue;
    neighbours->resume();
    const Clock again;
    body();
    timing.beside.push_back(again.seconds());
    neighbours->pause();
  }
  return timing;
}

void print_bench(Json result, const Timing& timing, double tokens, double flops, bool json) {
  std::vector<double> shares;
  for (size_t i = 0; i < timing.seconds.size(); ++i) {
    shares.push_back(flops * 1e-9 / timing.seconds[i] / timing.peaks[i]);
  }
  const double seconds = median(timing.seconds), share = median(shares);
  const auto [shortest, longest] = std::minmax_element(timing.seconds.begin(), timing.seconds.end());
  result["threads"] = compute_threads();
  result["runs"] = timing.seconds.size();
  result["seconds"] = seconds;
  result["seconds_min"] = *shortest;
  result["seconds_max"] = *longest;
  result["tokens_per_s"] = tokens / seconds;
  result["gflops"] = flops * 1e-9 / seconds;
  result["peak_gflops"] = median(timing.peaks);
  result["share_of_peak"] = share;
  if (!timing.beside.empty()) {
    result["beside_seconds"] = median(timing.beside);
    result["beside_ratio"] = median(timing.beside) / seconds;
  }
  if (json) {
    std::printf("%s\n", to_line(result).c_str());
  } else {
    std::printf("%-6s %-13s batch %4lld: %10.1f tokens/s, %7.1f GFLOP/s = %3.0f%% of the peak; %.4g s (%.4g to %.4g)\n",
                result["bench"].get<std::string>().c_str(), result["shape"].get<std::string>().c_str(),
                static_cast<long long>(result["batch"].get<int64_t>()), tokens / seconds, flops * 1e-9 / seconds,
                100 * share, seconds, *shortest, *longest);
    if (!timing.beside.empty()) {
      std::printf("       beside busy neighbours: %.4g s, %.2f times as long\n", median(timing.beside),
                  median(timing.beside) / seconds);
    }
  }
  std::fflush(stdout);
}

}  // namespace posttrain::cli
