#pragma once

#include <functional>
#include <future>
#include <span>
#include <string>
#include <vector>

#include "input.hpp"
#include "model.hpp"
#include "options.hpp"
#include "progress_bar.hpp"
#include "timer.hpp"

namespace cli {

/// Lines of an input that deserve a word at the end: how many, and the numbers of the first.
struct Lines {
  static constexpr Index most_kept = 1000;  // of any number of texts, so that memory stays what it is
  Index count = 0;
  std::vector<Index> first;

  void add(Index line) {
    if (++count <= most_kept) first.push_back(line);
  }
  /// "line 4", "lines 4, 18 and 22", "lines 1, 2, ... and 1,234 more"
  std::string str() const;
};

/// What a run did.
struct Summary {
  Index texts = 0, tokens = 0;
  Index earlier_texts = 0, earlier_tokens = 0;  ///< of them by the run that this one goes on with
  Lines truncated, empty;
};

/// Encodes texts block by block, so that memory does not grow with their number. A block has as many texts as take
/// about a second: few enough that a broken run loses little. The next block is tokenised while one is encoded. A
/// vector does not depend on its block.
class Encoder {
 public:
  Encoder(const Model& model, nvembed::EncodeOptions encode, ProgressBar& bar)
      : model_(model), encode_(std::move(encode)), bar_(bar) {}

  using Next = std::function<bool(Record&)>;
  /// `next` gives the texts; `name` and a record's number are what messages call it (`FILE, line 3`).
  void run(const Next& next, const std::string& name,
           const std::function<void(std::span<const Record>, const nvembed::Embeddings&)>& sink);
  /// The same for states of tokens.
  void run_tokens(const Next& next, const std::string& name,
                  const std::function<void(std::span<const Record>, const nvembed::TokenStates&)>& sink);

  Summary& summary() { return summary_; }
  const nvembed::EncodeOptions& options() const { return encode_; }

 private:
  /// Texts on their way: read, and being tokenised.
  struct Block {
    std::vector<Record> records;
    std::future<nvembed::PreparedTexts> prepared;
  };
  Block take(const Next& next);
  template <class Encode>
  void run_blocks(const Next& next, const std::string& name, Encode&& encode);

  const Model& model_;
  nvembed::EncodeOptions encode_;
  ProgressBar& bar_;
  Summary summary_;
  std::size_t block_ = 32;
};

/// "1,234 texts, 56,789 tokens in 12.3 s (100 texts/s, 4,617 tokens/s)", and what was cut short or left empty.
void report(const Options& o, const Summary& summary, double seconds);

}  // namespace cli
