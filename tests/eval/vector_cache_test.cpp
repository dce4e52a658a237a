#include <nvembed/eval/vector_cache.hpp>

#include "support.hpp"

using namespace eval_test;
using namespace nvembed::eval;

TEST_CASE("vectors are found again, and what is damaged is written anew") {
  const Folder folder("cache");
  constexpr Index dim = 3;
  const std::vector<std::string_view> texts{"a", "b", "", "a longer text"};
  const std::vector<float> vectors{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const auto put = [&](std::size_t from, std::size_t to) {
    VectorCache(folder.path(), "f", dim)
        .add(std::span(texts).subspan(from, to - from), std::span(vectors).subspan(from * dim, (to - from) * dim));
  };
  const auto found = [&] {
    const VectorCache cache(folder.path(), "f", dim);
    std::string which;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::vector<float> row(dim);
      if (!cache.find(texts[i], row)) {
        which += '-';
        continue;
      }
      CHECK(std::equal(row.begin(), row.end(), vectors.begin() + static_cast<std::ptrdiff_t>(i * dim)));
      which += '+';
    }
    return which;
  };
  CHECK(found() == "----");
  put(0, 2);
  CHECK(found() == "++--");
  put(2, 4);
  CHECK(found() == "++++");

  const std::string file = folder.path("f.vectors");
  const auto whole = std::filesystem::file_size(file);
  std::filesystem::resize_file(file, whole - 5);  // a write that was broken off
  CHECK(found() == "+++-");
  put(3, 4);
  CHECK(found() == "++++");
  CHECK(std::filesystem::file_size(file) == whole);

  std::string bytes;
  {
    std::ifstream in(file, std::ios::binary);
    bytes = {std::istreambuf_iterator<char>(in), {}};
  }
  bytes[64 + 36 + 30] ^= 1;  // in the second record's vector
  folder.write("f.vectors", bytes);
  CHECK(found() == "+-++");
  put(1, 2);
  CHECK(found() == "++++");

  std::filesystem::resize_file(file, 20);  // not even the header
  CHECK(found() == "----");
  put(0, 4);
  CHECK(found() == "++++");
  CHECK_THROWS_AS(VectorCache(folder.path(), "f", dim + 1), FileError);
  folder.write("plain", "");
  CHECK_THROWS_AS(VectorCache(folder.path("plain"), "f", dim), FileError);
}
