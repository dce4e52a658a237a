#include <nvembed/io/tokenizer_json.hpp>

#include "tokenizing.hpp"

// A tokenizer.json: what is accepted must keep a tokenizer's promises.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::survives([&] {
    const auto tokenizer = nvembed::tokenizer_from_json(fuzz::text(data, size), "tokenizer.json");
    for (const auto* frame : {&tokenizer.before(), &tokenizer.after()})
      for (const auto id : *frame)
        fuzz::check(id >= 0 && id < tokenizer.vocab_size(), "tokens around a text lie in the vocabulary");
    fuzz::try_tokenizer(tokenizer);
  });
  return 0;
}
