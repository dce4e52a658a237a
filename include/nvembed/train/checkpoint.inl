#pragma once

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nvembed/io/atomic_file.hpp>
#include <nvembed/io/file_descriptor.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/train/checkpoint.hpp>

namespace nvembed::train {
namespace detail {

inline constexpr std::string_view checkpoint_prefix = "step-";
inline constexpr Index checkpoint_format = 1;

template <class F>
void file_system(const std::string& path, F&& f) {
  std::error_code error;
  f(error);
  require<FileError>(!error, "checkpoint", path, ": ", error.message());
}

inline Json to_json(const std::optional<double>& x) { return x ? Json(*x) : Json(); }

}  // namespace detail

NVEMBED_INLINE std::vector<Index> Checkpoints::steps() const {
  std::vector<Index> all;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, none)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(detail::checkpoint_prefix)) continue;
    Index step = 0;
    const char* end = name.data() + name.size();
    const auto [at, error] = std::from_chars(name.data() + detail::checkpoint_prefix.size(), end, step);
    if (error == std::errc() && at == end) all.push_back(step);
  }
  std::sort(all.begin(), all.end());
  return all;
}

NVEMBED_INLINE std::string Checkpoints::path(Index step) const {
  std::string digits = std::to_string(step);
  if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
  return cat(folder_, '/', detail::checkpoint_prefix, digits);
}

NVEMBED_INLINE std::string Checkpoints::begin(Index step) const {
  const std::string temporary = path(step) + ".tmp";
  detail::file_system(temporary, [&](std::error_code& e) { std::filesystem::remove_all(temporary, e); });
  detail::file_system(temporary, [&](std::error_code& e) { std::filesystem::create_directories(temporary, e); });
  return temporary;
}

NVEMBED_INLINE void Checkpoints::finish(const TrainingState& s, const std::string& temporary) const {
  const Json json{{"format", detail::checkpoint_format},
                  {"step", s.step},
                  {"stage", s.stage},
                  {"stage_step", s.stage_step},
                  {"skipped", s.guard.skipped},
                  {"skipped_in_a_row", s.guard.in_a_row},
                  {"score", detail::to_json(s.score)},
                  {"base", s.base},
                  {"identity", Json::parse(s.identity)}};
  write_file(temporary + "/state.json", json.dump(1), "checkpoint");
  const std::string to = path(s.step);
  detail::file_system(to, [&](std::error_code& e) { std::filesystem::remove_all(to, e); });
  detail::file_system(to, [&](std::error_code& e) { std::filesystem::rename(temporary, to, e); });
  sync_folder(folder_);
}

NVEMBED_INLINE TrainingState Checkpoints::read_state(Index step) const {
  const std::string file = path(step) + "/state.json";
  const Json j = parse_json(read_file(file), file);
  const Index format = json_get<Index>(j, "format", file);
  require<FileError>(format == detail::checkpoint_format, "checkpoint", file, " has format ", format, ", known is ",
                     detail::checkpoint_format);
  TrainingState s;
  s.step = json_get<Index>(j, "step", file);
  s.stage = json_get<Index>(j, "stage", file);
  s.stage_step = json_get<Index>(j, "stage_step", file);
  require<FileError>(s.step == step && s.stage >= 0 && s.stage_step >= 0 && s.stage_step <= s.step, "checkpoint", file,
                     ": step ", s.step, ", stage ", s.stage, ", step in it ", s.stage_step, " do not fit");
  s.guard.skipped = json_get<Index>(j, "skipped", file);
  s.guard.in_a_row = json_get<Index>(j, "skipped_in_a_row", file);
  if (json_find(j, "score")) s.score = json_get<double>(j, "score", file);
  s.base = json_get<std::string>(j, "base", file);
  s.identity = json_object(j, "identity", file).dump();
  return s;
}

NVEMBED_INLINE void Checkpoints::remove(Index step) const {
  // Under another name first, so that a half-removed one is never taken for one.
  const std::string from = path(step), away = from + ".tmp";
  detail::file_system(away, [&](std::error_code& e) { std::filesystem::remove_all(away, e); });
  detail::file_system(from, [&](std::error_code& e) { std::filesystem::rename(from, away, e); });
  detail::file_system(away, [&](std::error_code& e) { std::filesystem::remove_all(away, e); });
}

NVEMBED_INLINE void Checkpoints::clean(Index keep_last, std::optional<Index> best) const {
  std::error_code none;
  std::vector<std::filesystem::path> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, none)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(detail::checkpoint_prefix) && name.ends_with(".tmp")) left.push_back(entry.path());
  }
  for (const auto& path : left) std::filesystem::remove_all(path, none);
  const std::vector<Index> all = steps();
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep_last) < all.size(); ++i)
    if (all[i] != best) remove(all[i]);
}

NVEMBED_INLINE std::optional<optim::ParameterState> Checkpoints::parameter_state(const Safetensors& file,
                                                                                 const std::string& name) {
  const auto steps = file.metadata().find("steps." + name);
  if (steps == file.metadata().end()) return {};
  optim::ParameterState s;
  const std::string& digits = steps->second;
  const auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), s.steps);
  require<FileError>(error == std::errc() && at == digits.data() + digits.size(), "checkpoint", file.path(), ": ",
                     steps->first, " is ", digits);
  for (const std::string_view role : {"exp_avg", "exp_avg_sq", "master"}) {
    const Safetensors::Entry* e = file.find(cat(name, '.', role));
    if (!e) continue;
    const DType dtype = e->dtype == "BF16" ? DType::bf16 : DType::f32;
    require<FileError>((e->dtype == "BF16" || e->dtype == "F32") && !e->shape.empty() && e->shape.size() <= 2,
                       "checkpoint", file.path(), ": ", name, '.', role, " is no matrix of F32 or BF16");
    s.arrays.push_back(
        {role, dtype, e->shape.size() == 1 ? Shape{e->shape[0]} : Shape{e->shape[0], e->shape[1]}, e->bytes});
  }
  return s;
}

}  // namespace nvembed::train
