#include <doctest/doctest.h>

#include <nvembed/io/load_adapter.hpp>
#include <nvembed/io/merged_weights.hpp>
#include <support/adapter.hpp>
#include <support/backends.hpp>
#include <support/compare.hpp>

using namespace nvembed;

TEST_CASE_TEMPLATE("a merged adapter gives what an attached one gives", B, NVEMBED_TEST_BACKENDS) {
  const B be(2);
  for (const std::string& name : adapters::names()) {
    CAPTURE(name);
    const Json expected = golden::json("adapter/" + name + ".expected.json");
    const adapters::Base base(expected["base"]);
    const Adapter adapter(adapters::folder(name));
    auto attached = adapters::load_body(be, base);
    load_adapter(be, attached, adapter);
    adapters::Body<B> merged(base.config, base.mask);
    MergedWeights source(be, base.weights, adapter);
    load_weights(be, merged, source);
    nn::for_each_linear(merged, [](const std::string&, const auto& linear) { CHECK(linear.plain()); });
    const auto a = adapters::states(be, attached, expected["sequences"]),
               b = adapters::states(be, merged, expected["sequences"]);
    const Safetensors vectors(golden::path("adapter/" + name + ".expected.safetensors"));
    for (std::size_t i = 0; i < a.size(); ++i) {
      CHECK(max_abs_difference(a[i], b[i]) < 2 * tolerance::hidden);  // values up to 7; each is that far from the truth
      CHECK(max_abs_difference(b[i], golden::values(vectors, cat("s", i))) < tolerance::hidden);
    }
  }
}

TEST_CASE("merging: every row is W + scale B A, and done is told once") {
  using B = eigen::Backend;
  const B be(1);
  struct Counting {
    const Weights& weights;
    Index told = 0;
    RawWeight get(const std::string& key, Index rows, Index cols) const { return weights.get(key, rows, cols); }
    void done(const RawWeight& raw) { told += static_cast<Index>(raw.bytes.size()); }
  };
  const adapters::Base base("llama3_rope");
  const Adapter adapter(adapters::folder("plain"));
  Counting counting{base.weights};
  MergedWeights source(be, counting, adapter);
  const std::string key = "layers.1.mlp.up_proj.weight";
  const RawWeight plain = base.weights.get(key, 96, 64), merged = source.get(key, 96, 64);
  CHECK(counting.told == 96 * 64 * 4);
  source.done(merged);
  CHECK(counting.told == 96 * 64 * 4);
  const AdapterUpdate& u = *adapter.find("layers.1.mlp.up_proj");
  const auto a = adapter_values(u.a), b = adapter_values(u.b);
  std::vector<float> p(64), m(64);
  double worst = 0;
  for (Index r = 0; r < 96; ++r) {
    dequantize_row(plain, r, p.data());
    dequantize_row(merged, r, m.data());
    for (std::size_t c = 0; c < 64; ++c) {
      double sum = double(p[c]);
      for (std::size_t k = 0; k < 4; ++k)
        sum += u.scale * double(b[static_cast<std::size_t>(r) * 4 + k]) * double(a[k * 64 + c]);
      worst = std::max(worst, std::abs(sum - double(m[c])));
    }
  }
  CHECK(worst < 1e-6);
  const RawWeight norm = source.get("norm.weight", 1, 64);
  source.done(norm);
  CHECK(counting.told == 96 * 64 * 4 + 64 * 4);
}
