#pragma once

#include <cmath>
#include <concepts>
#include <nvembed/core/backend.hpp>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/nn/module.hpp>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace nvembed {

/// Where a module's tensors come from: `get` gives the raw tensor of a dotted key, of exactly that shape (a vector is
/// one row), or throws FileError naming file, key and both shapes; `done` says that its bytes will not be read again.
template <class S>
concept WeightSource = requires(S& source, const std::string& key, Index n, const RawWeight& raw) {
  { source.get(key, n, n) } -> std::same_as<RawWeight>;
  source.done(raw);
};

namespace detail {

/// Fills one leaf from its raw parts.
template <class B>
struct LeafFiller {
  const B& be;
  typename B::Lane& lane;
  Precision precision;
  Use use;

  template <class T>
  void operator()(FrozenWeight<B, T>& leaf, std::span<const RawWeight> raws) const {
    leaf.value = be.template pack<T>(raws, precision, use);
  }
  template <class T>
  void operator()(FrozenTable<B, T>& leaf, std::span<const RawWeight> raws) const {
    leaf.value = be.template pack_table<T>(raws, precision);
  }
  template <class T>
  void operator()(Parameter<B, T>& leaf, std::span<const RawWeight> raws) const {
    std::vector<T> host;
    std::vector<float> row;
    for (const RawWeight& raw : raws)
      for (Index r = 0; r < raw.rows; ++r) {
        row.resize(static_cast<std::size_t>(raw.cols));
        dequantize_row(raw, r, row.data());
        for (const float x : row)
          require<FileError>(std::isfinite(x), "load", raw.name, " holds a number that is not finite");
        for (const float x : row) host.push_back(static_cast<T>(x));
      }
    const Parts& d = leaf.declared;
    leaf.value = Tensor<B, T>::from_host(lane, d.cols == 1 ? Shape{1, d.rows()} : Shape{d.rows(), d.cols}, host);
  }
};

/// f(leaf, its raw parts) for every leaf of `m`.
template <class M, class Source, class F>
void for_each_raw(M& m, Source& source, F&& f, const std::string& prefix = {}) {
  for_each_leaf(
      m,
      [&](const std::string& key, auto& leaf) {
        const bool vectors = leaf.declared.cols == 1;  // stored as one row each
        std::vector<RawWeight> raws;
        for (const Part& p : leaf.declared.parts)
          raws.push_back(source.get(join_key(key, p.key), vectors ? 1 : p.rows, vectors ? p.rows : leaf.declared.cols));
        f(leaf, raws);
      },
      prefix);
}

}  // namespace detail

/// Fills every leaf of `module` from `source`; keys are the dotted names of `reflect`, behind `prefix`. Matrices are
/// packed once, on all threads of the back end, straight from the mapped file, whose pages are given back.
template <class B, class M, class Source>
requires WeightSource<std::remove_reference_t<Source>>
void load_weights(const B& be, M& module, Source&& source, Precision precision = Precision::f32, Use use = Use::forward,
                  const std::string& prefix = {}) {
  auto lane = be.make_lane();
  const detail::LeafFiller<B> fill{be, lane, precision, use};
  const auto fill_leaf = [&](auto& leaf, const std::vector<RawWeight>& raws) {
    fill(leaf, std::span<const RawWeight>(raws));
    for (const RawWeight& raw : raws) source.done(raw);
  };
  detail::for_each_raw(module, source, fill_leaf, prefix);
}

/// Asks for every leaf of `module`, so that a tensor that is missing, of another shape or of an unknown type is known
/// (FileError) before the first is packed.
template <class M, class Source>
void check_weights(M& module, Source&& source) {
  detail::for_each_raw(module, source, [](auto&, const std::vector<RawWeight>&) {});
}

/// Throws FileError naming the first tensor of a layer that `module` has no member for: a bias or a norm that would
/// change every vector. (Old checkpoints carry `rotary_emb.inv_freq`, which follows from the configuration.)
template <class M, class Source>
void refuse_unknown_layers(M& module, const Source& source) {
  std::set<std::string> known;
  for_each_leaf(module, [&](const std::string& key, auto& leaf) {
    for (const Part& p : leaf.declared.parts) known.insert(join_key(key, p.key));
  });
  for (const std::string& key : source.keys())
    require<FileError>(!key.starts_with("layers.") || key.ends_with(".rotary_emb.inv_freq") || known.contains(key),
                       "load", source.paths().front(), " holds ", printable(key),
                       ", which this kind of model has no place for");
}

}  // namespace nvembed
