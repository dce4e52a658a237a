#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <nvembed/core/float16.hpp>
#include <support/program.hpp>
#include <thread>

using namespace program;

namespace {

constexpr std::size_t header = 128;

template <class T>
std::vector<T> numbers(const std::string& npy) {
  std::vector<T> v((npy.size() - header) / sizeof(T));
  std::memcpy(v.data(), npy.data() + header, v.size() * sizeof(T));
  return v;
}

std::string many_texts(int n) {
  std::string texts;
  for (int i = 0; i < n; ++i) texts += "text number " + std::to_string(i * 7919) + "\n";
  return texts;
}

std::string encode(const std::string& in, const std::string& out) {
  return "encode " + tiny() + " -i " + in + " -o " + out + " ";
}

/// Nothing of an output is there, under no name.
void check_nothing_left(const std::string& out) {
  for (const auto& entry : fs::directory_iterator(fs::path(out).parent_path())) {
    CAPTURE(entry.path());
    CHECK(entry.path().string().rfind(out, 0) != 0);
  }
}

}  // namespace

TEST_CASE("output types: f16, int8 and a shortened dim are what their definitions say of the f32 vectors") {
  const Scratch s;
  const std::string in = s.file("in.txt", many_texts(5));
  REQUIRE(run(s, encode(in, s("f32.npy"))).status == 0);
  REQUIRE(run(s, encode(in, s("f16.npy")) + "--output-type f16").status == 0);
  REQUIRE(run(s, encode(in, s("int8.npy")) + "--output-type int8").status == 0);
  REQUIRE(run(s, encode(in, s("dim.npy")) + "--dim 10").status == 0);
  REQUIRE(run(s, encode(in, s("raw.npy")) + "--no-normalize").status == 0);
  const auto full = numbers<float>(content(s("f32.npy")));
  REQUIRE(full.size() == 5 * 64);

  CHECK(content(s("f16.npy")).find("'descr': '<f2'") != std::string::npos);
  const auto half = numbers<nvembed::Float16>(content(s("f16.npy")));
  CHECK(content(s("int8.npy")).find("'descr': '|i1'") != std::string::npos);
  const auto bytes = numbers<signed char>(content(s("int8.npy")));
  REQUIRE(half.size() == full.size());
  REQUIRE(bytes.size() == full.size());
  for (std::size_t i = 0; i < full.size(); ++i) {
    CHECK(std::abs(static_cast<float>(half[i]) - full[i]) <= std::abs(full[i]) * 0x1p-11f + 0x1p-25f);
    CHECK(std::abs(static_cast<float>(bytes[i]) - 127 * full[i]) <= 0.5f);
  }

  CHECK(content(s("dim.npy")).find("'shape': (5, 10)") != std::string::npos);
  const auto cut = numbers<float>(content(s("dim.npy"))), raw = numbers<float>(content(s("raw.npy")));
  REQUIRE(cut.size() == 50);
  REQUIRE(raw.size() == full.size());
  for (std::size_t r = 0; r < 5; ++r) {
    double length = 0, raw_length = 0;
    for (std::size_t c = 0; c < 10; ++c) length += std::pow(static_cast<double>(full[r * 64 + c]), 2);
    for (std::size_t c = 0; c < 64; ++c) raw_length += std::pow(static_cast<double>(raw[r * 64 + c]), 2);
    for (std::size_t c = 0; c < 10; ++c)
      CHECK(static_cast<double>(cut[r * 10 + c]) ==
            doctest::Approx(static_cast<double>(full[r * 64 + c]) / std::sqrt(length)).epsilon(1e-5));
    for (std::size_t c = 0; c < 64; ++c)
      CHECK(static_cast<double>(full[r * 64 + c]) ==
            doctest::Approx(static_cast<double>(raw[r * 64 + c]) / std::sqrt(raw_length)).epsilon(1e-5));
  }
  CHECK(run(s, encode(in, s("o.npy")) + "--dim 65").status == 2);
}

TEST_CASE("a run killed at any moment goes on to the same bytes") {
  const Scratch s;
  const std::string in = s.file("in.txt", many_texts(3000));
  for (const char* ending : {".npy", ".jsonl"}) {
    const std::string whole = s(std::string("whole") + ending), broken = s(std::string("broken") + ending);
    REQUIRE(run(s, encode(in, whole)).status == 0);
    // The shell's process id is the program's own: exec.
    const std::string start =
        "exec '" + path() + "' " + encode(in, broken) + "--resume --quiet --checkpoint 0 & echo $!";
    int killed = 0;
    for (int attempt = 0; attempt < 3; ++attempt) {
      std::FILE* pipe = ::popen(start.c_str(), "r");
      REQUIRE(pipe);
      int pid = 0;
      REQUIRE(std::fscanf(pipe, "%d", &pid) == 1);
      const auto before = fs::exists(broken + ".part.json") ? content(broken + ".part.json") : std::string();
      const auto moved_on = [&] {
        return fs::exists(broken) || (fs::exists(broken + ".part.json") && content(broken + ".part.json") != before);
      };
      while (!moved_on() && ::kill(pid, 0) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      ::kill(pid, SIGKILL);
      ::pclose(pipe);
      while (::kill(pid, 0) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      if (fs::exists(broken)) break;  // it was faster
      ++killed;
      CHECK(fs::exists(broken + ".part"));
    }
    CHECK(killed > 0);
    const Result last = run(s, encode(in, broken) + "--resume");
    CHECK(last.status == 0);
    CHECK(content(broken) == content(whole));
    CHECK_FALSE(fs::exists(broken + ".part"));
    CHECK_FALSE(fs::exists(broken + ".part.json"));
    CHECK(last.err.find("of an earlier run") != std::string::npos);
  }
}

TEST_CASE("a broken run is not taken up with other texts or settings, and not by a run that does not ask for it") {
  const Scratch s;
  const std::string texts = many_texts(400), in = s.file("in.txt", texts), out = s("o.npy"), full = "ulimit -f 64; ";
  check_error(s, encode(in, out) + "--checkpoint 0", "--resume goes on", full);
  REQUIRE(fs::exists(out + ".part.json"));
  check_error(s, encode(in, out) + "--resume --output-type f16", "other settings");
  s.file("in.txt", "another first line\n" + texts);
  check_error(s, encode(in, out) + "--resume", "first");
  s.file("in.txt", texts + "one more\n");
  CHECK(run(s, encode(in, out) + "--resume").err.find("of an earlier run") != std::string::npos);
  REQUIRE(run(s, encode(in, s("whole.npy"))).status == 0);
  CHECK(content(out) == content(s("whole.npy")));

  check_error(s, encode(in, out) + "--checkpoint 0", "--resume goes on", full);
  s.file("in.txt", "fresh\n");
  REQUIRE(run(s, encode(in, out)).status == 0);
  CHECK(content(out).size() == header + 64 * 4);
  CHECK_FALSE(fs::exists(out + ".part.json"));

  // What is wrong with a file is told before any work.
  s.file("in.txt", texts +
                       "b\xFF"
                       "d\n");
  check_error(s, encode(in, s("n.npy")) + "--checkpoint 0", "line 401");
  check_nothing_left(s("n.npy"));

  CHECK(run(s, encode("-", out) + "--resume", "echo text | ").status == 2);
}

TEST_CASE("a disk that fills up, a folder that cannot be written, a reader that goes away") {
  const Scratch s;
  const std::string in = s.file("in.txt", many_texts(600)), out = s("o.npy");
  // A limit on the size of a file fails the write in its middle, as a full disk does: 64 x 512 bytes of 153,728.
  for (const std::string& o : {s("o.npy"), s("o.jsonl")}) {
    check_error(s, encode(in, o), o + ".part: File too large", "ulimit -f 64; ");
    check_nothing_left(o);
  }
  check_error(s, "encode " + tiny() + " --pool none -i " + in + " -o " + s("o.safetensors"), "o.safetensors.part",
              "ulimit -f 64; ");
  check_nothing_left(s("o.safetensors"));
  // What stood there before stays, with its fingerprint.
  const std::string kept = s("kept.npy"), small = s.file("small.txt", "one\n");
  REQUIRE(run(s, encode(small, kept)).status == 0);
  const std::string vectors = content(kept), fingerprint = content(kept + ".fingerprint.json");
  check_error(s, encode(in, kept) + "--prefix 'other: '", "File too large", "ulimit -f 64; ");
  CHECK(content(kept) == vectors);
  CHECK(content(kept + ".fingerprint.json") == fingerprint);
  // With a checkpoint before it fills up, what is done is kept.
  check_error(s, encode(in, out) + "--checkpoint 0", "--resume goes on", "ulimit -f 64; ");
  CHECK_FALSE(fs::exists(out));
  REQUIRE(run(s, encode(in, out) + "--resume").status == 0);
  REQUIRE(run(s, encode(in, s("whole.npy"))).status == 0);
  CHECK(content(out) == content(s("whole.npy")));

  check_error(s, "tokenize " + tiny() + " -i " + in + " >/dev/full", "No space left");
  fs::create_symlink("/dev/full", s("device.npy"));
  check_error(s, encode(in, s("device.npy")), "no plain file");
  check_error(s, encode(in, "/proc/o.npy"), "/proc/o.npy");
  check_error(s, encode(in, s("none/o.npy")), "none/o.npy");

  // The shell writes the program's status down; the output is more than a pipe holds.
  run(s, "tokenize " + tiny() + " -i " + in + " 2>" + s("gone") + "; echo $? >" + s("status") + "; } | true", "{ ");
  CHECK(content(s("status")) == "1\n");
  CHECK(content(s("gone")) == "nvembed: [stdout] the results cannot be written: Broken pipe\n");
}
