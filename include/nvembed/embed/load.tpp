#pragma once

#include <memory>
#include <nvembed/core/cpu_count.hpp>
#include <nvembed/embed/load.hpp>
#include <nvembed/embed/memory.hpp>
#include <utility>

namespace nvembed {

template <class B>
TextEmbedder<B> load(const std::filesystem::path& path, const LoadOptions& options) {
  ModelFiles files = open_model(path, options);
  if (options.notice)
    for (const std::string& n : files.notices) options.notice(n);
  // Before anything is allocated: weights and the activations of one default batch.
  const Index needed = files.weight_bytes() + files.activation_bytes(EncodeOptions{}.batch_tokens),
              free = options.memory_limit ? options.memory_limit : available_memory();
  require<MemoryError>(needed <= free, "load", path.string(), " needs about ", (needed >> 20) + 1, " MiB of memory, ",
                       free >> 20, " MiB is available");

  auto be = std::make_shared<const B>(options.threads ? options.threads : cpu_count());
  auto model = std::make_shared<typename TextEmbedder<B>::Model>();
  model->body = Decoder<B, mask::Any>(files.decoder, files.mask);
  model->normalize = files.normalize;
  refuse_unknown_layers(model->body, files.weights);
  if (files.pool == "mean") model->pool = pool::Mean{};
  if (files.pool == "weighted_mean") model->pool = pool::WeightedMean{};
  if (files.pool == "last_token") model->pool = pool::LastToken{};
  if (files.pool == "none") model->pool = pool::None{};
  if (files.pool == "latent_attention") {  // before the decoder: plain and folded head are there at once
    pool::LatentAttention<B> head(*files.latent);
    load_weights(*be, head, files.weights);
    model->pool = pool::fold(*be, head);
  }
  load_weights(*be, model->body, files.weights);
  return TextEmbedder<B>(std::move(be), std::move(model), std::move(files.tokenizer), std::move(files.settings),
                         files.digest());
}

}  // namespace nvembed
