#include <doctest/doctest.h>

#include <ctime>
#include <nvembed/io/json.hpp>
#include <string>

using namespace nvembed;

namespace {
std::string message(std::string_view content, DuplicateKeys duplicates = DuplicateKeys::last) {
  try {
    parse_json(content, "a.json", duplicates);
  } catch (const FileError& e) {
    return e.what();
  }
  return "";
}
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("a broken document names file, line and column") {
  const std::string m = message("{\n  \"a\": 1,\n  oops\n}");
  CHECK(has(m, "[json] a.json: parse error at line 3, column 3"));
  CHECK(has(message(""), "a.json"));
  CHECK(has(message("{} x"), "line 1, column 4"));
  CHECK(has(message("{\"a\": NaN}"), "a.json"));
  CHECK(has(message("{\"a\": 1e999}"), "a.json"));
}

TEST_CASE("invalid UTF-8 is refused and not repeated in the message") {
  for (std::string bytes : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82"}) {
    const std::string m = message("{\"a\": \"" + bytes + "\"}");
    CHECK(has(m, "UTF-8"));
    for (char c : m) CHECK(static_cast<unsigned char>(c) < 0x80);
  }
  CHECK(parse_json("{\"a\": \"\xE2\x82\xAC\"}", "a.json")["a"] == "\xE2\x82\xAC");
}

TEST_CASE("values and long strings are counted before anything is built") {
  std::string list = "[0";
  for (std::size_t i = 1; i < (std::size_t{3} << 20) - 1; ++i) list += ",0";
  CHECK(parse_json(list + "]", "a.json").size() == (std::size_t{3} << 20) - 1);
  CHECK(has(message(list + ",0]"), "byte 6291454: more than 3145728 values"));
  CHECK(has(message(list + ",0"), "more than 3145728 values"));
  const std::string text(std::size_t{1} << 25, 'a');
  CHECK(parse_json("\"" + text.substr(2) + "\"", "a.json").get<std::string>().size() == text.size() - 2);
  CHECK(has(message("[\"" + text + "\"]"), "byte 1: a string longer than 32 MiB"));
  CHECK(has(message("\"\\\"" + text), "byte 0: a string longer than 32 MiB"));  // an escaped quote ends none
}

TEST_CASE("members of given names, whatever the others hold") {
  constexpr std::string_view keys[]{"a", "b", "c", "d"};
  const auto members = [&](std::string_view content) { return parse_json_members(content, "a.json", keys); };
  CHECK(members(R"({"x": {"a": 1}, "a": "s", "y": ["b", {"b": 2}], "b": 3, "a": 4.5, "z": null})") ==
        Json{{"a", 4.5}, {"b", 3}});
  CHECK(members(R"({"a": {"b": [1]}, "b": [[1], 2], "c": null, "d": false})") ==
        Json{{"a", Json::object()}, {"b", Json::array()}, {"c", nullptr}, {"d", false}});
  CHECK(members("{}") == Json::object());
  CHECK(members(R"([1, {"a": 2}])") == Json::array());
  CHECK(members("\"a\"") == "a");
  std::string other = "[0";
  for (int i = 0; i < 4 << 20; ++i) other += ",0";
  const std::string deep(100000, '['), shut(100000, ']'), text(std::size_t{40} << 20, 'a');
  for (const std::string& value : {other + "]", deep + shut, '"' + text + '"'})
    CHECK(members("{\"x\": " + value + ", \"a\": 1}") == Json{{"a", 1}});
  for (const std::string_view broken :
       {"{\"x\": [}", "{\"x\": 1", "{\"x\": 1} 2", "{\"x\": \"\xFF\"}", "{\"x\": 1e999}"})
    CHECK_THROWS_WITH_AS(members(broken), doctest::Contains("[json] a.json: "), FileError);
}

TEST_CASE("many objects in one take no quadratic time, keys watched or not") {
  std::string many = "{";
  for (int i = 0; i < 100000; ++i) many += (i ? ",\"" : "\"") + std::to_string(i) + "\":{\"a\":[{},{}]}";
  const std::clock_t start = std::clock();
  for (const auto keys : {DuplicateKeys::last, DuplicateKeys::refuse})
    CHECK(parse_json(many + "}", "a.json", keys).size() == 100000);
  CHECK(std::clock() - start < 5 * CLOCKS_PER_SEC);
}

TEST_CASE("nesting is cut at 64, in strings brackets do not count") {
  const auto nested = [](int n) { return std::string(n, '[') + std::string(n, ']'); };
  CHECK(parse_json(nested(64), "a.json").is_array());
  CHECK(has(message(nested(65)), "nested deeper than 64"));
  CHECK(has(message(nested(100000)), "nested deeper"));
  CHECK(has(message(std::string(100000, '[')), "nested deeper"));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  CHECK(has(message(objects), "nested deeper"));
  CHECK(parse_json("\"\\\"" + std::string(1000, '[') + "\"", "a.json").is_string());
}

TEST_CASE("duplicate keys are refused where asked, per object") {
  CHECK(parse_json(R"({"a": 1, "a": 2})", "a.json")["a"] == 2);
  CHECK(has(message(R"({"a": 1, "a": 2})", DuplicateKeys::refuse), "\"a\" stands there twice"));
  CHECK(has(message(R"({"b": {"a": 1, "\u0061": 2}})", DuplicateKeys::refuse), "twice"));
  CHECK(parse_json(R"({"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}]})", "a.json", DuplicateKeys::refuse).size() == 2);
}

TEST_CASE("typed access says which key is wrong and how") {
  const Json j = parse_json(
      R"({"n": 7, "big": 9223372036854775808, "x": 1.5, "whole": 2.0, "huge": 1e9, "s": "t", "b": true, "null": null, "o": {}, "a": []})",
      "c.json");
  CHECK(json_get<Index>(j, "n", "c.json") == 7);
  CHECK(json_get<double>(j, "n", "c.json") == 7.0);
  CHECK(json_get<double>(j, "x", "c.json") == 1.5);
  CHECK(json_get<std::string>(j, "s", "c.json") == "t");
  CHECK(json_get<bool>(j, "b", "c.json"));
  CHECK(json_get_or<Index>(j, "null", 3, "c.json") == 3);
  CHECK(json_get_or<Index>(j, "absent", 3, "c.json") == 3);
  CHECK(json_get_or<Index>(j, "n", 3, "c.json") == 7);
  CHECK(json_object(j, "o", "c.json").empty());
  CHECK(json_array(j, "a", "c.json").empty());
  CHECK(json_find(j, "null") == nullptr);
  CHECK(json_find(Json(3), "n") == nullptr);

  for (const char* key : {"big", "x", "whole", "huge", "s", "b", "o", "a"})
    CHECK_THROWS_AS(json_get<Index>(j, key, "c.json"), FileError);
  CHECK_THROWS_WITH(json_get<Index>(j, "x", "c.json"), "[json] c.json: x: expected an integer, found number 1.5");
  CHECK_THROWS_WITH(json_get<bool>(j, "s", "c.json: outer"),
                    "[json] c.json: outer: s: expected true or false, found \"t\"");
  CHECK_THROWS_WITH(json_get<Index>(j, "absent", "c.json"), "[json] c.json: key \"absent\" is missing");
  CHECK_THROWS_AS(json_get<Index>(j, "null", "c.json"), FileError);
  CHECK_THROWS_AS(json_get<std::string>(j, "n", "c.json"), FileError);
  CHECK_THROWS_AS(json_get<double>(j, "s", "c.json"), FileError);
  CHECK_THROWS_AS(json_get_or<double>(j, "s", 1.0, "c.json"), FileError);
  CHECK_THROWS_AS(json_object(j, "a", "c.json"), FileError);
  CHECK_THROWS_AS(json_array(j, "o", "c.json"), FileError);
  CHECK_THROWS_AS(json_at(Json(3), "n", "c.json"), FileError);
}
