#pragma once

#include <algorithm>
#include <memory>
#include <nvembed/core/backend.hpp>
#include <nvembed/core/segment.hpp>
#include <span>
#include <vector>

namespace nvembed {

/// One text as token ids, and which of its tokens are instruction and which are pooled.
struct TokenizedText {
  std::vector<TokenId> ids;
  Index prefix = 0;      ///< tokens of BOS and instruction
  Index pool_begin = 0;  ///< first pooled token
};

/// A batch: the tokens of all its texts, one under the other, and one Segment a text. There is no batch axis and no
/// padding. A value; copies share the segments, so that ops may keep them.
class Packed {
 public:
  Packed() : segments_(std::make_shared<const std::vector<Segment>>()) {}

  /// `index` of segment i is i, or the number given for it. Throws InputError for a text without tokens, or where
  /// nothing is left to pool.
  explicit Packed(std::span<const TokenizedText> texts, std::span<const Index> indices = {}) {
    std::vector<Segment> segments;
    segments.reserve(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const TokenizedText& t = texts[i];
      const Index size = static_cast<Index>(t.ids.size());
      const Index index = indices.empty() ? static_cast<Index>(i) : indices[i];
      if (size == 0) fail_text<InputError>(index, "pack", "the text has no tokens");
      if (t.pool_begin < 0 || t.pool_begin >= size)
        fail_text<InputError>(index, "pack", "the text leaves no token to pool: ", size,
                              " tokens, the first pooled would be number ", t.pool_begin);
      if (t.prefix < 0 || t.prefix > size)
        fail_text<InputError>(index, "pack", "a prefix of ", t.prefix, " tokens in ", size);
      segments.push_back({static_cast<Index>(ids_.size()), size, t.prefix, t.pool_begin, index});
      ids_.insert(ids_.end(), t.ids.begin(), t.ids.end());
    }
    segments_ = std::make_shared<const std::vector<Segment>>(std::move(segments));
  }

  Index tokens() const { return static_cast<Index>(ids_.size()); }
  Index texts() const { return static_cast<Index>(segments_->size()); }
  std::span<const TokenId> ids() const { return ids_; }
  const std::vector<Segment>& segments() const { return *segments_; }
  std::shared_ptr<const std::vector<Segment>> shared_segments() const { return segments_; }

  Index longest() const {
    Index n = 0;
    for (const Segment& s : *segments_) n = std::max(n, s.size);
    return n;
  }

 private:
  std::vector<TokenId> ids_;
  std::shared_ptr<const std::vector<Segment>> segments_;
};

}  // namespace nvembed
