#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <nvembed/autograd/context.hpp>
#include <nvembed/loss/host_op.hpp>
#include <string_view>
#include <vector>

namespace nvembed::loss {

/// Rows of a triplet: `anchor` of the queries, the others of the passages.
struct TripletRows {
  Index anchor = 0, positive = 0, negative = 0;
};

/// 1 - a.b, or |a - b|; of unit vectors.
enum class TripletDistance : std::uint8_t { cosine, euclidean };

namespace detail {
/// The loss of anchors (n, d) and passages (m, d).
struct TripletHinge {
  static constexpr std::string_view name = "triplet";
  static constexpr std::size_t inputs = 2;
  double margin;
  TripletDistance distance;
  std::shared_ptr<const std::vector<TripletRows>> triplets;

  template <class W>
  W operator()(const HostMatrix<W>* const (&x)[2], HostMatrix<W>* const (&dx)[2], bool) const {
    const double n = static_cast<double>(triplets->size());
    W sum(0);
    for (const TripletRows& t : *triplets) {
      const W right = measure(x, t.anchor, t.positive), wrong = measure(x, t.anchor, t.negative);
      const W excess = right - wrong + margin;
      if (real_part(excess) <= 0) continue;  // a NaN goes on
      sum += excess;
      pull(x, dx, t.anchor, t.positive, W(1 / n) / slope(right));
      pull(x, dx, t.anchor, t.negative, W(-1 / n) / slope(wrong));
    }
    return sum / n;
  }

 private:
  static constexpr double least = 1e-12;  // keeps the slope of |a - b| finite where both are the same

  template <class W>
  W measure(const HostMatrix<W>* const (&x)[2], Index i, Index j) const {
    const W *a = x[0]->row(i), *b = x[1]->row(j);
    if (distance == TripletDistance::cosine) return 1.0 - dot(a, b, x[0]->cols);
    W squares(least);
    for (Index c = 0; c < x[0]->cols; ++c) squares += (a[c] - b[c]) * (a[c] - b[c]);
    using std::sqrt;
    return sqrt(squares);
  }
  /// d|a - b| = (a - b) / |a - b|
  template <class W>
  W slope(const W& length) const {
    return distance == TripletDistance::cosine ? W(1) : length;
  }
  template <class W>
  void pull(const HostMatrix<W>* const (&x)[2], HostMatrix<W>* const (&dx)[2], Index i, Index j, const W& by) const {
    const W *a = x[0]->row(i), *b = x[1]->row(j);
    const Index d = x[0]->cols;
    const bool euclidean = distance == TripletDistance::euclidean;
    if (dx[0]) add_row(dx[0]->row(i), -by, b, d);
    if (dx[0] && euclidean) add_row(dx[0]->row(i), by, a, d);
    if (dx[1]) add_row(dx[1]->row(j), -by, a, d);
    if (dx[1] && euclidean) add_row(dx[1]->row(j), by, b, d);
  }
};
}  // namespace detail

/// mean over triplets of max(0, margin + d(anchor, positive) - d(anchor, negative)) (FaceNet, arXiv 1503.03832).
/// Triplets that are far enough apart count as 0.
struct Triplet {
  using Targets = std::vector<TripletRows>;

  double margin = 0.2;
  TripletDistance distance = TripletDistance::cosine;

  /// anchors (n, d), passages (m, d) -> (1, 1). Throws InputError for a row that is not there, and for no triplets.
  template <Context C, class Var>
  auto operator()(C& cx, const Var& anchors, const Var& passages, const Targets& triplets) const {
    const auto &a = C::value(anchors), &p = C::value(passages);
    require<ShapeError>(a && p && a.shape().rank() == 2 && p.shape().rank() == 2 && a.cols() == p.cols(), "triplet",
                        "anchors ", a.shape().str(), " do not fit passages ", p.shape().str());
    require<InputError>(!triplets.empty(), "triplet", "no triplets");
    for (const TripletRows& t : triplets)
      require<InputError>(t.anchor >= 0 && t.anchor < a.rows() && t.positive >= 0 && t.positive < p.rows() &&
                              t.negative >= 0 && t.negative < p.rows() && t.positive != t.negative,
                          "triplet", "(", t.anchor, ", ", t.positive, ", ", t.negative, ") is no triplet of ", a.rows(),
                          " anchors and ", p.rows(), " passages");
    return cx.apply(HostOp<detail::TripletHinge>{{margin, distance, std::make_shared<const Targets>(triplets)}},
                    anchors, passages);
  }
};

}  // namespace nvembed::loss
