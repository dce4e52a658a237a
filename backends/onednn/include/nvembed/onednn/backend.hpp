#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <nvembed/core/backend.hpp>
#include <nvembed/core/cpu_count.hpp>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/host_lane.hpp>
#include <nvembed/core/huge_pages.hpp>
#include <nvembed/core/memory.hpp>
#include <nvembed/core/weight_rounding.hpp>
#include <nvembed/cpu/attention.hpp>
#include <nvembed/cpu/backward.hpp>
#include <nvembed/cpu/kernels.hpp>
#include <nvembed/onednn/packed_weight.hpp>
#include <nvembed/onednn/product.hpp>
#include <nvembed/onednn/table.hpp>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace nvembed::onednn {

/// The CPU's back end: matrix products by oneDNN, everything else by the SIMD kernels of `cpu`. f32.
class Backend : public cpu::BackwardKernels<Gemm> {
 public:
  using Lane = HostLane;
  template <class T>
  using Packed = PackedWeight;
  template <class T>
  using Table = onednn::Table;

  static constexpr Index tile = Product::tile;
  static constexpr Index batch_tokens = 2048;

  explicit Backend(Index threads = cpu_count(), cpu::Isa isa = cpu::best_isa())
      : cpu::BackwardKernels<Gemm>(cpu::kernels(isa)),
        pool_(std::make_shared<ThreadPool>(threads, [] { OneThread::for_ever(); })),
        products_(std::make_shared<Products>()) {}

  std::string_view name() const { return "onednn"; }
  Index free_memory() const { return available_memory(); }
  cpu::Isa isa() const { return kernel_->isa; }
  Lane make_lane() const { return Lane(pool_); }

  /// Decodes and packs the stacked rows of `raw`, a panel a task, never holding a second copy of the whole. Throws
  /// FileError naming the matrix where a value does not fit the precision.
  template <class T>
  PackedWeight pack(std::span<const RawWeight> raw, Precision precision, Use) const {
    using Form = PackedWeight::Form;
    const Form form = precision == Precision::f32    ? Form::f32
                      : precision == Precision::f16  ? Form::f16
                      : precision == Precision::bf16 ? Form::bf16
                                                     : Form::blocks;
    const Index rows = stacked_rows(raw), cols = raw[0].cols;
    std::vector<PackedWeight::Panel> panels;
    std::vector<Index> offsets{0};  // of the panels' bytes
    for (const auto& [begin, count] : PackedWeight::cuts(rows, PackedWeight::most_rows(form, cols))) {
      PackedWeight::Panel p{begin, count, product(cols, count), nullptr, {}};
      Index bytes = p.product->packed_bytes() / (form == Form::f32 ? 1 : 2);
      if (form == Form::blocks) {
        bytes = 0;
        each_part(raw, begin, count, [&](const RawWeight& r, Index, Index n) {
          const DType held = held_as(precision, r.dtype, cols);
          p.blocks.push_back({held, n, nullptr});
          bytes += n * row_bytes(held, cols);
        });
      }
      offsets.push_back(offsets.back() + PackedWeight::align(bytes));
      panels.push_back(std::move(p));
    }
    const auto storage = allocate(offsets.back());
    Worker self;
    pool_->run(static_cast<Index>(panels.size()), self, [&](Index i, Worker& worker) {
      auto& panel = panels[static_cast<std::size_t>(i)];
      std::byte* to = storage.get() + offsets[static_cast<std::size_t>(i)];
      panel.data = to;
      if (form == Form::blocks) return copy_blocks(raw, precision, cols, panel, to, worker);
      const Index floats = panel.product->packed_bytes() / 4;
      const Index decoded_bytes = PackedWeight::align(panel.rows * cols * 4);
      std::byte* scratch = worker.scratch(static_cast<std::size_t>(decoded_bytes + floats * 4));
      auto* decoded = reinterpret_cast<float*>(scratch);
      decode(raw, panel.begin, panel.rows, cols, decoded);
      if (form == Form::f32) return panel.product->pack(decoded, to);
      auto* packed = reinterpret_cast<float*>(scratch + decoded_bytes);
      panel.product->pack(decoded, reinterpret_cast<std::byte*>(packed));
      if (form == Form::f16) {
        check_fits(DType::f16, packed, floats, raw[0].name);
        kernel_->narrow_f16(packed, floats, reinterpret_cast<std::uint16_t*>(to));
      } else {
        check_fits(DType::bf16, packed, floats, raw[0].name);
        kernel_->narrow_bf16(packed, floats, reinterpret_cast<std::uint16_t*>(to));
      }
    });
    return {rows, cols, form, std::move(panels), storage, offsets.back()};
  }

  template <class T>
  onednn::Table pack_table(std::span<const RawWeight> raw, Precision precision) const {
    const Index rows = stacked_rows(raw), cols = raw[0].cols;
    require<ShapeError>(raw.size() == 1, "pack_table", "a table is one matrix");
    onednn::Table table(rows, cols, held_as(precision, raw[0].dtype, cols));
    Worker self;
    pool_->run((rows + tile - 1) / tile, self, [&](Index t, Worker& worker) {
      float* decoded = worker.scratch_as<float>(cols);
      for (Index r = t * tile; r < std::min(rows, (t + 1) * tile); ++r) table.set_row(r, raw[0], *kernel_, decoded);
    });
    return table;
  }

  void embedding(Lane& lane, std::span<const TokenId> ids, const onednn::Table& table, MatView<float> y) const {
    each_row(lane, y.rows, [&](Index i) { table.row(ids[static_cast<std::size_t>(i)], *kernel_, y.row(i)); });
  }

  void linear(Lane& lane, MatView<const float> x, const PackedWeight& w, LinearExtras<float> extras,
              MatView<float> y) const {
    const auto& panels = w.panels();
    each_block(lane, x, static_cast<Index>(panels.size()), w.tiles_a_task(), [&](Index p, Block block, Worker& worker) {
      const auto& panel = panels[static_cast<std::size_t>(p)];
      Bench bench(worker, w, {&panel});
      const std::byte* packed = w.unpacked(panel, *kernel_, bench.weight[0]);
      for (const Tile& t : block) {
        float* product = multiply(panel, packed, t, bench, 0);
        for (Index i = 0; i < t.count; ++i)
          kernel_->epilogue(product + i * panel.rows, extras.bias.data ? extras.bias.data + panel.begin : nullptr,
                            extras.residual.data ? extras.residual.row(t.first + i) + panel.begin : nullptr, panel.rows,
                            y.row(t.first + i) + panel.begin);
      }
    });
  }

  /// Panels are added up in their order, so a row's bits depend on nothing but the row.
  void linear_dx(Lane& lane, MatView<const float> dy, const PackedWeight& w, MatView<float> dx) const {
    const Index tiles = (dy.rows + tile - 1) / tile, k = w.cols();
    const Index group = std::clamp<Index>(tiles / pool_->size(), 1, 8);  // widening and turning is paid once a group
    lane.parallel_for((tiles + group - 1) / group, [&](Index task, Worker& worker) {
      const Index first = task * group, count = std::min(group, tiles - first);
      Index weight = 0, turned = 0, own = 0, widest = 0;
      for (const auto& p : w.panels()) {
        weight = std::max(weight, w.scratch_bytes(p));
        turned = std::max(turned, PackedWeight::align(p.product->turned_bytes()));
        own = std::max(own, PackedWeight::align(p.product->dx_scratch_bytes()));
        widest = std::max(widest, p.rows);
      }
      const Index in = PackedWeight::align(tile * widest * 4), out = PackedWeight::align(count * tile * k * 4);
      std::byte* scratch = worker.scratch(static_cast<std::size_t>(weight + turned + own + in + out));
      std::byte *turned_at = scratch + weight, *own_at = turned_at + turned;
      auto* in_at = reinterpret_cast<float*>(own_at + own);
      auto* out_at = reinterpret_cast<float*>(own_at + own + in);
      std::fill_n(out_at, count * tile * k, 0.0f);
      for (const auto& p : w.panels()) {
        p.product->turn(w.unpacked(p, *kernel_, scratch), turned_at);
        for (Index t = 0; t < count; ++t) {
          for (Index i = 0; i < tile; ++i) {
            const Index row = (first + t) * tile + i;
            if (row < dy.rows)
              std::copy_n(dy.row(row) + p.begin, p.rows, in_at + i * p.rows);
            else
              std::fill_n(in_at + i * p.rows, p.rows, 0.0f);
          }
          p.product->run_dx(in_at, turned_at, out_at + t * tile * k, own_at);
        }
      }
      for (Index i = first * tile; i < std::min(dy.rows, (first + count) * tile); ++i)
        std::copy_n(out_at + (i - first * tile) * k, k, dx.row(i));
    });
  }

  void gated_linear(Lane& lane, MatView<const float> x, const PackedWeight& w, VecView<const float> bias, Gate gate,
                    MatView<float> y) const {
    const auto& panels = w.panels();
    const Index half = static_cast<Index>(panels.size()) / 2;
    each_block(lane, x, half, w.tiles_a_task(), [&](Index p, Block block, Worker& worker) {
      const auto &a = panels[static_cast<std::size_t>(p)], &b = panels[static_cast<std::size_t>(half + p)];
      Bench bench(worker, w, {&a, &b});
      const std::byte* packed_a = w.unpacked(a, *kernel_, bench.weight[0]);
      const std::byte* packed_b = w.unpacked(b, *kernel_, bench.weight[1]);
      for (const Tile& t : block) {
        const float *left = multiply(a, packed_a, t, bench, 0), *right = multiply(b, packed_b, t, bench, 1);
        for (Index i = 0; i < t.count; ++i)
          kernel_->gated(gate, left + i * a.rows, right + i * a.rows, bias.data ? bias.data + a.begin : nullptr,
                         bias.data ? bias.data + b.begin : nullptr, a.rows, y.row(t.first + i) + a.begin);
      }
    });
  }

  void matmul(Lane& lane, MatView<const float> a, bool transpose_a, MatView<const float> b, bool transpose_b,
              float alpha, MatView<float> y) const {
    const Index rows = y.rows, k = transpose_a ? a.rows : a.cols;
    if (transpose_a) {  // rows of y are no tokens: as they are, and cut both ways, as there may be few
      constexpr Index width = 256;
      const Index across = (y.cols + width - 1) / width;
      return lane.parallel_for((rows + tile - 1) / tile * across, [&](Index t, Worker&) {
        const Index first = t / across * tile, begin = t % across * width;
        const Index n = std::min(width, y.cols - begin);
        sgemm(true, transpose_b, std::min(tile, rows - first), n, k, alpha, a.data + first, a.stride,
              transpose_b ? b.row(begin) : b.data + begin, b.stride, 0.0f, y.row(first) + begin, y.stride);
      });
    }
    lane.parallel_for((rows + tile - 1) / tile, [&](Index t, Worker& worker) {
      const Index first = t * tile, count = std::min(tile, rows - first);
      float* x = worker.scratch_as<float>(tile * (k + y.cols));  // a filled-up tile, then its product
      float* product = x + tile * k;
      for (Index i = 0; i < count; ++i) std::copy_n(a.row(first + i), k, x + i * k);
      std::fill_n(x + count * k, (tile - count) * k, 0.0f);
      sgemm(false, transpose_b, tile, y.cols, k, alpha, x, k, b.data, b.stride, 0.0f, product, y.cols);
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
  /// f(matrix, its first row wanted, how many) for rows [begin, begin + count) of the stack.
  template <class F>
  static void each_part(std::span<const RawWeight> raw, Index begin, Index count, F&& f) {
    Index first = 0;
    for (const RawWeight& r : raw) {
      const Index from = std::max(begin, first), to = std::min(begin + count, first + r.rows);
      if (from < to) f(r, from - first, to - from);
      first += r.rows;
    }
  }
  /// Those rows as floats.
  void decode(std::span<const RawWeight> raw, Index begin, Index count, Index cols, float* out) const {
    each_part(raw, begin, count, [&](const RawWeight& r, Index from, Index n) {
      for (Index i = 0; i < n; ++i, out += cols) kernel_->dequantize(r.dtype, r.row(from + i), cols, out);
    });
  }
  /// A panel's rows as files hold them, at `to`.
  void copy_blocks(std::span<const RawWeight> raw, Precision precision, Index cols, PackedWeight::Panel& panel,
                   std::byte* to, Worker& worker) const {
    std::size_t part = 0;
    each_part(raw, panel.begin, panel.rows, [&](const RawWeight& r, Index from, Index n) {
      float* decoded = worker.scratch_as<float>(cols);
      const DType held = held_as(precision, r.dtype, cols);
      panel.blocks[part++].bytes = to;
      for (Index i = 0; i < n; ++i, to += row_bytes(held, cols)) hold_row(held, r, from + i, *kernel_, decoded, to);
    });
  }
  /// Memory for packed weights.
  static std::shared_ptr<std::byte> allocate(Index bytes) {
    const auto size = static_cast<std::size_t>(std::max<Index>(bytes, 64));
    return {huge_pages::allocate(size, 64), [size](std::byte* p) { huge_pages::release(p, size, 64); }};
  }

  template <class F>
  static void each_row(Lane& lane, Index n, F&& f) {
    lane.parallel_for((n + tile - 1) / tile, [&](Index t, Worker&) {
      for (Index i = t * tile; i < std::min(n, (t + 1) * tile); ++i) f(i);
    });
  }

  /// A row tile of x: `count` rows from row `first`, of which `rows` is a dense copy or the thing itself, filled up to
  /// a whole tile.
  struct Tile {
    Index first = 0, count = 0;
    const float* rows = nullptr;
  };
  using Block = std::span<const Tile>;

  /// f(panel, tiles, worker) for every panel and every `group` row tiles.
  template <class F>
  static void each_block(Lane& lane, MatView<const float> x, Index panels, Index group, F&& f) {
    const Index count = (x.rows + tile - 1) / tile, rest = x.rows % tile;
    std::shared_ptr<std::byte> last, dense;
    if (x.stride != x.cols) {  // the primitives want rows that follow each other
      dense = lane.allocate(static_cast<std::size_t>(x.rows * x.cols) * sizeof(float));
      auto* copy = reinterpret_cast<float*>(dense.get());
      for (Index i = 0; i < x.rows; ++i) std::copy_n(x.row(i), x.cols, copy + i * x.cols);
      x = {copy, x.rows, x.cols, x.cols};
    }
    std::vector<Tile> tiles;
    for (Index t = 0; t < count; ++t) tiles.push_back({t * tile, std::min(tile, x.rows - t * tile), x.row(t * tile)});
    if (rest) {
      last = lane.allocate(static_cast<std::size_t>(tile * x.cols) * sizeof(float));
      auto* filled = reinterpret_cast<float*>(last.get());
      for (Index i = 0; i < rest; ++i) std::copy_n(x.row(x.rows - rest + i), x.cols, filled + i * x.cols);
      std::fill_n(filled + rest * x.cols, (tile - rest) * x.cols, 0.0f);
      tiles.back().rows = filled;
    }
    const Index groups = (count + group - 1) / group;
    lane.parallel_for(panels * groups, [&](Index task, Worker& worker) {
      const Index first = task % groups * group;
      const Index n = std::min(group, count - first);
      f(task / groups, Block(tiles).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n)), worker);
    });
  }

  /// A worker's memory for products with one or two panels: the widened panels, the products, oneDNN's own.
  struct Bench {
    std::byte* weight[2] = {};
    float* product[2] = {};
    std::byte* scratch = nullptr;

    Bench(Worker& worker, const PackedWeight& w, std::initializer_list<const PackedWeight::Panel*> panels) {
      Index total = 0, own = 0;
      for (const auto* p : panels) {
        total += w.scratch_bytes(*p) + PackedWeight::align(tile * p->rows * 4);
        own = std::max(own, p->product->scratch_bytes());
      }
      std::byte* at = worker.scratch(static_cast<std::size_t>(total + own));
      std::size_t i = 0;
      for (const auto* p : panels) {
        weight[i] = at;
        at += w.scratch_bytes(*p);
        product[i++] = reinterpret_cast<float*>(at);
        at += PackedWeight::align(tile * p->rows * 4);
      }
      scratch = at;
    }
  };

  /// The product of a tile and a panel, dense, in place `slot` of the bench.
  float* multiply(const PackedWeight::Panel& panel, const std::byte* packed, const Tile& t, Bench& bench,
                  std::size_t slot) const {
    float* y = bench.product[slot];
    panel.product->run(t.rows, t.count, packed, y, bench.scratch);
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
};

}  // namespace nvembed::onednn
