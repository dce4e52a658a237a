#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

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

/// An argument of `cat`: text, borrowed, or a number. One type for all of them, so that a message costs its caller
/// little code, and none is made for every length of a literal.
class Piece {
 public:
  template <class S>
  requires std::convertible_to<const S&, std::string_view> Piece(const S& s) : text_(s) {}
  Piece(char c) : kind_(Kind::character), character_(c) {}
  template <std::signed_integral N>
  Piece(N n) : kind_(Kind::integer), integer_(n) {}
  template <std::unsigned_integral N>
  Piece(N n) : kind_(Kind::natural), natural_(n) {}
  template <std::floating_point N>
  Piece(N n) : kind_(Kind::real), real_(static_cast<double>(n)) {}

  void append_to(std::string& s) const {
    switch (kind_) {
      case Kind::text:
        s += text_;
        break;
      case Kind::character:
        s += character_;
        break;
      case Kind::integer:
        s += std::to_string(integer_);
        break;
      case Kind::natural:
        s += std::to_string(natural_);
        break;
      case Kind::real:
        s += std::to_string(real_);
        break;
    }
  }

 private:
  enum class Kind : std::uint8_t { text, character, integer, natural, real };
  Kind kind_ = Kind::text;
  std::string_view text_;
  union {
    char character_ = 0;
    long long integer_;
    unsigned long long natural_;
    double real_;
  };
};

using Pieces = std::initializer_list<Piece>;

[[gnu::noinline]] inline std::string join(Pieces pieces) {
  std::string s;
  for (const Piece& p : pieces) p.append_to(s);
  return s;
}
[[gnu::noinline, gnu::cold]] inline std::string message(std::string_view place, Pieces pieces) {
  return "[" + std::string(place) + "] " + join(pieces);
}

template <class E>
[[noreturn, gnu::noinline, gnu::cold]] void throw_error(std::string_view place, Pieces pieces) {
  throw E(message(place, pieces));
}
template <class E>
[[noreturn, gnu::noinline, gnu::cold]] void throw_text_error(std::int64_t number, std::string_view place, Pieces pieces) {
  E error(message(place, pieces));
  error.set_text(number);
  throw error;
}

}  // namespace detail

/// Joins strings and numbers; what messages are built with (no iostream in headers).
template <class... Parts>
std::string cat(const Parts&... parts) {
  return detail::join({parts...});
}

/// Throws `E` with the message `[place] parts...`.
template <class E = Error, class... Parts>
[[noreturn]] void fail(std::string_view place, const Parts&... parts) {
  detail::throw_error<E>(place, {parts...});
}

/// `fail` about text `number` of a call.
template <class E = Error, class... Parts>
[[noreturn]] void fail_text(std::int64_t number, std::string_view place, const Parts&... parts) {
  detail::throw_text_error<E>(number, place, {parts...});
}

/// `fail` unless `ok`.
template <class E = Error, class... Parts>
void require(bool ok, std::string_view place, const Parts&... parts) {
  if (!ok) [[unlikely]]
    detail::throw_error<E>(place, {parts...});
}

}  // namespace nvembed
