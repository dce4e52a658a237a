#include <nvembed/nvembed.hpp>

// Linked with consumer.cpp: a definition that stands in both fails.
nvembed::Embeddings second(const char* model) {
  return nvembed::load<nvembed::BACK_END::Backend>(model).encode({"a text"});
}
