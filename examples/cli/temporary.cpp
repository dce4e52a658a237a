#include "temporary.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <nvembed/core/error.hpp>
#include <string_view>
#include <thread>

namespace cli {
namespace {

/// Read by the signal handler, which may neither lock nor allocate: a fixed table, each entry filled before it is
/// marked.
struct Slot {
  std::atomic<bool> taken = false, armed = false;
  std::array<char, 4096> path{};
};
std::array<Slot, 8> slots;
std::atomic<bool> resumable = false, remembered = false;
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void on_interrupt(int signal) {
  for (const Slot& s : slots)
    if (s.armed.load()) ::unlink(s.path.data());
  const std::string_view line =
      resumable.load() ? "nvembed: [interrupted] stopped before the end; --resume goes on from what is done\n"
                       : "nvembed: [interrupted] stopped before the end; no result was written\n";
  [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

Temporary::Temporary(const std::string& path) : slot_(-1) {
  nvembed::require<nvembed::FileError>(path.size() < slots[0].path.size(), "output", "the file name is too long");
  for (std::size_t i = 0; i < slots.size() && slot_ < 0; ++i)
    if (!slots[i].taken.exchange(true)) slot_ = static_cast<int>(i);
  nvembed::require(slot_ >= 0, "output", "too many temporary files at once");
  Slot& s = slots[static_cast<std::size_t>(slot_)];
  std::memcpy(s.path.data(), path.c_str(), path.size() + 1);
  s.armed = true;
}

Temporary::~Temporary() {
  if (slot_ < 0) return;
  ::unlink(slots[static_cast<std::size_t>(slot_)].path.data());
  release();
}

void Temporary::release() {
  if (slot_ < 0) return;
  slots[static_cast<std::size_t>(slot_)].armed = false;
  slots[static_cast<std::size_t>(slot_)].taken = false;
  slot_ = -1;
}

void Temporary::say_resumable() { resumable = true; }

void remember_interrupts() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals] {
    int signal = 0;
    ::sigwait(&signals, &signal);
    remembered = true;
    constexpr std::string_view line = "nvembed: [interrupted] saving; once more ends at once\n";
    [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
    ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // the next comes to this thread, and to on_interrupt
    for (;;) ::pause();
  }).detach();
}
bool interrupted() { return remembered.load(); }

void handle_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file size limit is a write that fails, as a full disk is
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler == SIG_IGN) continue;  // nohup, or a shell's background job: not to be stopped this way
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace cli
