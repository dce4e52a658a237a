#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace nvembed {

/// Base of everything the library throws at its edges. The message reads `[place] what is wrong; what would help`, and
/// ends in ` (text N)` where it is about one text of a call.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;

  /// The number of that text.
  std::optional<std::int64_t> text() const { return text_; }
  void set_text(std::int64_t number) {
    text_ = number;
    name_text("text " + std::to_string(number));
  }
  /// What the message calls it instead: for who catches the error, knows a better name and throws it on.
  void name_text(std::string_view name) {
    const std::string message = what(), bare = message.substr(0, bare_);
    bare_ = bare.size();
    static_cast<std::runtime_error&>(*this) = std::runtime_error(bare + " (" + std::string(name) + ")");
  }

 private:
  std::optional<std::int64_t> text_;
  std::size_t bare_ = std::string::npos;  // length of the message without the text
};
/// Two shapes that do not fit each other, or a part that does not fit the model.
struct ShapeError : Error {
  using Error::Error;
};
/// A file that cannot be read or written, or whose content is broken or of an unknown kind. Names the file.
struct FileError : Error {
  using Error::Error;
};
/// A text, token id list or option that cannot be used as it is. Names the text's number where there is one.
struct InputError : Error {
  using Error::Error;
};
/// More memory would be needed than there is. Names both numbers.
struct MemoryError : Error {
  using Error::Error;
};
/// A device that is not there, cannot do what was asked or failed at it. Names the device and the cause.
struct DeviceError : Error {
  using Error::Error;
};

namespace detail {
inline void append(std::string& s, std::string_view part) { s += part; }
inline void append(std::string& s, char part) { s += part; }
template <class N>
requires(std::integral<N> || std::floating_point<N>) void append(std::string& s, N part) { s += std::to_string(part); }
}  // namespace detail

/// Joins strings and numbers; what messages are built with (no iostream in headers).
template <class... Parts>
std::string cat(Parts&&... parts) {
  std::string s;
  (detail::append(s, std::forward<Parts>(parts)), ...);
  return s;
}

/// Throws `E` with the message `[place] parts...`.
template <class E = Error, class... Parts>
[[noreturn]] void fail(std::string_view place, Parts&&... parts) {
  throw E(cat('[', place, "] ", std::forward<Parts>(parts)...));
}

/// `fail` about text `number` of a call.
template <class E = Error, class... Parts>
[[noreturn]] void fail_text(std::int64_t number, std::string_view place, Parts&&... parts) {
  E error(cat('[', place, "] ", std::forward<Parts>(parts)...));
  error.set_text(number);
  throw error;
}

/// `fail` unless `ok`.
template <class E = Error, class... Parts>
void require(bool ok, std::string_view place, Parts&&... parts) {
  if (!ok) [[unlikely]]
    fail<E>(place, std::forward<Parts>(parts)...);
}

}  // namespace nvembed
