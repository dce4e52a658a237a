#include "progress_bar.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "output.hpp"

namespace cli {

namespace {
constexpr std::size_t cells = 20;
}

std::string grouped(Index n) {
  std::string s = std::to_string(n);
  for (std::size_t at = s.size(); at > 3 + (n < 0 ? 1u : 0u);) s.insert(at -= 3, ",");
  return s;
}

std::string duration(double seconds) {
  char text[64];
  if (seconds < 60) {
    std::snprintf(text, sizeof text, seconds < 10 ? "%.2f s" : "%.1f s", seconds);
  } else {
    const auto s = static_cast<long long>(std::min(seconds, 1e12));
    if (s < 3600)
      std::snprintf(text, sizeof text, "%lld:%02lld", s / 60, s % 60);
    else
      std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  }
  return text;
}

bool ProgressBar::wanted(bool quiet) {
  const char* term = std::getenv("TERM");
  return !quiet && ::isatty(STDERR_FILENO) && !(term && std::string_view(term) == "dumb");
}

ProgressBar::ProgressBar(std::string what, Index total, bool quiet)
    : what_(std::move(what)), total_(total), shown_(wanted(quiet)) {}

void ProgressBar::draw(const std::function<std::string(std::size_t)>& line) {
  if (!shown_) return;
  const auto now = Clock::now();
  if (drawn_ && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  drawn_ = true;
  struct winsize size {};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  (void)write_all(STDERR_FILENO, "\r\033[K" + line(known ? size.ws_col - 1u : 79u));
}

void ProgressBar::update(Index texts, Index tokens) {
  draw([&](std::size_t width) { return line(texts, tokens, width); });
}

void ProgressBar::update_share(double share, Index tokens) {
  draw([&](std::size_t width) {
    const double seconds = std::max(std::chrono::duration<double>(last_ - start_).count(), 1e-3);
    std::string s = what_ + "  " + bar(share) + std::to_string(static_cast<int>(share * 100)) + " %";
    if (tokens > 0) s += "  " + grouped(std::llround(static_cast<double>(tokens) / seconds)) + " tokens/s";
    if (tokens > 0 && share > 0) s += "  " + duration(seconds * (1 - share) / share) + " left";
    return s.substr(0, width);
  });
}

std::string ProgressBar::bar(double share) const {
  const auto full = std::min(cells, static_cast<std::size_t>(std::max(share, 0.0) * static_cast<double>(cells)));
  return "[" + std::string(full, '#') + std::string(cells - full, '.') + "]  ";
}

std::string ProgressBar::line(Index texts, Index tokens, std::size_t width) const {
  const double seconds = std::max(std::chrono::duration<double>(last_ - start_).count(), 1e-3);
  const double rate = static_cast<double>(texts - earlier_texts_) / seconds;
  std::string numbers = grouped(texts) + (total_ ? "/" + grouped(total_) : "") + " texts  " +
                        grouped(std::llround(rate)) + " texts/s  " +
                        grouped(std::llround(static_cast<double>(tokens - earlier_tokens_) / seconds)) + " tokens/s";
  if (total_ && rate > 0) numbers += "  " + duration(static_cast<double>(total_ - texts) / rate) + " left";
  std::string s = what_ + "  ";
  if (total_ && s.size() + cells + 4 + numbers.size() <= width)
    s += bar(static_cast<double>(texts) / static_cast<double>(total_));
  return (s + numbers).substr(0, width);
}

void ProgressBar::clear() {
  if (drawn_) (void)write_all(STDERR_FILENO, "\r\033[K");
  drawn_ = false;
}

}  // namespace cli
