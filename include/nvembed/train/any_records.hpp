#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <nvembed/core/shape.hpp>
#include <nvembed/train/record.hpp>
#include <string>
#include <utility>

namespace nvembed::train {

/// Something that gives records by number: `at(i)`, or `at(i, epoch)` where each pass over the records is to find other
/// ones. Both are functions of their arguments alone and may be called by many threads. `where(i)` says in a message
/// what record i is.
template <class S>
concept Records = requires(const S& s, Index i, std::uint64_t epoch) {
  { s.size() } -> std::same_as<Index>;
  { s.where(i) } -> std::convertible_to<std::string>;
  requires requires {
    { s.at(i) } -> std::same_as<Record>;
  } || requires {
    { s.at(i, epoch) } -> std::same_as<Record>;
  };
};

/// Any Records, immutable; copies share it.
class AnyRecords {
 public:
  template <class S>
  requires(!std::same_as<S, AnyRecords>) && Records<S> AnyRecords(S records)
      : held_(std::make_shared<Held<S>>(std::move(records))) {}

  Index size() const { return held_->size(); }
  Record at(Index i, std::uint64_t epoch = 0) const { return held_->at(i, epoch); }
  std::string where(Index i) const { return held_->where(i); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual Index size() const = 0;
    virtual Record at(Index i, std::uint64_t epoch) const = 0;
    virtual std::string where(Index i) const = 0;
  };
  template <class S>
  struct Held final : Base {
    explicit Held(S s) : records(std::move(s)) {}
    Index size() const override { return records.size(); }
    Record at(Index i, std::uint64_t epoch) const override {
      if constexpr (requires { records.at(i, epoch); })
        return records.at(i, epoch);
      else
        return records.at(i);
    }
    std::string where(Index i) const override { return records.where(i); }
    S records;
  };

  std::shared_ptr<const Base> held_;
};

}  // namespace nvembed::train
