#pragma once

#include <complex>
#include <nvembed/core/accumulate.hpp>
#include <nvembed/ops/op.hpp>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace nvembed::loss {

namespace detail {
template <class T>
struct Wide {
  using type = double;
};
template <class R>
struct Wide<std::complex<R>> {
  using type = std::complex<double>;
};

/// What comparisons look at: maxima and masks must not depend on an imaginary step.
inline double real_part(double x) { return x; }
inline double real_part(const std::complex<double>& x) { return x.real(); }

/// sum_c x_c y_c: no conjugation, so that complex steps pass.
template <class W>
W dot(const W* x, const W* y, Index n) {
  W sum(0);
  for (Index c = 0; c < n; ++c) sum += x[c] * y[c];
  return sum;
}
/// Throws ShapeError where two values of a context are not matrices of one shape, with a row.
template <class C, class Var>
void require_same_shape(std::string_view place, const Var& a, const Var& b) {
  const auto &x = C::value(a), &y = C::value(b);
  require<ShapeError>(x && y && x.shape().rank() == 2 && x.shape() == y.shape() && x.size() > 0, place, x.shape().str(),
                      " and ", y.shape().str(), " are not two matrices of one shape");
}
/// dx += scale y
template <class W>
void add_row(W* dx, const W& scale, const W* y, Index n) {
  for (Index c = 0; c < n; ++c) dx[c] += scale * y[c];
}
}  // namespace detail

/// A matrix on the host in which losses calculate: double, or its complex kin for a complex back end.
template <class W>
struct HostMatrix {
  using value_type = W;
  Index rows = 0, cols = 0;
  std::vector<W> values;

  W* row(Index i) { return values.data() + i * cols; }
  const W* row(Index i) const { return values.data() + i * cols; }
  W& operator()(Index i, Index j) { return row(i)[j]; }
  const W& operator()(Index i, Index j) const { return row(i)[j]; }
};

/// The part of a loss that no back end has a kernel for: `F` calculates it on the host, in double whatever the tensors
/// hold, on one thread. That is small beside what comes before: scores or vectors of one batch. `F` is
///   static constexpr std::string_view name;  static constexpr std::size_t inputs;
///   W f(const HostMatrix<W>* const (&x)[inputs], HostMatrix<W>* const (&dx)[inputs], bool first) const
/// which gives the value and adds gradients to those dx that are not null. `first` tells the forward pass from the one
/// in backward. Saved inputs are shared with the tape and read again in backward: no gradient is made before it is
/// wanted.
template <class F>
struct HostOp {
  F f;

  template <class B, class T>
  struct Saved {
    std::vector<Tensor<B, T>> inputs;
  };

  /// any number of matrices -> (1, 1)
  template <class B, class T, class... More>
  Tensor<B, T> forward(const B&, typename B::Lane& lane, ops::SavedArg<Saved<B, T>> saved, const Tensor<B, T>& first,
                       const More&... more) const {
    static_assert(1 + sizeof...(More) == F::inputs);
    static_assert(std::is_same_v<T, accumulate_t<T>>, "losses are computed in f32 or wider: cast 16-bit vectors first");
    const HostMatrix<W<T>> x[]{host(lane, first), host(lane, more)...};
    const W<T> value = call(x, static_cast<HostMatrix<W<T>>*>(nullptr), Need{}, true);
    if (saved) *saved = {{first, more...}};
    const T result = static_cast<T>(value);
    return Tensor<B, T>::from_host(lane, {1, 1}, std::span<const T>(&result, 1));
  }

  template <class B, class T>
  auto backward(const B&, typename B::Lane& lane, const Saved<B, T>& saved, const Tensor<B, T>& dy, Need need) const {
    constexpr std::size_t n = F::inputs;
    std::array<HostMatrix<W<T>>, n> x, dx;
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = host(lane, saved.inputs[i]);
      if (need[i]) dx[i] = {x[i].rows, x[i].cols, std::vector<W<T>>(x[i].values.size())};
    }
    call(x.data(), dx.data(), need, false);
    const W<T> scale(dy.to_host(lane).front());
    std::array<Tensor<B, T>, n> d;
    for (std::size_t i = 0; i < n; ++i) {
      if (!need[i]) continue;
      std::vector<T> values(dx[i].values.size());
      for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<T>(scale * dx[i].values[k]);
      d[i] = Tensor<B, T>::from_host(lane, {dx[i].rows, dx[i].cols}, values);
    }
    return d;
  }

 private:
  template <class T>
  using W = typename detail::Wide<T>::type;

  template <class B, class T>
  static HostMatrix<W<T>> host(typename B::Lane& lane, const Tensor<B, T>& x) {
    require<ShapeError>(x && x.shape().rank() == 2, F::name, "a matrix was expected, shape is ", x.shape().str());
    const std::vector<T> values = x.to_host(lane);
    return {x.rows(), x.cols(), {values.begin(), values.end()}};
  }
  template <class V>
  V call(const HostMatrix<V>* x, HostMatrix<V>* dx, Need need, bool first) const {
    const auto with = [&]<std::size_t... i>(std::index_sequence<i...>) {
      const HostMatrix<V>* const in[]{&x[i]...};
      HostMatrix<V>* const out[]{(need[i] ? &dx[i] : nullptr)...};
      return f(in, out, first);
    };
    return with(std::make_index_sequence<F::inputs>{});
  }
};

}  // namespace nvembed::loss
