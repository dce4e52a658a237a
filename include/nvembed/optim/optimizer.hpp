#pragma once

#include <concepts>
#include <nvembed/autograd/gradients.hpp>
#include <nvembed/optim/optimizer_state.hpp>
#include <optional>
#include <string>

namespace nvembed {

/// Moves trainable parameters along their gradients, of type T on back end B, and owns what it keeps beside them.
///   o.step(gradients, lr, scale)  one update in place with learning rate lr; gradients count `scale` times
///   o.for_each_state(f)           f(dotted name, optim::ParameterState) in the order of names; views are borrowed
///   o.load_state(find)            the reverse: find(dotted name) -> std::optional<optim::ParameterState>
///   o.state_bytes()               bytes of all that it keeps
/// Parameters without a gradient are left as they are, their state too. Learning rates come from a Schedule.
template <class O, class B, class T = float>
concept Optimizer = requires(O& o, const O& c, const Gradients<B, T>& gradients, double number,
                             void (*visit)(const std::string&, const optim::ParameterState&),
                             std::optional<optim::ParameterState> (*find)(const std::string&)) {
  o.step(gradients, number, number);
  c.for_each_state(visit);
  o.load_state(find);
  { c.state_bytes() } -> std::convertible_to<Index>;
};

}  // namespace nvembed
