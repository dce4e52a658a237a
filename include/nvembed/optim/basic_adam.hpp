#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <nvembed/autograd/gradients.hpp>
#include <nvembed/autograd/trainable.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/core/fnv1a.hpp>
#include <nvembed/core/host_memory.hpp>
#include <nvembed/nn/module.hpp>
#include <nvembed/optim/adam_update.hpp>
#include <nvembed/optim/optimizer_state.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace nvembed::optim {

/// What Adam and AdamW share: all but the place of weight decay. An Optimizer for gradients of type T (float, double).
///
/// Keeps two moments for each trainable parameter, and for one of 16 bits its weights in T (`master`), of which the
/// parameter is the rounded copy: steps far below the parameter's precision add up. Frozen parameters have no state.
/// Weights are written in place, whoever shares their buffer sees them change; parameters stay where they are, and are
/// not written by others, as long as the optimizer lives. Results are the same bits for any number of threads.
template <HostMemory B, class T, template <class> class Decay>
class BasicAdam {
 public:
  /// For the parameters of `model` that `trainable` names, whose values are there. Throws
  /// InputError for options out of range, a group that no parameter is left for, a trainable parameter that is not in
  /// the model, without value or of another type than T, bf16 and f16; MemoryError where the state would not fit.
  template <class Model>
  BasicAdam(const B& be, Model& model, const Trainable& trainable, AdamOptions options)
      : options_(std::move(options)), lane_(be.make_lane()) {
    check(options_);
    const Index bytes = state_bytes(model, trainable, options_);
    require<MemoryError>(bytes <= be.free_memory(), place, bytes, " bytes of state, ", be.free_memory(),
                         " are free; moments in bf16 take half");
    std::vector<bool> used(options_.groups.size());
    each_trainable(model, trainable, [&](const std::string& name, auto& parameter) { add(name, parameter, used); });
    require<InputError>(!entries_.empty(), place, "no parameter is trainable");
    require<InputError>(entries_.size() == trainable.size(), place, "of ", trainable.size(), " trainable parameters ",
                        entries_.size(), " are in the model");
    for (std::size_t i = 0; i < used.size(); ++i)
      require<InputError>(used[i], place, "no trainable parameter is left for group ", i);
  }

  /// Bytes of state for the trainable parameters of a model, from their declared shapes: nothing is allocated, and
  /// weights need not be there. An f32 parameter takes 8 a number (with its value and its gradient 16), or 4 with
  /// moments in bf16; a 16-bit one 4 more.
  template <class Model>
  static Index state_bytes(const Model& model, const Trainable& trainable, const AdamOptions& options) {
    Index bytes = 0;
    each_trainable(model, trainable, [&](const std::string&, const auto& parameter) {
      using P = typename std::remove_cvref_t<decltype(parameter.value)>::value_type;
      const std::size_t moment = options.moments == Moments::bf16 ? sizeof(BFloat16) : sizeof(T);
      const std::size_t each = 2 * moment + (std::is_same_v<P, T> ? 0 : sizeof(T));
      bytes += parameter.declared.rows() * parameter.declared.cols * static_cast<Index>(each);
    });
    return bytes;
  }
  Index state_bytes() const {
    Index bytes = 0;
    for (const auto& [name, entry] : entries_)
      for (const StateArray& a : state_of(entry).arrays) bytes += static_cast<Index>(a.bytes.size());
    return bytes;
  }

  /// One update of every parameter that has a gradient. `lr` is the learning rate; gradients count `scale` times, which
  /// is how clipping and averages come in. Throws InputError for a gradient of an unknown name, or where `lr` or
  /// `scale` is not finite or below 0, ShapeError where shapes differ; then nothing has been changed.
  void step(const Gradients<B, T>& gradients, double lr, double scale = 1) {
    require<InputError>(std::isfinite(lr) && lr >= 0, place, "the learning rate is ", lr);
    require<InputError>(std::isfinite(scale) && scale >= 0, place, "the gradients' scale is ", scale);
    for (const auto& [name, gradient] : gradients) {
      const auto found = entries_.find(name);
      require<InputError>(found != entries_.end(), place, "a gradient of ", name, ", which is not trained");
      require<ShapeError>(gradient.shape() == found->second.shape, place, name, " is ", found->second.shape.str(),
                          ", its gradient ", gradient.shape().str());
      const Shape now = std::visit([](const auto* p) { return p->value.shape(); }, found->second.parameter);
      require<ShapeError>(now == found->second.shape, place, name, " was ", found->second.shape.str(), " and is now ",
                          now.str());
    }
    for (const auto& [name, gradient] : gradients) update(name, entries_.at(name), gradient.data(), lr, scale);
  }

  /// f(name, ParameterState) for every trainable parameter, in the order of names. What is borrowed stays until the
  /// next step.
  template <class F>
  void for_each_state(F&& f) const {
    for (const auto& [name, entry] : entries_) f(name, state_of(entry));
  }
  /// Takes over the state that find(name) -> std::optional<ParameterState> gives for every trainable parameter: after
  /// it, steps go on to the same bits. Parameters of 16 bits get the values of their masters. Throws InputError where
  /// one has no state, lacks an array or has it in another type, ShapeError where shapes differ; then nothing has been
  /// changed.
  template <class Find>
  void load_state(Find&& find) {
    std::vector<std::pair<void*, std::span<const std::byte>>> copies;
    std::vector<Index> steps;
    for (auto& named : entries_) {
      const std::string& name = named.first;
      const std::optional<ParameterState> saved = find(name);
      require<InputError>(saved.has_value(), place, "there is no state of ", name);
      require<InputError>(saved->steps >= 0, place, "the state of ", name, " has had ", saved->steps, " steps");
      each_array(named.second, [&](std::string_view role, auto& to) {
        const StateArray own = described(role, to);
        const auto from = std::find_if(saved->arrays.begin(), saved->arrays.end(),
                                       [&](const StateArray& a) { return a.role == role; });
        require<InputError>(from != saved->arrays.end(), place, "the state of ", name, " has no ", role);
        require<InputError>(from->dtype == own.dtype, place, role, " of ", name, " is ", info(from->dtype).name, ", ",
                            info(own.dtype).name, " was asked for");
        require<ShapeError>(from->shape == own.shape && from->bytes.size() == own.bytes.size(), place, role, " of ",
                            name, " is ", own.shape.str(), ", its state ", from->shape.str(), " in ",
                            from->bytes.size(), " bytes");
        copies.emplace_back(to.data(), from->bytes);
      });
      steps.push_back(saved->steps);
    }
    for (const auto& [to, from] : copies)
      if (!from.empty()) std::memmove(to, from.data(), from.size());
    auto count = steps.begin();
    for (auto& [name, entry] : entries_) {
      entry.steps = *count++;
      round_master(entry);
    }
  }

  double lr_scale(const std::string& name) const { return at(name).lr_scale; }
  double weight_decay(const std::string& name) const { return at(name).weight_decay; }

 private:
  static constexpr std::string_view place = "adam";
  static constexpr Index chunk = 16384;  // elements of a task

  using Moment = std::variant<Tensor<B, T>, Tensor<B, BFloat16>>;

  struct Entry {
    std::variant<Parameter<B, T>*, Parameter<B, BFloat16>*, Parameter<B, Float16>*> parameter;
    Shape shape;
    double lr_scale = 1, weight_decay = 0;
    Index steps = 0;
    Moment exp_avg{}, exp_avg_sq{};
    Tensor<B, T> master{};  // of a parameter of 16 bits
  };

  /// f(role, tensor) for every array of an entry.
  template <class E, class F>
  static void each_array(E& entry, F&& f) {
    std::visit([&](auto& t) { f("exp_avg", t); }, entry.exp_avg);
    std::visit([&](auto& t) { f("exp_avg_sq", t); }, entry.exp_avg_sq);
    if (entry.master) f("master", entry.master);
  }
  template <class U>
  static StateArray described(std::string_view role, const Tensor<B, U>& t) {
    constexpr DType dtype = std::is_same_v<U, double>     ? DType::f64
                            : std::is_same_v<U, BFloat16> ? DType::bf16
                                                          : DType::f32;
    return {role, dtype, t.shape(), std::as_bytes(std::span(t.data(), static_cast<std::size_t>(t.size())))};
  }
  static ParameterState state_of(const Entry& entry) {
    ParameterState s{entry.steps, {}};
    each_array(entry, [&](std::string_view role, const auto& t) { s.arrays.push_back(described(role, t)); });
    return s;
  }
  static void round_master(Entry& entry) {
    const auto round = [&]<class P>(Parameter<B, P>* p) {
      if constexpr (!std::is_same_v<P, T>)
        std::transform(entry.master.data(), entry.master.data() + entry.master.size(), p->value.data(),
                       [](T w) { return P(static_cast<float>(w)); });
    };
    std::visit(round, entry.parameter);
  }

  /// f(name, parameter) for every parameter of the model that is trainable.
  template <class Model, class F>
  static void each_trainable(Model& model, const Trainable& trainable, F&& f) {
    for_each_leaf(model, [&](const std::string&, auto& leaf) {
      if constexpr (requires { leaf.value.flat(); }) {
        const std::string* name = trainable.find(&leaf);
        if (!name) return;
        using P = typename std::remove_cvref_t<decltype(leaf.value)>::value_type;
        if constexpr (std::is_same_v<P, T> || std::is_same_v<P, BFloat16> || std::is_same_v<P, Float16>)
          f(*name, leaf);
        else
          fail<InputError>(place, *name, " is trainable, but of another type than its gradients or 16 bits");
      }
    });
  }

  template <class P>
  void add(const std::string& name, Parameter<B, P>& parameter, std::vector<bool>& used) {
    require<InputError>(static_cast<bool>(parameter.value), place, name, " has no value");
    Entry entry{&parameter, parameter.value.shape()};
    entry.weight_decay = decays_by_default(name, parameter.declared) ? options_.weight_decay : 0;
    for (std::size_t i = 0; i < used.size(); ++i)
      if (const ParameterGroup& group = options_.groups[i]; group.matches(name)) {
        used[i] = true;
        entry.lr_scale = group.lr_scale;
        entry.weight_decay = group.weight_decay.value_or(entry.weight_decay);
        break;
      }
    for (Moment* moment : {&entry.exp_avg, &entry.exp_avg_sq})
      *moment =
          options_.moments == Moments::bf16 ? Moment(zeros<BFloat16>(entry.shape)) : Moment(zeros<T>(entry.shape));
    if constexpr (!std::is_same_v<P, T>) {
      entry.master = Tensor<B, T>(lane_, entry.shape);
      std::transform(parameter.value.data(), parameter.value.data() + parameter.value.size(), entry.master.data(),
                     [](P w) { return static_cast<T>(static_cast<float>(w)); });
    }
    require<InputError>(entries_.try_emplace(name, std::move(entry)).second, place, "two parameters are named ", name);
  }

  template <class U>
  Tensor<B, U> zeros(Shape shape) {
    Tensor<B, U> t(lane_, shape);
    chunks(t.size(), [&](Index begin, Index end) { std::fill(t.data() + begin, t.data() + end, U{}); });
    return t;
  }

  void update(const std::string& name, Entry& entry, const T* g, double lr, double scale) {
    ++entry.steps;
    const CounterRng rounding =
        CounterRng(options_.seed).at(fnv1a(name)).at(static_cast<std::uint64_t>(entry.steps));
    const AdamUpdate<T, Decay> run(options_, lr * entry.lr_scale, entry.weight_decay, scale, entry.steps, rounding);
    std::visit(
        [&]<class P, class M>(Parameter<B, P>* parameter, Tensor<B, M>& m) {
          P* value = parameter->value.data();
          T* w = entry.master.data();
          if constexpr (std::is_same_v<P, T>) w = value;
          M* v = std::get<Tensor<B, M>>(entry.exp_avg_sq).data();
          chunks(m.size(), [&](Index begin, Index end) { run(begin, end, g, w, m.data(), v, value); });
        },
        entry.parameter, entry.exp_avg);
  }

  /// f(begin, end) of parts of [0, n), on all threads. Where they end does not depend on the number of threads.
  template <class F>
  void chunks(Index n, F&& f) {
    lane_.parallel_for((n + chunk - 1) / chunk, [&](Index i, Worker&) { f(i * chunk, std::min(n, (i + 1) * chunk)); });
  }

  const Entry& at(const std::string& name) const {
    const auto found = entries_.find(name);
    require<InputError>(found != entries_.end(), place, name, " is not trained");
    return found->second;
  }

  AdamOptions options_;
  typename B::Lane lane_;
  std::map<std::string, Entry> entries_;
};

}  // namespace nvembed::optim
