#pragma once

#include <filesystem>
#include <nvembed/embed/embedder_folder.hpp>
#include <nvembed/embed/model_files.hpp>
#include <nvembed/embed/text_embedder.hpp>
#include <nvembed/io/save_adapter.hpp>
#include <nvembed/io/save_weights.hpp>
#include <string>
#include <variant>

namespace nvembed {

/// What nvembed.json in `folder` is to say of a model that stands on `files`, but for the parts of its own:
/// `save_embedder` adds those. `whole`: with SHA-256 of the base's files, which are read for it.
inline EmbedderFolder describe_embedder(const ModelFiles& files, const std::filesystem::path& folder,
                                        Precision precision = Precision::f32, bool whole = false) {
  EmbedderFolder e;
  e.base = describe_base(files.base, folder, whole);
  e.mask = files.mask.str();
  e.pool = files.pool;
  e.normalize = files.normalize;
  e.settings = files.settings;
  e.precision = name(precision);
  return e;
}

/// Writes an embedder folder that `load` opens: the LoRA adapter that is attached to the decoder, decoder parameters
/// for which `trained(dotted name, parameter)` (`weights.safetensors`; names as `for_each_leaf` of the decoder gives
/// them, updates of LoRA are not asked for), a latent-attention head (`head.safetensors`), and then nvembed.json. Each
/// file appears whole; one that was left half done beside others is seen by its digest when the folder is opened.
/// `lora` describes the adapter. Returns what was written. Throws InputError for a folded head or numbers that are not
/// finite, FileError where the folder cannot be written.
template <class B, class Trained>
EmbedderFolder save_embedder(const B& be, const EmbedderOf<B, float>& model, EmbedderFolder e,
                             const nn::LoraOptions& lora, const std::filesystem::path& folder, Trained&& trained) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  require<FileError>(!error, "embedder", folder.string(), ": ", error.message());
  constexpr const char *weights = "weights.safetensors", *head = "head.safetensors";
  e.adapter.reset(), e.weights.reset(), e.head.reset(), e.latent.reset();
  bool attached = false;
  nn::for_each_linear(model.body, [&](const std::string&, const auto& linear) { attached |= linear.lora.has_value(); });
  if (attached) {
    save_adapter(be, model.body, lora, folder, e.base.path);
    e.adapter = describe_part(folder, Adapter::weights_file);
  }
  const auto wanted = [&](const std::string& name, const auto& parameter) {
    return name.find(".lora_") == name.npos && trained(name, parameter);
  };
  if (save_weights(be, model.body, (folder / weights).string(), wanted) > 0) e.weights = describe_part(folder, weights);
  require<InputError>(!std::holds_alternative<pool::FoldedLatentAttention<B, float>>(model.pool.variant()), "embedder",
                      "a head that is folded cannot be saved");
  require<InputError>(model.pool.name() != "self_attention", "embedder", "a self_attention head cannot be saved yet");
  if (const auto* latent = std::get_if<pool::LatentAttention<B, float>>(&model.pool.variant())) {
    nn::for_each_linear(*latent, [&](const std::string& key, const auto& linear) {
      require<InputError>(!linear.trained.declared.parts.empty(), "embedder", "the head's ", key,
                          " is frozen; only a head that is trained in full can be saved");
    });
    save_weights(be, *latent, (folder / head).string(), [](const std::string&, const auto&) { return true; });
    e.head = describe_part(folder, head);
    e.latent = latent->config;
  }
  e.pool = model.pool.name();
  e.normalize = model.normalize;
  e.mask = model.body.mask.str();
  write_embedder_folder(folder, e);
  return e;
}

/// The same where no decoder parameter is trained in full.
template <class B>
EmbedderFolder save_embedder(const B& be, const EmbedderOf<B, float>& model, EmbedderFolder e,
                             const nn::LoraOptions& lora, const std::filesystem::path& folder) {
  return save_embedder(be, model, std::move(e), lora, folder, [](const std::string&, const auto&) { return false; });
}

}  // namespace nvembed
