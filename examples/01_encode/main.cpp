// Texts in, vectors out, in ten lines. Usage: 01_encode MODEL

// [encode]
#include <cstdio>
#include <nvembed/nvembed.hpp>
using namespace nvembed;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto model = load<onednn::Backend>(argv[1]);  // a Hugging Face folder or a GGUF file
  auto queries = model.encode({"how do I read a file?", "what lives in the sea?"},
                              {.instruction = "Given a question, retrieve passages that answer the question"});
  auto passages =
      model.encode({"To read a file, open it and loop over its lines.", "Whales and squids live in the sea."});
  auto scores = similarity(queries, passages);
  for (Index q = 0; q < scores.rows; ++q) std::printf("%.2f %.2f\n", scores(q, 0), scores(q, 1));
}
// [encode]
