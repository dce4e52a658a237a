#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nvembed/core/error.hpp>
#include <nvembed/eval/classification.hpp>
#include <nvembed/eval/clustering.hpp>
#include <nvembed/eval/pair_classification.hpp>
#include <nvembed/eval/read_tasks.hpp>
#include <nvembed/eval/reranking.hpp>
#include <nvembed/eval/retrieval.hpp>
#include <nvembed/eval/sample.hpp>
#include <nvembed/eval/sts.hpp>
#include <nvembed/eval/summarization.hpp>
#include <nvembed/io/json_lines.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/read_file.hpp>
#include <string_view>
#include <system_error>
#include <utility>

namespace nvembed::eval {
namespace detail {

/// A task as tasks.json lists it.
struct TaskEntry {
  TaskInfo info;
  bool symmetric = false;
  Index samples_per_label = 0;  ///< 0: the usual number
  std::vector<std::string> files;
};

/// Calls f(object, where) for the lines of a file; throws FileError where there are none.
template <class F>
void each_line(const std::string& file, F&& f) {
  JsonLines lines(file);
  Json object;
  Index n = 0;
  for (; lines.next(object); ++n) f(object, lines);
  require<FileError>(n > 0, "eval", file, ": no records");
}

inline std::string text_of(const Json& object, const char* key, const JsonLines& at) {
  return json_get<std::string>(object, key, at.where());
}

inline std::string label_of(const Json& object, const JsonLines& at) {
  const Json& label = json_at(object, "label", at.where());
  if (label.is_string()) return label.get<std::string>();
  if (!label.is_number_integer()) json_mismatch(label, "label", at.where(), "a string or an integer");
  return label.dump();
}

inline std::string stripped(const std::string& s) {
  constexpr std::string_view space = " \t\r\n\v\f";
  const auto begin = s.find_first_not_of(space);
  return begin == s.npos ? "" : s.substr(begin, s.find_last_not_of(space) - begin + 1);
}

/// Examples a label that a classification draws, as MTEB's tasks of these names.
inline Index samples_per_label(const TaskEntry& entry) {
  static const std::map<std::string_view, Index> own{{"amazon_counterfactual", 32},
                                                     {"emotion", 16},
                                                     {"toxic_conversations", 16},
                                                     {"tweet_sentiment_extraction", 32},
                                                     {"yahoo_answers_topics", 32}};
  if (entry.samples_per_label > 0) return entry.samples_per_label;
  const auto found = own.find(entry.info.name);
  return found == own.end() ? 8 : found->second;
}

/// The task's file of that name; the only one where there is no choice.
inline const std::string& file_of(const TaskEntry& entry, std::string_view name) {
  const auto found = std::find_if(entry.files.begin(), entry.files.end(), [&](const std::string& f) {
    return std::filesystem::path(f).filename().string() == name;
  });
  require<FileError>(found != entry.files.end(), "eval", "task ", printable(entry.info.name), " lists no file ", name);
  return *found;
}

inline AnyTask read_sts(const TaskEntry& entry) {
  TaskTexts first{Role::query, entry.files[0], {}, {}}, second = first;
  std::vector<double> grades;
  each_line(entry.files[0], [&](const Json& object, const JsonLines& at) {
    first.add(text_of(object, "text1", at), at.line());
    second.add(text_of(object, "text2", at), at.line());
    grades.push_back(json_get<double>(object, "score", at.where()));
  });
  require<FileError>(std::adjacent_find(grades.begin(), grades.end(), std::not_equal_to<>()) != grades.end(), "eval",
                     entry.files[0], ": all pairs have the same score");
  return Sts(entry.info, std::move(first), std::move(second), std::move(grades));
}

inline AnyTask read_pair_classification(const TaskEntry& entry) {
  TaskTexts first{Role::query, entry.files[0], {}, {}}, second = first;
  std::vector<std::uint8_t> labels;
  each_line(entry.files[0], [&](const Json& object, const JsonLines& at) {
    first.add(text_of(object, "text1", at), at.line());
    second.add(text_of(object, "text2", at), at.line());
    const Index label = json_get<Index>(object, "label", at.where());
    require<FileError>(label == 0 || label == 1, "eval", at.where(), ": label: expected 0 or 1, found ", label);
    labels.push_back(static_cast<std::uint8_t>(label));
  });
  for (const int label : {0, 1})
    require<FileError>(std::count(labels.begin(), labels.end(), label) > 0, "eval", entry.files[0],
                       ": no pair has the label ", label);
  return PairClassification(entry.info, std::move(first), std::move(second), std::move(labels));
}

/// Judgements of a file: `query-id corpus-id score`, separated by tabs, a header before them.
template <class F>
void each_judgement(const std::string& file, F&& f) {
  const std::string content = read_file(file);
  std::string_view all = content;
  for (Index line = 1; !all.empty(); ++line) {
    const std::size_t end = std::min(all.find('\n'), all.size());
    std::string_view text = all.substr(0, end);
    all.remove_prefix(std::min(end + 1, all.size()));
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty()) continue;
    const std::size_t a = text.find('\t'), b = a == text.npos ? a : text.find('\t', a + 1);
    const std::string where = cat(file, ", line ", line);
    require<FileError>(b != text.npos && text.find('\t', b + 1) == text.npos, "eval", where,
                       ": expected query-id, corpus-id and score, separated by tabs");
    const std::string score(text.substr(b + 1));
    char* rest = nullptr;
    const double value = std::strtod(score.c_str(), &rest);
    const bool number = !score.empty() && *rest == '\0' && std::isfinite(value);
    if (!number && line == 1) continue;
    require<FileError>(number, "eval", where, ": score: expected a number, found \"", printable(score), "\"");
    f(std::string(text.substr(0, a)), std::string(text.substr(a + 1, b - a - 1)), value, where);
  }
}

/// `unjudged` gets a message where queries have no relevant document; nullptr: that is as it should be.
inline AnyTask read_retrieval(const TaskEntry& entry, std::vector<std::string>* unjudged) {
  const std::string &corpus_file = file_of(entry, "corpus.jsonl"), &queries_file = file_of(entry, "queries.jsonl");
  const auto qrels =
      std::find_if(entry.files.begin(), entry.files.end(), [](const std::string& f) { return f.ends_with(".tsv"); });
  require<FileError>(qrels != entry.files.end(), "eval", "task ", printable(entry.info.name),
                     " lists no judgements (a file that ends in .tsv)");

  TaskTexts corpus{entry.symmetric ? Role::query : Role::passage, corpus_file, {}, {}},
      all{Role::query, queries_file, {}, {}};
  std::vector<std::string> document_ids, query_ids;
  std::map<std::string, Index> documents, queries;
  const auto id_of = [](const Json& object, const JsonLines& at, std::map<std::string, Index>& known) {
    std::string id = text_of(object, "_id", at);
    const bool fresh = known.try_emplace(id, static_cast<Index>(known.size())).second;
    require<FileError>(fresh, "eval", at.where(), ": the id \"", printable(id), "\" stands there twice");
    return id;
  };
  each_line(corpus_file, [&](const Json& object, const JsonLines& at) {
    document_ids.push_back(id_of(object, at, documents));
    corpus.add(stripped(json_get_or<std::string>(object, "title", "", at.where()) + " " + text_of(object, "text", at)),
               at.line());
  });
  each_line(queries_file, [&](const Json& object, const JsonLines& at) {
    query_ids.push_back(id_of(object, at, queries));
    all.add(text_of(object, "text", at), at.line());
  });

  std::vector<std::map<Index, double>> judged(query_ids.size());
  each_judgement(*qrels,
                 [&](const std::string& query, const std::string& document, double score, const std::string& where) {
                   const auto q = queries.find(query);
                   require<FileError>(q != queries.end(), "eval", where, ": no query of ", queries_file,
                                      " has the id \"", printable(query), "\"");
                   const auto d = documents.find(document);
                   require<FileError>(d != documents.end(), "eval", where, ": no document of ", corpus_file,
                                      " has the id \"", printable(document), "\"");
                   if (score > 0) judged[static_cast<std::size_t>(q->second)][d->second] = score;
                 });
  std::vector<Index> kept, left;
  for (std::size_t q = 0; q < judged.size(); ++q) (judged[q].empty() ? left : kept).push_back(static_cast<Index>(q));
  require<FileError>(!kept.empty(), "eval", *qrels, ": no query has a relevant document");
  if (unjudged && !left.empty())
    unjudged->push_back(cat("[eval] ", all.where(left[0]), ": ", *qrels, " has no relevant document for query \"",
                            printable(query_ids[static_cast<std::size_t>(left[0])]), "\"",
                            left.size() > 1 ? cat(", nor for ", left.size() - 1, " more") : "",
                            left.size() > 1 ? "; they are left out" : "; it is left out"));
  return Retrieval(entry.info, all.subset(kept), std::move(corpus), std::move(document_ids), pick(judged, kept));
}

/// The strings of an array.
template <class F>
Index each_string(const Json& object, const char* key, const JsonLines& at, F&& f) {
  const Json& array = json_array(object, key, at.where());
  for (const Json& s : array) f(json_as<std::string>(s, key, at.where()));
  return static_cast<Index>(array.size());
}

inline AnyTask read_reranking(const TaskEntry& entry) {
  TaskTexts queries{Role::query, entry.files[0], {}, {}};
  TaskTexts passages{entry.symmetric ? Role::query : Role::passage, entry.files[0], {}, {}};
  std::vector<Reranking::Candidates> candidates;
  each_line(entry.files[0], [&](const Json& object, const JsonLines& at) {
    const auto add = [&](std::string text) { passages.add(std::move(text), at.line()); };
    queries.add(text_of(object, "query", at), at.line());
    Reranking::Candidates c{passages.size(), 0, 0};
    c.right = each_string(object, "positive", at, add);
    require<FileError>(c.right > 0, "eval", at.where(), ": positive: is empty");
    each_string(object, "negative", at, add);
    c.end = passages.size();
    candidates.push_back(c);
  });
  return Reranking(entry.info, std::move(queries), std::move(passages), std::move(candidates));
}

/// Texts and labels of a file.
inline std::pair<TaskTexts, std::vector<std::string>> read_labelled(const std::string& file) {
  std::pair<TaskTexts, std::vector<std::string>> found{{Role::query, file, {}, {}}, {}};
  each_line(file, [&](const Json& object, const JsonLines& at) {
    found.first.add(text_of(object, "text", at), at.line());
    found.second.push_back(label_of(object, at));
  });
  return found;
}

inline AnyTask read_classification(const TaskEntry& entry, std::uint64_t seed) {
  const auto [train, train_labels] = read_labelled(file_of(entry, "train.jsonl"));
  auto [test, test_labels] = read_labelled(file_of(entry, "test.jsonl"));
  return Classification(entry.info, train, train_labels, std::move(test), test_labels, samples_per_label(entry), seed);
}

inline AnyTask read_clustering(const TaskEntry& entry) {
  auto [texts, labels] = read_labelled(entry.files[0]);
  return Clustering(entry.info, std::move(texts), labels);
}

inline AnyTask read_summarization(const TaskEntry& entry) {
  TaskTexts machine{Role::query, entry.files[0], {}, {}}, human = machine;
  std::vector<Summarization::Article> articles;
  each_line(entry.files[0], [&](const Json& object, const JsonLines& at) {
    Summarization::Article a;
    a.machine_begin = machine.size(), a.human_begin = human.size();
    each_string(object, "machine_summaries", at, [&](std::string s) { machine.add(std::move(s), at.line()); });
    each_string(object, "human_summaries", at, [&](std::string s) { human.add(std::move(s), at.line()); });
    a.machine_end = machine.size(), a.human_end = human.size();
    for (const Json& grade : json_array(object, "relevance", at.where()))
      a.grades.push_back(json_as<double>(grade, "relevance", at.where()));
    require<FileError>(a.human_end > a.human_begin, "eval", at.where(), ": human_summaries: is empty");
    require<FileError>(static_cast<Index>(a.grades.size()) == a.machine_end - a.machine_begin, "eval", at.where(), ": ",
                       a.machine_end - a.machine_begin, " machine_summaries, but ", a.grades.size(), " of relevance");
    articles.push_back(std::move(a));
  });
  return Summarization(entry.info, std::move(machine), std::move(human), std::move(articles));
}

inline AnyTask read_task(const TaskEntry& entry, std::uint64_t seed, std::vector<std::string>& problems) {
  require<FileError>(!entry.files.empty(), "eval", "task ", printable(entry.info.name), " lists no files");
  const std::string& category = entry.info.category;
  if (category == "sts") return read_sts(entry);
  if (category == "pair_classification") return read_pair_classification(entry);
  if (category == "retrieval") return read_retrieval(entry, &problems);
  if (category == "reranking") return read_reranking(entry);
  if (category == "classification") return read_classification(entry, seed);
  if (category == "clustering") return read_clustering(entry);
  if (category == "summarization") return read_summarization(entry);
  fail<FileError>("eval", "task ", printable(entry.info.name), ": category \"", printable(category),
                  "\" is not known; there are sts, retrieval, reranking, classification, clustering, "
                  "pair_classification and summarization");
}

inline std::vector<TaskEntry> listed_tasks(const std::string& folder, const std::string& list) {
  const Json tasks = parse_json(read_file(list), list);
  require<FileError>(tasks.is_array(), "eval", list, ": expected an array of tasks, found ", tasks.type_name());
  std::vector<TaskEntry> entries;
  for (const Json& task : tasks) {
    const std::string where = cat(list, ": task ", entries.size() + 1);
    TaskEntry e;
    e.info.name = json_get<std::string>(task, "name", where);
    e.info.category = json_get<std::string>(task, "category", where);
    e.info.instruction = json_get_or<std::string>(task, "instruction", "", where);
    e.info.max_length = json_get_or<Index>(task, "max_length", 0, where);
    e.symmetric =
        json_get_or<bool>(task, "symmetric", e.info.category != "retrieval" && e.info.category != "reranking", where);
    e.samples_per_label = json_get_or<Index>(task, "samples_per_label", 0, where);
    const Json& files = json_at(task, "files", where);
    if (files.is_object())
      for (const auto& [name, count] : files.items()) e.files.push_back(folder + "/" + name);
    else
      for (const Json& name : json_array(task, "files", where))
        e.files.push_back(folder + "/" + json_as<std::string>(name, "files", where));
    entries.push_back(std::move(e));
  }
  return entries;
}

/// A folder in BEIR's layout, or nothing.
inline std::optional<TaskEntry> beir_task(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder / "corpus.jsonl", ignored)) return std::nullopt;
  TaskEntry e;
  e.info.name = (folder / "").parent_path().filename().string();
  e.info.category = "retrieval";
  e.files = {(folder / "corpus.jsonl").string(), (folder / "queries.jsonl").string()};
  for (const char* qrels : {"qrels/test.tsv", "qrels/dev.tsv", "qrels/train.tsv", "qrels.tsv"})
    if (e.files.size() == 2 && std::filesystem::exists(folder / qrels, ignored))
      e.files.push_back((folder / qrels).string());
  return e;
}

}  // namespace detail

NVEMBED_INLINE std::vector<FoundTask> read_tasks(const std::string& folder, const ReadOptions& options) {
  namespace fs = std::filesystem;
  require<FileError>(is_folder(folder), "eval", folder, ": no such folder");
  require<InputError>(options.sample > 0 && options.sample <= 1, "eval", "a sample of ", options.sample,
                      " of the tasks; it lies above 0, and at most at 1");
  const std::string list = folder + "/tasks.json";
  const bool beir = !file_exists(list);
  std::vector<detail::TaskEntry> entries;
  if (!beir) {
    entries = detail::listed_tasks(folder, list);
  } else if (const auto own = detail::beir_task(folder)) {
    entries.push_back(*own);
  } else {
    std::error_code error;
    for (const auto& item : fs::directory_iterator(folder, error))
      if (const auto task = detail::beir_task(item.path())) entries.push_back(*task);
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.info.name < b.info.name; });
  }
  require<FileError>(
      !entries.empty(), "eval", folder,
      ": no tasks; it wants a tasks.json, or folders with corpus.jsonl, queries.jsonl and qrels/test.tsv");

  const auto wanted = [&](const TaskInfo& t) {
    return options.only.empty() || std::any_of(options.only.begin(), options.only.end(), [&](const std::string& name) {
             return name == t.name || name == t.category;
           });
  };
  for (const std::string& name : options.only) {
    std::string known;
    for (const auto& e : entries) known += (known.empty() ? "" : ", ") + e.info.name;
    require<InputError>(std::any_of(entries.begin(), entries.end(),
                                    [&](const auto& e) { return name == e.info.name || name == e.info.category; }),
                        "eval", folder, " has no task or category \"", printable(name), "\"; its tasks are ",
                        printable(known, 2000));
  }
  std::vector<FoundTask> found;
  for (const detail::TaskEntry& e : entries) {
    if (!wanted(e.info)) continue;
    FoundTask f{e.info, {}, {}};
    try {
      f.task = beir ? detail::read_retrieval(e, nullptr) : detail::read_task(e, options.seed, f.problems);
      if (options.sample < 1) f.task = f.task->sampled(options.sample, options.seed);
    } catch (const Error& error) {
      f.problems.push_back(error.what());
    }
    found.push_back(std::move(f));
  }
  return found;
}

}  // namespace nvembed::eval
