#include <doctest/doctest.h>

#include <nvembed/core/error.hpp>

using namespace nvembed;

TEST_CASE("an error about a text has its number, and takes another name for it") {
  CHECK_FALSE(Error("[place] wrong").text());
  try {
    try {
      fail_text<MemoryError>(7, "place", 3, " are too many (text 3)");
    } catch (Error& e) {
      CHECK(e.text() == 7);
      CHECK(std::string(e.what()) == "[place] 3 are too many (text 3) (text 7)");
      e.name_text("a.txt, line 9");
      e.name_text("b.txt, line 10");
      throw;
    }
  } catch (const MemoryError& e) {
    CHECK(e.text() == 7);
    CHECK(std::string(e.what()) == "[place] 3 are too many (text 3) (b.txt, line 10)");
  }
}
