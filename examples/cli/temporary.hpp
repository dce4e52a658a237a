#pragma once

#include <string>

namespace cli {

/// A file that is removed when this goes out of scope, and when the program is interrupted (Ctrl-C, TERM, HUP), unless
/// it was released. The file itself is made by others.
class Temporary {
 public:
  explicit Temporary(const std::string& path);
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary();

  /// The file stays: it was renamed, or --resume can go on from it.
  void release();
  /// From here on an interrupt says that --resume can go on.
  static void say_resumable();

 private:
  int slot_;
};

/// From here on the first interrupt is only remembered (`interrupted`): whoever works will see it, save and leave. A
/// second one ends the program as usual. To be called before other threads are started: a thread of its own takes the
/// signals, because runs whose computing threads took one were seen to end with a spoilt heap inside
/// oneDNN's products.
void remember_interrupts();
bool interrupted();

/// From here on an interrupt removes the temporary files, says so in one line and ends the program by the same signal,
/// so that a calling shell sees it. A reader of standard output that goes away is an error of the write, not a signal.
void handle_signals();

}  // namespace cli
