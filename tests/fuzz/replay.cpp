#include <algorithm>
#include <exception>
#include <fstream>
#include <iterator>

#include "fuzz.hpp"

// Runs a target once over files and folders, in the place of libFuzzer's main: what was found stays found, with any
// compiler.
namespace fs = std::filesystem;

int main(int argc, char** argv) {
  std::vector<fs::path> files;
  for (int i = 1; i < argc; ++i) {
    if (fs::is_directory(argv[i]))
      for (const auto& entry : fs::directory_iterator(argv[i])) files.push_back(entry.path());
    else
      files.emplace_back(argv[i]);
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    std::printf("%s\n", file.c_str());  // before it runs: after a crash the last line names the file
    std::fflush(stdout);
    std::ifstream in(file, std::ios::binary);
    const std::vector<char> content{std::istreambuf_iterator<char>(in), {}};
    // A copy of its very size, so that sanitizers see a read past the end.
    const std::vector<std::uint8_t> bytes(content.begin(), content.end());
    try {
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    } catch (const std::exception& e) {
      std::printf("threw what is no nvembed::Error: %s\n", e.what());
      return 1;
    }
  }
  std::printf("%zu inputs\n", files.size());
  return files.empty();
}
