#pragma once

/// What the `..._compiled` targets hold ready: users of them compile none of it. The back end's header comes first.

#if defined(NVEMBED_EIGEN_COMPILED) || defined(NVEMBED_ONEDNN_COMPILED) || defined(NVEMBED_CUDA_COMPILED)
#include <nvembed/embed/load.hpp>
#endif

#if defined(NVEMBED_EIGEN_COMPILED)
#include <nvembed/eigen/backend.hpp>
extern template class nvembed::TextEmbedder<nvembed::eigen::Backend>;
extern template nvembed::TextEmbedder<nvembed::eigen::Backend> nvembed::load<nvembed::eigen::Backend>(
    const std::filesystem::path&, const nvembed::LoadOptions&);
extern template nvembed::TextEmbedder<nvembed::eigen::Backend> nvembed::load<nvembed::eigen::Backend>(
    std::shared_ptr<const nvembed::eigen::Backend>, const std::filesystem::path&, const nvembed::LoadOptions&);
#endif

#if defined(NVEMBED_ONEDNN_COMPILED)
#include <nvembed/onednn/backend.hpp>
extern template class nvembed::TextEmbedder<nvembed::onednn::Backend>;
extern template nvembed::TextEmbedder<nvembed::onednn::Backend> nvembed::load<nvembed::onednn::Backend>(
    const std::filesystem::path&, const nvembed::LoadOptions&);
extern template nvembed::TextEmbedder<nvembed::onednn::Backend> nvembed::load<nvembed::onednn::Backend>(
    std::shared_ptr<const nvembed::onednn::Backend>, const std::filesystem::path&, const nvembed::LoadOptions&);
#endif

#if defined(NVEMBED_CUDA_COMPILED)
#include <nvembed/cuda/backend.hpp>
extern template class nvembed::TextEmbedder<nvembed::cuda::Backend>;
extern template nvembed::TextEmbedder<nvembed::cuda::Backend> nvembed::load<nvembed::cuda::Backend>(
    const std::filesystem::path&, const nvembed::LoadOptions&);
extern template nvembed::TextEmbedder<nvembed::cuda::Backend> nvembed::load<nvembed::cuda::Backend>(
    std::shared_ptr<const nvembed::cuda::Backend>, const std::filesystem::path&, const nvembed::LoadOptions&);
#endif
