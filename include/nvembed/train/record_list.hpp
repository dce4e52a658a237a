#pragma once

#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/train/record.hpp>
#include <string>
#include <utility>
#include <vector>

namespace nvembed::train {

/// Records in memory. What record.hpp says of them is the caller's to see to.
class RecordList {
 public:
  explicit RecordList(std::vector<Record> records, std::string name = "list")
      : records_(std::move(records)), name_(std::move(name)) {}

  Index size() const { return static_cast<Index>(records_.size()); }
  Record at(Index i) const {
    require<InputError>(i >= 0 && i < size(), "records", name_, " has no record ", i, ", it has ", size());
    return records_[static_cast<std::size_t>(i)];
  }
  std::string where(Index i) const { return cat(name_, ", record ", i); }

 private:
  std::vector<Record> records_;
  std::string name_;
};

}  // namespace nvembed::train
