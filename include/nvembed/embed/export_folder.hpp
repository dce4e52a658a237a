#pragma once

#include <filesystem>
#include <nvembed/core/config.hpp>
#include <nvembed/io/file_descriptor.hpp>
#include <string>
#include <vector>

namespace nvembed {

/// The folder of an export while it is written. A file that says so lies in it from beginning to end, so that what a
/// killed run has left is known for what it is: the next export clears it away. What fails takes its files with it.
class ExportFolder {
 public:
  static constexpr const char* marker = "export.unfinished";

  /// Makes the folder, or takes one that is empty or was left unfinished. Throws FileError for any other, and while
  /// another process writes into it.
  NVEMBED_INLINE explicit ExportFolder(const std::filesystem::path& folder);
  ExportFolder(const ExportFolder&) = delete;
  ExportFolder& operator=(const ExportFolder&) = delete;
  NVEMBED_INLINE ~ExportFolder();

  const std::filesystem::path& path() const { return folder_; }
  /// The path of a file that will be written.
  NVEMBED_INLINE std::string file(const std::string& name);
  const std::vector<std::string>& files() const { return files_; }
  /// All is there, and stays.
  NVEMBED_INLINE void finish();

 private:
  NVEMBED_INLINE void check(bool unfinished) const;
  NVEMBED_INLINE void clear() const;

  std::filesystem::path folder_;
  bool made_ = false, finished_ = false;
  FileDescriptor lock_;
  std::vector<std::string> files_;
};

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/embed/export_folder.inl>
#endif
