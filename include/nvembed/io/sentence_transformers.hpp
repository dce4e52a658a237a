#pragma once

#include <filesystem>
#include <map>
#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <optional>
#include <string>

namespace nvembed {

/// What Sentence-Transformers' side files say of an embedding model.
struct SentenceTransformersFiles {
  bool present = false;        ///< there is a modules.json: the folder is an embedder
  std::string pool;            ///< mean, weighted_mean or last_token
  bool include_prompt = true;  ///< prompt tokens are pooled too
  bool normalize = false;
  Index max_length = 0;  ///< sentence_bert_config.json's max_seq_length; 0: not said
  std::map<std::string, std::string> prompts;
  std::string default_prompt;
};

/// Reads modules.json, the pooling module's config.json, sentence_bert_config.json and
/// config_sentence_transformers.json of a folder. Throws FileError for a module or pooling mode that is not supported.
NVEMBED_INLINE SentenceTransformersFiles read_sentence_transformers(const std::filesystem::path& folder);

/// Writes the same files, those of a model whose vectors have `dim` components, into a folder that is there.
NVEMBED_INLINE void write_sentence_transformers(const std::filesystem::path& folder, const SentenceTransformersFiles& s,
                                                Index dim);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/sentence_transformers.inl>
#endif
