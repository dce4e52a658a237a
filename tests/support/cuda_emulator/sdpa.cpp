// The arithmetic of cuDNN's attention.

#include "sdpa.hpp"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "state.hpp"

namespace emulator {
namespace {

double load(const Attention& a, const void* p, std::size_t i) {
  return static_cast<double>(a.bfloat16 ? __bfloat162float(static_cast<const __nv_bfloat16*>(p)[i])
                                        : __half2float(static_cast<const __half*>(p)[i]));
}

void store(const Attention& a, void* p, std::size_t i, double value) {
  if (a.bfloat16)
    static_cast<__nv_bfloat16*>(p)[i] = __float2bfloat16_rn(static_cast<float>(value));
  else
    static_cast<__half*>(p)[i] = __float2half_rn(static_cast<float>(value));
}

/// First element of a text's matrix; all of its rows lie in the memory that the matrix was given in.
std::size_t first_element(const Ragged& m, std::size_t text, std::size_t rows, std::size_t head_dim) {
  const std::int64_t begin = m.offsets[text];
  const auto memory = find_allocation(m.data);
  if (memory == runtime().allocations.end()) throw Error(std::string("cuDNN: ") + m.name + " is not device memory");
  const std::size_t last =
      static_cast<std::size_t>(begin) + (rows - 1) * m.row_stride + (m.heads - 1) * m.head_stride + head_dim;
  const std::size_t bytes = memory->first + memory->second.size - reinterpret_cast<std::uintptr_t>(m.data);
  if (begin < 0 || last * 2 > bytes)
    throw Error(std::string("cuDNN: a text of ") + std::to_string(rows) + " rows at element " + std::to_string(begin) +
                " lies outside of the memory of " + m.name);
  return static_cast<std::size_t>(begin);
}

}  // namespace

void attend(const Attention& a) {
  const std::size_t d = a.head_dim, group = a.q.heads / a.k.heads;
  std::vector<double> keys, values, scores, query(d), sum(d);
  for (std::size_t t = 0; t < a.texts; ++t) {
    const std::int32_t queries = a.q_lengths[t], size = a.k_lengths[t];
    const auto most = static_cast<std::int64_t>(a.longest);
    if (queries < 0 || size < 0 || queries > most || size > most)
      throw Error("cuDNN: text " + std::to_string(t) + " has a length of " + std::to_string(std::max(queries, size)) +
                  ", and the graph was made for " + std::to_string(most) + " at most");
    if (queries == 0) continue;
    // What the library writes there differs between its versions.
    if (size == 0) throw Error("cuDNN: text " + std::to_string(t) + " has queries and no keys");
    const auto n = static_cast<std::size_t>(size), rows = static_cast<std::size_t>(queries);
    const std::size_t q0 = first_element(a.q, t, rows, d), k0 = first_element(a.k, t, n, d),
                      v0 = first_element(a.v, t, n, d), o0 = first_element(a.o, t, rows, d);
    keys.resize(n * d);
    values.resize(n * d);
    scores.resize(n);
    for (std::size_t head = 0; head < a.q.heads; ++head) {
      if (head % group == 0)
        for (std::size_t j = 0; j < n; ++j)
          for (std::size_t c = 0; c < d; ++c) {
            keys[j * d + c] = load(a, a.k.data, k0 + head / group * a.k.head_stride + j * a.k.row_stride + c);
            values[j * d + c] = load(a, a.v.data, v0 + head / group * a.v.head_stride + j * a.v.row_stride + c);
          }
      for (std::size_t i = 0; i < rows; ++i) {
        const auto row = static_cast<std::int64_t>(i);
        const std::int64_t first = a.left >= 0 ? std::max<std::int64_t>(row - a.left + 1, 0) : 0;
        const std::int64_t end = a.right >= 0 ? std::min<std::int64_t>(row + a.right + 1, size) : size;
        for (std::size_t c = 0; c < d; ++c)
          query[c] = load(a, a.q.data, q0 + head * a.q.head_stride + i * a.q.row_stride + c);
        double top = -std::numeric_limits<double>::infinity(), total = 0;
        for (std::int64_t j = first; j < end; ++j) {
          double dot = 0;
          for (std::size_t c = 0; c < d; ++c) dot += query[c] * keys[static_cast<std::size_t>(j) * d + c];
          top = std::max(top, scores[static_cast<std::size_t>(j)] = dot * static_cast<double>(a.scale));
        }
        std::fill(sum.begin(), sum.end(), 0.0);
        for (std::int64_t j = first; j < end; ++j) {
          const double weight = std::exp(scores[static_cast<std::size_t>(j)] - top);
          total += weight;
          for (std::size_t c = 0; c < d; ++c) sum[c] += weight * values[static_cast<std::size_t>(j) * d + c];
        }
        for (std::size_t c = 0; c < d; ++c)
          store(a, a.o.data, o0 + head * a.o.head_stride + i * a.o.row_stride + c, first < end ? sum[c] / total : 0);
      }
    }
  }
}

}  // namespace emulator
