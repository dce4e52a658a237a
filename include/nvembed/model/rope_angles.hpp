#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <nvembed/model/config.hpp>
#include <span>
#include <vector>

namespace nvembed {

/// Rotation frequencies of a head, (head_dim / 2): theta^(-2j / head_dim), then scaled. `linear` divides all by
/// `factor`. `llama3` divides those whose wavelength exceeds original_max / low_freq_factor, keeps those below
/// original_max / high_freq_factor and blends between (Llama 3.1's published rule). Explicit `frequency_factors` (GGUF
/// `rope_freqs`) divide one by one.
inline std::vector<double> rope_frequencies(const DecoderConfig& c) {
  constexpr double two_pi = 6.28318530717958647692;
  const RopeScaling& s = c.rope_scaling;
  std::vector<double> f(static_cast<std::size_t>(c.head_dim / 2));
  for (std::size_t j = 0; j < f.size(); ++j) {
    f[j] = std::pow(c.rope_theta, -2.0 * static_cast<double>(j) / static_cast<double>(c.head_dim));
    if (j < s.frequency_factors.size()) f[j] /= s.frequency_factors[j];
    if (s.kind == RopeScaling::Kind::linear) f[j] /= s.factor;
    if (s.kind == RopeScaling::Kind::llama3) {
      const double turns = static_cast<double>(s.original_max_position) * f[j] / two_pi;  // original_max / wavelength
      const double keep = std::clamp((turns - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor), 0.0, 1.0);
      f[j] = (1 - keep) * f[j] / s.factor + keep * f[j];
    }
  }
  return f;
}

/// Cosines and sines of position * frequency, (positions, frequencies) each. Computed in double, and for every 64th
/// position only; those between follow by the addition theorem, which costs an error of 2^-52 and saves the time.
template <class Angle>
void rope_angles(std::span<const double> frequencies, Index positions, std::span<Angle> cos, std::span<Angle> sin) {
  constexpr Index stride = 64;
  const auto at = [&](Index p, std::size_t j) { return std::polar(1.0, static_cast<double>(p) * frequencies[j]); };
  const std::size_t n = frequencies.size();
  std::vector<std::complex<double>> near(static_cast<std::size_t>(std::min(stride, positions)) * n), far(n);
  for (Index p = 0; p < std::min(stride, positions); ++p)
    for (std::size_t j = 0; j < n; ++j) near[static_cast<std::size_t>(p) * n + j] = at(p, j);
  for (Index p = 0; p < positions; ++p) {
    if (p % stride == 0)
      for (std::size_t j = 0; j < n; ++j) far[j] = at(p, j);
    const std::complex<double>* by = near.data() + static_cast<std::size_t>(p % stride) * n;
    for (std::size_t j = 0; j < n; ++j) {
      const std::size_t to = static_cast<std::size_t>(p) * n + j;
      cos[to] = static_cast<Angle>(far[j].real() * by[j].real() - far[j].imag() * by[j].imag());
      sin[to] = static_cast<Angle>(far[j].real() * by[j].imag() + far[j].imag() * by[j].real());
    }
  }
}

}  // namespace nvembed
