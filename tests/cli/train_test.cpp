#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <nvembed/io/json.hpp>
#include <string>
#include <support/program.hpp>

using namespace program;
using nvembed::Json;

namespace {

/// A recipe over the tiny model; `stage` and `rest` are more keys.
std::string recipe(const Scratch& s, const std::string& output, const std::string& stage = "",
                   const std::string& rest = "") {
  fs::create_directories(s.dir / "data");
  std::string records;
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    records += R"({"query": "what is thing number )" + n + R"(", "positive": ["it is the thing that has number )" + n +
               R"( on its side"], "negative": []})" + "\n";
  }
  s.file("data/things.jsonl", records);
  s.file("data/tasks.json",
         R"([{"name": "things", "kind": "retrieval", "instruction": "Find the thing", "symmetric": false,
    "in_batch_negatives": true}])");
  std::string name = output + ".json";
  std::replace(name.begin(), name.end(), '/', '_');
  return s.file(name, R"({"model": ")" + golden::path("nvembed_tiny") + R"(", "output": ")" + output +
                          R"(", "lora": {"rank": 2}, "checkpoint_every": 5, "stages": [{"data": "data",
    "batch": 32, "steps": 30, "learning_rate": 0.001)" +
                          stage + "}]" + rest + "}");
}

/// Starts a run, sends a signal once `lines` steps are logged, and gives what the program left with.
Result interrupted(const Scratch& s, const std::string& recipe, const std::string& output, const char* signal,
                   int lines) {
  const std::string script = s.file("stop.sh", "'" + path() + "' train " + recipe + " 2>" + s("err") + R"( &
pid=$!
while [ $(cat )" + s(output + "/log.jsonl") + R"( 2>/dev/null | wc -l) -lt )" +
                                                   std::to_string(lines) + R"( ] && kill -0 $pid; do
  sleep 0.01
done
kill -)" + signal + R"( $pid
wait $pid
)");
  const int status = std::system(("bash " + script + " 2>/dev/null").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, "", content(s("err"))};
}

std::string last_weights(const Scratch& s, const std::string& output) {
  return content(s.dir / output / "checkpoints/step-00000030/weights.safetensors");
}

}  // namespace

TEST_CASE("train: a run, its folder, and runs that were interrupted") {
  const Scratch s;
  const std::string whole = recipe(s, "whole");
  const Result plan = run(s, "train " + whole + " --dry-run --json");
  REQUIRE(plan.status == 0);
  const Json j = Json::parse(plan.out);
  CHECK(j["stages"][0]["tasks"][0]["epochs"] == 24);
  CHECK(j["memory"]["total"].get<long>() > 16 * j["trained_numbers"].get<long>());
  CHECK(!fs::exists(s.dir / "whole"));
  CHECK(run(s, "train " + whole + " --dry-run").out.find("things") != std::string::npos);

  const Result r = run(s, "train " + whole);
  CAPTURE(r.err);
  REQUIRE(r.status == 0);
  CHECK(r.err.find("numbers are trained") != std::string::npos);
  const std::string page = content(s("whole/report.html"));
  CHECK(page.find("Loss") != std::string::npos);
  CHECK(page.find("30 of 30 steps") != std::string::npos);
  CHECK(run(s, "encode " + s("whole") + " -i " + s.file("in.txt", "a thing\n") + " -o " + s("v.npy")).status == 0);
  const Json info = Json::parse(run(s, "info " + s("whole") + " --json").out);
  CHECK(info["adapter"]["rank"] == 2);
  check_error(s, "train " + whole, "--resume goes on");
  CHECK(run(s, "train " + whole + " --resume").status == 0);

  // TERM saves and leaves; KILL loses the steps since the last checkpoint. Both go on to the same bits.
  for (const char* signal : {"TERM", "KILL"}) {
    CAPTURE(signal);
    const std::string one = recipe(s, signal);
    const Result stopped = interrupted(s, one, signal, signal, 8);
    if (signal == std::string("TERM")) {
      CHECK(stopped.status == 1);
      CHECK(stopped.err.find("all of them are saved, --resume goes on") != std::string::npos);
    }
    CHECK(!fs::exists(s.dir / signal / "nvembed.json"));
    const Result resumed = run(s, "train " + one + " --resume");
    CAPTURE(resumed.err);
    REQUIRE(resumed.status == 0);
    CHECK(resumed.err.find("going on from step") != std::string::npos);
    CHECK(last_weights(s, signal) == last_weights(s, "whole"));
    CHECK(content(s.dir / signal / "head.safetensors") == content(s("whole/head.safetensors")));
  }
}

TEST_CASE("train: what is wrong with a recipe, a folder or a disk") {
  const Scratch s;
  check_error(s, "train " + recipe(s, "a", R"(, "learning_rat": 1)"), "did you mean learning_rate?");
  check_error(s, "train " + recipe(s, "a", "", R"(, "chunk_tokens": 0)"), "chunk_tokens is 0; it should be 1 to");
  check_error(s, "train " + recipe(s, "a", R"(, "schedule": "lineal")"),
              "it should be one of linear, cosine, constant");
  check_error(s, "train " + recipe(s, "a", R"(, "hard_negatives": "many")"), "hard_negatives: expected an integer");
  check_error(s, "train " + recipe(s, "a", R"(, "steps": 31)"), "steps\" stands there twice");
  check_error(s, "train " + s("none.json"), "none.json");
  check_error(s, "train " + recipe(s, "a", "", R"(, "lora2": {})"), "did you mean lora?");
  s.file("in_the_way", "");
  check_error(s, "train " + recipe(s, "in_the_way/out"), "in_the_way");
  const std::string good = recipe(s, "a");
  s.file("data/things.jsonl", R"({"query": "a", "positive": ["b"], "negative": []}
{"query": "", "positive": ["b"]}
)");
  check_error(s, "train " + good, "things.jsonl, line 2");
  // A disk that is full while a checkpoint is written: an error, and nothing half-written is taken for one.
  const std::string full = recipe(s, "full", R"(, "hard_negatives": 0)");
  const Result r = run(s, "train " + full + " --quiet", "ulimit -f 40; trap '' XFSZ; ");
  CHECK(r.status == 1);
  CHECK(r.err.find("File too large") != std::string::npos);
  for (const auto& entry : fs::directory_iterator(s.dir / "full/checkpoints"))
    CHECK(entry.path().extension() == ".tmp");
}
