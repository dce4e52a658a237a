#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <nvembed/embed/load.hpp>
#include <nvembed/onednn/backend.hpp>
#include <string>
#include <vector>

/// march MODEL TEXTS: encodes the lines of a file; prints seconds for tokenising, seconds for the model, and a hash of
/// the vectors' bits.
int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::vector<std::string> lines;
  std::ifstream file(argv[2]);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  const auto model = nvembed::load<nvembed::onednn::Backend>(argv[1]);
  const std::vector<nvembed::Text> texts(lines.begin(), lines.end());
  model.encode({lines[0]});

  const auto now = std::chrono::steady_clock::now;
  const auto seconds = [](auto from, auto to) { return std::chrono::duration<double>(to - from).count(); };
  constexpr int tokenisings = 20;  // one is too short to time
  const auto begin = now();
  for (int i = 1; i < tokenisings; ++i) model.prepare(texts);
  auto prepared = model.prepare(texts);
  const auto tokenised = now();
  const auto vectors = model.encode(std::move(prepared));
  const auto end = now();

  std::uint64_t hash = 0xCBF29CE484222325u;  // FNV-1a
  const auto* bytes = reinterpret_cast<const unsigned char*>(vectors.values.data());
  for (std::size_t i = 0; i < vectors.values.size() * sizeof(float); ++i) hash = (hash ^ bytes[i]) * 0x100000001B3u;
  std::printf("%.6f %.4f %016llx\n", seconds(begin, tokenised) / tokenisings, seconds(tokenised, end),
              static_cast<unsigned long long>(hash));
}
