#pragma once

#include <map>
#include <nvembed/train/open_tasks.hpp>
#include <nvembed/train/stage_data.hpp>
#include <utility>

namespace nvembed::train {

NVEMBED_INLINE StageData open_stage_data(const Recipe& recipe, const RecipeStage& stage,
                                         const std::function<void(const std::string&)>& notice) {
  require<InputError>(!stage.losses.empty(), "recipe", stage.name, " has no loss");
  require<InputError>(!stage.needs_teacher() || stage.teacher, "recipe", stage.name, ": its loss needs a teacher");
  if (notice && stage.warmup_steps >= stage.steps)
    notice(cat("[recipe] ", stage.name, ": a warm-up of ", stage.warmup_steps, " steps in ", stage.steps,
               ": the rate never comes to learning_rate"));
  std::vector<TaskRecords> tasks;
  SamplerOptions options{stage.batch, stage.size_exponent, {}, stage.mix, recipe.seed};
  OpenTasksOptions open;
  open.seed = recipe.seed;
  open.files.on_bad_record = recipe.skip_bad_records ? OnBadRecord::skip : OnBadRecord::error;
  open.files.notice = notice;
  for (const RecipeData& data : stage.data) {
    open.only = data.only;
    std::map<std::string, double> weights = data.weights;
    for (TaskRecords& t : open_tasks(data.tasks, open)) {
      const auto weight = weights.extract(t.task.name);
      options.weights.push_back(weight ? weight.mapped() : 1);
      require<InputError>(t.task.grades.has_value() == stage.graded(), "recipe", stage.name, ": task ", t.task.name,
                          t.task.grades ? " holds graded pairs, which cosent and cosine_mse compare"
                                        : " holds no graded pairs, which its loss compares; tasks.json says so by "
                                          "grades");
      if (notice && !stage.in_batch_negatives && t.task.in_batch_negatives &&
          t.counts.with_negatives < t.counts.records)
        notice(cat("[recipe] ", stage.name, ": ", t.counts.records - t.counts.with_negatives, " of ", t.counts.records,
                   " records of ", t.task.name, " have no negatives, and the stage has no in-batch ones"));
      tasks.push_back(std::move(t));
    }
    require<InputError>(weights.empty(), "recipe", stage.name, ": weights names ",
                        weights.empty() ? std::string() : weights.begin()->first, ", which is not among its tasks");
  }
  std::vector<Index> numbers = record_numbers(tasks);
  StageData opened{std::move(tasks), Sampler(std::move(numbers), std::move(options))};
  if (stage.teacher) {
    const RecipeTeacher& t = *stage.teacher;
    opened.teacher.emplace(StageTeacher{{t.queries.texts, t.queries.vectors}, {t.passages.texts, t.passages.vectors}});
    require<InputError>(opened.teacher->queries.dim() == opened.teacher->passages.dim(), "teacher", stage.name,
                        ": vectors of queries have ", opened.teacher->queries.dim(), " components, those of passages ",
                        opened.teacher->passages.dim());
  }
  return opened;
}

}  // namespace nvembed::train
