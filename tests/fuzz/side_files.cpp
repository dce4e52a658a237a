#include <nvembed/io/sentence_transformers.hpp>
#include <nvembed/io/tokenizer_files.hpp>

#include "fuzz.hpp"

// The small files beside a model, between NUL bytes; an empty part is a file that is not there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  static const std::string tokenizer =
      folder.write("tokenizer.json", R"({"model": {"vocab": {"<s>": 0, "a": 1, "b": 2, "ab": 3}, "merges": ["a b"]}})");
  static const std::string names[] = {"modules.json", "1_Pooling/config.json", "sentence_bert_config.json",
                                      "config_sentence_transformers.json", "tokenizer_config.json"};
  const auto parts = fuzz::parts(fuzz::text(data, size), std::size(names));
  for (std::size_t i = 0; i < std::size(names); ++i) {
    if (i < parts.size() && !parts[i].empty())
      folder.write(names[i], parts[i]);
    else
      folder.remove(names[i]);
  }
  fuzz::survives([&] {
    const auto files = nvembed::read_sentence_transformers(folder.path());
    fuzz::check(files.present == !files.pool.empty(), "an embedder has a pooling");
    fuzz::check(files.max_length >= 0, "a length is none below zero");
  });
  fuzz::survives([&] {
    const auto read = nvembed::read_tokenizer(folder.path());
    for (const auto* frame : {&read.before(), &read.after()})
      for (const auto id : *frame) fuzz::check(id >= 0 && id < read.vocab_size(), "tokens around a text are known");
  });
  fuzz::survives([&] { fuzz::check(nvembed::read_model_max_length(folder.path()) >= 0, "nor is this one"); });
  return 0;
}
