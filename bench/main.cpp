// Google Benchmark's own main, and this machine's speed beside the results.
#include <support/bench.hpp>

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("instruction_set", nvembed::cpu::name(nvembed::cpu::best_isa()));
  benchmark::AddCustomContext("gemm_ceiling_gflops", std::to_string(bench::flop_ceiling() * 1e-9));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
