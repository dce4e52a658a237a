#pragma once

#include <filesystem>
#include <nvembed/core/precision.hpp>
#include <nvembed/embed/export_options.hpp>
#include <nvembed/embed/model_files.hpp>

namespace nvembed {

/// The precision that an export has where none is asked for: what the model's files mostly hold, f16 for blocks.
inline Precision export_precision(const ModelFiles& files) {
  const Precision stored = files.stored_precision();
  return stored == Precision::q4 ? Precision::f16 : stored;
}

/// Writes a model whole into a folder that is new or empty: config.json, model.safetensors (sharded where it is large)
/// and the tokenizer in Hugging Face's layout, so that `AutoModel.from_pretrained` opens it, with
/// Sentence-Transformers' side files where the pooling has a name there, and nvembed.json, so that `load` gives the
/// vectors of the model but for the rounding of its weights. Adapters are merged, trained tensors stand in place, rows
/// in Hugging Face's order. An NV-Embed checkpoint keeps its layout; another decoder's latent-attention head becomes
/// head.safetensors. Tensors are streamed, config.json comes last, and what was written is opened and compared before
/// this returns; where anything fails none of its files is left. Throws FileError for numbers that the precision cannot hold, for
/// what the layout has no words for, and for a base that is not the recorded one, read whole; InputError for another
/// precision.
template <class B>
Exported export_model(const B& be, const ModelFiles& files, const std::filesystem::path& folder,
                      const ExportOptions& options = {});

}  // namespace nvembed

#include <nvembed/embed/export_model.tpp>
