#include <doctest/doctest.h>

#include <nvembed/io/json.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/safetensors.hpp>
#include <nvembed/io/sharded_writer.hpp>
#include <span>
#include <support/scratch.hpp>

using namespace nvembed;
using Names = std::vector<std::string>;

namespace {

void write(ShardedWriter& out, const std::string& name, const std::vector<float>& values) {
  out.write(name, std::as_bytes(std::span(values)));
}
bool there(const Scratch& s, const char* name) { return file_exists((s.dir / name).string()); }

}  // namespace

TEST_CASE("sharded writer: one file while all fits, without an index") {
  const Scratch s;
  ShardedWriter out(s.dir.string(), 100);
  out.declare("a", DType::f32, {2, 2});
  out.declare("b", DType::f32, {3});
  CHECK(out.files() == Names{"model.safetensors"});
  CHECK_THROWS_AS(out.declare("c", DType::f32, {1}), FileError);
  write(out, "a", {1, 2, 3, 4});
  write(out, "b", {5, 6, 7});
  out.finish();
  const Safetensors file((s.dir / "model.safetensors").string());
  CHECK(file.entries().size() == 2);
  CHECK_FALSE(there(s, "model.safetensors.index.json"));
}

TEST_CASE("sharded writer: shards no larger than asked, a larger tensor alone, the index last") {
  const Scratch s;
  ShardedWriter out(s.dir.string(), 16);
  out.declare("a", DType::f32, {2});
  out.declare("b", DType::f32, {2});
  out.declare("large", DType::f32, {9});
  out.declare("c", DType::f32, {1});
  CHECK(out.files() == Names{"model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
                             "model-00003-of-00003.safetensors", "model.safetensors.index.json"});
  write(out, "a", {1, 2});
  write(out, "b", {3, 4});
  write(out, "large", std::vector<float>(9));
  CHECK(there(s, "model-00001-of-00003.safetensors"));
  CHECK_THROWS_AS(write(out, "a", {1, 2}), FileError);
  CHECK_FALSE(there(s, "model.safetensors.index.json"));
  write(out, "c", {5});
  out.finish();
  const Json index = Json::parse(read_file((s.dir / "model.safetensors.index.json").string()));
  CHECK(index["metadata"]["total_size"] == 4 * 14);
  CHECK(index["weight_map"]["b"] == "model-00001-of-00003.safetensors");
  CHECK(index["weight_map"]["large"] == "model-00002-of-00003.safetensors");
  CHECK(index["weight_map"]["c"] == "model-00003-of-00003.safetensors");
}

TEST_CASE("sharded writer: what is missing or out of order is told, and no index is written") {
  const Scratch s;
  CHECK_THROWS_AS(ShardedWriter(s.dir.string(), 0), InputError);
  ShardedWriter out(s.dir.string(), 4);
  for (const char* name : {"a", "b", "c"}) out.declare(name, DType::f32, {1});
  CHECK_THROWS_AS(write(out, "x", {1}), FileError);
  CHECK_THROWS_AS(write(out, "b", {1}), FileError);  // before the first shard
  write(out, "a", {1});
  CHECK_THROWS_AS(write(out, "c", {1}), FileError);  // over the second
  CHECK_THROWS_AS(out.finish(), FileError);
  CHECK_FALSE(there(s, "model.safetensors.index.json"));
}
