#pragma once

#include <cstdlib>
#include <filesystem>
#include <nvembed/io/json.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/train/read_recipe.hpp>
#include <nvembed/train/recipe_section.hpp>
#include <set>
#include <utility>

namespace nvembed::train {
namespace detail {

/// A path as the recipe means it.
inline std::string recipe_path(const std::filesystem::path& folder, const std::string& path) {
  if (path.empty()) return path;
  if (path.starts_with("~/"))
    if (const char* home = std::getenv("HOME"); home && *home)
      return (std::filesystem::path(home) / path.substr(2)).string();
  const std::filesystem::path p(path);
  return (p.is_absolute() ? p : folder / p).lexically_normal().string();
}

inline constexpr double most = 1e15;

inline RecipeData read_data(const Json& json, const std::string& where, const std::filesystem::path& folder) {
  RecipeData data;
  if (json.is_string()) {
    data.tasks = recipe_path(folder, json.get<std::string>());
    return data;
  }
  Section s(json, where);
  s.require_key("tasks", data.tasks);
  data.tasks = recipe_path(folder, data.tasks);
  s.read("only", data.only);
  s.read("weights", data.weights);
  s.refuse_others();
  return data;
}

inline RecipeLoss read_loss(const Json& given, const std::string& where) {
  using Type = RecipeLossType;
  const Json json = given.is_string() ? Json{{"type", given}} : given;
  RecipeLoss loss;
  Section s(json, where);
  s.read_word("type", loss.type,
              {{"info_nce", Type::info_nce},
               {"triplet", Type::triplet},
               {"cosent", Type::cosent},
               {"cosine_mse", Type::cosine_mse},
               {"score_distillation", Type::score_distillation},
               {"embedding_distillation", Type::embedding_distillation}});
  s.read_in("weight", loss.weight, 0, most);
  if (loss.type == Type::cosent) loss.temperature = 0.05;
  if (loss.type == Type::info_nce || loss.type == Type::cosent || loss.type == Type::score_distillation)
    s.read_in("temperature", loss.temperature, 1e-4, 100);
  switch (loss.type) {
    case Type::info_nce:
      s.read("others_hard_negatives", loss.others_hard_negatives);
      s.read("both_directions", loss.both_directions);
      s.read("margin", loss.margin);
      s.read("margin_on_hard_negatives", loss.margin_on_hard_negatives);
      break;
    case Type::triplet:
      s.read("others_hard_negatives", loss.others_hard_negatives);
      s.read("margin", loss.margin);
      s.read_word("distance", loss.triplet_distance,
                  {{"cosine", loss::TripletDistance::cosine}, {"euclidean", loss::TripletDistance::euclidean}});
      break;
    case Type::score_distillation:
      s.read_in("teacher_temperature", loss.teacher_temperature, 1e-4, 100);
      break;
    case Type::embedding_distillation:
      s.read_word("distance", loss.embedding_distance,
                  {{"cosine", loss::EmbeddingDistance::cosine}, {"mse", loss::EmbeddingDistance::mse}});
      break;
    case Type::cosent:
    case Type::cosine_mse:
      break;
  }
  if (loss.type != Type::embedding_distillation) s.read("dims", loss.dims);
  for (const Index d : loss.dims) require<FileError>(d > 0, "recipe", where, ": dims has ", d);
  const bool far = loss.type == Type::triplet && loss.margin && !(*loss.margin >= 0 && *loss.margin <= 100);
  require<FileError>(!far, "recipe", where, ": margin is ", short_number(loss.margin.value_or(0)),
                     "; it should be 0 to 100");
  s.refuse_others();
  return loss;
}

/// One loss, or a list of them.
inline std::vector<RecipeLoss> read_losses(const Json& json, const std::string& where) {
  std::vector<RecipeLoss> losses;
  if (json.is_array())
    for (std::size_t i = 0; i < json.size(); ++i) losses.push_back(read_loss(json[i], cat(where, ".", i)));
  else
    losses.push_back(read_loss(json, where));
  bool graded = false, ranked = false, weighs = false;
  for (const RecipeLoss& l : losses) {
    graded |= l.graded();
    ranked |= !l.graded() && l.type != RecipeLossType::embedding_distillation;
    weighs |= l.weight > 0;
  }
  require<FileError>(weighs, "recipe", where, ": no loss has a weight");
  require<FileError>(!(graded && ranked), "recipe", where,
                     ": cosent and cosine_mse compare graded pairs, the other losses know none; make two stages");
  return losses;
}

inline RecipeTexts read_texts(Section& parent, std::string_view key, const std::filesystem::path& folder) {
  RecipeTexts texts;
  const Json* json = parent.find(key);
  require<FileError>(json != nullptr, "recipe", parent.where(key), " is missing");
  Section s(*json, parent.where(key));
  s.require_key("texts", texts.texts);
  s.require_key("vectors", texts.vectors);
  s.refuse_others();
  return {recipe_path(folder, texts.texts), recipe_path(folder, texts.vectors)};
}

inline RecipeTeacher read_teacher(const Json& json, const std::string& where, const std::filesystem::path& folder) {
  Section s(json, where);
  RecipeTeacher teacher{read_texts(s, "queries", folder), read_texts(s, "passages", folder)};
  s.refuse_others();
  return teacher;
}

inline RecipeStage read_stage(const Json& json, const std::string& where, const std::filesystem::path& folder) {
  RecipeStage stage;
  Section s(json, where);
  s.read("name", stage.name);
  const Json* data = s.find("data");
  require<FileError>(data != nullptr, "recipe", where, ": data is missing");
  if (data->is_array()) {
    for (std::size_t i = 0; i < data->size(); ++i)
      stage.data.push_back(read_data((*data)[i], cat(s.where("data"), ".", i), folder));
  } else {
    stage.data.push_back(read_data(*data, s.where("data"), folder));
  }
  require<FileError>(!stage.data.empty(), "recipe", where, ": data is an empty list");
  s.read_in("size_exponent", stage.size_exponent, 0, 1);
  s.read_word("batches", stage.mix, {{"mixed", BatchMix::mixed}, {"homogeneous", BatchMix::homogeneous}});
  s.read_in("batch", stage.batch, 1, 1 << 20);
  s.read_in("hard_negatives", stage.hard_negatives, 0, 1 << 16);
  s.read("in_batch_negatives", stage.in_batch_negatives);
  s.read_in("query_max_length", stage.query_max_length, 1, 1 << 20);
  s.read_in("passage_max_length", stage.passage_max_length, 1, 1 << 20);
  if (const Json* loss = s.find("loss")) stage.losses = read_losses(*loss, s.where("loss"));
  if (const Json* teacher = s.find("teacher")) stage.teacher = read_teacher(*teacher, s.where("teacher"), folder);
  require<FileError>(stage.needs_teacher() == stage.teacher.has_value(), "recipe", where,
                     stage.teacher ? ": teacher goes with score_distillation or embedding_distillation"
                                   : ": its loss needs a teacher");
  s.require_key("steps", stage.steps);
  s.read_in("steps", stage.steps, 1, 1e12);
  s.read_in("learning_rate", stage.learning_rate, 0, 100);
  s.read_in("warmup_steps", stage.warmup_steps, 0, 1e12);
  s.read_word(
      "schedule", stage.schedule,
      {{"linear", RecipeSchedule::linear}, {"cosine", RecipeSchedule::cosine}, {"constant", RecipeSchedule::constant}});
  s.read_word("optimizer", stage.optimizer, {{"adam", RecipeOptimizer::adam}, {"adamw", RecipeOptimizer::adamw}});
  s.read_in("beta1", stage.beta1, 0, 1);
  s.read_in("beta2", stage.beta2, 0, 1);
  s.read_in("eps", stage.eps, 0, 1);
  s.read_in("weight_decay", stage.weight_decay, 0, 100);
  s.read_in("max_gradient_norm", stage.max_gradient_norm, 0, most);
  s.read("lr_scale", stage.lr_scale);
  s.refuse_others();
  return stage;
}

inline nn::LoraOptions read_lora(const Json& json, const std::string& where) {
  nn::LoraOptions lora;
  Section s(json, where);
  s.read_in("rank", lora.rank, 1, 1 << 16);
  s.read_in("alpha", lora.alpha, -most, most);
  s.read_in("dropout", lora.dropout, 0, 0.999);
  s.read("rslora", lora.rslora);
  s.read("target_modules", lora.target_modules);
  s.read("layers", lora.layers);
  require<FileError>(!lora.target_modules.empty(), "recipe", where, ": target_modules is empty");
  s.refuse_others();
  return lora;
}

inline RecipeHead read_head(const Json& json, const std::string& where) {
  RecipeHead head;
  Section s(json, where);
  s.read_in("num_latents", head.num_latents, 1, 1 << 16);
  s.read_in("num_heads", head.num_heads, 1, 1 << 12);
  s.read_in("head_dim", head.head_dim, 1, 1 << 16);
  s.read_in("mult", head.mult, 1, 64);
  s.read_word("start", head.start, {{"mean", pool::LatentStart::mean}, {"released", pool::LatentStart::released}});
  s.refuse_others();
  return head;
}

inline RecipeEvaluation read_evaluation(const Json& json, const std::string& where,
                                        const std::filesystem::path& folder) {
  RecipeEvaluation e;
  Section s(json, where);
  s.require_key("tasks", e.tasks);
  e.tasks = recipe_path(folder, e.tasks);
  s.read("only", e.only);
  s.read_in("sample", e.sample, 1e-6, 1);
  s.read_in("max_length", e.max_length, 1, 1 << 20);
  s.read_in("every", e.every, 0, 1e12);
  s.refuse_others();
  return e;
}

inline void flatten(const Json& j, const std::string& prefix, std::map<std::string, std::string>& out) {
  if (j.is_structured() && !j.empty()) {
    if (j.is_array())
      for (std::size_t i = 0; i < j.size(); ++i) flatten(j[i], cat(prefix, prefix.empty() ? "" : ".", i), out);
    else
      for (const auto& [k, v] : j.items()) flatten(v, cat(prefix, prefix.empty() ? "" : ".", k), out);
  } else {
    out[prefix] = j.dump();
  }
}

}  // namespace detail

NVEMBED_INLINE Recipe read_recipe(const std::string& path) {
  const Json json = parse_json(read_file(path), path, DuplicateKeys::refuse);
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  Recipe r;
  detail::Section s(json, path, true);
  s.require_key("model", r.model);
  r.model = detail::recipe_path(folder, r.model);
  s.require_key("output", r.output);
  r.output = detail::recipe_path(folder, r.output);
  s.read("mask", r.mask);
  s.read("pool", r.pool);
  s.read("precision", r.precision);
  if (const Json* head = s.find("latent_attention")) r.head = detail::read_head(*head, s.where("latent_attention"));
  if (const Json* lora = s.find("lora")) r.lora = detail::read_lora(*lora, s.where("lora"));
  s.read("full", r.full);
  s.read("seed", r.seed);
  s.read_in("chunk_tokens", r.chunk_tokens, 1, 1e12);
  s.read("recompute", r.recompute);
  s.read_word("moments", r.moments, {{"f32", optim::Moments::wide}, {"bf16", optim::Moments::bf16}});
  s.read_in("most_skipped", r.most_skipped, 1, 1e12);
  s.read_in("checkpoint_every", r.checkpoint_every, 1, 1e12);
  s.read_in("keep_last", r.keep_last, 1, 1e12);
  s.read("keep_best", r.keep_best);
  s.read_word("embedder", r.take_best, {{"last", false}, {"best", true}});
  s.read("skip_bad_records", r.skip_bad_records);
  if (const Json* e = s.find("evaluation")) r.evaluation = detail::read_evaluation(*e, s.where("evaluation"), folder);
  const Json* stages = s.find("stages");
  require<FileError>(stages && stages->is_array() && !stages->empty(), "recipe", path,
                     ": stages should be a list of at least one stage");
  for (std::size_t i = 0; i < stages->size(); ++i) {
    r.stages.push_back(detail::read_stage((*stages)[i], cat(s.where("stages"), ".", i), folder));
    if (r.stages.back().name.empty()) r.stages.back().name = cat("stage ", i + 1);
  }
  s.refuse_others();
  if (r.lora) r.lora->seed = r.seed;
  require<FileError>(!r.take_best || (r.keep_best && !r.evaluation.tasks.empty()), "recipe", path,
                     ": embedder best needs keep_best and an evaluation");
  return r;
}

NVEMBED_INLINE std::string recipe_identity(const Recipe& r, const std::vector<std::vector<Index>>& records,
                                           const std::vector<std::string>& teachers) {
  Json j{{"mask", r.mask},
         {"pool", r.pool},
         {"precision", r.precision},
         {"full", r.full},
         {"seed", r.seed},
         {"chunk_tokens", r.chunk_tokens},
         {"recompute", r.recompute},
         {"moments", r.moments == optim::Moments::bf16 ? "bf16" : "f32"},
         {"skip_bad_records", r.skip_bad_records}};
  if (r.head)
    j["latent_attention"] = {{"num_latents", r.head->num_latents},
                             {"num_heads", r.head->num_heads},
                             {"head_dim", r.head->head_dim},
                             {"mult", r.head->mult},
                             {"start", r.head->start == pool::LatentStart::mean ? "mean" : "released"}};
  if (r.lora)
    j["lora"] = {{"rank", r.lora->rank},
                 {"alpha", r.lora->alpha},
                 {"dropout", r.lora->dropout},
                 {"rslora", r.lora->rslora},
                 {"target_modules", r.lora->target_modules},
                 {"layers", r.lora->layers}};
  for (const RecipeStage& s : r.stages) {
    Json data = Json::array();
    for (const RecipeData& d : s.data)
      data.push_back(
          {{"tasks", std::filesystem::path(d.tasks).filename().string()}, {"only", d.only}, {"weights", d.weights}});
    Json losses = Json::array();
    for (const RecipeLoss& l : s.losses)
      losses.push_back({{"type", static_cast<int>(l.type)},
                        {"weight", l.weight},
                        {"temperature", l.temperature},
                        {"teacher_temperature", l.teacher_temperature},
                        {"others_hard_negatives", l.others_hard_negatives},
                        {"both_directions", l.both_directions},
                        {"margin", l.margin ? Json(*l.margin) : Json()},
                        {"margin_on_hard_negatives", l.margin_on_hard_negatives},
                        {"triplet_distance", static_cast<int>(l.triplet_distance)},
                        {"embedding_distance", static_cast<int>(l.embedding_distance)},
                        {"dims", l.dims}});
    j["stages"].push_back({{"data", data},
                           {"size_exponent", s.size_exponent},
                           {"batches", s.mix == BatchMix::mixed ? "mixed" : "homogeneous"},
                           {"batch", s.batch},
                           {"hard_negatives", s.hard_negatives},
                           {"in_batch_negatives", s.in_batch_negatives},
                           {"query_max_length", s.query_max_length},
                           {"passage_max_length", s.passage_max_length},
                           {"loss", losses},
                           {"steps", s.steps},
                           {"learning_rate", s.learning_rate},
                           {"warmup_steps", s.warmup_steps},
                           {"schedule", static_cast<int>(s.schedule)},
                           {"optimizer", s.optimizer == RecipeOptimizer::adam ? "adam" : "adamw"},
                           {"beta1", s.beta1},
                           {"beta2", s.beta2},
                           {"eps", s.eps},
                           {"weight_decay", s.weight_decay},
                           {"max_gradient_norm", s.max_gradient_norm},
                           {"lr_scale", s.lr_scale}});
  }
  if (!records.empty()) j["records"] = records;
  if (!teachers.empty()) j["teachers"] = teachers;
  return j.dump();
}

NVEMBED_INLINE std::vector<std::string> recipe_differences(const std::string& a, const std::string& b) {
  std::map<std::string, std::string> x, y;
  detail::flatten(Json::parse(a), "", x);
  detail::flatten(Json::parse(b), "", y);
  std::vector<std::string> names;
  for (const auto& [name, value] : x)
    if (const auto at = y.find(name); at == y.end() || at->second != value) names.push_back(name);
  for (const auto& [name, value] : y)
    if (!x.contains(name)) names.push_back(name);
  return names;
}

}  // namespace nvembed::train
