#include <nvembed/core/dequantize.hpp>
#include <nvembed/io/weights.hpp>

#include "fuzz.hpp"

// A safetensors file; or, where the input begins with a brace, an index beside one good shard.
namespace {

using namespace nvembed;

void read(const std::string& path) {
  const Safetensors file(path);
  for (const std::string& name : file.names())
    fuzz::survives([&] {
      const RawWeight w = file.weight(name);
      std::vector<float> row(static_cast<std::size_t>(w.cols));
      if (w.rows > 0) dequantize_row(w, w.rows - 1, row.data());
    });
  const Weights weights(path);
  for (const std::string& key : weights.keys()) fuzz::check(weights.has(key), "a key that is listed is there");
  weights.digest();
}

std::string shard() {
  const std::string header = R"({"embed_tokens.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}})";
  return std::string{static_cast<char>(header.size())} + std::string(7, '\0') + header + std::string(16, 'x');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  static const std::string beside = folder.write("one.safetensors", shard());
  const bool index = size > 0 && data[0] == '{';
  const std::string path =
      folder.write(index ? "model.safetensors.index.json" : "model.safetensors", fuzz::text(data, size));
  fuzz::survives([&] { read(path); });
  return 0;
}
