#pragma once

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <dnnl.hpp>
#include <nvembed/onednn/dnnl_compat.hpp>
#include <nvembed/onednn/product.hpp>
#include <string>

namespace nvembed::onednn {
namespace detail {

/// OpenMP's functions, found at run time: no link, no flag; a oneDNN without OpenMP needs neither.
struct OpenMp {
  int (*get)() = nullptr;
  void (*set)(int) = nullptr;
  OpenMp() {
    get = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"));
    set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    if (!get || !set) get = nullptr, set = nullptr;
  }
  static const OpenMp& instance() {
    static const OpenMp omp;
    return omp;
  }
};

[[noreturn]] inline void fail_with(const dnnl::error& e) {
  fail("onednn", "oneDNN: ", e.message ? e.message : e.what(), " (status ", static_cast<int>(e.status), ")");
}

}  // namespace detail

NVEMBED_INLINE OneThread::OneThread() : before_(0) {
  const auto& omp = detail::OpenMp::instance();
  if (!omp.get) return;
  before_ = omp.get();
  if (before_ != 1) omp.set(1);
}
NVEMBED_INLINE OneThread::~OneThread() {
  if (before_ > 1) detail::OpenMp::instance().set(before_);
}
NVEMBED_INLINE void OneThread::for_ever() {
  if (detail::OpenMp::instance().set) detail::OpenMp::instance().set(1);
}

struct Product::Impl {
  /// One primitive for a fixed number of rows.
  struct Rows {
    Index count = 0;
    dnnl::memory::desc x, y, scratchpad, packed;
    dnnl::inner_product_forward primitive;
    std::string implementation;

    Rows() = default;
    Rows(const dnnl::engine& engine, Index rows, Index k, Index n) : count(rows) {
      using tag = dnnl::memory::format_tag;
      constexpr auto f32 = dnnl::memory::data_type::f32;
      x = {{rows, k}, f32, tag::nc};
      y = {{rows, n}, f32, tag::nc};
      const auto pd = compat::inner_product(engine, x, dnnl::memory::desc({n, k}, f32, tag::any), y, false);
      packed = pd.weights_desc();
      scratchpad = pd.scratchpad_desc();
      implementation = pd.impl_info_str();
      primitive = dnnl::inner_product_forward(pd);
    }
    void run(const dnnl::engine& engine, const float* from, const std::byte* weight, float* to,
             std::byte* scratch) const {
      dnnl::stream stream(engine);
      primitive.execute(stream, {{DNNL_ARG_SRC, dnnl::memory(x, engine, const_cast<float*>(from))},
                                 {DNNL_ARG_WEIGHTS, dnnl::memory(packed, engine, const_cast<std::byte*>(weight))},
                                 {DNNL_ARG_DST, dnnl::memory(y, engine, to)},
                                 {DNNL_ARG_SCRATCHPAD, dnnl::memory(scratchpad, engine, scratch)}});
      stream.wait();
    }
  };

  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  Index k = 0, n = 0;
  dnnl::memory::desc plain, packed;
  Rows whole, few;  // `few` has count 0 where it is of no use
  dnnl::reorder reorder;

  Index scratch_bytes() const {
    return static_cast<Index>(std::max(whole.scratchpad.get_size(), few.count ? few.scratchpad.get_size() : 0));
  }
  void pack(const float* w, std::byte* to) const {
    dnnl::stream stream(engine);
    dnnl::memory from(plain, engine, const_cast<float*>(w)), into(packed, engine, to);
    reorder.execute(stream, from, into);
    stream.wait();
  }
  /// Whether `few` reads the same packed weight and gives every row the bits that `whole` gives it: oneDNN says so
  /// nowhere, and not all of its implementations do. The order of a sum does not depend on the numbers, so one trial
  /// tells.
  bool alike(const Rows& fewer) const {
    if (fewer.implementation != whole.implementation || fewer.packed != packed) return false;
    const auto fill = [](float* x, Index count, std::uint32_t seed) {
      for (Index i = 0; i < count; ++i) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = static_cast<float>(seed >> 8) / 8388608.0f - 1.0f;
      }
      return x;
    };
    Worker memory[6];  // each one aligned buffer
    std::byte* weight = memory[0].scratch(packed.get_size());
    std::byte* scratch = memory[1].scratch(std::max(whole.scratchpad.get_size(), fewer.scratchpad.get_size()));
    pack(fill(memory[2].scratch_as<float>(n * k), n * k, 1), weight);
    const float* rows = fill(memory[3].scratch_as<float>(tile * k), tile * k, 2);
    float *y = memory[4].scratch_as<float>(tile * n), *z = memory[5].scratch_as<float>(tile * n);
    whole.run(engine, rows, weight, y, scratch);
    for (Index r = 0; r < tile; r += fewer.count) fewer.run(engine, rows + r * k, weight, z + r * n, scratch);
    return std::memcmp(y, z, static_cast<std::size_t>(tile * n) * sizeof(float)) == 0;
  }
};

struct Product::Dx {
  dnnl::memory::desc dy, seen, turned, dx, scratchpad;  // `seen`: the packed weight as (k, n)
  dnnl::inner_product_forward primitive;
  dnnl::reorder reorder;
};

NVEMBED_INLINE Product::Product(Index k, Index n) {
  const OneThread guard;  // the number of threads is settled when a primitive is made
  try {
    auto impl = std::make_unique<Impl>();
    impl->k = k;
    impl->n = n;
    impl->plain = {{n, k}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::oi};
    impl->whole = Impl::Rows(impl->engine, tile, k, n);
    impl->packed = impl->whole.packed;
    impl->reorder = dnnl::reorder(dnnl::reorder::primitive_desc(impl->engine, impl->plain, impl->engine, impl->packed));
    if (Impl::Rows few(impl->engine, few_rows, k, n); impl->alike(few)) impl->few = std::move(few);
    impl_ = std::move(impl);
  } catch (const dnnl::error& e) {
    detail::fail_with(e);
  }
}
NVEMBED_INLINE Product::~Product() = default;
NVEMBED_INLINE Index Product::packed_bytes() const { return static_cast<Index>(impl_->packed.get_size()); }
NVEMBED_INLINE Index Product::scratch_bytes() const { return impl_->scratch_bytes(); }
NVEMBED_INLINE const char* Product::implementation() const { return impl_->whole.implementation.c_str(); }

NVEMBED_INLINE void Product::pack(const float* w, std::byte* packed) const {
  const OneThread guard;
  try {
    impl_->pack(w, packed);
  } catch (const dnnl::error& e) {
    detail::fail_with(e);
  }
}

NVEMBED_INLINE void Product::run(const float* x, Index rows, const std::byte* packed, float* y,
                                 std::byte* scratch) const {
  const OneThread guard;
  try {
    const Impl& p = *impl_;
    if (p.few.count == 0 || rows > tile - few_rows) return p.whole.run(p.engine, x, packed, y, scratch);
    for (Index r = 0; r < rows; r += few_rows) p.few.run(p.engine, x + r * p.k, packed, y + r * p.n, scratch);
  } catch (const dnnl::error& e) {
    detail::fail_with(e);
  }
}

NVEMBED_INLINE const Product::Dx& Product::dx() const {
  std::call_once(dx_once_, [&] {
    const OneThread guard;
    try {
      auto d = std::make_unique<Dx>();
      using tag = dnnl::memory::format_tag;
      constexpr auto f32 = dnnl::memory::data_type::f32;
      const auto sizes = compat::dims(impl_->plain);  // (n, k)
      d->dy = {{tile, sizes[0]}, f32, tag::nc};
      d->dx = {{tile, sizes[1]}, f32, tag::nc};
      d->seen = impl_->packed.permute_axes({1, 0});
      const auto pd = compat::inner_product(impl_->engine, d->dy,
                                            dnnl::memory::desc({sizes[1], sizes[0]}, f32, tag::any), d->dx, true);
      d->turned = pd.weights_desc();
      d->scratchpad = pd.scratchpad_desc();
      d->primitive = dnnl::inner_product_forward(pd);
      d->reorder = dnnl::reorder(dnnl::reorder::primitive_desc(impl_->engine, d->seen, impl_->engine, d->turned));
      dx_ = std::move(d);
    } catch (const dnnl::error& e) {
      detail::fail_with(e);
    }
  });
  return *dx_;
}
NVEMBED_INLINE Index Product::turned_bytes() const { return static_cast<Index>(dx().turned.get_size()); }
NVEMBED_INLINE Index Product::dx_scratch_bytes() const { return static_cast<Index>(dx().scratchpad.get_size()); }

NVEMBED_INLINE void Product::turn(const std::byte* packed, std::byte* turned) const {
  const OneThread guard;
  try {
    const Dx& d = dx();
    dnnl::stream stream(impl_->engine);
    dnnl::memory from(d.seen, impl_->engine, const_cast<std::byte*>(packed)), to(d.turned, impl_->engine, turned);
    d.reorder.execute(stream, from, to);
    stream.wait();
  } catch (const dnnl::error& e) {
    detail::fail_with(e);
  }
}

NVEMBED_INLINE void Product::run_dx(const float* dy, const std::byte* turned, float* dx_rows,
                                    std::byte* scratch) const {
  const OneThread guard;
  try {
    const Dx& d = dx();
    dnnl::stream stream(impl_->engine);
    d.primitive.execute(stream,
                        {{DNNL_ARG_SRC, dnnl::memory(d.dy, impl_->engine, const_cast<float*>(dy))},
                         {DNNL_ARG_WEIGHTS, dnnl::memory(d.turned, impl_->engine, const_cast<std::byte*>(turned))},
                         {DNNL_ARG_DST, dnnl::memory(d.dx, impl_->engine, dx_rows)},
                         {DNNL_ARG_SCRATCHPAD, dnnl::memory(d.scratchpad, impl_->engine, scratch)}});
    stream.wait();
  } catch (const dnnl::error& e) {
    detail::fail_with(e);
  }
}

NVEMBED_INLINE void sgemm(bool turn_a, bool turn_b, Index m, Index n, Index k, float alpha, const float* a, Index lda,
                          const float* b, Index ldb, float beta, float* y, Index ldy) {
  const OneThread guard;
  const auto status = dnnl_sgemm(turn_a ? 'T' : 'N', turn_b ? 'T' : 'N', m, n, k, alpha, a, lda, b, ldb, beta, y, ldy);
  require(status == dnnl_success, "onednn", "sgemm (", m, ", ", k, ") by (", k, ", ", n, ") gives status ",
          static_cast<int>(status));
}

}  // namespace nvembed::onednn
