#pragma once

#include <array>
#include <nvembed/io/key_map.hpp>

namespace nvembed {
namespace detail {

using KeyPair = std::pair<std::string_view, std::string_view>;  // ours, GGUF

inline constexpr std::array<KeyPair, 3> gguf_globals{
    {{"embed_tokens.", "token_embd."}, {"norm.", "output_norm."}, {"rope_freqs.", "rope_freqs."}}};
inline constexpr std::array<KeyPair, 11> gguf_layer{{{"self_attn.q_proj.", "attn_q."},
                                                     {"self_attn.k_proj.", "attn_k."},
                                                     {"self_attn.v_proj.", "attn_v."},
                                                     {"self_attn.o_proj.", "attn_output."},
                                                     {"self_attn.q_norm.", "attn_q_norm."},
                                                     {"self_attn.k_norm.", "attn_k_norm."},
                                                     {"mlp.gate_proj.", "ffn_gate."},
                                                     {"mlp.up_proj.", "ffn_up."},
                                                     {"mlp.down_proj.", "ffn_down."},
                                                     {"input_layernorm.", "attn_norm."},
                                                     {"post_attention_layernorm.", "ffn_norm."}}};
inline constexpr std::array<std::string_view, 3> decoder_parts{"embed_tokens.", "layers.", "norm."};
inline constexpr std::array<std::string_view, 2> head_parts{"latents", "cross_attend_blocks."};
inline constexpr std::string_view head_prefix = "latent_attention_model.";

template <std::size_t n>
bool starts_with_one_of(std::string_view key, const std::array<std::string_view, n>& parts) {
  for (const auto part : parts)
    if (key.starts_with(part)) return true;
  return false;
}

/// The rest of `key` behind `prefix`, if it starts so.
inline std::optional<std::string_view> behind(std::string_view key, std::string_view prefix) {
  if (!key.starts_with(prefix)) return {};
  return key.substr(prefix.size());
}

/// Replaces the start of `key` by the table's other column; `from` and `to` choose the columns.
template <std::size_t n, class Column>
std::optional<std::string> swap_start(std::string_view key, const std::array<KeyPair, n>& table, Column from,
                                      Column to) {
  for (const KeyPair& row : table)
    if (const auto rest = behind(key, row.*from)) return cat(row.*to, *rest);
  return {};
}

/// The same for `LAYERS N . part`, the number kept.
template <class Column>
std::optional<std::string> swap_layer(std::string_view key, std::string_view layers_from, std::string_view layers_to,
                                      Column from, Column to) {
  const auto numbered = behind(key, layers_from);
  if (!numbered) return {};
  const auto digits = numbered->find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || (*numbered)[digits] != '.') return {};
  const auto part = swap_start(numbered->substr(digits + 1), gguf_layer, from, to);
  if (!part) return {};
  return cat(layers_to, numbered->substr(0, digits + 1), *part);
}

template <class Column>
std::optional<std::string> swap_gguf(std::string_view key, std::string_view layers_from, std::string_view layers_to,
                                     Column from, Column to) {
  if (auto name = swap_layer(key, layers_from, layers_to, from, to)) return name;
  return swap_start(key, gguf_globals, from, to);
}

}  // namespace detail

NVEMBED_INLINE std::string KeyMap::foreign(std::string_view ours) const {
  if (gguf_)
    return detail::swap_gguf(ours, "layers.", "blk.", &detail::KeyPair::first, &detail::KeyPair::second)
        .value_or(std::string(ours));
  if (detail::starts_with_one_of(ours, detail::decoder_parts)) return cat(prefix_, ours);
  if (detail::starts_with_one_of(ours, detail::head_parts)) return cat(detail::head_prefix, ours);
  return std::string(ours);
}

NVEMBED_INLINE std::optional<std::string> KeyMap::ours(std::string_view foreign) const {
  if (gguf_) return detail::swap_gguf(foreign, "blk.", "layers.", &detail::KeyPair::second, &detail::KeyPair::first);
  if (const auto key = detail::behind(foreign, detail::head_prefix);
      key && detail::starts_with_one_of(*key, detail::head_parts))
    return std::string(*key);
  if (const auto key = detail::behind(foreign, prefix_); key && detail::starts_with_one_of(*key, detail::decoder_parts))
    return std::string(*key);
  return {};
}

}  // namespace nvembed
