#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/safetensors.hpp>
#include <nvembed/io/safetensors_writer.hpp>
#include <string>
#include <support/scratch.hpp>
#include <vector>

using namespace nvembed;

namespace {
template <class T>
std::span<const std::byte> bytes(const std::vector<T>& v) {
  return std::as_bytes(std::span(v));
}
}  // namespace

TEST_CASE("what is written is read back, in any order and in pieces") {
  const Scratch s;
  const std::string path = s.path("t.safetensors");
  const std::vector<float> a{1, 2, 3, 4, 5, 6};
  const std::vector<std::uint8_t> b{7, 8, 9};
  const std::vector<std::int64_t> c{-1, 1};
  {
    SafetensorsWriter out(path, {{"format", "pt"}, {"of", "\"quotes\" \xC3\xA9"}});
    out.declare("b", "U8", {3});
    out.declare("a", DType::f32, {2, 3});
    out.declare("c", "I64", {2});
    out.declare("nothing", "F16", {0, 4});
    out.declare("one", "F32", {});
    out.write("c", bytes(c));
    out.write("a", bytes(a).first(10));
    out.write("b", bytes(b));
    out.write("a", bytes(a).subspan(10));
    CHECK_FALSE(file_exists(path));
    CHECK_THROWS_WITH_AS(out.finish(), doctest::Contains("one has 4 bytes, 0 were written"), FileError);
    out.write("one", bytes(a).first(4));
    out.finish();
  }
  const Safetensors in(path);
  CHECK(in.names() == std::vector<std::string>{"a", "b", "c", "nothing", "one"});
  CHECK(in.metadata().at("of") == "\"quotes\" \xC3\xA9");
  CHECK(in.shape("a") == std::vector<Index>{2, 3});
  CHECK(in.shape("nothing") == std::vector<Index>{0, 4});
  CHECK(in.at("one").shape.empty());
  CHECK(in.at("b").dtype == "U8");
  CHECK(std::memcmp(in.at("a").bytes.data(), a.data(), 24) == 0);
  CHECK(std::memcmp(in.at("b").bytes.data(), b.data(), 3) == 0);
  CHECK(std::memcmp(in.at("c").bytes.data(), c.data(), 16) == 0);
  for (const auto& [name, e] : in.entries())
    CHECK(reinterpret_cast<std::uintptr_t>(e.bytes.data()) % static_cast<std::uintptr_t>(e.dtype == "U8" ? 1 : 4) == 0);
  CHECK(in.at("c").bytes.data() < in.at("a").bytes.data());  // the widest first
  CHECK(in.header(0).size() % 8 == 0);
  CHECK(s.names() == std::vector<std::string>{"t.safetensors"});
}

TEST_CASE("the bytes of a small file") {
  const Scratch s;
  const std::string path = s.path("t.safetensors");
  SafetensorsWriter out(path);
  out.declare("w", "F32", {1, 2});
  const std::vector<float> w{1, -2};
  out.write("w", bytes(w));
  out.finish();
  const std::string header = R"({"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";
  const std::string length("\x38\0\0\0\0\0\0\0", 8), data("\0\0\x80\x3f\0\0\0\xc0", 8);
  CHECK(header.size() == 0x38);
  CHECK(read_file(path) == length + header + data);
}

TEST_CASE("what does not fit the declaration is refused, and leaves no file") {
  const Scratch s;
  const std::string path = s.path("t.safetensors");
  {
    SafetensorsWriter out(path);
    out.declare("w", "F32", {2});
    const auto declare = [&](const char* name, const char* dtype, std::vector<Index> shape, const char* why) {
      CHECK_THROWS_WITH_AS(out.declare(name, dtype, std::move(shape)), doctest::Contains(why), FileError);
    };
    declare("w", "F32", {2}, "twice");
    declare("x", "Q4_0", {32}, "unknown");
    declare("x", "F32", {-1}, "negative");
    declare("x", "F32", {Index{1} << 40, Index{1} << 40}, "too large");
    declare("__metadata__", "F32", {1}, "no name");
    declare("", "F32", {1}, "no name");
    const std::vector<float> w{1, 2, 3};
    CHECK_THROWS_WITH_AS(out.write("v", bytes(w)), doctest::Contains("v was not declared"), FileError);
    CHECK_THROWS_WITH_AS(out.write("w", bytes(w)), doctest::Contains("4 too many"), FileError);
    out.write("w", bytes(w).first(8));
    declare("x", "F32", {1}, "after bytes were written");
  }
  CHECK(s.names().empty());
}
