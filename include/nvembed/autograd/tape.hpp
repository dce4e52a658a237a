#pragma once

#include <array>
#include <memory>
#include <nvembed/autograd/context.hpp>
#include <nvembed/autograd/gradients.hpp>
#include <nvembed/autograd/trainable.hpp>
#include <nvembed/core/need.hpp>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace nvembed {

/// A value on a tape, and the node that made it. Without a node (-1) no gradient flows through it.
template <class B, class T>
struct TapeVar {
  Tensor<B, T> value;
  Index node = -1;

  explicit operator bool() const { return static_cast<bool>(value); }
};

/// The context of training: runs ops and remembers those on the way from a trainable parameter to the loss; what lies
/// below the lowest one, and gradients nobody asked for, are never computed; values that are cheap to make anew (norms,
/// gates, rotations) are not kept for their readers. A value: made for one pass, driven by one
/// thread, used up by `backward`. G is the type of parameters and their gradients.
template <class B, class G = float>
class Tape {
 public:
  using backend = B;
  template <class T>
  using Var = TapeVar<B, T>;

  /// `be` and `trainable` outlive the tape.
  Tape(const B& be, const Trainable& trainable, Randomness randomness = {})
      : be_(be),
        trainable_(trainable),
        randomness_(std::move(randomness)),
        own_(be.make_lane()),
        lane_(&*own_),
        gradients_(&own_gradients_) {
    keep_little();
  }
  /// On a lane of the caller's, whose buffers it takes up and leaves there.
  Tape(const B& be, typename B::Lane& lane, const Trainable& trainable, Randomness randomness = {})
      : be_(be), trainable_(trainable), randomness_(std::move(randomness)), lane_(&lane), gradients_(&own_gradients_) {
    keep_little();
  }
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  const B& be() const { return be_; }
  typename B::Lane& lane() { return *lane_; }
  const Randomness& randomness() const { return randomness_; }

  /// From now on the inner values of blocks are made anew in backward.
  void recompute_blocks(bool recompute = true) { recompute_blocks_ = recompute; }
  template <class F, class... T>
  auto block(F f, const TapeVar<B, T>&... inputs) {
    return recompute_blocks_ ? recompute(std::move(f), inputs...) : f(*this, inputs...);
  }

  template <class T>
  TapeVar<B, T> constant(Tensor<B, T> t) {
    return {std::move(t), -1};
  }
  template <class T>
  static const Tensor<B, T>& value(const TapeVar<B, T>& v) {
    return v.value;
  }
  template <class T>
  TapeVar<B, T> leaf(const Parameter<B, T>& p) {
    const std::string* name = p.value ? trainable_.find(&p) : nullptr;
    if (name) touched_ = true;
    if (!name || !recording_) return {p.value, -1};
    if constexpr (std::is_same_v<T, G>) {
      const auto [at, fresh] = leaves_.try_emplace(&p, static_cast<Index>(nodes_.size()));
      if (fresh) push(std::make_unique<Leaf>(*name, p.value.shape()));
      return {p.value, at->second};
    } else {
      fail("tape", *name, " is trainable, but not of the tape's type");
    }
  }
  /// A value whose gradient `backward` writes to `gradient`; nothing where the result does not depend on it.
  template <class T>
  TapeVar<B, T> input(Tensor<B, T> t, std::shared_ptr<Tensor<B, T>> gradient) {
    if (!recording_) return {std::move(t), -1};
    return {std::move(t), push(std::make_unique<Input<T>>(std::move(gradient)))};
  }

  template <class Op, class... T>
  auto apply(const Op& op, const TapeVar<B, T>&... inputs) {
    using Y = std::remove_cvref_t<decltype(op.forward(be_, *lane_, nullptr, inputs.value...))>;
    using U = typename Y::value_type;
    if constexpr (sizeof...(T) == 0) {
      return TapeVar<B, U>{op.forward(be_, *lane_, nullptr), -1};
    } else {
      if (!recording_ || ((inputs.node < 0) && ...))
        return TapeVar<B, U>{op.forward(be_, *lane_, nullptr, inputs.value...), -1};
      auto step = std::make_unique<Step<Op, U, T...>>(op, std::array<Index, sizeof...(T)>{inputs.node...});
      Y y = op.forward(be_, *lane_, &step->saved, inputs.value...);
      step->let_go(*this);
      return TapeVar<B, U>{std::move(y), push(std::move(step))};
    }
  }

  /// f(cx, inputs...) of the same inputs, whose inner values are made anew in backward instead of being kept: the same
  /// gradients, to the bit, for a second forward pass. f keeps what it needs by value.
  template <class F, class... T>
  auto recompute(F f, const TapeVar<B, T>&... inputs) {
    if (!recording_) return f(*this, inputs...);
    Tape inner(*this, false);
    auto y = f(inner, TapeVar<B, T>{inputs.value, -1}...);
    using U = typename std::remove_cvref_t<decltype(y.value)>::value_type;
    touched_ = touched_ || inner.touched_;
    if (!inner.touched_ && ((inputs.node < 0) && ...)) return TapeVar<B, U>{std::move(y.value), -1};
    return TapeVar<B, U>{std::move(y.value), push(std::make_unique<Block<F, U, T...>>(std::move(f), inputs...))};
  }

  /// Gradients of sum(seed * y) by all trainable parameters that y depends on. Throws ShapeError where the seed does
  /// not fit y.
  template <class T>
  Gradients<B, G> backward(const TapeVar<B, T>& y, Tensor<B, T> seed) && {
    run(y, std::move(seed));
    return std::move(own_gradients_);
  }
  /// The same, added to what is in `sum`: each as soon as it is there, so that no second set of gradients is held.
  template <class T>
  void backward(const TapeVar<B, T>& y, Tensor<B, T> seed, Gradients<B, G>& sum) && {
    gradients_ = &sum;
    run(y, std::move(seed));
  }

 private:
  /// A tape holds most of what it takes until it has gone backward.
  void keep_little() {
    if constexpr (requires { lane_->keep_little(); }) lane_->keep_little();
  }
  struct Node {
    virtual ~Node() = default;
    /// dy points to a tensor of the node's own type.
    virtual void backward(Tape& tape, const void* dy) = 0;
    /// Whether the node's value can be made anew from what the node keeps anyway, for little.
    virtual bool remakes() const { return false; }
    /// Into a tensor of the node's own type.
    virtual void remake(Tape&, void*) const {}
  };

  struct Leaf final : Node {
    Leaf(std::string n, Shape s) : name(std::move(n)), shape(s) {}
    void backward(Tape& tape, const void* dy) override {
      const auto& gradient = *static_cast<const Tensor<B, G>*>(dy);
      tape.gradients_->add(tape.be_, *tape.lane_, name, gradient.reshaped(shape));
    }
    std::string name;
    Shape shape;
  };

  template <class T>
  struct Input final : Node {
    explicit Input(std::shared_ptr<Tensor<B, T>> g) : gradient(std::move(g)) {}
    void backward(Tape&, const void* dy) override { *gradient = *static_cast<const Tensor<B, T>*>(dy); }
    std::shared_ptr<Tensor<B, T>> gradient;
  };

  template <class Op, class T, class = void>
  struct SavedOf {
    using type = typename Op::template Saved<B, T>;
  };
  template <class Op, class T>
  struct SavedOf<Op, T, std::void_t<typename Op::Saved>> {
    using type = typename Op::Saved;
  };

  template <class Op, class U, class First, class... T>
  struct Step final : Node {
    static constexpr std::size_t count = 1 + sizeof...(T);
    Step(const Op& o, std::array<Index, count> from) : op(o), inputs(from) {}
    /// An input that its own node can make anew is not kept until backward: that of `kept`, if it is such.
    void let_go(const Tape& tape) {
      if constexpr (requires { op.kept(saved); }) {
        if (inputs[0] < 0 || !tape.nodes_[static_cast<std::size_t>(inputs[0])]->remakes()) return;
        op.kept(saved) = {};
        gone = true;
      }
    }
    bool remakes() const override {
      return requires(Tape & t) { op.remake(t.be_, *t.lane_, saved); };
    }
    void remake(Tape& tape, void* y) const override {
      if constexpr (requires { op.remake(tape.be_, *tape.lane_, saved); })
        *static_cast<Tensor<B, U>*>(y) = op.remake(tape.be_, *tape.lane_, saved);
    }
    void backward(Tape& tape, const void* dy) override {
      if constexpr (requires { op.kept(saved); })
        if (gone) tape.nodes_[static_cast<std::size_t>(inputs[0])]->remake(tape, &op.kept(saved));
      Need need;
      for (std::size_t i = 0; i < count; ++i)
        if (inputs[i] >= 0) need.set(i);
      auto gradients = op.backward(tape.be_, *tape.lane_, saved, *static_cast<const Tensor<B, U>*>(dy), need);
      saved = {};  // what nobody reads any more
      for (std::size_t i = 0; i < count; ++i)
        if (inputs[i] >= 0) tape.accumulate(inputs[i], std::move(gradients[i]));
    }
    Op op;
    typename SavedOf<Op, First>::type saved;
    std::array<Index, count> inputs;
    bool gone = false;
  };

  template <class F, class U, class... T>
  struct Block final : Node {
    Block(F function, const TapeVar<B, T>&... in) : f(std::move(function)), inputs(in...) {}
    void backward(Tape& tape, const void* dy) override {
      Tape inner(tape, true);
      std::tuple<std::shared_ptr<Tensor<B, T>>...> gradients{std::make_shared<Tensor<B, T>>()...};
      const auto enter = [&](const auto& var, const auto& gradient) {
        return var.node >= 0 ? inner.input(var.value, gradient) : inner.constant(var.value);
      };
      [&]<std::size_t... i>(std::index_sequence<i...>) {
        const auto y = f(inner, enter(std::get<i>(inputs), std::get<i>(gradients))...);
        inner.run(y, *static_cast<const Tensor<B, U>*>(dy));
        const auto leave = [&](const auto& var, const auto& gradient) {
          if (var.node >= 0 && *gradient) tape.accumulate(var.node, *gradient);
        };
        (leave(std::get<i>(inputs), std::get<i>(gradients)), ...);
      }
      (std::index_sequence_for<T...>{});
    }
    F f;
    std::tuple<TapeVar<B, T>...> inputs;
  };

  /// A tape inside another: its lane, and its gradients go to the same place.
  Tape(Tape& outer, bool recording)
      : be_(outer.be_),
        trainable_(outer.trainable_),
        randomness_(outer.randomness_),
        lane_(outer.lane_),
        gradients_(outer.gradients_),
        recording_(recording) {}

  Index push(std::unique_ptr<Node> node) {
    nodes_.push_back(std::move(node));
    return static_cast<Index>(nodes_.size()) - 1;
  }

  template <class T>
  void accumulate(Index node, Tensor<B, T> gradient) {
    auto& slot = slots_[static_cast<std::size_t>(node)];
    if (!slot) {
      slot = std::make_shared<Tensor<B, T>>(std::move(gradient));
      return;
    }
    // A new tensor: two inputs of an op may share the buffer of one gradient.
    auto& sum = *static_cast<Tensor<B, T>*>(slot.get());
    Tensor<B, T> total(*lane_, sum.shape());
    be_.add(*lane_, std::as_const(sum).mat(), std::as_const(gradient).mat(), total.mat());
    sum = std::move(total);
  }

  template <class T>
  void run(const TapeVar<B, T>& y, Tensor<B, T> seed) {
    require<ShapeError>(y.value.shape() == seed.shape(), "tape", "a seed of ", seed.shape().str(), " for a result of ",
                        y.value.shape().str());
    if (y.node < 0) return;
    slots_.resize(nodes_.size());
    slots_[static_cast<std::size_t>(y.node)] = std::make_shared<Tensor<B, T>>(std::move(seed));
    for (std::size_t i = static_cast<std::size_t>(y.node) + 1; i-- > 0;) {
      if (slots_[i]) nodes_[i]->backward(*this, slots_[i].get());
      slots_[i].reset();
      nodes_[i].reset();
    }
  }

  const B& be_;
  const Trainable& trainable_;
  const Randomness randomness_;
  std::optional<typename B::Lane> own_;
  typename B::Lane* lane_;
  Gradients<B, G> own_gradients_;
  Gradients<B, G>* gradients_;
  bool recording_ = true, touched_ = false, recompute_blocks_ = false;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::shared_ptr<void>> slots_;  // gradients of the nodes' values
  std::unordered_map<const void*, Index> leaves_;
};

}  // namespace nvembed
