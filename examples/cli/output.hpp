#pragma once

#include <string>
#include <string_view>

namespace cli {

/// Standard output. Results are lost silently where a program trusts its buffers; here every failed write is an error.
class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// Throws FileError `[stdout] ...` for a full disk, a reader that went away, a closed descriptor.
  void write(std::string_view bytes);
  void flush();

 private:
  std::string buffer_;
};

/// Writes all of `bytes` to `fd`. False, with errno set, where that fails.
bool write_all(int fd, std::string_view bytes);

/// One line on standard error, `nvembed: message`, with control characters (a message may quote a file) made harmless.
void say(std::string_view message);

}  // namespace cli
