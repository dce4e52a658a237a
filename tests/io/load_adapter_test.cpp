#include <doctest/doctest.h>

#include <nvembed/eigen/backend.hpp>
#include <nvembed/io/load_adapter.hpp>
#include <support/adapter.hpp>
#include <support/backends.hpp>
#include <support/compare.hpp>

using namespace nvembed;

TEST_CASE_TEMPLATE("adapters that PEFT has made give what PyTorch computes", B, NVEMBED_TEST_BACKENDS) {
  const B be(2);
  for (const std::string& name : adapters::names()) {
    CAPTURE(name);
    const Json expected = golden::json("adapter/" + name + ".expected.json");
    const Safetensors vectors(golden::path("adapter/" + name + ".expected.safetensors"));
    const adapters::Base base(expected["base"]);
    auto body = adapters::load_body(be, base);
    const auto before = adapters::states(be, body, expected["sequences"]);
    const Adapter adapter(adapters::folder(name));
    CHECK(load_adapter(be, body, adapter) == static_cast<Index>(adapter.updates().size()));
    const auto got = adapters::states(be, body, expected["sequences"]);
    for (std::size_t i = 0; i < got.size(); ++i) {
      const auto want = golden::values(vectors, cat("s", i));
      CHECK(max_abs_difference(got[i], want) < tolerance::hidden);
      CHECK(max_abs_difference(got[i], before[i]) > 0.5);
      // As unit vectors of means, which are what an embedder gives.
      const std::size_t dim = static_cast<std::size_t>(base.config.hidden_size);
      std::vector<double> a(dim), b(dim);
      double aa = 0, bb = 0, worst = 0;
      for (std::size_t k = 0; k < want.size(); ++k) a[k % dim] += double(got[i][k]), b[k % dim] += want[k];
      for (std::size_t k = 0; k < dim; ++k) aa += a[k] * a[k], bb += b[k] * b[k];
      for (std::size_t k = 0; k < dim; ++k)
        worst = std::max(worst, std::abs(a[k] / std::sqrt(aa) - b[k] / std::sqrt(bb)));
      CHECK(worst < 1e-5);
    }
    nn::detach_lora(body);
    CHECK(adapters::states(be, body, expected["sequences"]) == before);
  }
}

TEST_CASE("adapters are swapped on copies that share one base") {
  using B = eigen::Backend;
  const B be(2);
  const adapters::Base base("llama3_rope");
  const auto body = adapters::load_body(be, base);
  auto first = body, second = body;
  load_adapter(be, first, adapters::folder("plain"));
  nn::attach_lora(be, second, {});
  adapters::randomise(be, second, 3);
  const Json sequences = golden::json("adapter/plain.expected.json")["sequences"];
  const auto a = adapters::states(be, first, sequences), b = adapters::states(be, second, sequences);
  CHECK(a != b);
  load_adapter(be, second, adapters::folder("plain"));
  CHECK(adapters::states(be, second, sequences) == a);

  // An adapter of another base changes nothing.
  CHECK_THROWS_WITH_AS(load_adapter(be, first, adapters::folder("one_layer")), doctest::Contains("for another base"),
                       FileError);
  CHECK(adapters::states(be, first, sequences) == a);
  const adapters::Base small("qwen2");
  auto other = adapters::load_body(be, small);
  CHECK_THROWS_WITH_AS(load_adapter(be, other, adapters::folder("plain")),
                       doctest::Contains("model's matrix is (56, 88); it is an adapter for another base"), FileError);
}
