#pragma once

#include <nvembed/core/shape.hpp>
#include <nvembed/io/file_descriptor.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "temporary.hpp"

namespace cli {

using nvembed::Index;

/// An output that is being written: OUT.part, which takes the name OUT when it is whole. Beside it OUT.part.json says
/// how much of it counts, so that a run that was killed can be continued.
class PartFile {
 public:
  /// Makes OUT.part, or opens it where `resume` and it is there. Throws FileError where the folder cannot be written,
  /// where OUT is there but no plain file, or while another run writes it. When the run ends badly both files go,
  /// unless there was a checkpoint.
  PartFile(const std::string& out, bool resume);

  const std::string& out() const { return out_; }
  const std::string& path() const { return path_; }
  /// OUT.part.json as an earlier run left it; nothing where there is none.
  const std::optional<std::string>& left() const { return left_; }
  /// Goes back to the first `bytes` bytes.
  void cut(Index bytes);
  Index size() const { return size_; }

  void write(std::string_view bytes);
  /// Overwrites bytes at the beginning.
  void patch(std::string_view bytes);
  /// Makes everything so far survive a crash, then notes `state` as what holds.
  void checkpoint(const std::string& state);
  /// Whether this run made a checkpoint.
  bool checkpointed() const { return checkpointed_; }
  /// OUT.part becomes OUT.
  void finish();

 private:
  std::string out_, path_, state_path_;
  std::optional<std::string> left_;
  nvembed::FileDescriptor file_;
  std::optional<Temporary> part_guard_, state_guard_;
  Index size_ = 0;
  bool checkpointed_ = false;
};

/// Writes a whole small file: a temporary one beside it, then a rename.
void write_whole(const std::string& path, std::string_view content);

}  // namespace cli
