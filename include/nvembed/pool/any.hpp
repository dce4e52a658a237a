#pragma once

#include <concepts>
#include <nvembed/pool/folded_latent_attention.hpp>
#include <nvembed/pool/last_token.hpp>
#include <nvembed/pool/latent_attention.hpp>
#include <nvembed/pool/mean.hpp>
#include <nvembed/pool/none.hpp>
#include <nvembed/pool/self_attention.hpp>
#include <nvembed/pool/weighted_mean.hpp>
#include <string_view>
#include <utility>
#include <variant>

namespace nvembed::pool {

/// One of the library's poolers, chosen when a model is loaded; dispatched once a batch.
template <class B, class T = float>
class Any {
 public:
  using Variant = std::variant<Mean, WeightedMean, LastToken, None, LatentAttention<B, T>, FoldedLatentAttention<B, T>,
                               SelfAttention<B, T>>;

  Any() = default;
  template <class P>
  requires std::constructible_from<Variant, P> Any(P p) : pooler_(std::move(p)) {}

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    std::visit([&](auto& p) { p.reflect(p, visit); }, s.pooler_);
  }

  const Variant& variant() const { return pooler_; }
  Variant& variant() { return pooler_; }

  /// As the command line and files name it.
  std::string_view name() const {
    constexpr std::string_view names[] = {
        "mean", "weighted_mean", "last_token", "none", "latent_attention", "latent_attention", "self_attention"};
    return names[pooler_.index()];
  }

  /// The rows of a text that are read, relative to its first.
  Range reads(const Segment& s) const {
    return std::visit(
        [&](const auto& p) {
          if constexpr (requires { p.reads(s); })
            return p.reads(s);
          else
            return Range{0, s.size};
        },
        pooler_);
  }

  /// hidden (tokens, dim) -> (texts, dim); (tokens, dim) under `none`
  template <Context C>
  typename C::template Var<T> operator()(C& cx, const typename C::template Var<T>& hidden, const Packed& batch) const {
    return std::visit([&](const auto& p) { return p(cx, hidden, batch); }, pooler_);
  }

  /// Token rows as they enter the mean: through the head where there is one, else as they are. (tokens, dim)
  template <Context C>
  typename C::template Var<T> tokens(C& cx, const typename C::template Var<T>& hidden, const Packed& batch) const {
    return std::visit(
        [&](const auto& p) {
          if constexpr (requires { p.tokens(cx, hidden, batch); })
            return p.tokens(cx, hidden, batch);
          else if constexpr (requires { p.tokens(cx, hidden); })
            return p.tokens(cx, hidden);
          else
            return hidden;
        },
        pooler_);
  }

 private:
  Variant pooler_;
};

}  // namespace nvembed::pool
