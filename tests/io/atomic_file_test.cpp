#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <nvembed/io/atomic_file.hpp>
#include <nvembed/io/read_file.hpp>
#include <optional>
#include <string>
#include <support/scratch.hpp>

namespace fs = std::filesystem;
using namespace nvembed;

TEST_CASE("a file appears whole, in place of the one that was there") {
  const Scratch s;
  const std::string path = s.path("file");
  write_file(path, "before");
  {
    AtomicFile file(path);
    file.write("aft");
    CHECK(read_file(path) == "before");
    file.write("er");
    file.write_at(1, std::as_bytes(std::span("F", 1)));
    file.commit();
    CHECK_THROWS_AS(file.write("more"), FileError);
    CHECK_THROWS_AS(file.commit(), FileError);
  }
  CHECK(read_file(path) == "aFter");
  {
    AtomicFile file(path);
    file.write("nobody commits this");
  }
  CHECK(read_file(path) == "aFter");
  CHECK(s.names() == std::vector<std::string>{"file"});
}

TEST_CASE("a name that cannot be written is refused at once") {
  const Scratch s;
  fs::create_directory(s.path("folder"));
  CHECK_THROWS_WITH_AS(AtomicFile(s.path("folder"), "place"), doctest::Contains("no plain file"), FileError);
  CHECK_THROWS_WITH_AS(AtomicFile(s.path("nowhere/file")), doctest::Contains("there is no folder"), FileError);
  CHECK_THROWS_AS(AtomicFile(s.path(std::string("a\0b", 3))), FileError);
  const std::string path = s.path("file");
  {
    AtomicFile first(path);
    first.write("first");
    CHECK_THROWS_WITH_AS(AtomicFile{path}, doctest::Contains("another run is writing it"), FileError);
    first.commit();
  }
  CHECK(read_file(path) == "first");
}

TEST_CASE("a disk that is full is an error, and leaves what was there") {
  const Scratch s;
  const std::string path = s.path("file");
  write_file(path, "before");
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  rlimit small = limit;
  small.rlim_cur = 4096;
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  std::string what;
  try {
    write_file(path, std::string(100'000, 'x'), "checkpoint");
  } catch (const FileError& e) {
    what = e.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &limit);
  ::signal(SIGXFSZ, handler);
  CHECK(what.starts_with("[checkpoint] " + path + ": "));
  CHECK(read_file(path) == "before");
  CHECK(s.names() == std::vector<std::string>{"file"});
}
