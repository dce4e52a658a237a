#pragma once

#include <map>
#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/io/safetensors.hpp>
#include <nvembed/io/safetensors_writer.hpp>
#include <nvembed/optim/optimizer_state.hpp>
#include <nvembed/optim/step_guard.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nvembed::train {

/// Where a run is, beside its weights and its optimizer's state.
struct TrainingState {
  Index step = 0;        ///< steps done, all stages together
  Index stage = 0;       ///< the current one
  Index stage_step = 0;  ///< steps done in it
  optim::StepGuard::Counts guard{};
  std::optional<double> score{};  ///< the evaluation at this very step, if there was one
  std::string identity;           ///< recipe_identity
  std::string base;               ///< digest of the base model
};

/// The folders `step-00000100` below one, each a checkpoint that is there whole or not at all: weights.safetensors and
/// optimizer.safetensors by dotted names, and state.json. FileError names the file.
class Checkpoints {
 public:
  explicit Checkpoints(std::string folder) : folder_(std::move(folder)) {}

  /// Steps of all that are there, ascending.
  NVEMBED_INLINE std::vector<Index> steps() const;
  NVEMBED_INLINE std::string path(Index step) const;
  /// State alone. Throws FileError where it is broken or of another format.
  NVEMBED_INLINE TrainingState read_state(Index step) const;
  NVEMBED_INLINE void remove(Index step) const;
  /// Removes all but the `keep_last` newest and, if it is given, `best`; and what a killed run left half-written.
  NVEMBED_INLINE void clean(Index keep_last, std::optional<Index> best) const;

  /// Writes one: each_weight(f) calls f(name, shape, span of float) for all weights, each_state(f) calls f(name,
  /// optim::ParameterState). One of the same step is replaced.
  template <class EachWeight, class EachState>
  void write(const TrainingState& state, EachWeight&& each_weight, EachState&& each_state) const {
    const std::string temporary = begin(state.step);
    {
      SafetensorsWriter out(temporary + "/weights.safetensors");
      each_weight([&](const std::string& name, const std::vector<Index>& shape, std::span<const float>) {
        out.declare(name, DType::f32, shape);
      });
      each_weight([&](const std::string& name, const std::vector<Index>&, std::span<const float> values) {
        out.write(name, std::as_bytes(values));
      });
      out.finish();
    }
    {
      SafetensorsWriter::Metadata updates;
      each_state([&](const std::string& name, const optim::ParameterState& s) {
        updates["steps." + name] = std::to_string(s.steps);
      });
      SafetensorsWriter out(temporary + "/optimizer.safetensors", updates);
      const auto every = [&](auto&& f) {
        each_state([&](const std::string& name, const optim::ParameterState& s) {
          for (const optim::StateArray& a : s.arrays) f(cat(name, '.', a.role), a);
        });
      };
      every([&](const std::string& name, const optim::StateArray& a) { out.declare(name, a.dtype, extents(a.shape)); });
      every([&](const std::string& name, const optim::StateArray& a) { out.write(name, a.bytes); });
      out.finish();
    }
    finish(state, temporary);
  }

  /// Reads one back: weight(name) -> (shape, span of float to fill) is asked of every tensor that is there, names in
  /// `wanted` must all be; `load(find)` is the optimizer's load_state.
  template <class Fill, class Load>
  void read(Index step, const std::vector<std::string>& wanted, Fill&& fill, Load&& load) const {
    const Safetensors weights(path(step) + "/weights.safetensors");
    for (const std::string& name : wanted) {
      const Safetensors::Entry* entry = weights.find(name);
      require<FileError>(entry && entry->dtype == "F32", "checkpoint", weights.path(), " has no weights of ", name);
      fill(name, entry->shape, entry->bytes);
    }
    require<FileError>(weights.entries().size() == wanted.size(), "checkpoint", weights.path(), " holds ",
                       weights.entries().size(), " tensors, ", wanted.size(), " are trained");
    const Safetensors state(path(step) + "/optimizer.safetensors");
    load([&](const std::string& name) { return parameter_state(state, name); });
  }

  static std::vector<Index> extents(const Shape& s) {
    std::vector<Index> all;
    for (int i = 0; i < s.rank(); ++i) all.push_back(s[i]);
    return all;
  }

 private:
  NVEMBED_INLINE std::string begin(Index step) const;
  NVEMBED_INLINE void finish(const TrainingState& state, const std::string& temporary) const;
  NVEMBED_INLINE static std::optional<optim::ParameterState> parameter_state(const Safetensors& file,
                                                                             const std::string& name);

  std::string folder_;
};

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/checkpoint.inl>
#endif
