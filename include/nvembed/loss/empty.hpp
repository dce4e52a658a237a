#pragma once

#include <cstdint>

namespace nvembed::loss {

/// What a loss does with a row, or a batch, that has nothing to compare with. `error`: throws InputError. `skip`:
/// leaves it out of the mean; its gradient is zero.
enum class Empty : std::uint8_t { error, skip };

}  // namespace nvembed::loss
