#pragma once

#include <concepts>
#include <nvembed/core/parameter.hpp>
#include <string>
#include <string_view>

namespace nvembed {

namespace detail {
struct AnyVisitor {
  template <class Member>
  void operator()(std::string_view, Member&&) const {}
};
}  // namespace detail

/// A module is an aggregate that lists its members: `reflect(self, visit)` calls visit(key, member) for every
/// Parameter, FrozenWeight, FrozenTable and child module; self may be const. Member names are checkpoint keys. Loading,
/// saving, counting and optimising are visitors.
template <class M>
concept Module = requires(M& m, const M& c, detail::AnyVisitor v) {
  M::reflect(m, v);
  M::reflect(c, v);
};

/// `a.b`, or the one that is not empty.
inline std::string join_key(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return std::string(a) + std::string(b);
  return cat(a, '.', b);
}

/// f(dotted key, leaf) for every Parameter, FrozenWeight and FrozenTable of a module, depth first, in the order of
/// `reflect`.
template <class M, class F>
void for_each_leaf(M& module, F&& f, const std::string& prefix = {}) {
  std::remove_const_t<M>::reflect(module, [&](std::string_view key, auto& member) {
    const std::string full = join_key(prefix, key);
    if constexpr (requires { member.declared; })
      f(full, member);
    else
      for_each_leaf(member, f, full);
  });
}

/// The name of a leaf whose dotted key is `key`: its checkpoint key, or those of all its parts:
/// `layers.0.self_attn.q_proj.weight+k_proj.weight+v_proj.weight`. What gradients and optimizer state go by.
template <class Leaf>
std::string leaf_name(std::string_view key, const Leaf& leaf) {
  std::string parts;
  for (const Part& p : leaf.declared.parts) parts += (parts.empty() ? "" : "+") + p.key;
  return join_key(key, parts);
}

/// Number of elements of all leaves.
template <class M>
Index count_parameters(const M& module) {
  Index n = 0;
  for_each_leaf(module, [&](const std::string&, const auto& leaf) { n += leaf.declared.rows() * leaf.declared.cols; });
  return n;
}

}  // namespace nvembed
