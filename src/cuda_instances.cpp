#include <nvembed/cuda/backend.hpp>
#include <nvembed/embed/instances.hpp>

template class nvembed::TextEmbedder<nvembed::cuda::Backend>;
template nvembed::TextEmbedder<nvembed::cuda::Backend> nvembed::load<nvembed::cuda::Backend>(
    const std::filesystem::path&, const nvembed::LoadOptions&);
template nvembed::TextEmbedder<nvembed::cuda::Backend> nvembed::load<nvembed::cuda::Backend>(
    std::shared_ptr<const nvembed::cuda::Backend>, const std::filesystem::path&, const nvembed::LoadOptions&);
