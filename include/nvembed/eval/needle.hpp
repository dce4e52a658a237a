#pragma once

#include <functional>
#include <nvembed/core/config.hpp>
#include <nvembed/eval/retrieval.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed::eval {

/// Long texts: documents of about `length` tokens, each of paragraphs of a retrieval task, one of which answers one
/// query; the others answer none. Which document has it? Share of queries whose document comes first. Extras: "mrr10",
/// and "start", "middle", "end": the same for the answers in that third of their document.
class Needle {
 public:
  struct Options {
    Index length = 512;  ///< of a document, in tokens; texts of the task may have so many
    Index queries = 40;  ///< and documents; at most as many as the source has answers for
    std::uint64_t seed = 42;
  };
  /// How many tokens a text has.
  using CountTokens = std::function<Index(std::string_view)>;

  /// Throws InputError where the source has too few paragraphs for such documents.
  NVEMBED_INLINE Needle(const Retrieval& source, const Options& options, const CountTokens& count_tokens);

  const TaskInfo& info() const { return task_.info(); }
  std::span<const TaskTexts> texts() const { return task_.texts(); }
  NVEMBED_INLINE Score score(std::span<const HostMatrix> vectors, const Scoring& scoring) const;

 private:
  static NVEMBED_INLINE Retrieval make(const Retrieval& source, const Options& options, const CountTokens& count_tokens,
                                       std::vector<double>& places);

  std::vector<double> places_;  ///< of each query's answer in its document, from 0 to 1
  Retrieval task_;
};

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/needle.inl>
#endif
