#pragma once

#include <nvembed/core/config.hpp>
#include <string>
#include <string_view>

namespace nvembed::report {

/// One HTML page that needs nothing beside it: style and script are in it, and it asks no network for anything. Light
/// and dark as the reader's system is. Made of pieces: text, and what the other headers here draw.
class Page {
 public:
  explicit Page(std::string_view title) : title_(title) {}

  NVEMBED_INLINE void heading(std::string_view text);
  NVEMBED_INLINE void paragraph(std::string_view text);
  /// A piece that is HTML already.
  void add(std::string_view html) { body_ += html; }
  NVEMBED_INLINE std::string html() const;

 private:
  std::string title_, body_;
};

}  // namespace nvembed::report

#if !defined(NVEMBED_COMPILED)
#include <nvembed/report/page.inl>
#endif
