#include "../../examples/cli/stored.hpp"
#include "fuzz.hpp"

// What the program keeps beside its outputs: the state of a run, the origin of vectors.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view content = fuzz::text(data, size);
  fuzz::survives([&] {
    const auto state = cli::RunState::parse(content, "state.json");
    for (const auto n : {state.rows, state.bytes, state.tokens, state.truncated.count, state.empty.count})
      fuzz::check(n >= 0, "no count is negative");
    const std::string written = state.str();
    fuzz::check(cli::RunState::parse(written, "state.json").str() == written, "what is written is read back");
  });
  fuzz::survives([&] { (void)cli::VectorsOrigin::parse(content, "vectors.json"); });
  return 0;
}
