#pragma once

#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/mask/both.hpp>
#include <nvembed/mask/causal.hpp>
#include <nvembed/mask/window.hpp>
#include <optional>
#include <type_traits>

namespace nvembed::cuda {

/// Keys around the diagonal: a query sees at most `left` keys before and `right` keys after its own place; -1: all.
struct Band {
  Index left = -1, right = -1;
  bool operator==(const Band&) const = default;
};

/// Whether a mask's type is a band, which kernels of others know, too. Only masks of the library are: what one's own
/// allows, its `allows` alone tells.
template <class M>
inline constexpr bool is_band =
    std::is_same_v<M, mask::Bidirectional> || std::is_same_v<M, mask::Causal> || std::is_same_v<M, mask::Window> ||
    std::is_same_v<M, mask::Both<mask::Causal, mask::Window>>;

/// The band of such a mask; none for a window of less than nothing, which hides every key from some query.
template <class M>
requires is_band<M> std::optional<Band> band(const M& mask) {
  if constexpr (std::is_same_v<M, mask::Bidirectional>) {
    return Band{};
  } else if constexpr (std::is_same_v<M, mask::Causal>) {
    return Band{-1, 0};
  } else if constexpr (std::is_same_v<M, mask::Window>) {
    if (mask.left < 0 || mask.right < 0) return std::nullopt;
    return Band{mask.left, mask.right};
  } else {
    const std::optional<Band> window = band(mask.b);
    if (!window) return std::nullopt;
    return Band{window->left, 0};
  }
}

}  // namespace nvembed::cuda
