#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nvembed/embed/export_folder.hpp>
#include <nvembed/io/printable.hpp>
#include <string_view>
#include <system_error>

namespace nvembed {
namespace detail {

/// Whether an export writes files of this name.
inline bool is_export_file(std::string_view name) {
  constexpr std::string_view temporary = ".tmp";
  if (name.ends_with(temporary)) name.remove_suffix(temporary.size());
  if (name.starts_with("model") && (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json")))
    return true;
  constexpr std::string_view known[] = {ExportFolder::marker,
                                        "config.json",
                                        "nvembed.json",
                                        "head.safetensors",
                                        "modules.json",
                                        "1_Pooling",
                                        "sentence_bert_config.json",
                                        "config_sentence_transformers.json",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json",
                                        "added_tokens.json",
                                        "tokenizer.model",
                                        "vocab.json",
                                        "merges.txt",
                                        "chat_template.jinja"};
  return std::find(std::begin(known), std::end(known), name) != std::end(known) || name.ends_with(".py");
}

}  // namespace detail

NVEMBED_INLINE ExportFolder::ExportFolder(const std::filesystem::path& folder) : folder_(folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto need = [&] { require<FileError>(!error, "export", folder.string(), ": ", error.message()); };
  require<FileError>(!fs::exists(folder, error) || fs::is_directory(folder, error), "export", folder.string(),
                     ": is there and is no folder; choose another name");
  const std::string mark = (folder / marker).string();
  if (fs::exists(folder, error)) check(fs::exists(mark, error));
  made_ = fs::create_directories(folder, error);
  need();
  lock_ = open_exclusive(mark, "export");
  // Another run may have finished since: its mark went with it, and ours, a new one, is empty.
  struct stat found {};
  require_system(::fstat(lock_.get(), &found), "export", mark);
  const bool unfinished = found.st_size > 0;
  try {
    check(unfinished);
    if (!unfinished) require<FileError>(::write(lock_.get(), "\n", 1) == 1, "export", mark, ": cannot be written");
  } catch (...) {
    if (!unfinished) ::unlink(mark.c_str());
    throw;
  }
  if (unfinished) clear();
}

/// Whether the folder may be taken: it is empty, or holds what an unfinished export has left.
NVEMBED_INLINE void ExportFolder::check(bool unfinished) const {
  namespace fs = std::filesystem;
  std::error_code error;
  std::string other;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name != marker && (other.empty() || !detail::is_export_file(name))) other = name;
  }
  require<FileError>(!error, "export", folder_.string(), ": ", error.message());
  require<FileError>(other.empty() || unfinished, "export", folder_.string(),
                     ": is not empty; name a folder that is new or empty");
  require<FileError>(other.empty() || detail::is_export_file(other), "export", folder_.string(),
                     ": holds an export that was stopped, and ", printable(other),
                     ", which is none of its files; name another folder");
}

/// What an earlier run has left: a file of it under a name that this run does not write would be read all the same.
NVEMBED_INLINE void ExportFolder::clear() const {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<fs::path> left;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error))
    if (at->path().filename() != marker) left.push_back(at->path());
  for (const fs::path& path : left) {
    if (path.filename() == "1_Pooling")
      for (const char* name : {"config.json", "config.json.tmp"}) fs::remove(path / name, error);
    fs::remove(path, error);
    require<FileError>(!error, "export", path.string(), ": cannot be removed: ", error.message());
  }
}

NVEMBED_INLINE std::string ExportFolder::file(const std::string& name) {
  files_.push_back(name);
  return (folder_ / name).string();
}

NVEMBED_INLINE void ExportFolder::finish() {
  require_system(::unlink((folder_ / marker).c_str()), "export", folder_.string());
  sync_folder(folder_);
  finished_ = true;
}

NVEMBED_INLINE ExportFolder::~ExportFolder() {
  if (finished_) return;
  std::error_code ignored;
  for (auto name = files_.rbegin(); name != files_.rend(); ++name) std::filesystem::remove(folder_ / *name, ignored);
  std::filesystem::remove(folder_ / "1_Pooling", ignored);  // where it is empty
  std::filesystem::remove(folder_ / marker, ignored);
  if (made_) std::filesystem::remove(folder_, ignored);
}

}  // namespace nvembed
