#include <doctest/doctest.h>

#include <cstring>
#include <nvembed/embed/quantize.hpp>
#include <string>
#include <support/model.hpp>
#include <support/program.hpp>

using namespace program;
using nvembed::Json;
TEST_CASE("encode: npy and jsonl agree, shards follow each other, a rerun resumes to the same bytes") {
  const Scratch s;
  std::string texts;
  for (int i = 0; i < 20; ++i) texts += i == 4 ? "\r\n" : "text " + std::to_string(i * 7919) + "\n";
  const std::string in = s.file("in.txt", texts);
  REQUIRE(run(s, "encode " + tiny() + " -i " + in + " -o " + s("all.npy")).status == 0);
  const std::string all = content(s("all.npy"));
  REQUIRE(all.size() == 128 + 20 * 64 * 4);
  CHECK(all.substr(0, 6) == "\x93NUMPY");
  CHECK(all.find("'shape': (20, 64)") != std::string::npos);

  REQUIRE(run(s, "encode " + tiny() + " -i " + in + " -o " + s("all.jsonl")).status == 0);
  std::ifstream lines(s("all.jsonl"));
  std::size_t row = 0;
  for (std::string line; std::getline(lines, line); ++row) {
    const Json j = Json::parse(line);
    for (std::size_t c = 0; c < 64; ++c) {
      float v;
      std::memcpy(&v, all.data() + 128 + (row * 64 + c) * 4, 4);
      CHECK(j["embedding"][c].get<float>() == v);
    }
  }
  CHECK(row == 20);

  std::string joined;
  for (int i = 1; i <= 3; ++i) {
    const std::string part = s("part.npy");
    REQUIRE(run(s, "encode " + tiny() + " -i " + in + " -o " + part + " --shard " + std::to_string(i) + "/3").status ==
            0);
    joined += content(part).substr(128);
  }
  CHECK(joined == all.substr(128));

  REQUIRE(run(s, "encode " + tiny() + " -i " + in + " -o " + s("resumed.npy") + " --resume").status == 0);
  CHECK(content(s("resumed.npy")) == all);
  const Result piped = run(s, "encode " + tiny() + " -i - -o " + s("piped.npy"), "cat " + in + " | ");
  CHECK(piped.status == 0);
  CHECK(content(s("piped.npy")) == all);

  REQUIRE(run(s, "encode " + tiny() + " -i " + in + " -o " + s("bits.npy") + " --output-type binary").status == 0);
  std::vector<float> first(64);
  std::memcpy(first.data(), all.data() + 128, 256);
  const auto bits = nvembed::to_binary(first);
  CHECK(content(s("bits.npy")).substr(128, 8) == std::string(bits.begin(), bits.end()));
}

TEST_CASE("tokenize, similarity, info, search") {
  const Scratch s;
  const std::string in = s.file("in.txt", "are judo throws allowed in wrestling?\n");
  const Result tokens = run(s, "tokenize " + tiny() + " -i " + in +
                                   " --instruction 'Given a question, retrieve passages that answer the question'");
  REQUIRE(tokens.status == 0);
  const Json t = Json::parse(tokens.out);
  CHECK(t["ids"].size() == 28);
  CHECK(t["pooled"][17] == 0);
  CHECK(t["pooled"][18] == 1);
  CHECK(t["truncated"] == false);

  CHECK(run(s, "similarity " + tiny() + " same same").out == "1.000000\n");
  const std::string pairs =
      s.file("pairs.jsonl", "{\"text1\": \"a\", \"text2\": \"a\"}\n{\"text1\": \"a\", \"text2\": \"b\"}\n");
  CHECK(Json::parse(run(s, "similarity " + tiny() + " -i " + pairs + " --json").out)["cosine"].size() == 2);

  // A pair on the command line and the same pair in a file: the same options, the same number.
  const std::string pair = s.file("pair.jsonl", "{\"text1\": \"a\", \"text2\": \"b\"}\n");
  for (const std::string options : {"", " --prefix 'x: '", " --instruction 'Find it'"})
    CHECK(run(s, "similarity " + tiny() + " a b" + options).out ==
          run(s, "similarity " + tiny() + " -i " + pair + options).out);

  const Json info = Json::parse(run(s, "info " + tiny() + " --json").out);
  CHECK(info["parameters"] == 2261376);
  CHECK(info["memory"]["weights"]["int8"] < info["memory"]["weights"]["bf16"]);
  CHECK(info["pool"] == "latent_attention");
  CHECK(info["compat"] == "reference");

  const std::string corpus = s.file(
      "corpus.jsonl", "{\"id\": \"x\", \"title\": \"one\", \"text\": \"alpha\"}\n{\"id\": 7, \"text\": \"beta\"}\n");
  REQUIRE(run(s, "encode " + tiny() + " -i " + corpus + " -o " + s("c.npy")).status == 0);
  const std::string ask = "search " + tiny() + " --corpus " + corpus + " --query 'one alpha' --json";
  const Json found = Json::parse(run(s, ask).out);
  CHECK(found["results"][0]["hits"][0]["id"] == "x");
  CHECK(run(s, ask + " --index " + s("c.npy")).out == run(s, ask).out);
  check_error(s, ask + " --compat exact --index " + s("c.npy"), "another model or other settings");
  CHECK(Json::parse(content(s("c.npy.fingerprint.json")))["fingerprint"] == info["fingerprint"]);
  REQUIRE(run(s, "encode " + tiny() + " -i " + corpus + " -o " + s("c16.npy") + " --dim 16").status == 0);
  CHECK(run(s, ask + " --dim 16 --index " + s("c16.npy")).out == run(s, ask + " --dim 16").out);
  check_error(s, ask + " --index " + s("c16.npy"), "other settings");
  REQUIRE(run(s, "encode " + tiny() + " -i " + corpus + " -o " + s("c8.npy") + " --output-type int8").status == 0);
  check_error(s, ask + " --index " + s("c8.npy"), "holds int8 vectors");
  check_error(s, ask + " --index " + s("nowhere.npy"), "no such file");
  fs::remove(s("c8.npy.fingerprint.json"));
  check_error(s, ask + " --index " + s("c8.npy"), "is not beside it");

  // Results to a file that appears whole; the report of an encoding as JSON.
  CHECK(run(s, ask + " -o " + s("hits.json")).out == "");
  CHECK(content(s("hits.json")) == run(s, ask).out);
  const Json report =
      Json::parse(run(s, "encode " + tiny() + " -i " + corpus + " -o " + s("r.npy") + " --max-length 3 --json").out);
  CHECK(report["texts"] == 2);
  CHECK(report["truncated"]["lines"][0] == 1);
}

TEST_CASE("what goes wrong is one line that names the place") {
  const Scratch s;
  check_error(s,
              "encode " + tiny() + " -i " +
                  s.file("bad.txt",
                         "fine\nb\xFF"
                         "d\n") +
                  " -o " + s("o.npy"),
              "line 2");
  check_error(
      s, "encode " + tiny() + " -i " + s.file("bad.jsonl", "{\"text\": \"a\"}\n{\"text\": \n") + " -o " + s("o.npy"),
      "line 2");
  CHECK_FALSE(fs::exists(s("o.npy")));
  CHECK_FALSE(fs::exists(s("o.npy.part")));
  const std::string in = s.file("in.txt", "one\n\nthree\n");
  check_error(s, "encode /nonexistent -i " + in + " -o " + s("o.npy"), "/nonexistent");
  check_error(s, "encode " + tiny() + " -i " + s("missing.txt") + " -o " + s("o.npy"), "missing.txt");
  check_error(s, "encode " + tiny() + " -i " + s.dir.string() + " -o " + s("o.npy"), "folder");
  check_error(s, "encode /dev/zero -i " + in + " -o " + s("o.npy"), "/dev/zero");
  check_error(s, "encode " + tiny() + " -i " + in + " -o /proc/none/o.npy", "/proc/none");
  check_error(
      s, "encode " + tiny() + " -i " + in + " -o " + s("o.npy") + " --max-length 3 --prefix 'a long instruction: '",
      "max_length");
  check_error(s, "similarity " + tiny() + " a b >/dev/full", "No space left");
  check_error(s, "similarity " + tiny() + " a b --threads 1024", "threads could be started", "ulimit -v 3000000; ");
  check_error(s, "encode '" + model::smollm2() + "' -i " + in + " -o " + s("o.npy"), "line 2");
  REQUIRE(run(s, "encode '" + model::smollm2() + "' -i " + in + " -o " + s("z.npy") + " --on-error zero").status == 0);
  const std::string zero = content(s("z.npy"));
  CHECK(zero.substr(128 + 576 * 4, 576 * 4) == std::string(576 * 4, '\0'));

  const std::string huge =
      s.file("huge.jsonl", "{\"text\": \"a\"}\n{\"text\": \"" + std::string(std::size_t{9} << 20, 'a') + "\"}\n");
  check_error(s, "encode " + tiny() + " -i " + huge + " -o " + s("o.npy"), "split it into several");
  check_error(s, "encode " + tiny() + " -i " + huge + " -o " + s("o.npy"), "(" + huge + ", line 2)");
  const Json report =
      Json::parse(run(s, "encode " + tiny() + " -i " + huge + " -o " + s("z.npy") + " --on-error zero --json").out);
  CHECK(report["empty"]["lines"] == Json::array({2}));
  CHECK(content(s("z.npy")).substr(128 + 64 * 4) == std::string(64 * 4, '\0'));

  for (const std::string wrong :
       {"", "bogus", "encode", "similarity one --threads many", "search --corpus x", "encode x -i a -o b.txt",
        "search --corpus - --queries -", "similarity typo.gguf text", "similarity a b --pool none", "info --mask foo",
        "tokenize x -i a --no-special --parse-special"})
    CHECK_MESSAGE(run(s, wrong).status == 2, wrong);
  CHECK(run(s, "encode " + tiny() + " -i " + in + " -o " + s("o.npy") + " --output-type int8 --no-normalize").status ==
        2);
  CHECK(run(s, "similarity " + tiny() + " text").err.find("looks like a MODEL") != std::string::npos);
  CHECK(run(s, "tokenize x -i a --bogus").err.find("nvembed tokenize --help") != std::string::npos);
  const std::string own = s.file("own.jsonl", "{\"text\": \"kept\"}\n");
  CHECK(run(s, "encode " + tiny() + " -i " + own + " -o " + own).status == 2);
  CHECK(content(own) == "{\"text\": \"kept\"}\n");
  CHECK(run(s, "--version >/dev/full").status == 1);

  check_error(s, "info " + s.file("text.txt", "no model\n"), "Hugging Face folder or a .gguf file");
  check_error(s, "similarity " + tiny() + " a b --prefix $(printf 'b\\377')", "--prefix");
  check_error(s, "similarity " + tiny() + " a $(printf 'b\\377')", "texts A and B, line 2");
  check_error(s, "search " + tiny() + " --corpus " + in + " --queries " + s.file("none.txt", ""), "no queries");
  CHECK(run(s, "bogus").err.find("'bogus' is no command") != std::string::npos);
  CHECK(run(s, "--help").status == 0);
  CHECK(run(s, "--version").out.find("nvembed 0.1.0") == 0);
}
