#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nvembed/eigen/backend.hpp>
#include <nvembed/eval/evaluate.hpp>
#include <nvembed/io/json.hpp>
#include <string>
#include <support/golden.hpp>
#include <vector>

/// What tests of eval/ share: the judge's values, vectors that need no model, a folder of one's own.
namespace eval_test {

using namespace nvembed;

inline constexpr Index trigram_dim = 48;

/// Counts of hashed byte trigrams, as tests/golden/eval/make_eval.py has them.
inline std::vector<float> trigrams(std::string_view text) {
  std::vector<float> v(trigram_dim);
  const auto byte = [&](std::size_t i) { return static_cast<Index>(static_cast<unsigned char>(text[i])); };
  for (std::size_t i = 0; i + 2 < text.size(); ++i)
    ++v[static_cast<std::size_t>((byte(i) * 961 + byte(i + 1) * 31 + byte(i + 2)) % trigram_dim)];
  return v;
}

/// Products by the reference back end.
inline eval::DotProducts dots() {
  static const eigen::Backend be(2);
  return eval::dot_products(be);
}

/// A model of trigrams that remembers what it was given.
struct FakeModel {
  struct Call {
    std::string text, instruction;
  };
  std::vector<Call> seen;
  std::vector<EncodeOptions> options;
  std::string broken;  ///< a text that contains this cannot be encoded
  std::string name = "fake";

  eval::EvaluatedModel model() {
    return {
        [this](std::span<const Text> texts, const EncodeOptions& o) {
          Embeddings e;
          e.rows = static_cast<Index>(texts.size());
          e.dim = trigram_dim;
          options.push_back(o);
          for (std::size_t i = 0; i < texts.size(); ++i) {
            if (!broken.empty() && texts[i].text.find(broken) != texts[i].text.npos)
              fail_text<InputError>(static_cast<Index>(i), "encode", "a vector is not finite");
            const std::string instruction(texts[i].instruction.value_or(""));
            seen.push_back({std::string(texts[i].text), instruction});
            const std::vector<float> v = trigrams(texts[i].text);
            e.values.insert(e.values.end(), v.begin(), v.end());
            e.tokens += static_cast<Index>(texts[i].text.size());
            if (o.progress) o.progress({static_cast<Index>(i) + 1, e.rows, e.tokens});
          }
          return e;
        },
        [this](const EncodeOptions& o) { return name + "-" + std::to_string(std::hash<std::string>{}(o.instruction)); },
        dots(), trigram_dim};
  }
};

inline const Json& expected() {
  static const Json j = golden::json("eval/expected.json");
  return j;
}
inline std::string tasks_folder() { return golden::path("eval/tasks"); }

template <class T>
std::vector<T> list(const Json& j) {
  return j.get<std::vector<T>>();
}

/// A folder that is removed at the end.
struct Folder {
  std::filesystem::path dir;
  explicit Folder(const std::string& name)
      : dir(std::filesystem::temp_directory_path() / ("nvembed_eval_" + name + std::to_string(::getpid()))) {
    std::filesystem::remove_all(dir);
    std::filesystem::create_directories(dir);
  }
  ~Folder() { std::filesystem::remove_all(dir); }
  std::string path(const std::string& name = "") const { return (dir / name).string(); }
  std::string write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((dir / name).parent_path());
    std::ofstream(dir / name, std::ios::binary) << content;
    return path(name);
  }
};

}  // namespace eval_test
