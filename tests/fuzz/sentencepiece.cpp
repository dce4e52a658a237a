#include <nvembed/text/sentencepiece.hpp>

#include "tokenizing.hpp"

// A tokenizer.model. Most of what reads it is the sentencepiece library, which carries no instrumentation here.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  const std::string path = folder.write("tokenizer.model", fuzz::text(data, size));
  fuzz::survives([&] { fuzz::try_tokenizer(nvembed::text::SentencePiece(path)); });
  return 0;
}
