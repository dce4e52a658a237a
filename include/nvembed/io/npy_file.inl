#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <nvembed/core/error.hpp>
#include <nvembed/io/npy_file.hpp>
#include <nvembed/io/printable.hpp>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace nvembed {
namespace detail {

/// Walks through the header's text, a Python dict of strings, booleans and one tuple.
class NpyHeader {
 public:
  NpyHeader(std::string_view text, std::size_t offset, const std::string& path)
      : text_(text), offset_(offset), path_(path) {}

  /// The shape of the only kind of array that is read.
  std::pair<Index, Index> shape() {
    std::pair<Index, Index> shape;
    std::set<std::string> keys;
    expect('{');
    while (!take('}')) {
      const std::string key(string());
      check(keys.insert(key).second, "key '", printable(key), "' stands there twice");
      expect(':');
      if (key == "descr") {
        const std::string_view type = string();
        check(type == "<f4", "descr is '", printable(type), "'; '<f4' can be read");
      } else if (key == "fortran_order") {
        check(word() == "False", "fortran_order should be False");
      } else if (key == "shape") {
        expect('(');
        shape.first = number();
        expect(',');
        shape.second = number();
        take(',');
        check(take(')'), "shape should be two numbers, rows and columns");
      } else {
        check(false, "unknown key '", printable(key), "'");
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip();
    check(at_ == text_.size(), "something behind the dict");
    check(keys.size() == 3, "descr, fortran_order and shape should be there");
    return shape;
  }

 private:
  template <class... Parts>
  void check(bool ok, Parts&&... parts) const {
    require<FileError>(ok, "npy", path_, ": header, byte ", offset_ + at_, ": ", std::forward<Parts>(parts)...);
  }
  void skip() { at_ = std::min(text_.find_first_not_of(" \n", at_), text_.size()); }
  bool take(char c) {
    skip();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) { check(take(c), "expected ", c); }
  std::string_view string() {
    skip();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    check(quote == '\'' || quote == '"', "expected a string");
    const auto end = text_.find(quote, at_ + 1);
    check(end != text_.npos, "a string without end");
    const std::string_view s = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return s;
  }
  std::string_view word() {
    skip();
    const auto end = std::min(text_.find_first_of(" ,}\n", at_), text_.size());
    const std::string_view s = text_.substr(at_, end - at_);
    at_ = end;
    return s;
  }
  Index number() {
    skip();
    Index n = -1;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), n);
    check(error == std::errc{} && n >= 0, "shape should be two numbers, rows and columns");
    at_ = static_cast<std::size_t>(end - text_.data());
    return n;
  }

  std::string_view text_;
  std::size_t offset_, at_ = 0;
  const std::string& path_;
};

}  // namespace detail

NVEMBED_INLINE NpyFile::NpyFile(const std::string& path) : file_(path) {
  const auto bytes = file_.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  require<FileError>(text.starts_with("\x93NUMPY"), "npy", path,
                     ": is no .npy file (it does not start with \"\\x93NUMPY\")");
  require<FileError>(bytes.size() >= 10, "npy", path, ": ends within its header, after ", bytes.size(), " bytes");
  const int major = std::to_integer<int>(bytes[6]), minor = std::to_integer<int>(bytes[7]);
  require<FileError>(major == 1 && minor == 0, "npy", path, ": has version ", major, ".", minor, "; 1.0 can be read");
  std::uint16_t length = 0;
  std::memcpy(&length, bytes.data() + 8, sizeof length);
  require<FileError>(length <= bytes.size() - 10, "npy", path, ": a header of ", length, " bytes in a file of ",
                     bytes.size(), "; is it complete?");
  std::tie(rows_, cols_) = detail::NpyHeader(text.substr(10, length), 10, path).shape();
  values_ = bytes.subspan(10 + std::size_t{length});
  const auto count = static_cast<Index>(values_.size() / sizeof(float));
  require<FileError>(
      values_.size() % sizeof(float) == 0 && (cols_ == 0 ? count == 0 : count % cols_ == 0 && count / cols_ == rows_),
      "npy", path, ": ", values_.size(), " bytes do not hold ", rows_, " rows of ", cols_, " f32; is it complete?");
  for (Index i = 0; i < count; ++i) {
    float v;
    std::memcpy(&v, values_.data() + static_cast<std::size_t>(i) * sizeof v, sizeof v);
    require<FileError>(std::isfinite(v), "npy", path, ": row ", i / cols_, " is not finite");
  }
}

}  // namespace nvembed
