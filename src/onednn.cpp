#include <nvembed/embed/instances.hpp>
#include <nvembed/onednn/backend.hpp>

template class nvembed::TextEmbedder<nvembed::onednn::Backend>;
template nvembed::TextEmbedder<nvembed::onednn::Backend> nvembed::load<nvembed::onednn::Backend>(
    const std::filesystem::path&, const nvembed::LoadOptions&);
template nvembed::TextEmbedder<nvembed::onednn::Backend> nvembed::load<nvembed::onednn::Backend>(
    std::shared_ptr<const nvembed::onednn::Backend>, const std::filesystem::path&, const nvembed::LoadOptions&);
