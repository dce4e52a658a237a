#pragma once

#include <dnnl.hpp>

/// What differs between oneDNN 2.x and 3.x, in this one place.
namespace nvembed::onednn::compat {

/// y = x w^T, or y += x w^T, in f32 with a scratchpad of the caller's.
inline dnnl::inner_product_forward::primitive_desc inner_product(const dnnl::engine& engine,
                                                                 const dnnl::memory::desc& x,
                                                                 const dnnl::memory::desc& w,
                                                                 const dnnl::memory::desc& y, bool accumulate) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (accumulate) {
    dnnl::post_ops sum;
    sum.append_sum();
    attr.set_post_ops(sum);
  }
#if DNNL_VERSION_MAJOR >= 3
  return {engine, dnnl::prop_kind::forward_inference, x, w, y, attr};
#else
  return {dnnl::inner_product_forward::desc(dnnl::prop_kind::forward_inference, x, w, y), attr, engine};
#endif
}

inline dnnl::memory::dims dims(const dnnl::memory::desc& d) {
#if DNNL_VERSION_MAJOR >= 3
  return d.get_dims();
#else
  return d.dims();
#endif
}

}  // namespace nvembed::onednn::compat
