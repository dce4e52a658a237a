#pragma once

#include <memory>
#include <nvembed/autograd/context.hpp>
#include <nvembed/loss/empty.hpp>
#include <nvembed/loss/graded_pairs.hpp>
#include <nvembed/loss/log_sum_exp.hpp>
#include <string_view>
#include <vector>

namespace nvembed::loss {

namespace detail {
/// The loss of unit vectors a (n, d), b (n, d).
struct CosentPairs {
  static constexpr std::string_view name = "cosent";
  static constexpr std::size_t inputs = 2;
  double temperature;
  Empty empty;
  std::shared_ptr<const std::vector<double>> grades;

  template <class W>
  W operator()(const HostMatrix<W>* const (&x)[2], HostMatrix<W>* const (&dx)[2], bool) const {
    const HostMatrix<W>&a = *x[0], &b = *x[1];
    const std::vector<double>& grade = *grades;
    const std::size_t n = grade.size();
    std::vector<W> s(n), z, ds(n);
    for (std::size_t i = 0; i < n; ++i) {
      const auto r = static_cast<Index>(i);
      s[i] = dot(a.row(r), b.row(r), a.cols);
    }
    const auto each_pair = [&](auto&& f) {
      for (std::size_t high = 0; high < n; ++high)
        for (std::size_t low = 0; low < n; ++low)
          if (grade[high] > grade[low]) f(high, low);
    };
    each_pair([&](std::size_t high, std::size_t low) { z.push_back((s[low] - s[high]) / temperature); });
    require<InputError>(!z.empty() || empty == Empty::skip, name, "all ", n, " grades are equal: nothing to rank");
    const W value = log_one_plus_sum_exp(z);
    if (!dx[0] && !dx[1]) return value;

    using std::exp;
    std::size_t k = 0;
    each_pair([&](std::size_t high, std::size_t low) {
      const W p = exp(z[k++] - value) / temperature;
      ds[low] += p;
      ds[high] -= p;
    });
    for (std::size_t i = 0; i < n; ++i) {
      const auto r = static_cast<Index>(i);
      if (dx[0]) add_row(dx[0]->row(r), ds[i], b.row(r), a.cols);
      if (dx[1]) add_row(dx[1]->row(r), ds[i], a.row(r), a.cols);
    }
    return value;
  }
};
}  // namespace detail

/// CoSENT (Su Jianlin, kexue.fm/archives/8847; CoSENTLoss in Sentence-Transformers): ranks the cosines s of graded
/// pairs as their grades are ranked, whatever scale these have:
///   log(1 + sum_{grade_i > grade_j} exp((s_j - s_i) / t))
/// A sum over pairs of pairs, not a mean; time and memory grow with the square of n.
struct Cosent {
  using Targets = GradedPairs;

  double temperature = 0.05;
  /// Batches whose grades are all equal; `skip`: 0.
  Empty empty = Empty::error;

  /// unit vectors a (n, d), b (n, d) -> (1, 1)
  template <Context C, class Var>
  auto operator()(C& cx, const Var& a, const Var& b, const Targets& targets) const {
    require<InputError>(temperature > 0, "cosent", "temperature ", temperature, " is not above 0");
    detail::require_same_shape<C>("cosent", a, b);
    targets.check("cosent", C::value(a).rows());
    const auto grades = std::make_shared<const std::vector<double>>(targets.grades);
    return cx.apply(HostOp<detail::CosentPairs>{{temperature, empty, grades}}, a, b);
  }
};

}  // namespace nvembed::loss
