#include <doctest/doctest.h>

#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/io/npy_file.hpp>
#include <string>
#include <support/scratch.hpp>
#include <train/npy.hpp>
#include <vector>

using namespace nvembed;

TEST_CASE("npy: rows of floats as numpy.save writes them") {
  const Scratch s;
  const NpyFile file(s.write("a.npy", train_test::npy(2, 3, {1, 2, 3, 4, 5, 6})));
  CHECK(file.rows() == 2);
  CHECK(file.cols() == 3);
  CHECK(file.row(1) == std::vector<float>{4, 5, 6});
  CHECK(file.values().size() == 24);
}

TEST_CASE("npy: what else there may be is refused with what is wrong") {
  const Scratch s;
  const auto refused = [&](const std::string& content, const char* what) {
    const std::string path = s.write("b.npy", content);
    CHECK_THROWS_WITH_AS(NpyFile{path}, doctest::Contains(what), FileError);
  };
  const std::string good = train_test::npy(2, 1, {1, 2});
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = good;
    return changed.replace(changed.find(from), from.size(), to);
  };
  refused("", "is no .npy file");
  refused(good.substr(0, 9), "ends within its header");
  refused(good.substr(0, 60), "is it complete?");
  refused(good.substr(0, good.size() - 4), "do not hold 2 rows of 1");
  refused(with("<f4", "<f8"), "descr is '<f8'");
  refused(with("False", "True "), "fortran_order should be False");
  refused(with("(2, 1)", "(2, x)"), "shape should be two numbers");
  refused(train_test::npy(1, 2, {1, INFINITY}), "row 0 is not finite");
}
