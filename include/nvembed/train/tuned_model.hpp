#pragma once

#include <memory>
#include <nvembed/autograd/trainable.hpp>
#include <nvembed/embed/load.hpp>
#include <nvembed/io/load_adapter.hpp>
#include <nvembed/nn/attach_lora.hpp>
#include <nvembed/optim/name_pattern.hpp>
#include <nvembed/pool/start_latent_attention.hpp>
#include <nvembed/train/recipe.hpp>
#include <string>
#include <utility>
#include <vector>

namespace nvembed::train {

/// A model as it is trained: a base whose weights are packed for both directions, low-rank updates, a head and whatever
/// else a recipe trains as plain tensors.
template <class B>
struct TunedModel {
  using Model = EmbedderOf<B, float>;

  ModelFiles files;              ///< of the base, with pooling and head as the recipe has them
  std::shared_ptr<Model> model;  ///< stays where it is: parameters are known by their address
  Trainable trainable;
  Precision precision = Precision::f32;

  /// f(name, parameter) for every parameter that is trained, in the order of `reflect`.
  template <class F>
  void each_trained(F&& f) const {
    for_each_leaf(*model, [&](const std::string&, auto& leaf) {
      if constexpr (requires { leaf.value.flat(); })
        if (const std::string* name = trainable.find(&leaf)) f(*name, leaf);
    });
  }
  /// Numbers that are trained.
  Index trained_numbers() const {
    Index n = 0;
    each_trained([&](const std::string&, const auto& p) { n += p.declared.rows() * p.declared.cols; });
    return n;
  }
};

namespace detail {

/// The recipe's model, all members declared, nothing read.
template <class B>
TunedModel<B> declare_tuned(ModelFiles files, const Recipe& recipe, std::vector<bool>& matched) {
  if (recipe.head) {
    const RecipeHead& h = *recipe.head;
    const Index dim = files.decoder.hidden_size;
    files.latent = LatentAttentionConfig{h.num_latents, h.num_heads, h.head_dim, dim, dim, h.mult, true};
    files.latent->validate("recipe");
    files.pool = "latent_attention";
  }
  TunedModel<B> tuned{std::move(files), std::make_shared<typename TunedModel<B>::Model>(), {}, Precision::f32};
  auto& model = *tuned.model;
  const ModelFiles& f = tuned.files;
  model.body = Decoder<B, mask::Any, float>(f.decoder, f.mask);
  model.normalize = true;
  if (f.pool == "mean") model.pool = pool::Mean{};
  if (f.pool == "weighted_mean") model.pool = pool::WeightedMean{};
  if (f.pool == "last_token") model.pool = pool::LastToken{};
  require<InputError>(f.pool != "none", "recipe", "pool none gives no vectors to train");
  if (f.pool == "latent_attention") {
    pool::LatentAttention<B> head(*f.latent);
    nn::for_each_linear(head, [](const std::string&, auto& linear) { linear.unfreeze(); });
    model.pool = std::move(head);
  }

  std::vector<optim::NamePattern> patterns(recipe.full.begin(), recipe.full.end());
  matched.assign(patterns.size(), false);
  const auto in_full = [&](const std::string& name) {
    bool any = false;
    for (std::size_t i = 0; i < patterns.size(); ++i)
      if (patterns[i](name)) any = matched[i] = true;
    return any;
  };
  nn::for_each_linear(model.body, [&](const std::string& key, auto& linear) {
    if (in_full(leaf_name(key, linear.weight))) linear.unfreeze();
  });
  if (in_full("embed_tokens.weight")) model.body.embed_tokens.unfreeze();
  return tuned;
}

/// Says which parameters are trained: the head's, those that `full` names, and all updates. Throws InputError where
/// there are none, or the recipe names what the model does not have.
template <class B>
void name_trained(TunedModel<B>& tuned, const Recipe& recipe, std::vector<bool>& matched) {
  std::vector<optim::NamePattern> patterns(recipe.full.begin(), recipe.full.end());
  for_each_leaf(*tuned.model, [&](const std::string& key, auto& leaf) {
    if constexpr (requires { leaf.value.flat(); }) {
      const std::string name = leaf_name(key, leaf);
      constexpr std::string_view body = "body.";
      bool trained = name.starts_with("pool.") || name.find(".lora_") != std::string::npos;
      for (std::size_t i = 0; i < patterns.size(); ++i)
        if (name.starts_with(body) && patterns[i](std::string_view(name).substr(body.size())))
          trained = matched[i] = true;
      if (trained) tuned.trainable.add(name, leaf);
    }
  });
  for (std::size_t i = 0; i < matched.size(); ++i)
    require<InputError>(matched[i], "recipe", "full: the model has no weight whose name fits ", recipe.full[i]);
  require<InputError>(tuned.trainable.size() > 0, "recipe", "nothing is trained; give lora, latent_attention or full");
  for (const RecipeStage& s : recipe.stages)
    for (const RecipeLoss& l : s.losses)
      for (const Index dim : l.dims)
        require<InputError>(dim <= tuned.model->dim(), "recipe", "dims has ", dim, ", the model's vectors have ",
                            tuned.model->dim());
}

/// The recipe's base, and whether it can be trained as the recipe says.
template <class B>
ModelFiles open_base(const Recipe& recipe, const LoadOptions& load) {
  LoadOptions options = load;
  options.mask = recipe.mask;
  options.precision = recipe.precision;
  if (!recipe.head) options.pool = recipe.pool;
  ModelFiles files = open_model(recipe.model, options);
  check_weights<B>(files);
  require<InputError>(!files.adapter || !recipe.lora, "recipe", recipe.model,
                      " has an adapter already; leave lora out to train it on, or export the model first");
  require<InputError>(!files.embedder || !files.embedder->weights, "recipe", recipe.model,
                      " has decoder weights of its own beside its base; export it first");
  return files;
}

/// LoRA as the recipe or the base has it.
template <class B>
void attach(const B& be, TunedModel<B>& tuned, const Recipe& recipe) {
  if (tuned.files.adapter)
    load_adapter(be, tuned.model->body, *tuned.files.adapter);
  else if (recipe.lora)
    nn::attach_lora(be, tuned.model->body, *recipe.lora);
}

}  // namespace detail

/// Opens the recipe's base and makes the model that it trains, with values: the base's, and the documented beginning of
/// what is new. An adapter or a head that the base has is trained on. Throws what `load` throws, and InputError where
/// `full` or `lora` name what the base does not have.
template <class B>
TunedModel<B> make_tuned_model(const B& be, const Recipe& recipe, const LoadOptions& load = {}) {
  ModelFiles files = detail::open_base<B>(recipe, load);
  const bool own_head = !recipe.head && files.pool == "latent_attention";
  std::vector<bool> matched;
  TunedModel<B> tuned = detail::declare_tuned<B>(std::move(files), recipe, matched);
  auto& model = *tuned.model;
  tuned.precision = choose_precision(tuned.files, recipe.precision, be.free_memory());

  nvembed::detail::CountedWeights counted{tuned.files.weights, load, {"weights", 0, tuned.files.weights.total_bytes()}};
  load_weights(be, model.body, counted, tuned.precision, Use::both);
  if (auto* head = std::get_if<pool::LatentAttention<B>>(&model.pool.variant())) {
    if (own_head)
      load_weights(be, *head, counted);
    else
      pool::start_latent_attention(be, *head, recipe.head->start, recipe.seed);
  }
  detail::attach(be, tuned, recipe);
  detail::name_trained(tuned, recipe, matched);
  return tuned;
}

}  // namespace nvembed::train
