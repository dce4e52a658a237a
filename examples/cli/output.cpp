#include "output.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nvembed/core/error.hpp>

#include "part_file.hpp"

namespace cli {

Output::Output(const std::string& path) : file_(path.empty() ? nullptr : std::make_unique<PartFile>(path, false)) {}
Output::~Output() = default;

void Output::finish() {
  flush();
  if (file_) file_->finish();
}

void Output::write(std::string_view bytes) {
  buffer_ += bytes;
  if (buffer_.size() >= std::size_t{1} << 16) flush();
}

void Output::flush() {
  if (file_) {
    file_->write(buffer_);
    return buffer_.clear();
  }
  const bool written = write_all(STDOUT_FILENO, buffer_);
  const int reason = errno;
  buffer_.clear();  // a second attempt would fail the same way, and hide the first
  nvembed::require<nvembed::FileError>(written, "stdout", "the results cannot be written: ", std::strerror(reason));
}

void say(std::string_view message) {
  // Whatever a user has typed is part of some messages: its middle is left out, for advice stands at the end.
  constexpr std::size_t most = 1200, tail = 400;
  std::string shortened;
  if (message.size() > most) {
    shortened = nvembed::cat(message.substr(0, most - tail), " ... ", message.substr(message.size() - tail));
    message = shortened;
  }
  std::string line = "nvembed: ";
  for (const char c : message) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  line += '\n';
  (void)write_all(STDERR_FILENO, line);
}

}  // namespace cli
