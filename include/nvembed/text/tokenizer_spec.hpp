#pragma once

#include <nvembed/text/bpe.hpp>
#include <nvembed/text/byte_level.hpp>
#include <nvembed/text/normalizer.hpp>
#include <nvembed/text/special_tokens.hpp>
#include <nvembed/text/spm_bpe.hpp>
#include <optional>
#include <string>
#include <vector>

namespace nvembed::text {

/// A BPE tokenizer as a file describes it.
struct TokenizerSpec {
  BpeSpec model;
  std::vector<NormalizerStep> normalizer;
  std::optional<Metaspace> metaspace;  ///< the pre-tokenizer; or
  std::vector<Cut> cuts;               ///< the pre-tokenizer, outermost first
  std::vector<AddedToken> added;
  std::optional<TokenId> bos, eos;
};

}  // namespace nvembed::text
