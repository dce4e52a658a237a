#pragma once

#include <filesystem>
#include <nvembed/embed/load_options.hpp>
#include <nvembed/embed/model_files.hpp>
#include <nvembed/embed/text_embedder.hpp>
#include <nvembed/io/load.hpp>

namespace nvembed {

/// Loads an embedder: a Hugging Face folder, a GGUF file, an embedder folder or a PEFT adapter with its base. Mask,
/// pooling, normalisation, prompts and who adds BOS and EOS are what its files say; a bare language model gets a
/// bidirectional mask and mean pooling, with a notice. NV-Embed's head is folded, an adapter merged (where int8 or q4
/// keep a GGUF file's blocks: attached). Throws FileError for a broken or unknown model, MemoryError naming both
/// numbers where it would not fit.
template <class B>
TextEmbedder<B> load(const std::filesystem::path& path, const LoadOptions& options = {});

/// The same on a back end that is there already: several models may share it.
template <class B>
TextEmbedder<B> load(std::shared_ptr<const B> be, const std::filesystem::path& path, const LoadOptions& options = {});

/// Throws FileError where a tensor of decoder or head is missing, of another shape or of a type that cannot be decoded,
/// or where a layer has one that the model has no place for. Reads no weights; `load` begins with it.
template <class B>
void check_weights(const ModelFiles& files);

}  // namespace nvembed

#include <nvembed/embed/load.tpp>
