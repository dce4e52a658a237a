#pragma once

#include <memory>
#include <nvembed/io/file_descriptor.hpp>
#include <string>
#include <string_view>

namespace cli {

class PartFile;

/// Where a command's results go: standard output, or a file that appears whole. Results are lost silently where a
/// program trusts its buffers; here every failed write is an error.
class Output {
 public:
  /// To standard output where `path` is empty.
  explicit Output(const std::string& path = {});
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();

  /// Throws FileError `[stdout] ...` for a full disk, a reader that went away, a closed descriptor.
  void write(std::string_view bytes);
  /// All of it is written.
  void finish();

 private:
  void flush();

  std::unique_ptr<PartFile> file_;
  std::string buffer_;
};

using nvembed::write_all;

/// One line on standard error, `nvembed: message`, with control characters (a message may quote a file) made harmless.
void say(std::string_view message);

}  // namespace cli
