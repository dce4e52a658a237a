#pragma once

#include <chrono>
#include <functional>
#include <nvembed/core/shape.hpp>
#include <string>
#include <utility>

namespace cli {

using nvembed::Index;

/// 1234567 -> "1,234,567"
std::string grouped(Index n);
/// Seconds as "0.42 s", "12.3 s", "3:05" or "2:03:05".
std::string duration(double seconds);

/// A line on standard error that tells how far a run is, how fast, and how long it will take; nothing where that is no
/// terminal or `--quiet` was given. Cleared on destruction, so that messages stand alone.
class ProgressBar {
 public:
  /// `total` texts, 0 where nobody knows.
  ProgressBar(std::string what, Index total, bool quiet);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() { clear(); }

  /// What was there before this run, which says nothing about its speed.
  void start_from(Index texts, Index tokens) { earlier_texts_ = texts, earlier_tokens_ = tokens; }
  /// What stands before the bar from now on.
  void rename(std::string what) { what_ = std::move(what); }
  /// How many are done, earlier ones counted.
  void update(Index texts, Index tokens);
  /// The same for a whole that is no number of texts; `tokens` where there are such.
  void update_share(double share, Index tokens = 0);
  void clear();

  static bool wanted(bool quiet);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const std::function<std::string(std::size_t width)>& line);
  std::string bar(double share) const;
  std::string line(Index texts, Index tokens, std::size_t width) const;

  std::string what_;
  Index total_, earlier_texts_ = 0, earlier_tokens_ = 0;
  bool shown_, drawn_ = false;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

}  // namespace cli
