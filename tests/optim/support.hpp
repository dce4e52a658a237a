#pragma once

#include <nvembed/autograd/gradients.hpp>
#include <nvembed/autograd/trainable.hpp>
#include <nvembed/nn/module.hpp>
#include <nvembed/optim/adam.hpp>
#include <nvembed/optim/adamw.hpp>
#include <string>
#include <support/backends.hpp>
#include <support/parity.hpp>
#include <vector>

/// A module of three parameters, and what trains it.
namespace trained {

using namespace nvembed;
using B = eigen::Backend;

template <class T, class Back = B>
struct Layer {
  Parameter<Back, T> bias{Parts(1, 7), {}}, norm{Parts(1, 6), {}}, weight{Parts(3, 5), {}};

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("bias", s.bias);
    visit("norm.weight", s.norm);
    visit("weight", s.weight);
  }
};

template <class T, class Back = B>
struct Model {
  Layer<T, Back> layer;

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("layer", s.layer);
  }
};

/// Of parameter number k in step t: multiples of 1/64 in [-2, 2], smaller by 4^k. As tests/golden/optim has them.
template <class T>
std::vector<T> numbers(Index k, Index t, Index n) {
  std::vector<T> v;
  for (Index i = 0; i < n; ++i) {
    const float x = static_cast<float>(((t * 131 + i * 17 + k * 29) * 37) % 257 - 128) / 64;
    v.push_back(static_cast<T>(x / static_cast<float>(Index{1} << 2 * k)));
  }
  return v;
}

template <class M>
Trainable all_of(M& model) {
  Trainable trainable;
  for_each_leaf(model, [&](const std::string& name, auto& leaf) { trainable.add(name, leaf); });
  return trainable;
}

/// f(number, name, parameter), numbers from 0 on.
template <class M, class F>
void each(M& model, F&& f) {
  Index k = 0;
  for_each_leaf(model, [&](const std::string& name, auto& leaf) { f(k++, name, leaf); });
}

template <class T, class Back>
void fill(const Back& be, Model<T, Back>& model) {
  auto lane = be.make_lane();
  each(model, [&](Index k, const std::string&, auto& p) {
    const Shape shape{p.declared.rows(), p.declared.cols};
    p.value = Tensor<Back, T>::from_host(lane, shape, numbers<T>(k, 0, shape.size()));
  });
}

/// Gradients of step t (from 1 on), of type G.
template <class G, class Back, class M>
Gradients<Back, G> gradients(const Back& be, M& model, Index t) {
  auto lane = be.make_lane();
  Gradients<Back, G> all;
  each(model, [&](Index k, const std::string& name, auto& p) {
    const Shape shape{p.declared.rows(), p.declared.cols};
    all.add(be, lane, name, Tensor<Back, G>::from_host(lane, shape, numbers<G>(k, t, shape.size())));
  });
  return all;
}

/// All weights, as double, by name.
template <class M>
std::map<std::string, std::vector<double>> weights(M& model) {
  std::map<std::string, std::vector<double>> all;
  each(model, [&](Index, const std::string& name, auto& p) {
    using T = typename std::remove_cvref_t<decltype(p.value)>::value_type;
    for (Index i = 0; i < p.value.size(); ++i) {
      if constexpr (std::is_arithmetic_v<T>)
        all[name].push_back(p.value.data()[i]);
      else
        all[name].push_back(static_cast<float>(p.value.data()[i]));
    }
  });
  return all;
}

}  // namespace trained
