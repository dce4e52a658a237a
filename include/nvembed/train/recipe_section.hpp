#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <nvembed/io/json.hpp>
#include <nvembed/io/short_number.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// Includes the JSON library, so `.inl` files alone include it.

namespace nvembed::train::detail {

/// Edits that turn one word into another.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row.back();
}

/// An object of a recipe: every key is asked for once, and what nobody asked for is an error.
class Section {
 public:
  /// `where` is the file, with the path to the object behind a colon where it is not the root.
  Section(const Json& object, std::string where, bool root = false)
      : object_(object), where_(std::move(where)), root_(root) {
    require<FileError>(object.is_object(), "recipe", where_, ": expected an object");
  }

  /// `target` takes the value of `key`, if it is there.
  template <class T>
  void read(std::string_view key, T& target) {
    if (const Json* v = find(key)) target = as<T>(*v, key);
  }
  template <class T>
  void read(std::string_view key, std::optional<T>& target) {
    if (const Json* v = find(key)) target = as<T>(*v, key);
  }
  template <class T>
  void require_key(std::string_view key, T& target) {
    const Json* v = find(key);
    require<FileError>(v != nullptr, "recipe", where_, ": ", key, " is missing");
    target = as<T>(*v, key);
  }
  /// A number within [low, high].
  template <class T>
  void read_in(std::string_view key, T& target, double low, double high) {
    read(key, target);
    const double x = static_cast<double>(target);
    require<FileError>(x >= low && x <= high, "recipe", where_, ": ", key, " is ", short_number(x), "; it should be ",
                       short_number(low), " to ", short_number(high));
  }
  /// One of some words, to the value at its place.
  template <class E>
  void read_word(std::string_view key, E& target, std::initializer_list<std::pair<std::string_view, E>> words) {
    std::string word, all;
    const Json* v = find(key);
    if (!v) return;
    word = as<std::string>(*v, key);
    for (const auto& [name, value] : words) {
      if (name == word) {
        target = value;
        return;
      }
      all += (all.empty() ? "" : ", ") + std::string(name);
    }
    fail<FileError>("recipe", where_, ": ", key, " is ", word, "; it should be one of ", all);
  }
  const Json* find(std::string_view key) {
    known_.insert(std::string(key));
    return json_find(object_, key);
  }
  std::string where(std::string_view key) const { return cat(where_, root_ ? ": " : ".", key); }

  /// To be called last.
  void refuse_others() const {
    for (const auto& [key, value] : object_.items()) {
      if (known_.contains(key) || key == "comment") continue;
      std::string near;
      std::size_t best = key.size() / 2 + 1;
      for (const std::string& k : known_)
        if (const std::size_t d = edit_distance(key, k); d < best) best = d, near = k;
      std::string all;
      for (const std::string& k : known_) all += (all.empty() ? "" : ", ") + k;
      fail<FileError>("recipe", where_, ": there is no key ", key,
                      near.empty() ? cat("; known are ", all) : cat("; did you mean ", near, "?"));
    }
  }

 private:
  template <class T>
  T as(const Json& v, std::string_view key) const {
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      return static_cast<std::uint64_t>(json_as<Index>(v, key, where_));
    } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      return list<std::string>(v, key);
    } else if constexpr (std::is_same_v<T, std::vector<Index>>) {
      return list<Index>(v, key);
    } else if constexpr (std::is_same_v<T, std::map<std::string, double>>) {
      if (!v.is_object()) json_mismatch(v, key, where_, "an object of numbers");
      T map;
      for (const auto& [name, value] : v.items()) map[name] = json_as<double>(value, name, where(key));
      return map;
    } else {
      return json_as<T>(v, key, where_);
    }
  }
  template <class T>
  std::vector<T> list(const Json& v, std::string_view key) const {
    if (!v.is_array()) json_mismatch(v, key, where_, "a list");
    std::vector<T> all;
    for (const Json& one : v) all.push_back(json_as<T>(one, key, where_));
    return all;
  }

  const Json& object_;
  std::string where_;
  bool root_;
  std::set<std::string> known_;
};

}  // namespace nvembed::train::detail
