#include <nvembed/io/read_file.hpp>
#include <nvembed/io/tokenizer_json.hpp>

#include "tokenizing.hpp"

// Texts through the real tokenizers of tests/golden: one byte picks the tokenizer, one the options, the rest is text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<nvembed::text::AnyTokenizer> tokenizers = [] {
    std::vector<nvembed::text::AnyTokenizer> all;
    for (const char* name : {"added_flags", "gpt2", "llama3", "metaspace", "qwen2", "smollm2", "spm"}) {
      const std::string file = nvembed::cat(NVEMBED_GOLDEN, "/tokenizers/", name, ".json");
      all.push_back(nvembed::tokenizer_from_json(nvembed::read_file(file), file));
    }
    return all;
  }();
  if (size < 2) return 0;
  const std::string_view text = fuzz::text(data + 2, size - 2);
  const bool taken = fuzz::check_tokenizer(tokenizers[data[0] % tokenizers.size()], text, data[1] & 1, data[1] >> 1);
  fuzz::check(taken == (nvembed::text::find_invalid_utf8(text) == text.npos), "valid UTF-8 is taken");
  return 0;
}
