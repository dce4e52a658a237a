#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nvembed/core/error.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/short_number.hpp>
#include <nvembed/train/read_training_tasks.hpp>
#include <set>

namespace nvembed::train {
namespace detail {

inline std::optional<LabelOptions> label_options(const Json& task, const std::string& where) {
  const std::string mode = json_get_or<std::string>(task, "from_labels", "", where);
  if (mode.empty()) {
    require<FileError>(!json_find(task, "from_labels"), "training_tasks", where, ": from_labels: is empty");
    for (const char* key : {"negatives", "label_texts"})
      require<FileError>(!json_find(task, key), "training_tasks", where, ": ", key, " goes with from_labels");
    return std::nullopt;
  }
  LabelOptions o;
  require<FileError>(mode == "example" || mode == "label", "training_tasks", where,
                     ": from_labels: expected \"example\" or \"label\", found \"", printable(mode), "\"");
  o.mode = mode == "label" ? LabelMode::label : LabelMode::example;
  o.negatives = json_get_or<Index>(task, "negatives", o.negatives, where);
  require<FileError>(o.negatives > 0, "training_tasks", where, ": negatives: is ", o.negatives);
  if (json_find(task, "label_texts"))
    for (const auto& [label, text] : json_object(task, "label_texts", where).items())
      o.texts[label] = json_as<std::string>(text, cat("label_texts, ", printable(label)), where);
  return o;
}

inline std::optional<GradeRange> grade_range(const Json& task, const std::string& where) {
  if (!json_find(task, "grades")) return std::nullopt;
  const Json& range = json_array(task, "grades", where);
  require<FileError>(range.size() == 2, "training_tasks", where,
                     ": grades: expected the lowest and the highest, found ", range.size(), " numbers");
  const GradeRange r{json_as<double>(range[0], "grades", where), json_as<double>(range[1], "grades", where)};
  require<FileError>(r.low < r.high && std::isfinite(r.high - r.low), "training_tasks", where,
                     ": grades: ", short_number(r.low), " is not below ", short_number(r.high));
  require<FileError>(!json_find(task, "from_labels"), "training_tasks", where, ": grades do not go with from_labels");
  return r;
}

}  // namespace detail

NVEMBED_INLINE std::vector<TrainingTask> read_training_tasks(const std::string& path,
                                                             const std::vector<std::string>& only) {
  const std::string list = is_folder(path) ? path + "/tasks.json" : path;
  const std::string folder = std::filesystem::path(list).parent_path().string();
  const Json tasks = parse_json(read_file(list), list, DuplicateKeys::refuse);
  require<FileError>(tasks.is_array(), "training_tasks", list, ": expected an array of tasks, found ",
                     tasks.type_name());
  require<FileError>(!tasks.empty(), "training_tasks", list, ": no tasks");
  std::vector<TrainingTask> all;
  std::set<std::string> names;
  for (const Json& task : tasks) {
    std::string where = cat(list, ": task ", all.size() + 1);
    TrainingTask t;
    t.name = json_get<std::string>(task, "name", where);
    require<FileError>(!t.name.empty(), "training_tasks", where, ": name: is empty");
    where += cat(" (", printable(t.name), ")");
    require<FileError>(names.insert(t.name).second, "training_tasks", where, ": a task before it has the same name");
    t.kind = json_get<std::string>(task, "kind", where);
    t.instruction = json_get<std::string>(task, "instruction", where);
    t.symmetric = json_get<bool>(task, "symmetric", where);
    t.in_batch_negatives = json_get<bool>(task, "in_batch_negatives", where);
    if (json_find(task, "count")) {
      t.count = json_get<Index>(task, "count", where);
      require<FileError>(t.count > 0, "training_tasks", where, ": count: is ", t.count);
    }
    const std::string file = json_get_or<std::string>(task, "file", t.name + ".jsonl", where);
    t.file = folder.empty() ? file : folder + "/" + file;
    t.labels = detail::label_options(task, where);
    t.grades = detail::grade_range(task, where);
    require<FileError>(!t.grades || !t.in_batch_negatives, "training_tasks", where,
                       ": graded pairs have no in_batch_negatives");
    all.push_back(std::move(t));
  }
  std::string known;
  for (const TrainingTask& t : all) known += (known.empty() ? "" : ", ") + t.name;
  for (const std::string& name : only)
    require<InputError>(
        std::any_of(all.begin(), all.end(), [&](const auto& t) { return name == t.name || name == t.kind; }),
        "training_tasks", list, " has no task or kind \"", printable(name), "\"; its tasks are ",
        printable(known, 2000));
  if (!only.empty())
    std::erase_if(all, [&](const TrainingTask& t) {
      return std::none_of(only.begin(), only.end(), [&](const auto& name) { return name == t.name || name == t.kind; });
    });
  return all;
}

}  // namespace nvembed::train
