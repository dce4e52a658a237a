#pragma once

#include <nvembed/io/json.hpp>
#include <nvembed/io/sha256.hpp>
#include <string>
#include <string_view>

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

Json to_json(const Lines& lines);

/// What stands in OUT.part.json: how far a run has come that may be continued.
struct RunState {
  std::string settings;  ///< of the run: model, format, shard
  std::string texts;     ///< TextsHash of those whose rows are written
  Index rows = 0, bytes = 0, tokens = 0;
  Lines truncated, empty;

  std::string str() const;
  /// Throws FileError naming `where` and the key; no count is negative.
  static RunState parse(std::string_view content, const std::string& where);
};

/// What stands beside stored vectors about how they were made, as far as it is compared.
struct VectorsOrigin {
  std::string fingerprint, output_type, texts;

  static VectorsOrigin parse(std::string_view content, const std::string& where);
};

}  // namespace cli
