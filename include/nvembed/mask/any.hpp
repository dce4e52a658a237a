#pragma once

#include <concepts>
#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/mask/both.hpp>
#include <nvembed/mask/causal.hpp>
#include <nvembed/mask/prefix.hpp>
#include <nvembed/mask/window.hpp>
#include <string>
#include <utility>
#include <variant>

namespace nvembed::mask {

/// One of the library's masks, chosen when a model is loaded; dispatched once a kernel call (`visit`), never per
/// element.
class Any {
 public:
  using Variant = std::variant<Bidirectional, Causal, Window, Prefix, Both<Causal, Window>>;

  Any() = default;
  template <class M>
  requires std::constructible_from<Variant, M> Any(M m) : mask_(m) {}

  /// f(mask) with the mask's own type.
  template <class F>
  decltype(auto) visit(F&& f) const {
    return std::visit(std::forward<F>(f), mask_);
  }
  const Variant& variant() const { return mask_; }

  /// As it is written on the command line: `bidirectional`, `causal`, `window:255,0`, `prefix:full,causal`, `a&b`.
  std::string str() const {
    return visit([](const auto& m) { return name(m); });
  }

 private:
  static std::string name(Bidirectional) { return "bidirectional"; }
  static std::string name(Causal) { return "causal"; }
  static std::string name(Window w) { return "window:" + std::to_string(w.left) + "," + std::to_string(w.right); }
  static std::string name(Prefix p) {
    const auto sight = [](Prefix::Sight s) { return s == Prefix::Sight::full ? "full" : "causal"; };
    return std::string("prefix:") + sight(p.instruction) + "," + sight(p.text);
  }
  template <class A, class B>
  static std::string name(const Both<A, B>& m) {
    return name(m.a) + "&" + name(m.b);
  }

  Variant mask_;
};

}  // namespace nvembed::mask
