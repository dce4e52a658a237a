#pragma once

#include <cstring>
#include <string>
#include <vector>

namespace train_test {

/// A .npy file of rows x cols floats.
inline std::string npy(int rows, int cols, const std::vector<float>& values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                       std::to_string(cols) + "), }";
  header.resize(118 - 1, ' ');
  header += '\n';
  std::string file("\x93NUMPY\x01\x00\x76\x00", 10);
  file += header;
  file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return file;
}

}  // namespace train_test
