#pragma once

#include <nvembed/core/dropout.hpp>
#include <nvembed/ops/op.hpp>
#include <string_view>
#include <vector>

namespace nvembed::ops {

/// A matrix of a stack that has a low-rank update: columns [begin, begin + count) of the product.
struct LoraPart {
  Index begin = 0, count = 0;
  double scale = 1;  ///< alpha / rank, or alpha / sqrt(rank)
};

/// y = residual + scale dropout(x) A^T B^T in the columns of each part, y = residual in the others: what two small
/// matrices add to a frozen weight (LoRA, arXiv 2106.09685). A holds the parts' matrices one under the other, each
/// (rank, in), and B likewise, each (count, rank). `x` is kept, shared; what dropout leaves of it is made again in
/// backward.
///   u = dropout(x) A^T;  du = scale dy B;  dA = du^T dropout(x);  dB = scale dy^T u;  dx = dropout(du A)
struct Lora {
  Index out = 0;  ///< columns of the product
  std::vector<LoraPart> parts{};
  Dropout dropout{};

  template <class B, class T>
  struct Saved {
    Tensor<B, T> x, a, b, u;
  };

  /// x (n, in), a (parts rank, in), b (sum of counts, rank), residual (n, out) or left out -> (n, out)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved<B, T>> saved, const Tensor<B, T>& x,
                       const Tensor<B, T>& a, const Tensor<B, T>& b, const Tensor<B, T>& residual = {}) const {
    check(x, a, b);
    const Index n = x.rows(), rank = b.cols();
    Tensor<B, T> u(lane, {n, a.rows()}), y(lane, {n, out});
    const Tensor<B, T> kept = dropped(be, lane, x);
    be.matmul(lane, kept.mat(), false, a.mat(), true, T(1), u.mat());
    if (residual)
      require<ShapeError>(residual.shape() == y.shape(), name, "residual ", residual.shape().str(),
                          " does not fit result ", y.shape().str());

    const Tensor<B, T> zero = Tensor<B, T>::from_host(lane, {1, out}, std::vector<T>(static_cast<std::size_t>(out)));
    const MatView<const T> nothing = detail::every_row(zero, n), base = residual ? residual.mat() : nothing;
    const auto leave = [&](Index begin, Index end) {  // columns without an update
      if (begin < end)
        be.add(lane, base.columns(begin, end - begin), nothing.columns(begin, end - begin),
               y.mat().columns(begin, end - begin));
    };
    Index done = 0, row = 0, k = 0;
    for (const LoraPart& p : parts) {
      leave(done, p.begin);
      const MatView<T> to = y.mat().columns(p.begin, p.count);
      be.matmul(lane, MatView<const T>(u.mat().columns(k, rank)), false, b.mat().block(row, p.count), true,
                static_cast<T>(p.scale), to);
      if (residual) be.add(lane, MatView<const T>(to), base.columns(p.begin, p.count), to);
      done = p.begin + p.count, row += p.count, k += rank;
    }
    leave(done, out);
    if (saved) *saved = {x, a, b, u};
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 4> backward(const B& be, typename B::Lane& lane, const Saved<B, T>& saved,
                                       const Tensor<B, T>& dy, Need need) const {
    const auto& [x, a, b, u] = saved;
    const Index rank = b.cols();
    std::array<Tensor<B, T>, 4> d;
    Tensor<B, T> du(lane, u.shape());
    if (need[2]) d[2] = Tensor<B, T>(lane, b.shape());
    Index row = 0, k = 0;
    for (const LoraPart& p : parts) {
      const MatView<const T> dp = dy.mat().columns(p.begin, p.count);
      be.matmul(lane, dp, false, b.mat().block(row, p.count), false, static_cast<T>(p.scale),
                du.mat().columns(k, rank));
      if (need[2])
        be.matmul(lane, dp, true, u.mat().columns(k, rank), false, static_cast<T>(p.scale),
                  d[2].mat().block(row, p.count));
      row += p.count, k += rank;
    }
    if (need[0]) {
      d[0] = Tensor<B, T>(lane, x.shape());
      be.matmul(lane, std::as_const(du).mat(), false, a.mat(), false, T(1), d[0].mat());
      if (dropout) drop(be, lane, std::as_const(d[0]).mat(), d[0].mat());
    }
    if (need[1]) {
      d[1] = Tensor<B, T>(lane, a.shape());
      const Tensor<B, T> kept = dropped(be, lane, x);
      be.matmul(lane, std::as_const(du).mat(), true, kept.mat(), false, T(1), d[1].mat());
    }
    if (need[3]) d[3] = dy;
    return d;
  }

  /// The first input, as it is kept for backward.
  template <class B, class T>
  static Tensor<B, T>& kept(Saved<B, T>& saved) {
    return saved.x;
  }

 private:
  static constexpr std::string_view name = "lora";

  template <class B, class T>
  void check(const Tensor<B, T>& x, const Tensor<B, T>& a, const Tensor<B, T>& b) const {
    const bool matrices =
        x && a && b && x.shape().rank() == 2 && a.shape().rank() == 2 && b.shape().rank() == 2 && x.cols() == a.cols();
    Index end = 0, rows = 0;
    for (const LoraPart& p : parts) {
      require<ShapeError>(p.begin >= end && p.count > 0 && p.begin + p.count <= out, name, "columns ", p.begin, " to ",
                          p.begin + p.count, " overlap others, or are not in ", out);
      end = p.begin + p.count, rows += p.count;
    }
    require<ShapeError>(matrices && a.rows() == static_cast<Index>(parts.size()) * b.cols() && b.rows() == rows, name,
                        "x ", x.shape().str(), ", A ", a.shape().str(), " and B ", b.shape().str(),
                        " do not fit each other, ", parts.size(), " parts of ", rows, " columns");
    require<ShapeError>(!dropout || static_cast<Index>(dropout.rows->size()) == x.rows(), name,
                        "dropout knows other rows than those of x ", x.shape().str());
  }
  template <class B, class T>
  Tensor<B, T> dropped(const B& be, typename B::Lane& lane, const Tensor<B, T>& x) const {
    if (!dropout) return x;
    Tensor<B, T> y(lane, x.shape());
    drop(be, lane, x.mat(), y.mat());
    return y;
  }
  template <class B, class T>
  void drop(const B& be, typename B::Lane& lane, MatView<const T> x, MatView<T> y) const {
    if constexpr (requires { be.dropout(lane, x, dropout, y); })
      be.dropout(lane, x, dropout, y);
    else
      fail<InputError>(name, "back end ", be.name(), " has no dropout");
  }
};

}  // namespace nvembed::ops
