#pragma once

#include <memory>
#include <nvembed/eval/task.hpp>
#include <utility>

namespace nvembed::eval {

/// Any EvalTask, immutable; copies share it.
class AnyTask {
 public:
  template <EvalTask T>
  AnyTask(T task) : held_(std::make_shared<Held<T>>(std::move(task))) {}

  const TaskInfo& info() const { return held_->info(); }
  std::span<const TaskTexts> texts() const { return held_->texts(); }
  Score score(std::span<const HostMatrix> vectors, const Scoring& scoring) const {
    return held_->score(vectors, scoring);
  }
  /// Smaller where it is a SampledTask, else itself.
  AnyTask sampled(double fraction, std::uint64_t seed) const { return held_->sampled(*this, fraction, seed); }
  /// The task where it is a T, else nullptr.
  template <class T>
  const T* as() const {
    const auto* held = dynamic_cast<const Held<T>*>(held_.get());
    return held ? &held->task : nullptr;
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual const TaskInfo& info() const = 0;
    virtual std::span<const TaskTexts> texts() const = 0;
    virtual Score score(std::span<const HostMatrix>, const Scoring&) const = 0;
    virtual AnyTask sampled(const AnyTask& self, double fraction, std::uint64_t seed) const = 0;
  };
  template <class T>
  struct Held final : Base {
    explicit Held(T t) : task(std::move(t)) {}
    const TaskInfo& info() const override { return task.info(); }
    std::span<const TaskTexts> texts() const override { return task.texts(); }
    Score score(std::span<const HostMatrix> vectors, const Scoring& scoring) const override {
      return task.score(vectors, scoring);
    }
    AnyTask sampled(const AnyTask& self, double fraction, std::uint64_t seed) const override {
      if constexpr (SampledTask<T>)
        return AnyTask(task.sampled(fraction, seed));
      else
        return self;
    }
    T task;
  };

  std::shared_ptr<const Base> held_;
};

}  // namespace nvembed::eval
