#include <nvembed/core/dequantize.hpp>
#include <nvembed/io/config.hpp>
#include <nvembed/io/tokenizer_gguf.hpp>
#include <nvembed/io/weights.hpp>
#include <nvembed/model/parameter_count.hpp>
#include <nvembed/model/rope_angles.hpp>

#include "tokenizing.hpp"

// A GGUF file: its metadata, tensors, configuration and tokenizer, each even where another one is broken.
namespace {

using namespace nvembed;

void read(const Gguf& file) {
  for (const auto& tensor : file.tensors())
    fuzz::survives([&] {
      const RawWeight w = file.weight(tensor.first);
      std::vector<float> row(static_cast<std::size_t>(w.cols));
      if (w.rows > 0) dequantize_row(w, w.rows - 1, row.data());
    });
  for (const auto& value : file.metadata()) {
    fuzz::survives([&] { (void)file.strings(value.first); });
    fuzz::survives([&] { (void)file.numbers(value.first); });
    fuzz::survives([&] { (void)file.get<Index>(value.first); });
  }
  fuzz::survives([&] {
    const ModelConfig c = config_from_gguf(file);
    fuzz::check(parameter_count(c.decoder) > 0, "parameters can be counted");
    (void)rope_frequencies(c.decoder);
  });
  fuzz::survives([&] { fuzz::try_tokenizer(tokenizer_from_gguf(file)); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  const std::string path = folder.write("model.gguf", fuzz::text(data, size));
  fuzz::survives([&] { read(Gguf(path)); });
  fuzz::survives([&] {
    const Weights weights(path);
    for (const std::string& key : weights.keys()) {
      fuzz::check(weights.has(key), "a key that is listed is there");
      fuzz::survives([&] {
        const RawWeight w = weights.gguf()->weight(weights.key_map().foreign(key));
        const RawWeight ours = weights.get(key, w.rows, w.cols);
        for (Index r = 0; r < std::min<Index>(ours.rows, 64); ++r)
          fuzz::check(ours.row(r) >= ours.bytes.data() && ours.row(r) < ours.bytes.data() + ours.bytes.size(),
                      "rows lie in their tensor");
      });
    }
    weights.digest();
  });
  return 0;
}
