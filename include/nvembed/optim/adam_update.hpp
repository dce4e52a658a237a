#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/optim/adam_options.hpp>
#include <type_traits>

namespace nvembed::optim {

/// One update of Adam (Kingma & Ba 2015, algorithm 1) of the elements of a parameter, computed in T, in the order of
/// operations of torch.optim. `Decay<T>(lr, weight_decay)` says where weight decay enters: `gradient(g, w)` before the
/// moments, `weight(w)` before the step.
///   m <- m + (1 - beta1) (g - m),  v <- beta2 v + (1 - beta2) g^2
///   w <- w - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
template <class T, template <class> class Decay>
class AdamUpdate {
 public:
  /// For update number `step` (from 1 on). Gradients count `scale` times. `rounding` is the key of random numbers for
  /// this parameter and step.
  AdamUpdate(const AdamOptions& options, double lr, double weight_decay, double scale, Index step, CounterRng rounding)
      : decay_(lr, weight_decay), rounding_(rounding) {
    const double t = static_cast<double>(step);
    scale_ = static_cast<T>(scale);
    to_gradient_ = static_cast<T>(1 - options.beta1);
    beta2_ = static_cast<T>(options.beta2);
    to_square_ = static_cast<T>(1 - options.beta2);
    root_correction_ = static_cast<T>(std::sqrt(1 - std::pow(options.beta2, t)));
    eps_ = static_cast<T>(options.eps);
    step_size_ = static_cast<T>(-lr / (1 - std::pow(options.beta1, t)));
  }

  /// Elements [begin, end). `rounded`, of the parameter's own type, gets the new weights where it is not `w` itself.
  template <class M, class P>
  void operator()(Index begin, Index end, const T* g, T* w, M* m, M* v, P* rounded) const {
    const AdamUpdate u = *this;  // numbers that no write to w, m or v can change
    for (Index i = begin; i < end; ++i) {
      const T gradient = u.decay_.gradient(g[i] * u.scale_, w[i]);
      T first = static_cast<T>(widen(m[i])), second = static_cast<T>(widen(v[i]));
      first += u.to_gradient_ * (gradient - first);
      second = second * u.beta2_ + u.to_square_ * gradient * gradient;
      w[i] = u.decay_.weight(w[i]) + u.step_size_ * first / (std::sqrt(second) / u.root_correction_ + u.eps_);
      if constexpr (std::is_same_v<M, BFloat16>) {
        const std::uint64_t random = u.rounding_.at(static_cast<std::uint64_t>(i)).bits();
        m[i] = stochastic(static_cast<float>(first), static_cast<std::uint32_t>(random & 0xFFFFu));
        v[i] = stochastic(static_cast<float>(second), static_cast<std::uint32_t>(random >> 48));
      } else {
        m[i] = first;
        v[i] = second;
      }
      if constexpr (!std::is_same_v<P, T>) rounded[i] = P(static_cast<float>(w[i]));
    }
  }

 private:
  static T widen(T x) { return x; }
  static float widen(BFloat16 x) { return static_cast<float>(x); }

  /// Up with the probability of what lies below the last bit: x in the mean. `random` has 16 bits.
  static BFloat16 stochastic(float x, std::uint32_t random) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
    if ((bits & 0x7F800000u) == 0x7F800000u) return BFloat16(x);  // infinite or NaN
    return BFloat16::from_bits(static_cast<std::uint16_t>((bits + random) >> 16));
  }

  Decay<T> decay_;
  CounterRng rounding_;
  T scale_, to_gradient_, beta2_, to_square_, root_correction_, eps_, step_size_;
};

}  // namespace nvembed::optim
