#pragma once

#include <algorithm>
#include <cstddef>
#include <nvembed/core/error.hpp>
#include <nvembed/io/module_pattern.hpp>
#include <nvembed/io/printable.hpp>
#include <vector>

namespace nvembed {
namespace detail {

/// Runs a pattern over sets of places: each piece of it turns the places where it may begin into those where it may
/// end. Nothing is tried twice, so no pattern takes exponential time.
class ModulePattern {
 public:
  using Places = std::vector<bool>;  // 0 ... name.size()

  ModulePattern(std::string_view pattern, std::string_view name, std::string_view where)
      : pattern_(pattern), name_(name), where_(where) {
    if (pattern.size() > 512 || name.size() > 512) refuse("is too long");
  }

  bool ends_in() {
    Places from(name_.size() + 1);
    from[0] = true;
    for (std::size_t i = 0; i < name_.size(); ++i) from[i + 1] = name_[i] == '.';
    const Places to = alternatives(from);
    if (at_ != pattern_.size()) refuse("has a ) too many");
    return to[name_.size()];
  }

 private:
  [[noreturn]] void refuse(std::string_view why) const {
    fail<FileError>("adapter", where_, ": pattern '", printable(pattern_), "' ", why);
  }
  bool more() const { return at_ < pattern_.size(); }

  Places alternatives(const Places& from) {
    Places to = sequence(from);
    while (more() && pattern_[at_] == '|') {
      ++at_;
      join(to, sequence(from));
    }
    return to;
  }
  Places sequence(const Places& from) {
    Places to = from;
    while (more() && pattern_[at_] != '|' && pattern_[at_] != ')') to = repeated(to);
    return to;
  }
  Places repeated(const Places& from) {
    const std::size_t begin = at_;
    Places once = piece(from);
    const char sign = more() ? pattern_[at_] : '\0';
    if (sign != '*' && sign != '+' && sign != '?') return once;
    const std::size_t end = ++at_;
    if (more() && (pattern_[at_] == '?' || pattern_[at_] == '*' || pattern_[at_] == '+'))
      refuse("repeats a repetition, which is not supported");
    if (sign != '?')
      for (bool grew = true; grew;) {
        at_ = begin;
        grew = join(once, piece(once));
      }
    at_ = end;
    if (sign != '+') join(once, from);
    return once;
  }
  Places piece(const Places& from) {
    const char c = pattern_[at_++];
    switch (c) {
      case '(': {
        if (more() && pattern_[at_] == '?') {
          if (pattern_.substr(at_, 2) != "?:") refuse("has a kind of group that is not supported");
          at_ += 2;
        }
        if (++depth_ > 4) refuse("has groups deeper than 4");
        const Places to = alternatives(from);
        if (!more()) refuse("lacks a )");
        ++at_, --depth_;
        return to;
      }
      case '^': {
        Places to(from.size());
        to[0] = from[0];
        return to;
      }
      case '$': {
        Places to(from.size());
        to.back() = from.back();
        return to;
      }
      case '*':
      case '+':
      case '?':
        refuse("repeats nothing");
      case '{':
        refuse("has a {, which is not supported");
      case '[':
        return step(from, characters());
      case '.':
        return step(from, std::vector<bool>(256, true));
      case '\\':
        if (!more()) refuse("ends in a backslash");
        return step(from, escaped(pattern_[at_++]));
      default:
        return step(from, just(c));
    }
  }
  static std::vector<bool> just(char c) {
    std::vector<bool> set(256);
    set[static_cast<unsigned char>(c)] = true;
    return set;
  }
  std::vector<bool> escaped(char c) const {
    if (c == 'd' || c == 'w') {
      std::vector<bool> set(256);
      for (char x = '0'; x <= '9'; ++x) set[static_cast<unsigned char>(x)] = true;
      if (c == 'd') return set;
      for (char x = 'a'; x <= 'z'; ++x) set[static_cast<unsigned char>(x)] = true;
      for (char x = 'A'; x <= 'Z'; ++x) set[static_cast<unsigned char>(x)] = true;
      set['_'] = true;
      return set;
    }
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
      refuse("has an escape that is not supported");
    return just(c);
  }
  std::vector<bool> characters() {
    std::vector<bool> set(256);
    const bool others = more() && pattern_[at_] == '^';
    if (others) ++at_;
    for (bool first = true; more() && (first || pattern_[at_] != ']'); first = false) {
      char c = pattern_[at_++];
      if (c == '\\') {
        if (!more()) refuse("ends in a backslash");
        join(set, escaped(pattern_[at_++]));
        continue;
      }
      char last = c;
      if (at_ + 1 < pattern_.size() && pattern_[at_] == '-' && pattern_[at_ + 1] != ']') {
        last = pattern_[at_ + 1];
        at_ += 2;
        if (last == '\\') refuse("has a range that is not supported");
      }
      for (int x = static_cast<unsigned char>(c); x <= static_cast<unsigned char>(last); ++x)
        set[static_cast<std::size_t>(x)] = true;
    }
    if (!more()) refuse("lacks a ]");
    ++at_;
    if (others) set.flip();
    return set;
  }
  Places step(const Places& from, const std::vector<bool>& set) const {
    Places to(from.size());
    for (std::size_t i = 0; i < name_.size(); ++i)
      if (from[i] && set[static_cast<unsigned char>(name_[i])]) to[i + 1] = true;
    return to;
  }
  static bool join(Places& into, const Places& more) {
    bool grew = false;
    for (std::size_t i = 0; i < into.size(); ++i)
      if (more[i] && !into[i]) into[i] = grew = true;
    return grew;
  }

  std::string_view pattern_, name_, where_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace detail

NVEMBED_INLINE bool ends_in_pattern(std::string_view pattern, std::string_view name, std::string_view where) {
  return detail::ModulePattern(pattern, name, where).ends_in();
}

}  // namespace nvembed
