#pragma once

#include <functional>
#include <memory>
#include <nvembed/autograd/eval.hpp>
#include <nvembed/core/tensor.hpp>
#include <nvembed/core/view.hpp>
#include <nvembed/search/host_matrix.hpp>

namespace nvembed::search {

/// y (a.rows, b.rows) = a b^T, all on the host: how metrics use a back end without knowing it.
using DotProducts = std::function<void(HostMatrix a, HostMatrix b, float* y)>;

/// Through the matrix product of a back end. One thread calls it at a time; `be` must outlive it.
template <class B>
DotProducts dot_products(const B& be) {
  return [&be, cx = std::make_shared<Eval<B>>(be)](HostMatrix a, HostMatrix b, float* y) {
    auto& lane = cx->lane();
    const auto tensor = [&](HostMatrix m) {
      return Tensor<B, float>::from_host(lane, {m.rows, m.cols}, {m.data, static_cast<std::size_t>(m.rows * m.cols)});
    };
    const Tensor<B, float> left = tensor(a), right = tensor(b);
    Tensor<B, float> product(lane, {a.rows, b.rows});
    be.matmul(lane, left.mat(), false, right.mat(), true, 1.0f, product.mat());
    lane.download(y, product.data(), static_cast<std::size_t>(product.size()) * sizeof(float));
  };
}

}  // namespace nvembed::search
