#pragma once

#include <nvembed/io/json.hpp>
#include <nvembed/io/sha256.hpp>
#include <string>

#include "encoder.hpp"
#include "input.hpp"

namespace cli {

using nvembed::Json;

/// JSON as a line; bytes of file names that are no UTF-8 are replaced.
std::string dump(const Json& value);

/// Hash of a sequence of texts with all that goes into their rows; what tells inputs apart.
class TextsHash {
 public:
  void add(const Record& record);
  std::string hex() const { return nvembed::Sha256(hash_).hex(); }

 private:
  nvembed::Sha256 hash_;
};

/// FILE.npy -> FILE.npy.fingerprint.json
std::string fingerprint_path(const std::string& vectors);

/// Lines kept in a state file, and back.
Json to_json(const Lines& lines);
Lines lines_of(const Json& value, const std::string& where);

}  // namespace cli
