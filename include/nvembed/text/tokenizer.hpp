#pragma once

#include <concepts>
#include <nvembed/core/backend.hpp>
#include <nvembed/text/tokenize_options.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed {

/// Text to token ids. `encode` appends to `out`; it adds no BOS or EOS. Const and safe to call from several threads.
/// Throws InputError naming the byte for invalid UTF-8.
template <class K>
concept Tokenizer = requires(const K& k, std::string_view text, std::vector<TokenId>& out,
                             const text::TokenizeOptions& options, TokenId id) {
  { k.encode(text, out, options) } -> std::same_as<void>;
  { k.vocab_size() } -> std::convertible_to<Index>;          // one past the largest id
  { k.token(id) } -> std::convertible_to<std::string>;       // for people; empty for an unknown id
  { k.find(text) } -> std::same_as<std::optional<TokenId>>;  // id of a piece or special token, as `token` spells it
  { k.bos() } -> std::same_as<std::optional<TokenId>>;
  { k.eos() } -> std::same_as<std::optional<TokenId>>;
};

}  // namespace nvembed
