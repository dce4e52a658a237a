#pragma once

#include <dlfcn.h>

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
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::memory::desc x, plain, packed, y, scratchpad;
  dnnl::inner_product_forward primitive;
  dnnl::reorder reorder;
  std::string implementation;
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
    using tag = dnnl::memory::format_tag;
    constexpr auto f32 = dnnl::memory::data_type::f32;
    impl->x = {{tile, k}, f32, tag::nc};
    impl->plain = {{n, k}, f32, tag::oi};
    impl->y = {{tile, n}, f32, tag::nc};
    const auto pd =
        compat::inner_product(impl->engine, impl->x, dnnl::memory::desc({n, k}, f32, tag::any), impl->y, false);
    impl->packed = pd.weights_desc();
    impl->scratchpad = pd.scratchpad_desc();
    impl->implementation = pd.impl_info_str();
    impl->primitive = dnnl::inner_product_forward(pd);
    impl->reorder = dnnl::reorder(dnnl::reorder::primitive_desc(impl->engine, impl->plain, impl->engine, impl->packed));
    impl_ = std::move(impl);
  } catch (const dnnl::error& e) {
    detail::fail_with(e);
  }
}
NVEMBED_INLINE Product::~Product() = default;
NVEMBED_INLINE Index Product::packed_bytes() const { return static_cast<Index>(impl_->packed.get_size()); }
NVEMBED_INLINE Index Product::scratch_bytes() const { return static_cast<Index>(impl_->scratchpad.get_size()); }
NVEMBED_INLINE const char* Product::implementation() const { return impl_->implementation.c_str(); }

NVEMBED_INLINE void Product::pack(const float* w, std::byte* packed) const {
  const OneThread guard;
  try {
    dnnl::stream stream(impl_->engine);
    dnnl::memory from(impl_->plain, impl_->engine, const_cast<float*>(w)), to(impl_->packed, impl_->engine, packed);
    impl_->reorder.execute(stream, from, to);
    stream.wait();
  } catch (const dnnl::error& e) {
    detail::fail_with(e);
  }
}

NVEMBED_INLINE void Product::run(const float* x, const std::byte* packed, float* y, std::byte* scratch) const {
  const OneThread guard;
  try {
    dnnl::stream stream(impl_->engine);
    impl_->primitive.execute(
        stream, {{DNNL_ARG_SRC, dnnl::memory(impl_->x, impl_->engine, const_cast<float*>(x))},
                 {DNNL_ARG_WEIGHTS, dnnl::memory(impl_->packed, impl_->engine, const_cast<std::byte*>(packed))},
                 {DNNL_ARG_DST, dnnl::memory(impl_->y, impl_->engine, y)},
                 {DNNL_ARG_SCRATCHPAD, dnnl::memory(impl_->scratchpad, impl_->engine, scratch)}});
    stream.wait();
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

NVEMBED_INLINE void sgemm(bool transpose_w, Index rows, Index n, Index k, float alpha, const float* x, Index ldx,
                          const float* w, Index ldw, float* y, Index ldy) {
  const OneThread guard;
  const auto status = dnnl_sgemm('N', transpose_w ? 'T' : 'N', rows, n, k, alpha, x, ldx, w, ldw, 0.0f, y, ldy);
  require(status == dnnl_success, "onednn", "sgemm (", rows, ", ", k, ") by (", k, ", ", n, ") gives status ",
          static_cast<int>(status));
}

}  // namespace nvembed::onednn
