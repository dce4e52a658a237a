#include <nvembed/eigen/backend.hpp>
#include <nvembed/embed/instances.hpp>

template class nvembed::TextEmbedder<nvembed::eigen::Backend>;
template nvembed::TextEmbedder<nvembed::eigen::Backend> nvembed::load<nvembed::eigen::Backend>(
    const std::filesystem::path&, const nvembed::LoadOptions&);
template nvembed::TextEmbedder<nvembed::eigen::Backend> nvembed::load<nvembed::eigen::Backend>(
    std::shared_ptr<const nvembed::eigen::Backend>, const std::filesystem::path&, const nvembed::LoadOptions&);
