#pragma once

#include <algorithm>
#include <nvembed/io/json.hpp>
#include <nvembed/io/printable.hpp>
#include <string>
#include <utility>
#include <vector>

namespace nvembed {
namespace detail {

inline constexpr int json_max_depth = 64;
inline constexpr std::size_t json_most_values = std::size_t{3} << 20, json_longest_string = std::size_t{1} << 25;

/// What is counted ahead of the parser, so that a hostile file never makes it allocate: brackets, values and the bytes
/// of each string. Where the text is no JSON the counts may be off, but the parser stops at that place anyway.
inline void check_json_size(std::string_view content, std::string_view file_name) {
  int depth = 0;
  std::size_t values = 1;
  for (std::size_t i = 0; i < content.size(); ++i) {
    const char c = content[i];
    if (c == '"') {
      const std::size_t begin = i;
      while (++i < content.size() && content[i] != '"')
        if (content[i] == '\\') ++i;
      require<FileError>(i - begin <= json_longest_string, "json", file_name, ": byte ", begin,
                         ": a string longer than ", json_longest_string >> 20, " MiB");
    } else if (c == '{' || c == '[') {
      require<FileError>(++depth <= json_max_depth, "json", file_name, ": byte ", i, ": nested deeper than ",
                         json_max_depth, " levels");
      ++values;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ',') {
      require<FileError>(++values <= json_most_values, "json", file_name, ": byte ", i, ": more than ",
                         json_most_values, " values");
    }
  }
}

/// The parser's message without its own prefix and without bytes of the file, which need not be printable.
inline std::string json_message(const std::exception& e) {
  std::string message = e.what();
  if (const auto prefix = message.find("] "); prefix != std::string::npos) message.erase(0, prefix + 2);
  if (const auto tail = message.find("; last read"); tail != std::string::npos) message.resize(tail);
  return printable(message, 300);
}

/// Builds the document as the parser goes. (The library's own way to watch for keys that stand twice, a callback, looks
/// at all members of an object anew for each object in it.)
class JsonBuilder : public nlohmann::json_sax<Json> {
 public:
  JsonBuilder(std::string_view file_name, DuplicateKeys duplicates)
      : file_name_(file_name), refuse_(duplicates == DuplicateKeys::refuse) {}

  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // there is none in a text
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    const auto [at, fresh] = open_.back()->get_ref<Json::object_t&>().try_emplace(name);
    require<FileError>(fresh || !refuse_, "json", file_name_, ": key \"", printable(name), "\" stands there twice");
    member_ = &at->second;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception& e) override {
    fail<FileError>("json", file_name_, ": ", json_message(e));
  }

 private:
  template <class V>
  bool add(V&& value) {
    put(std::forward<V>(value));
    return true;
  }
  bool open(Json&& empty) {
    open_.push_back(&put(std::move(empty)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  template <class V>
  Json& put(V&& value) {
    if (open_.empty()) return root_ = std::forward<V>(value);
    if (open_.back()->is_object()) return *member_ = std::forward<V>(value);
    return open_.back()->get_ref<Json::array_t&>().emplace_back(std::forward<V>(value));
  }

  std::string_view file_name_;
  bool refuse_;
  Json root_, *member_ = nullptr;
  std::vector<Json*> open_;  // what surrounds the place; only the innermost grows, so the others stay where they are
};

/// Builds no more of the document than its members of given names.
class JsonMemberBuilder final : public JsonBuilder {
 public:
  JsonMemberBuilder(std::string_view file_name, std::span<const std::string_view> keys)
      : JsonBuilder(file_name, DuplicateKeys::last), keys_(keys) {}

  bool null() override { return !wanted() || JsonBuilder::null(); }
  bool boolean(bool value) override { return !wanted() || JsonBuilder::boolean(value); }
  bool number_integer(number_integer_t value) override { return !wanted() || JsonBuilder::number_integer(value); }
  bool number_unsigned(number_unsigned_t value) override { return !wanted() || JsonBuilder::number_unsigned(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    return !wanted() || JsonBuilder::number_float(value, text);
  }
  bool string(string_t& value) override { return !wanted() || JsonBuilder::string(value); }
  bool start_object(std::size_t size) override {
    if (wanted()) JsonBuilder::start_object(size);
    return open();
  }
  bool start_array(std::size_t size) override {
    if (wanted()) JsonBuilder::start_array(size);
    return open();
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (depth_ == 1) named_ = std::find(keys_.begin(), keys_.end(), name) != keys_.end();
    return !wanted() || JsonBuilder::key(name);
  }

 private:
  /// Whether the place is the document itself or a member with one of the keys.
  bool wanted() const { return depth_ == 0 || (depth_ == 1 && named_); }
  bool open() {
    ++depth_;
    return true;
  }
  bool close() {
    --depth_;
    return !wanted() || JsonBuilder::end_object();
  }

  std::span<const std::string_view> keys_;
  std::size_t depth_ = 0;
  bool named_ = false;  // of the document's last member
};

}  // namespace detail

NVEMBED_INLINE Json parse_json_members(std::string_view content, std::string_view file_name,
                                       std::span<const std::string_view> keys) {
  detail::JsonMemberBuilder builder(file_name, keys);
  Json::sax_parse(content.begin(), content.end(), &builder);
  return builder.take();
}

NVEMBED_INLINE Json parse_json(std::string_view content, std::string_view file_name, DuplicateKeys duplicates) {
  detail::check_json_size(content, file_name);
  detail::JsonBuilder builder(file_name, duplicates);
  Json::sax_parse(content.begin(), content.end(), &builder);
  return builder.take();
}

NVEMBED_INLINE const Json* json_find(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(key);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

NVEMBED_INLINE const Json& json_at(const Json& object, std::string_view key, std::string_view where) {
  require<FileError>(object.is_object(), "json", where, ": an object with the key \"", key, "\" was expected, found ",
                     object.type_name());
  const Json* value = json_find(object, key);
  require<FileError>(value, "json", where, ": key \"", key, "\" is missing");
  return *value;
}

NVEMBED_INLINE const Json& json_object(const Json& object, std::string_view key, std::string_view where) {
  const Json& value = json_at(object, key, where);
  if (!value.is_object()) json_mismatch(value, key, where, "an object");
  return value;
}

NVEMBED_INLINE const Json& json_array(const Json& object, std::string_view key, std::string_view where) {
  const Json& value = json_at(object, key, where);
  if (!value.is_array()) json_mismatch(value, key, where, "an array");
  return value;
}

NVEMBED_INLINE void json_mismatch(const Json& value, std::string_view key, std::string_view where,
                                  std::string_view wanted) {
  std::string found{value.type_name()};
  if (value.is_number() || value.is_boolean()) found += " " + value.dump();
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    found = text.size() <= 60 ? cat('"', printable(text), '"') : cat("a string of ", text.size(), " bytes");
  }
  fail<FileError>("json", where, ": ", key, ": expected ", wanted, ", found ", found);
}

}  // namespace nvembed
