#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <support/golden.hpp>

/// Runs the program `nvembed` as a user would, through the shell.
namespace program {

namespace fs = std::filesystem;

struct Result {
  int status = -1;
  std::string out, err;
};

inline std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A folder of this test's own, removed at the end.
struct Scratch {
  fs::path dir = fs::temp_directory_path() / ("nvembed_cli_" + std::to_string(::getpid()));
  Scratch() { fs::create_directories(dir); }
  ~Scratch() { fs::remove_all(dir); }
  std::string operator()(const std::string& name) const { return (dir / name).string(); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(dir / name, std::ios::binary) << text;
    return (*this)(name);
  }
};

/// The program, which stands beside this test's.
inline std::string path() {
  const std::string program = (fs::read_symlink("/proc/self/exe").parent_path() / "nvembed").string();
  REQUIRE_MESSAGE(fs::exists(program), program);
  return program;
}

/// Runs `nvembed ARGUMENTS`; `before` stands before it in the command line.
inline Result run(const Scratch& s, const std::string& arguments, const std::string& before = "") {
  const std::string command = before + "'" + path() + "' " + arguments + " 2>" + s("err");
  Result r;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe);
  char buffer[65536];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) r.out.append(buffer, n);
  const int status = ::pclose(pipe);
  r.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  r.err = content(s("err"));
  return r;
}

inline std::string tiny() { return "'" + golden::path("nvembed_tiny") + "'"; }

/// Exit 1 with one line that begins with `nvembed:` and holds `what`.
inline void check_error(const Scratch& s, const std::string& arguments, const std::string& what,
                        const std::string& before = "") {
  const Result r = run(s, arguments + " --quiet", before);
  CAPTURE(arguments);
  CAPTURE(r.err);
  CHECK(r.status == 1);
  CHECK(r.err.rfind("nvembed: [", 0) == 0);
  CHECK(r.err.find('\n') == r.err.size() - 1);
  CHECK(r.err.find(what) != std::string::npos);
}

}  // namespace program
