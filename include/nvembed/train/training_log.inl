#pragma once

#include <cmath>
#include <nvembed/io/atomic_file.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/train/training_log.hpp>

namespace nvembed::train {
namespace detail {

/// JSON has no NaN and no infinity: they become null.
inline Json number(double x) { return std::isfinite(x) ? Json(x) : Json(); }
inline double number(const Json& j, const char* key, const std::string& where) {
  return json_find(j, key) ? json_get<double>(j, key, where) : std::nan("");
}

inline std::string log_line(const StepLog& s) {
  Json j{{"event", "step"},
         {"step", s.step},
         {"stage", s.stage},
         {"loss", number(s.loss)},
         {"lr", number(s.lr)},
         {"gradient_norm", number(s.gradient_norm)},
         {"tokens", s.tokens},
         {"seconds", number(s.seconds)},
         {"queries", s.queries},
         {"negatives", s.negatives},
         {"without_negatives", s.without_negatives},
         {"masked", s.masked},
         {"unusable", s.unusable},
         {"truncated", s.truncated}};
  if (!s.skipped.empty()) j["skipped"] = s.skipped;
  return j.dump();
}
inline std::string log_line(const EvaluationLog& e) {
  return Json{{"event", "evaluation"},
              {"step", e.step},
              {"overall", number(e.overall)},
              {"tasks", e.tasks},
              {"seconds", number(e.seconds)}}
      .dump();
}

}  // namespace detail

NVEMBED_INLINE void TrainingLog::append(const std::string& line) const {
  FileDescriptor file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  require_system(file.get(), "log", path_);
  require_system(write_all(file.get(), line + "\n") && file.close() ? 0 : -1, "log", path_);
}
NVEMBED_INLINE void TrainingLog::add(const StepLog& step) const { append(detail::log_line(step)); }
NVEMBED_INLINE void TrainingLog::add(const EvaluationLog& evaluation) const { append(detail::log_line(evaluation)); }

NVEMBED_INLINE TrainingLog::Content TrainingLog::read() const {
  Content all;
  if (!file_exists(path_)) return all;
  const std::string content = read_file(path_);
  Index number = 0;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t end = content.find('\n', at);
    if (end == content.npos) break;  // cut short when the run was killed
    const std::string where = cat(path_, ", line ", ++number);
    const Json j = parse_json(std::string_view(content).substr(at, end - at), where);
    at = end + 1;
    const std::string event = json_get<std::string>(j, "event", where);
    const auto index = [&](const char* key) { return json_get_or<Index>(j, key, 0, where); };
    if (event == "step") {
      StepLog s;
      s.step = json_get<Index>(j, "step", where);
      s.stage = index("stage");
      s.loss = detail::number(j, "loss", where);
      s.lr = detail::number(j, "lr", where);
      s.gradient_norm = detail::number(j, "gradient_norm", where);
      s.tokens = index("tokens");
      s.seconds = detail::number(j, "seconds", where);
      s.queries = index("queries");
      s.negatives = index("negatives");
      s.without_negatives = index("without_negatives");
      s.masked = index("masked");
      s.unusable = index("unusable");
      s.truncated = index("truncated");
      s.skipped = json_get_or<std::string>(j, "skipped", "", where);
      all.steps.push_back(std::move(s));
    } else if (event == "evaluation") {
      EvaluationLog e;
      e.step = json_get<Index>(j, "step", where);
      e.overall = detail::number(j, "overall", where);
      e.seconds = detail::number(j, "seconds", where);
      for (const auto& [name, score] : json_object(j, "tasks", where).items())
        e.tasks[name] = json_as<double>(score, name, where);
      all.evaluations.push_back(std::move(e));
    }
  }
  return all;
}

NVEMBED_INLINE void TrainingLog::cut(Index step) const {
  if (!file_exists(path_)) return;
  const Content all = read();
  // In the order of events: an evaluation stands behind the step that it follows.
  std::string kept;
  auto evaluation = all.evaluations.begin();
  const auto evaluations_to = [&](Index last) {
    for (; evaluation != all.evaluations.end() && evaluation->step <= last; ++evaluation)
      kept += detail::log_line(*evaluation) + "\n";
  };
  for (const StepLog& s : all.steps) {
    if (s.step > step) break;
    evaluations_to(s.step - 1);
    kept += detail::log_line(s) + "\n";
  }
  evaluations_to(step);
  write_file(path_, kept, "log");
}

}  // namespace nvembed::train
