#pragma once

#include <nvembed/text/normalizer.hpp>
#include <nvembed/text/unicode.hpp>
#include <utility>

namespace nvembed::text {

NVEMBED_INLINE void NormalizedText::become(std::string&& text, std::vector<Index>&& ends) {
  if (track_) {
    for (Index& e : ends) e = source_end(e);
    ends_ = std::move(ends);
  }
  own_ = std::move(text);
  text_ = own_;
}

NVEMBED_INLINE void NormalizedText::nfc() {
  if (!may_change_in_nfc(text_)) return;
  std::vector<Index> ends;
  std::string out = text::nfc(text_, track_ ? &ends : nullptr);
  if (out != text_) become(std::move(out), std::move(ends));
}

NVEMBED_INLINE void NormalizedText::prepend(std::string_view content) {
  if (text_.empty() || content.empty()) return;
  check_size(content.size() + text_.size());
  std::string out;
  out.reserve(content.size() + text_.size());
  out.append(content).append(text_);
  std::vector<Index> ends;
  if (track_) {
    ends.assign(out.size(), 0);
    for (std::size_t i = 0; i < text_.size(); ++i) ends[content.size() + i] = static_cast<Index>(i + 1);
  }
  become(std::move(out), std::move(ends));
}

NVEMBED_INLINE void NormalizedText::replace(std::string_view pattern, std::string_view content) {
  if (pattern.empty()) return;
  std::size_t at = text_.find(pattern);
  if (at == text_.npos) return;
  std::string out;
  std::vector<Index> ends;
  std::size_t done = 0;
  const auto copy_until = [&](std::size_t end) {
    out += text_.substr(done, end - done);
    if (track_)
      for (; done < end; ++done) ends.push_back(static_cast<Index>(done + 1));
    done = end;
  };
  for (; at != text_.npos; at = text_.find(pattern, done)) {
    copy_until(at);
    check_size(out.size() + content.size());
    out += content;
    done = at + pattern.size();
    if (track_) ends.insert(ends.end(), content.size(), static_cast<Index>(done));
  }
  copy_until(text_.size());
  become(std::move(out), std::move(ends));
}

NVEMBED_INLINE void NormalizedText::apply(std::span<const NormalizerStep> steps, bool first) {
  for (const NormalizerStep& step : steps) switch (step.kind) {
      case NormalizerStep::Kind::nfc:
        nfc();
        break;
      case NormalizerStep::Kind::prepend:
        if (first) prepend(step.content);
        break;
      case NormalizerStep::Kind::replace:
        replace(step.pattern, step.content);
        break;
    }
}

}  // namespace nvembed::text
