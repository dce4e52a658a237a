#pragma once

#include <cmath>
#include <memory>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/io/adapter.hpp>
#include <nvembed/io/load.hpp>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace nvembed {

/// A weight source that gives W + scale B A for the matrices that an adapter changes, in f32 (W decoded from whatever
/// the file has), and all others as they are: a model loaded from it is as fast as its base, in any precision, on any
/// back end. The products are the back end's. `base` and `adapter` stay in place.
template <class B, WeightSource Base>
class MergedWeights {
 public:
  MergedWeights(const B& be, Base& base, const Adapter& adapter)
      : be_(be), lane_(be.make_lane()), base_(base), adapter_(adapter) {}

  RawWeight get(const std::string& key, Index rows, Index cols) {
    RawWeight raw = base_.get(key, rows, cols);
    constexpr std::string_view suffix = ".weight";
    if (!key.ends_with(suffix)) return raw;
    const AdapterUpdate* u = adapter_.find(std::string_view(key).substr(0, key.size() - suffix.size()));
    if (!u) return raw;
    const auto tensor = [&](const RawWeight& half) {
      return Tensor<B, float>::from_host(lane_, {half.rows, half.cols}, adapter_values(half));
    };
    const Tensor<B, float> down = tensor(u->a), up = tensor(u->b);
    Tensor<B, float> product(lane_, {rows, cols});
    be_.matmul(lane_, up.mat(), false, down.mat(), false, static_cast<float>(u->scale), product.mat());
    auto merged = std::make_shared<std::vector<float>>(product.to_host(lane_));
    std::vector<float> row(static_cast<std::size_t>(cols));
    for (Index r = 0; r < rows; ++r) {
      dequantize_row(raw, r, row.data());
      float* to = merged->data() + r * cols;
      for (Index c = 0; c < cols; ++c) to[c] += row[static_cast<std::size_t>(c)];
    }
    base_.done(raw);
    const std::span<const std::byte> bytes = std::as_bytes(std::span<const float>(*merged));
    merged_.insert(bytes.data());
    return {bytes, DType::f32, rows, cols, {}, std::move(merged), cat(raw.name, " with its update"), false};
  }
  void done(const RawWeight& raw) {
    if (merged_.erase(raw.bytes.data()) == 0) base_.done(raw);
  }

 private:
  const B& be_;
  typename B::Lane lane_;
  Base& base_;
  const Adapter& adapter_;
  std::set<const std::byte*> merged_;  // those that the base does not know
};

}  // namespace nvembed
