#pragma once

#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <nvembed/core/host_memory.hpp>
#include <nvembed/core/trainable_backend.hpp>
#include <nvembed/embed/save_embedder.hpp>
#include <nvembed/embed/text_embedder.hpp>
#include <nvembed/io/file_descriptor.hpp>
#include <nvembed/optim/clip.hpp>
#include <nvembed/optim/step_guard.hpp>
#include <nvembed/train/checkpoint.hpp>
#include <nvembed/train/grad_cache.hpp>
#include <nvembed/train/open_tasks.hpp>
#include <nvembed/train/prepared_batch.hpp>
#include <nvembed/train/read_recipe.hpp>
#include <nvembed/train/stage_data.hpp>
#include <nvembed/train/stage_loss.hpp>
#include <nvembed/train/stage_optimizer.hpp>
#include <nvembed/train/training_log.hpp>
#include <nvembed/train/tuned_model.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace nvembed::train {

/// How far a run is.
struct TrainingProgress {
  std::string_view stage;     ///< its name
  Index step = 0, steps = 0;  ///< done, of how many, all stages together
  double share = 0;           ///< of the run
  double loss = 0, lr = 0;    ///< of the last step
  Index tokens = 0;           ///< in this process
};

/// What a run tells and asks, all on its own thread.
struct TrainingHooks {
  std::function<void(const std::string&)> notice{};         ///< what a user should know, one line each
  std::function<void(const TrainingProgress&)> progress{};  ///< several times a step
  /// Scores the model as it is: `overall` and a score for each task. Called as the recipe's `evaluation` has it.
  std::function<EvaluationLog()> evaluate{};
  /// Called after every checkpoint and at the end, when log and weights are on disk.
  std::function<void()> saved{};
  std::stop_token stop{};  ///< a run that is stopped saves what it has and returns
};

/// Runs a recipe: stages of contrastive steps over a model, with log and checkpoints in the recipe's output folder.
/// Batches, dropout and schedules are functions of (seed, step), so a run that goes on from a checkpoint comes to the
/// same bits as one that was never stopped, on the same machine. One trainer at a time writes to a folder.
template <class B>
requires HostMemory<B> && TrainableBackend<B>
class Trainer {
 public:
  /// Opens records and base. Throws what opening them throws; InputError where the recipe does not fit the base,
  /// MemoryError where weights or optimizer would not fit.
  Trainer(std::shared_ptr<const B> be, Recipe recipe, TrainingHooks hooks = {}, const LoadOptions& load = {})
      : be_(std::move(be)),
        recipe_(std::move(recipe)),
        hooks_(std::move(hooks)),
        log_(recipe_.output + "/log.jsonl"),
        checkpoints_(recipe_.output + "/checkpoints"),
        stages_(open_stages()),
        tuned_(make_tuned_model(*be_, recipe_, load)),
        inputs_(tuned_.files.tokenizer, tuned_.files.settings) {
    std::vector<std::vector<Index>> records;
    std::vector<std::string> teachers;
    for (const StageData& data : stages_) {
      records.push_back(record_numbers(data.tasks));
      if (data.teacher) teachers.push_back(cat(data.teacher->queries.digest(), ' ', data.teacher->passages.digest()));
    }
    state_.identity = recipe_identity(recipe_, records, teachers);
    state_.base = tuned_.files.digest();
    for (std::size_t i = 0; i < stages_.size(); ++i)
      for (const RecipeLoss& l : recipe_.stages[i].losses)
        require<InputError>(l.type != RecipeLossType::embedding_distillation ||
                                stages_[i].teacher->queries.dim() == tuned_.model->dim(),
                            "recipe", recipe_.stages[i].name, ": the teacher's vectors have ",
                            stages_[i].teacher->queries.dim(), " components, the model's ", tuned_.model->dim());
    start_stage();
  }

  const Recipe& recipe() const { return recipe_; }
  const TunedModel<B>& tuned() const { return tuned_; }
  const TrainingState& state() const { return state_; }
  const TrainingLog& log() const { return log_; }
  const Checkpoints& checkpoints() const { return checkpoints_; }
  bool finished() const { return state_.stage == static_cast<Index>(recipe_.stages.size()); }

  /// The model as it is now, for encoding; it changes with every step.
  TextEmbedder<B> embedder() const {
    return TextEmbedder<B>(be_, std::shared_ptr<const typename TunedModel<B>::Model>(tuned_.model),
                           tuned_.files.tokenizer, tuned_.files.settings, state_.base, tuned_.precision);
  }

  /// Whether the output folder holds checkpoints of an earlier run.
  bool can_resume() const { return !checkpoints_.steps().empty(); }
  /// Takes up the newest checkpoint. Throws FileError where there is none, it is broken, or it is of another recipe or
  /// base, naming the settings that differ; then nothing has been changed.
  void resume() {
    const std::vector<Index> all = checkpoints_.steps();
    require<FileError>(!all.empty(), "train", recipe_.output, " holds no checkpoint to go on from");
    load_checkpoint(all.back());
    log_.cut(state_.step);
  }

  /// Writes the model as it is now as an embedder folder (embed/save_embedder.hpp); the base's files are read for their
  /// SHA-256.
  void save_embedder(const std::filesystem::path& folder) const {
    nvembed::save_embedder(*be_, *tuned_.model, describe_embedder(tuned_.files, folder, tuned_.precision, true),
                           lora_options(), folder,
                           [&](const std::string&, const auto& p) { return tuned_.trainable.find(&p) != nullptr; });
  }
  /// Takes up the checkpoint with the best evaluation, where one was kept; the run is over then.
  void take_best() {
    if (const auto best = best_step()) load_checkpoint(*best);
  }

  /// Steps until the recipe is done or the run is stopped. Returns whether it is done.
  bool run() {
    std::filesystem::create_directories(recipe_.output + "/checkpoints");
    const FileDescriptor lock = open_exclusive(recipe_.output + "/.lock", "train");
    if (state_.step == 0) evaluate();
    while (!finished()) {
      if (hooks_.stop.stop_requested() || !step()) {
        save();
        return false;
      }
      const bool end = state_.stage_step == stage().steps;
      const Index every = recipe_.evaluation.every;
      state_.score.reset();
      if (end || (every > 0 && state_.step % every == 0)) evaluate();
      if (end) {
        ++state_.stage;
        state_.stage_step = 0;
        if (!finished()) start_stage();
      }
      if (end || state_.step % recipe_.checkpoint_every == 0) save();
    }
    return true;
  }

 private:
  /// The recipe's, or those of the adapter that the base has and that is trained on.
  nn::LoraOptions lora_options() const {
    if (recipe_.lora) return *recipe_.lora;
    if (tuned_.files.adapter) return tuned_.files.adapter->options();
    nn::LoraOptions none;
    none.dropout = 0;
    return none;
  }

  std::vector<StageData> open_stages() const {
    std::vector<StageData> all;
    for (const RecipeStage& stage : recipe_.stages) all.push_back(open_stage_data(recipe_, stage, hooks_.notice));
    return all;
  }

  const RecipeStage& stage() const { return recipe_.stages[static_cast<std::size_t>(state_.stage)]; }

  /// NV-Embed starts its second stage with a fresh optimizer, too.
  void start_stage() {
    optimizer_.reset();  // its memory first
    optimizer_.emplace(*be_, *tuned_.model, tuned_.trainable, recipe_, stage());
    guard_.emplace(recipe_.most_skipped, state_.guard);
    next_ = {};
  }

  std::future<PreparedBatch> prepare(Index at) const {
    const StageData& own = stages_[static_cast<std::size_t>(state_.stage)];
    return std::async(std::launch::async,
                      [this, &own, at, s = &stage()] { return prepare_batch(own, at, *s, recipe_.seed, inputs_); });
  }

  /// Nothing of a batch can be compared.
  struct NothingToCompare : InputError {
    using InputError::InputError;
  };
  struct Stopped {};

  /// One step; false where it was stopped in the middle: then nothing has changed.
  bool step() {
    const auto start = std::chrono::steady_clock::now();
    PreparedBatch batch = (next_.valid() ? std::move(next_) : prepare(state_.stage_step)).get();
    if (state_.stage_step + 1 < stage().steps) next_ = prepare(state_.stage_step + 1);
    for (const std::string& line : batch.unusable) notice(line + "; its query is left out");

    StepLog log;
    log.step = state_.step + 1, log.stage = state_.stage;
    log.unusable = static_cast<Index>(batch.unusable.size());
    log.truncated = batch.truncated, log.tokens = batch.tokens;
    log.lr = learning_rate(stage(), state_.stage_step);
    const auto counts = std::make_shared<loss::InfoNceCounts>();
    GradCacheResult<B, float> result;
    result.loss = std::numeric_limits<double>::quiet_NaN();
    optim::GradientNorm norm{std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
    try {
      if (batch.queries == 0) throw NothingToCompare("no query of the batch is usable");
      result = gradients(batch, counts);
      norm = optim::clip_gradient_norm<B>(
          lane_, result.gradients,
          stage().max_gradient_norm > 0 ? stage().max_gradient_norm : std::numeric_limits<double>::infinity());
    } catch (const NothingToCompare& e) {
      log.skipped = e.what();
    } catch (const Stopped&) {
      return false;
    }
    if (log.skipped.empty() && !(std::isfinite(result.loss) && norm.finite()))
      log.skipped = cat("loss ", result.loss, ", gradient ", norm.norm, ": not finite");
    log.loss = result.loss, log.gradient_norm = norm.norm;
    log.queries = counts->rows, log.negatives = counts->negatives, log.without_negatives = counts->skipped;
    log.masked = counts->masked_right + counts->masked_score;
    if (!log.skipped.empty()) notice(cat("step ", log.step, " is skipped: ", log.skipped));
    if (guard_->admit(result.loss, norm.norm)) optimizer_->step(result.gradients, log.lr, norm.scale);
    state_.guard = guard_->counts();
    ++state_.step, ++state_.stage_step;
    log.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    log_.add(log);
    tokens_ += batch.tokens;
    last_loss_ = log.loss, last_lr_ = log.lr;
    report(0);
    return true;
  }

  GradCacheResult<B, float> gradients(const PreparedBatch& batch, const std::shared_ptr<loss::InfoNceCounts>& counts) {
    const StageData& data = stages_[static_cast<std::size_t>(state_.stage)];
    const StageLoss loss(stage(), batch, data.teacher ? &*data.teacher : nullptr, counts);
    const auto value = [&](auto& cx, const auto& a, const auto& b) {
      try {
        return loss(cx, a, b);
      } catch (const InputError& e) {
        throw NothingToCompare(e.what());
      }
    };
    GradCacheOptions options{recipe_.chunk_tokens, recipe_.recompute};
    if (lora_options().dropout > 0) options.rng = CounterRng(recipe_.seed).at(static_cast<std::uint64_t>(state_.step));
    Index done = 0;
    options.progress = [&](Index tokens) {
      if (hooks_.stop.stop_requested()) throw Stopped();
      done += tokens;
      report(static_cast<double>(done) / static_cast<double>(2 * batch.tokens));
    };
    return grad_cache(*be_, lane_, *tuned_.model, tuned_.trainable, batch.texts, batch.ids, batch.queries, value,
                      options);
  }

  void report(double share_of_step) {
    if (!hooks_.progress) return;
    const Index steps = recipe_.steps();
    hooks_.progress({finished() ? std::string_view() : std::string_view(stage().name), state_.step, steps,
                     (static_cast<double>(state_.step) + share_of_step) / static_cast<double>(steps), last_loss_,
                     last_lr_, tokens_});
  }
  void notice(const std::string& line) const {
    if (hooks_.notice) hooks_.notice(line);
  }

  void evaluate() {
    if (!hooks_.evaluate) return;
    free_buffers();
    EvaluationLog e = hooks_.evaluate();
    e.step = state_.step;
    log_.add(e);
    state_.score = e.overall;
  }

  /// What steps have used is free for what comes between them.
  void free_buffers() { lane_ = be_->make_lane(); }

  void save() {
    free_buffers();
    checkpoints_.write(
        state_,
        [&](auto&& f) {
          tuned_.each_trained([&](const std::string& name, const auto& p) {
            f(name, Checkpoints::extents(p.value.shape()),
              std::span<const float>(p.value.data(), static_cast<std::size_t>(p.value.size())));
          });
        },
        [&](auto&& f) { optimizer_->for_each_state(f); });
    checkpoints_.clean(recipe_.keep_last, recipe_.keep_best ? best_step() : std::nullopt);
    if (hooks_.saved) hooks_.saved();
  }

  /// The checkpoint with the best evaluation among those that are there.
  std::optional<Index> best_step() const {
    std::optional<Index> best;
    double most = -std::numeric_limits<double>::infinity();
    for (const Index step : checkpoints_.steps())
      if (const auto score = checkpoints_.read_state(step).score; score && *score > most) most = *score, best = step;
    return best;
  }

  void load_checkpoint(Index step) {
    TrainingState state = checkpoints_.read_state(step);
    const std::string where = checkpoints_.path(step);
    std::string differences;
    for (const std::string& name : recipe_differences(state.identity, state_.identity))
      differences += (differences.empty() ? "" : ", ") + name;
    require<FileError>(differences.empty(), "train", where, " was made with other settings (", differences,
                       "); choose another output folder, or take the old settings");
    require<FileError>(state.base == state_.base, "train", where, " belongs to another base model");
    require<FileError>(state.stage <= static_cast<Index>(recipe_.stages.size()), "train", where, " is of stage ",
                       state.stage);

    std::map<std::string, Tensor<B, float>> values;
    std::vector<std::string> names;
    std::map<std::string, Shape> shapes;
    tuned_.each_trained([&](const std::string& name, const auto& p) {
      names.push_back(name);
      shapes.emplace(name, p.value.shape());
    });
    const TrainingState before = std::exchange(state_, std::move(state));
    const bool done = finished();
    if (done) --state_.stage;  // the optimizer is that of the last one
    start_stage();
    try {
      checkpoints_.read(
          step, names,
          [&](const std::string& name, const std::vector<Index>& shape, std::span<const std::byte> bytes) {
            require<FileError>(shape == Checkpoints::extents(shapes.at(name)), "checkpoint", where, ": ", name,
                               " has another shape than the model's, ", shapes.at(name).str());
            Tensor<B, float> t(lane_, shapes.at(name));
            std::memcpy(t.data(), bytes.data(), bytes.size());
            values.emplace(name, std::move(t));
          },
          [&](auto&& find) { optimizer_->load_state(find); });
    } catch (...) {
      state_ = before;
      start_stage();
      throw;
    }
    tuned_.each_trained([&](const std::string& name, auto& p) {  // into the old buffer, which may be shared
      std::memcpy(p.value.data(), values.at(name).data(), static_cast<std::size_t>(p.value.size()) * sizeof(float));
    });
    if (done) ++state_.stage;
  }

  std::shared_ptr<const B> be_;
  Recipe recipe_;
  TrainingHooks hooks_;
  TrainingLog log_;
  Checkpoints checkpoints_;
  std::vector<StageData> stages_;
  TunedModel<B> tuned_;
  InputBuilder inputs_;
  typename B::Lane lane_ = be_->make_lane();
  std::optional<StageOptimizer<B>> optimizer_;
  std::optional<optim::StepGuard> guard_;
  std::future<PreparedBatch> next_;
  TrainingState state_;
  Index tokens_ = 0;
  double last_loss_ = std::numeric_limits<double>::quiet_NaN(), last_lr_ = 0;
};

}  // namespace nvembed::train
