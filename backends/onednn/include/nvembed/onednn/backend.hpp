#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <nvembed/core/backend.hpp>
#include <nvembed/core/cpu_count.hpp>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/host_lane.hpp>
#include <nvembed/cpu/attention.hpp>
#include <nvembed/cpu/kernels.hpp>
#include <nvembed/onednn/packed_weight.hpp>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace nvembed::onednn {

/// The CPU's back end: matrix products by oneDNN, everything else by the SIMD kernels of `cpu`. f32.
class Backend {
 public:
  using Lane = HostLane;
  template <class T>
  using Packed = PackedWeight;
  template <class T>
  using Table = onednn::Table;

  static constexpr Index tile = Product::tile;

  explicit Backend(Index threads = cpu_count(), cpu::Isa isa = cpu::best_isa())
      : pool_(std::make_shared<ThreadPool>(threads, [] { OneThread::for_ever(); })),
        products_(std::make_shared<Products>()),
        kernel_(&cpu::kernels(isa)) {}

  std::string_view name() const { return "onednn"; }
  cpu::Isa isa() const { return kernel_->isa; }
  Lane make_lane() const { return Lane(pool_); }

  /// Decodes and packs the stacked rows of `raw`, a panel a task, never holding a second copy of the whole.
  template <class T>
  PackedWeight pack(std::span<const RawWeight> raw, Precision, Use) const {
    const Index rows = stacked_rows(raw), cols = raw[0].cols;
    std::vector<PackedWeight::Panel> panels;
    for (const auto& [begin, count] : PackedWeight::cuts(rows))
      panels.push_back({begin, count, product(cols, count), nullptr});
    Worker self;
    pool_->run(static_cast<Index>(panels.size()), self, [&](Index i, Worker& worker) {
      auto& panel = panels[static_cast<std::size_t>(i)];
      float* decoded = worker.scratch_as<float>(panel.rows * cols);
      decode(raw, panel.begin, panel.rows, cols, decoded);
      panel.packed = allocate(panel.product->packed_bytes());
      panel.product->pack(decoded, panel.packed.get());
    });
    return {rows, cols, std::move(panels)};
  }

  template <class T>
  onednn::Table pack_table(std::span<const RawWeight> raw, Precision) const {
    const Index rows = stacked_rows(raw), cols = raw[0].cols;
    const auto values = allocate(rows * cols * static_cast<Index>(sizeof(float)));
    Worker self;
    pool_->run((rows + tile - 1) / tile, self, [&](Index t, Worker&) {
      decode(raw, t * tile, std::min(tile, rows - t * tile), cols,
             reinterpret_cast<float*>(values.get()) + t * tile * cols);
    });
    return {rows, cols, values};
  }

  void embedding(Lane& lane, std::span<const TokenId> ids, const onednn::Table& table, MatView<float> y) const {
    each_row(lane, y.rows,
             [&](Index i) { std::copy_n(table.row(ids[static_cast<std::size_t>(i)]), y.cols, y.row(i)); });
  }

  void linear(Lane& lane, MatView<const float> x, const PackedWeight& w, LinearExtras<float> extras,
              MatView<float> y) const {
    const auto& panels = w.panels();
    each_tile(lane, x, static_cast<Index>(panels.size()),
              [&](Index p, Index first, Index count, const float* rows, Worker& worker) {
                const auto& panel = panels[static_cast<std::size_t>(p)];
                float* product = multiply(panel, rows, 0, worker);
                for (Index i = 0; i < count; ++i)
                  kernel_->epilogue(product + i * panel.rows,
                                    extras.bias.data ? extras.bias.data + panel.begin : nullptr,
                                    extras.residual.data ? extras.residual.row(first + i) + panel.begin : nullptr,
                                    panel.rows, y.row(first + i) + panel.begin);
              });
  }

  void gated_linear(Lane& lane, MatView<const float> x, const PackedWeight& w, VecView<const float> bias, Gate gate,
                    MatView<float> y) const {
    const auto& panels = w.panels();
    const Index half = static_cast<Index>(panels.size()) / 2;
    each_tile(lane, x, half, [&](Index p, Index first, Index count, const float* rows, Worker& worker) {
      const auto &a = panels[static_cast<std::size_t>(p)], &b = panels[static_cast<std::size_t>(half + p)];
      const float* left = multiply(a, rows, 0, worker);
      const float* right = multiply(b, rows, 1, worker);
      for (Index i = 0; i < count; ++i)
        kernel_->gated(gate, left + i * a.rows, right + i * a.rows, bias.data ? bias.data + a.begin : nullptr,
                       bias.data ? bias.data + b.begin : nullptr, a.rows, y.row(first + i) + a.begin);
    });
  }

  void matmul(Lane& lane, MatView<const float> a, bool transpose_a, MatView<const float> b, bool transpose_b,
              float alpha, MatView<float> y) const {
    const Index rows = y.rows, k = transpose_a ? a.rows : a.cols;
    lane.parallel_for((rows + tile - 1) / tile, [&](Index t, Worker& worker) {
      const Index first = t * tile, count = std::min(tile, rows - first);
      float* x = worker.scratch_as<float>(tile * (k + y.cols));  // a filled-up tile, then its product
      float* product = x + tile * k;
      for (Index i = 0; i < tile; ++i)
        for (Index j = 0; j < k; ++j)
          x[i * k + j] = i >= count ? 0.0f : transpose_a ? a(j, first + i) : a(first + i, j);
      sgemm(transpose_b, tile, y.cols, k, alpha, x, k, b.data, b.stride, product, y.cols);
      for (Index i = 0; i < count; ++i) std::copy_n(product + i * y.cols, y.cols, y.row(first + i));
    });
  }

  void gated(Lane& lane, MatView<const float> x, Gate gate, MatView<float> y) const {
    each_row(lane, x.rows,
             [&](Index i) { kernel_->gated(gate, x.row(i), x.row(i) + y.cols, nullptr, nullptr, y.cols, y.row(i)); });
  }
  void add(Lane& lane, MatView<const float> a, MatView<const float> b, MatView<float> y) const {
    each_row(lane, a.rows, [&](Index i) { kernel_->add(a.row(i), b.row(i), a.cols, y.row(i)); });
  }
  void rms_norm(Lane& lane, MatView<const float> x, VecView<const float> w, double eps, MatView<float> y,
                VecView<float> rstd) const {
    each_row(lane, x.rows, [&](Index i) {
      kernel_->rms_norm(x.row(i), w.data, x.cols, eps, y.row(i), rstd.data ? &rstd[i] : nullptr);
    });
  }
  void head_rms_norm(Lane& lane, MatView<const float> x, VecView<const float> w, double eps, MatView<float> y) const {
    each_row(lane, x.rows, [&](Index i) {
      for (Index h = 0; h < x.cols; h += w.size)
        kernel_->rms_norm(x.row(i) + h, w.data, w.size, eps, y.row(i) + h, nullptr);
    });
  }
  void layer_norm(Lane& lane, MatView<const float> x, VecView<const float> w, VecView<const float> b, double eps,
                  MatView<float> y, VecView<float> mean, VecView<float> rstd) const {
    each_row(lane, x.rows, [&](Index i) {
      kernel_->layer_norm(x.row(i), w.data, b.data, x.cols, eps, y.row(i), mean.data ? &mean[i] : nullptr,
                          rstd.data ? &rstd[i] : nullptr);
    });
  }
  void rope(Lane& lane, MatView<const float> x, std::span<const Segment> segments, MatView<const float> cos,
            MatView<const float> sin, MatView<float> y) const {
    lane.parallel_for(static_cast<Index>(segments.size()), [&](Index i, Worker&) {
      const Segment& s = segments[static_cast<std::size_t>(i)];
      for (Index p = 0; p < s.size; ++p)
        for (Index h = 0; h < x.cols; h += 2 * cos.cols)
          kernel_->rope(x.row(s.begin + p) + h, cos.row(p), sin.row(p), cos.cols, y.row(s.begin + p) + h);
    });
  }
  template <Mask M>
  void attention(Lane& lane, MatView<const float> q, MatView<const float> k, MatView<const float> v,
                 std::span<const Segment> segments, const M& mask, AttentionShape shape, MatView<float> y,
                 VecView<float> lse) const {
    cpu::attention(*kernel_, lane, q, k, v, segments, mask, shape, y, lse);
  }
  void softmax(Lane& lane, MatView<const float> x, Index group, double scale, MatView<float> y) const {
    each_row(lane, x.rows, [&](Index i) {
      for (Index g = 0; g < x.cols; g += group) {
        const float sum = kernel_->exp_sum(x.row(i) + g, group, static_cast<float>(scale), y.row(i) + g);
        kernel_->scale(y.row(i) + g, group, 1.0f / sum, y.row(i) + g);
      }
    });
  }
  void gather_rows(Lane& lane, MatView<const float> x, std::span<const Index> from, MatView<float> y) const {
    each_row(lane, y.rows, [&](Index i) { std::copy_n(x.row(from[static_cast<std::size_t>(i)]), x.cols, y.row(i)); });
  }
  void segment_mean(Lane& lane, MatView<const float> x, std::span<const Segment> segments, MatView<float> y) const {
    pool_rows(lane, x, segments, y, [](Index) { return 1.0; });
  }
  void segment_weighted_mean(Lane& lane, MatView<const float> x, std::span<const Segment> segments,
                             MatView<float> y) const {
    pool_rows(lane, x, segments, y, [](Index i) { return static_cast<double>(i + 1); });
  }
  void l2_normalize(Lane& lane, MatView<const float> x, MatView<float> y, VecView<float> norm) const {
    each_row(lane, x.rows, [&](Index i) {
      const float length = std::sqrt(kernel_->squares(x.row(i), x.cols));
      kernel_->scale(x.row(i), x.cols, 1.0f / std::max(length, 1e-12f), y.row(i));
      if (norm.data) norm[i] = length;
    });
  }

 private:
  /// Primitives by (k, n): made once, used by every weight of that shape.
  struct Products {
    std::mutex mutex;
    std::map<std::pair<Index, Index>, std::shared_ptr<const Product>> made;
  };
  std::shared_ptr<const Product> product(Index k, Index n) const {
    std::lock_guard lock(products_->mutex);
    auto& p = products_->made[{k, n}];
    if (!p) p = std::make_shared<const Product>(k, n);
    return p;
  }

  static Index stacked_rows(std::span<const RawWeight> raw) {
    require<ShapeError>(!raw.empty(), "pack", "no matrix to pack");
    Index rows = 0;
    for (const RawWeight& r : raw) {
      require<ShapeError>(r.cols == raw[0].cols, "pack", r.name, " has ", r.cols, " columns, ", raw[0].name, " has ",
                          raw[0].cols);
      rows += r.rows;
    }
    return rows;
  }
  /// Rows [begin, begin + count) of the stack, as floats.
  static void decode(std::span<const RawWeight> raw, Index begin, Index count, Index cols, float* out) {
    Index first = 0;
    for (const RawWeight& r : raw) {
      for (Index i = std::max(begin, first); i < std::min(begin + count, first + r.rows); ++i)
        dequantize_row(r, i - first, out + (i - begin) * cols);
      first += r.rows;
    }
  }
  static std::shared_ptr<std::byte> allocate(Index bytes) {
    constexpr std::align_val_t alignment{64};
    auto* p = static_cast<std::byte*>(::operator new(static_cast<std::size_t>(std::max<Index>(bytes, 64)), alignment));
    return {p, [](std::byte* q) { ::operator delete(q, alignment); }};
  }

  template <class F>
  static void each_row(Lane& lane, Index n, F&& f) {
    lane.parallel_for((n + tile - 1) / tile, [&](Index t, Worker&) {
      for (Index i = t * tile; i < std::min(n, (t + 1) * tile); ++i) f(i);
    });
  }

  /// f(panel, first row, rows, dense tile of x, worker) for every panel and tile; the last tile is filled up with
  /// zeros.
  template <class F>
  static void each_tile(Lane& lane, MatView<const float> x, Index panels, F&& f) {
    const Index tiles = (x.rows + tile - 1) / tile, rest = x.rows % tile;
    std::shared_ptr<std::byte> last, dense;
    if (x.stride != x.cols) {  // the primitives want rows that follow each other
      dense = lane.allocate(static_cast<std::size_t>(x.rows * x.cols) * sizeof(float));
      auto* copy = reinterpret_cast<float*>(dense.get());
      for (Index i = 0; i < x.rows; ++i) std::copy_n(x.row(i), x.cols, copy + i * x.cols);
      x = {copy, x.rows, x.cols, x.cols};
    }
    if (rest) {
      last = lane.allocate(static_cast<std::size_t>(tile * x.cols) * sizeof(float));
      auto* filled = reinterpret_cast<float*>(last.get());
      for (Index i = 0; i < rest; ++i) std::copy_n(x.row(x.rows - rest + i), x.cols, filled + i * x.cols);
      std::fill_n(filled + rest * x.cols, (tile - rest) * x.cols, 0.0f);
    }
    lane.parallel_for(panels * tiles, [&](Index task, Worker& worker) {
      const Index t = task % tiles, count = std::min(tile, x.rows - t * tile);
      const float* rows = count < tile ? reinterpret_cast<const float*>(last.get()) : x.row(t * tile);
      f(task / tiles, t * tile, count, rows, worker);
    });
  }

  /// The product of one tile and one panel in the worker's scratch; slots 0 and 1 may be in use at once.
  static float* multiply(const PackedWeight::Panel& panel, const float* rows, Index slot, Worker& worker) {
    const auto align = [](Index n) { return (n + 63) / 64 * 64; };
    const Index out = align(tile * panel.rows * static_cast<Index>(sizeof(float)));
    std::byte* scratch = worker.scratch(static_cast<std::size_t>(2 * out + align(panel.product->scratch_bytes())));
    auto* y = reinterpret_cast<float*>(scratch + slot * out);
    panel.product->run(rows, panel.packed.get(), y, scratch + 2 * out);
    return y;
  }

  template <class Weight>
  static void pool_rows(Lane& lane, MatView<const float> x, std::span<const Segment> segments, MatView<float> y,
                        Weight&& weight) {
    lane.parallel_for(static_cast<Index>(segments.size()), [&](Index s, Worker& worker) {
      const Segment& segment = segments[static_cast<std::size_t>(s)];
      double* sum = worker.scratch_as<double>(x.cols);
      std::fill_n(sum, x.cols, 0.0);
      double total = 0;
      for (Index i = segment.pool_begin; i < segment.size; ++i) {
        const double w = weight(i);
        const float* row = x.row(segment.begin + i);
        for (Index j = 0; j < x.cols; ++j) sum[j] += w * static_cast<double>(row[j]);
        total += w;
      }
      for (Index j = 0; j < x.cols; ++j) y(s, j) = static_cast<float>(sum[j] / total);
    });
  }

  std::shared_ptr<ThreadPool> pool_;
  std::shared_ptr<Products> products_;
  const cpu::Kernels* kernel_;
};

}  // namespace nvembed::onednn
