#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <nvembed/core/error.hpp>
#include <nvembed/eval/evaluate.hpp>
#include <nvembed/eval/vector_cache.hpp>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace nvembed::eval {
namespace detail {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// All different texts of an evaluation and their vectors.
class EncodedTexts {
 public:
  EncodedTexts(const EvaluatedModel& model, std::span<const FoundTask> tasks, const EvaluateOptions& options,
               Evaluation& result)
      : model_(model), tasks_(tasks), options_(options), result_(result) {
    for (std::size_t t = 0; t < tasks.size(); ++t) {
      rows_.emplace_back();
      if (tasks[t].task) collect(t, *tasks[t].task);
    }
    result_.texts = static_cast<Index>(entries_.size());
  }

  void encode() {
    for (std::size_t s = 0; s < settings_.size(); ++s) look_up(s);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < entries_.size(); ++i)
      if (!entries_[i].done) order.push_back(i);
    // Longest first: a text that is too long for the memory is told at once, and batches hold texts of one length.
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return size_of(a) > size_of(b); });
    for (const std::size_t i : order) total_size_ += size_of(i);
    std::map<std::size_t, std::vector<std::size_t>> by_call;  // texts whose settings differ by instruction alone
    for (const std::size_t i : order) by_call[settings_[entries_[i].setting].call].push_back(i);
    for (const auto& [call, texts] : by_call) encode(calls_[call], texts);
  }

  /// The vectors of a group of a task's texts, (texts, dim).
  std::vector<float> vectors(std::size_t task, std::size_t group) const {
    std::vector<float> all;
    all.reserve(rows_[task][group].size() * static_cast<std::size_t>(dim_));
    for (const std::size_t i : rows_[task][group]) {
      const auto row = vectors_.begin() + static_cast<std::ptrdiff_t>(i) * dim_;
      all.insert(all.end(), row, row + dim_);
    }
    return all;
  }
  Index dim() const { return dim_; }
  /// Whether one of the task's texts could not be encoded.
  bool failed(std::size_t task) const { return failed_.contains(task); }

 private:
  /// What an encode call has for all its texts.
  struct Call {
    Role role = Role::query;
    Index max_length = 0;
    EncodeOptions options;
  };
  struct Setting {
    std::size_t call = 0;
    std::string instruction;
  };
  struct Entry {
    std::string_view text;  // of the task, which outlives this
    std::size_t setting = 0;
    bool done = false;
  };

  std::size_t size_of(std::size_t entry) const {
    return entries_[entry].text.size() + settings_[entries_[entry].setting].instruction.size() + 1;
  }

  void collect(std::size_t t, const AnyTask& task) {
    const TaskInfo& info = task.info();
    for (const TaskTexts& group : task.texts()) {
      // Where a passage is encoded as a query is, the two may share a vector.
      const bool same = options_.query.prompt == options_.passage.prompt &&
                        options_.query.prefix == options_.passage.prefix &&
                        options_.query.instruction == options_.passage.instruction;
      const Role role = same ? Role::query : group.role;
      const std::string instruction = options_.instructions && group.role == Role::query ? info.instruction : "";
      const std::size_t setting = setting_of(role, info.max_length, instruction);
      auto& known = known_[setting];
      std::vector<std::size_t> rows;
      for (const std::string& text : group.texts) {
        const auto [at, fresh] = known.try_emplace(text, entries_.size());
        if (fresh) entries_.push_back({text, setting});
        rows.push_back(at->second);
      }
      rows_[t].push_back(std::move(rows));
    }
  }

  std::size_t setting_of(Role role, Index max_length, const std::string& instruction) {
    const auto [at, fresh] = setting_numbers_.try_emplace({role, max_length, instruction}, settings_.size());
    if (!fresh) return at->second;
    std::size_t call = 0;
    while (call < calls_.size() && !(calls_[call].role == role && calls_[call].max_length == max_length)) ++call;
    if (call == calls_.size()) {
      calls_.push_back({role, max_length, role == Role::query ? options_.query : options_.passage});
      if (max_length > 0) calls_.back().options.max_length = max_length;
    }
    settings_.push_back({call, instruction});
    caches_.emplace_back();
    return at->second;
  }

  EncodeOptions options_of(const Setting& setting) const {
    EncodeOptions o = calls_[setting.call].options;
    if (!setting.instruction.empty()) o.instruction = setting.instruction, o.prefix.reset();
    return o;
  }

  void take(std::size_t entry, std::span<const float> vector) {
    std::copy(vector.begin(), vector.end(), vectors_.begin() + static_cast<std::ptrdiff_t>(entry) * dim_);
    entries_[entry].done = true;
  }
  void set_dim(Index dim) {
    if (dim_ == dim) return;
    dim_ = dim;
    vectors_.resize(entries_.size() * static_cast<std::size_t>(dim));
  }

  /// Takes what the cache has.
  void look_up(std::size_t s) {
    if (options_.cache.empty() || !model_.fingerprint) return;
    const Index kept = calls_[settings_[s].call].options.dim;
    set_dim(kept ? kept : model_.dim);
    require<InputError>(dim_ > 0, "evaluate", "a cache of vectors needs to know EvaluatedModel::dim");
    caches_[s] = std::make_unique<VectorCache>(options_.cache, model_.fingerprint(options_of(settings_[s])), dim_);
    std::vector<float> row(static_cast<std::size_t>(dim_));
    for (std::size_t i = 0; i < entries_.size(); ++i)
      if (entries_[i].setting == s && caches_[s]->find(entries_[i].text, row)) {
        take(i, row);
        ++result_.cached_texts;
      }
  }

  /// Whether a task without a failed text needs it.
  std::vector<bool> needed() const {
    std::vector<bool> needed(entries_.size());
    for (std::size_t t = 0; t < rows_.size(); ++t)
      if (!failed_.contains(t))
        for (const auto& group : rows_[t])
          for (const std::size_t i : group) needed[i] = true;
    return needed;
  }

  /// A text cannot be encoded: the tasks that have it end here.
  void fail_tasks(std::size_t entry, const Error& error) {
    for (std::size_t t = 0; t < rows_.size(); ++t) {
      if (failed_.contains(t)) continue;
      for (std::size_t g = 0; g < rows_[t].size() && !failed_.contains(t); ++g) {
        const auto at = std::find(rows_[t][g].begin(), rows_[t][g].end(), entry);
        if (at == rows_[t][g].end()) continue;
        Error named = error;
        named.name_text(tasks_[t].task->texts()[g].where(at - rows_[t][g].begin()));
        result_.tasks[t].problems.emplace_back(named.what());
        failed_.insert(t);
      }
    }
  }

  void encode(const Call& call, const std::vector<std::size_t>& texts) {
    constexpr std::size_t most_texts = 512, most_bytes = std::size_t{1} << 18;  // what a broken run loses at most
    std::vector<std::size_t> left(texts.rbegin(), texts.rend());
    std::vector<bool> wanted = needed();
    while (!left.empty()) {
      std::vector<std::size_t> block;
      std::size_t bytes = 0;
      for (; !left.empty() && block.size() < most_texts && bytes < most_bytes; left.pop_back())
        if (wanted[left.back()]) {
          block.push_back(left.back());
          bytes += size_of(left.back());
        }
      if (block.empty() || encode_block(call, block)) continue;
      left.insert(left.end(), block.rbegin(), block.rend());
      wanted = needed();
    }
  }

  /// False where one of the texts failed, and with it some tasks: the others are to be tried again.
  bool encode_block(const Call& call, std::vector<std::size_t>& block) {
    std::vector<Text> texts;
    std::size_t size = 0;
    for (const std::size_t i : block) {
      Text t(entries_[i].text);
      if (const std::string& instruction = settings_[entries_[i].setting].instruction; !instruction.empty())
        t.instruction = instruction;
      texts.push_back(t);
      size += size_of(i);
    }
    EncodeOptions o = call.options;
    if (options_.progress)
      o.progress = [&](const Progress& p) {
        const double part = static_cast<double>(p.texts) / static_cast<double>(std::max<Index>(p.total_texts, 1));
        report(p.texts, p.tokens, static_cast<double>(done_size_) + part * static_cast<double>(size));
      };
    Embeddings e;
    try {
      e = model_.encode(texts, o);
    } catch (const Error& error) {
      if (!error.text()) throw;
      const auto at = block.begin() + *error.text();
      fail_tasks(*at, error);
      block.erase(at);
      return false;
    }
    set_dim(e.dim);
    std::map<std::size_t, std::pair<std::vector<std::string_view>, std::vector<float>>> to_cache;
    for (std::size_t r = 0; r < block.size(); ++r) {
      const auto row = std::as_const(e)[static_cast<Index>(r)];
      take(block[r], row);
      const Entry& entry = entries_[block[r]];
      if (!caches_[entry.setting]) continue;
      auto& [names, values] = to_cache[entry.setting];
      names.push_back(entry.text);
      values.insert(values.end(), row.begin(), row.end());
    }
    for (const auto& [setting, found] : to_cache) caches_[setting]->add(found.first, found.second);
    done_texts_ += static_cast<Index>(block.size());
    done_size_ += size;
    result_.tokens += e.tokens;
    result_.truncated_texts += static_cast<Index>(e.truncated.size());
    return true;
  }

  void report(Index texts, Index tokens, double size) const {
    options_.progress({result_.cached_texts + done_texts_ + texts,
                       result_.texts,
                       result_.tokens + tokens,
                       size / static_cast<double>(std::max<std::size_t>(total_size_, 1)),
                       {}});
  }

  const EvaluatedModel& model_;
  std::span<const FoundTask> tasks_;
  const EvaluateOptions& options_;
  Evaluation& result_;

  std::vector<Call> calls_;
  std::vector<Setting> settings_;
  std::map<std::tuple<Role, Index, std::string>, std::size_t> setting_numbers_;
  std::vector<std::unique_ptr<VectorCache>> caches_;                                // by setting
  std::map<std::size_t, std::unordered_map<std::string_view, std::size_t>> known_;  // by setting
  std::vector<Entry> entries_;
  std::vector<std::vector<std::vector<std::size_t>>> rows_;  // entries of the texts, by task and group
  std::set<std::size_t> failed_;                             // tasks with a text that cannot be encoded
  Index dim_ = 0, done_texts_ = 0;
  std::size_t done_size_ = 0, total_size_ = 0;
  std::vector<float> vectors_;  // (entries, dim)
};

}  // namespace detail

NVEMBED_INLINE TaskResult score_task(const FoundTask& task, std::span<const HostMatrix> vectors, const Scoring& scoring,
                                     const EvaluateOptions& options) {
  TaskResult r{task.info, {}, task.problems, 0};
  const detail::Stopwatch watch;
  try {
    r.score = task.task->score(vectors, scoring);
  } catch (const InputError& e) {
    r.problems.emplace_back(e.what());
    return r;
  }
  if (std::isnan(r.score->value)) {
    r.score.reset();
    r.problems.push_back(cat("[eval] ", r.info.name, ": the score is not a number: all vectors are alike"));
    return r;
  }
  r.seconds = watch.seconds();
  if (options.scored) options.scored(*task.task, *r.score, vectors, scoring);
  return r;
}

NVEMBED_INLINE Evaluation evaluate(const EvaluatedModel& model, std::span<const FoundTask> tasks,
                                   const EvaluateOptions& options) {
  Evaluation result;
  for (const FoundTask& t : tasks) result.tasks.push_back({t.info, {}, t.problems, 0});

  detail::EncodedTexts encoded(model, tasks, options, result);
  const detail::Stopwatch encoding;
  encoded.encode();
  result.encode_seconds = encoding.seconds();

  const detail::Stopwatch whole;
  const Scoring scoring{model.dots, Similarity::cosine, options.seed};
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    if (!tasks[t].task || encoded.failed(t)) continue;
    if (options.progress) options.progress({result.texts, result.texts, result.tokens, 1, tasks[t].info.name});
    std::vector<std::vector<float>> values;
    std::vector<HostMatrix> vectors;
    for (std::size_t g = 0; g < tasks[t].task->texts().size(); ++g) {
      values.push_back(encoded.vectors(t, g));
      vectors.push_back({values.back().data(), tasks[t].task->texts()[g].size(), encoded.dim()});
    }
    result.tasks[t] = score_task(tasks[t], vectors, scoring, options);
  }
  result.score_seconds = whole.seconds();
  return result;
}

}  // namespace nvembed::eval
