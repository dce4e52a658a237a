#pragma once

#include <cstring>
#include <fstream>
#include <iterator>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/segment.hpp>
#include <nvembed/core/tensor.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/safetensors.hpp>
#include <string>
#include <vector>

/// Reading tests/golden.
namespace golden {

inline std::string path(const std::string& name) { return std::string(NVEMBED_GOLDEN) + "/" + name; }

inline std::string content(const std::string& name) {
  std::ifstream file(path(name), std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path(name));
  return {std::istreambuf_iterator<char>(file), {}};
}

inline nvembed::Json json(const std::string& name) {
  std::ifstream file(path(name));
  REQUIRE_MESSAGE(file.good(), path(name));
  return nvembed::Json::parse(file);
}

inline std::vector<nvembed::Json> json_lines(const std::string& name) {
  std::ifstream file(path(name));
  REQUIRE_MESSAGE(file.good(), path(name));
  std::vector<nvembed::Json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(nvembed::Json::parse(line));
  return lines;
}

/// A stored tensor, F32 or F64, as doubles.
inline std::vector<double> values(const nvembed::Safetensors& file, const std::string& name) {
  const auto& entry = file.at(name);
  std::vector<double> v(static_cast<std::size_t>(entry.size()));
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (entry.dtype == "F64") {
      std::memcpy(&v[i], entry.bytes.data() + 8 * i, 8);
    } else {
      REQUIRE(entry.dtype == "F32");
      float f;
      std::memcpy(&f, entry.bytes.data() + 4 * i, 4);
      v[i] = f;
    }
  }
  return v;
}

template <class B, class T>
nvembed::Tensor<B, T> tensor(typename B::Lane& lane, const nvembed::Safetensors& file, const std::string& name) {
  const auto v = values(file, name);
  const auto& shape = file.shape(name);
  return nvembed::Tensor<B, T>::from_host(lane, {shape[0], shape[1]}, std::vector<T>(v.begin(), v.end()));
}

/// A weight source over one safetensors file whose names are ours behind a prefix.
struct Source {
  const nvembed::Safetensors& file;
  std::string prefix;
  nvembed::RawWeight get(const std::string& key, nvembed::Index rows, nvembed::Index cols) const {
    auto raw = file.weight(prefix + key);
    REQUIRE_MESSAGE(raw.rows == rows, key);
    REQUIRE_MESSAGE(raw.cols == cols, key);
    return raw;
  }
  void done(const nvembed::RawWeight&) const {}
};

}  // namespace golden
