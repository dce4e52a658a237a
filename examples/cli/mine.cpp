#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nvembed/core/error.hpp>
#include <nvembed/io/npy_file.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/train/mine_negatives.hpp>
#include <nvembed/train/parse_negative_rule.hpp>
#include <nvembed/train/read_training_tasks.hpp>
#include <nvembed/train/record_file.hpp>
#include <nvembed/train/record_line.hpp>
#include <optional>

#include "commands.hpp"
#include "mine_report.hpp"
#include "model.hpp"
#include "options.hpp"
#include "output.hpp"
#include "progress_bar.hpp"
#include "rows.hpp"
#include "stored.hpp"
#include "timer.hpp"

namespace cli {
namespace {

namespace train = nvembed::train;
using nvembed::cat;
using nvembed::FileError;
using nvembed::require;

struct MineOptions : Options {
  std::string train, corpus, rule = "perc", choose = "top", query_vectors, passage_vectors, write_texts;
  Index k = 7, drawn_of = 10;
  double temperature = 1;
  std::optional<double> floor;
  bool keep = false, symmetric = false, transitive = false, no_transitive = false, bm25 = false, no_tasks = false,
       no_instruction = false;

  bool from_files() const { return !query_vectors.empty(); }
};

/// What the options say before any file is read.
train::MiningOptions mining_options(const MineOptions& o) {
  if (o.bm25 + o.from_files() + !o.model.empty() > 1)
    throw UsageError("a teacher is MODEL, --bm25, or --query-vectors and --passage-vectors: one of them");
  if (o.query_vectors.empty() != o.passage_vectors.empty())
    throw UsageError("--query-vectors and --passage-vectors belong together");
  if (o.json && o.report.empty() && o.write_texts.empty())
    throw UsageError("--json puts the figures on standard output; the records want -o FILE then");
  if (o.pool == "none") throw UsageError("--pool none gives no vectors to mine with");
  train::MiningOptions m;
  m.negatives = o.k;
  m.seed = o.seed;
  m.floor = o.floor ? *o.floor : o.bm25 ? 0 : m.floor;
  m.choice.pool = o.drawn_of;
  m.choice.temperature = o.temperature;
  if (o.choose == "sampled")
    m.choice.mode = train::ChoiceMode::sampled;
  else if (o.choose == "top1-sampled")
    m.choice.mode = train::ChoiceMode::top1_sampled;
  else if (o.choose != "top")
    throw UsageError("--choose: '" + o.choose + "' is none of top|sampled|top1-sampled");
  try {
    m.rule = train::parse_negative_rule(o.rule);
    m.choice.depth(o.k);
  } catch (const nvembed::InputError& e) {
    throw UsageError(std::string(e.what()).substr(std::strlen("[mining] ")));
  }
  return m;
}

/// The task that tasks.json beside the file has for it.
std::optional<train::TrainingTask> find_task(const MineOptions& o) {
  const std::filesystem::path file(o.train);
  const std::string list = (file.parent_path() / "tasks.json").string();
  if (o.no_tasks || !nvembed::file_exists(list)) return std::nullopt;
  for (train::TrainingTask& task : train::read_training_tasks(list)) {
    std::error_code ignored;
    if (!std::filesystem::equivalent(task.file, file, ignored)) continue;
    require<nvembed::InputError>(!task.labels, "mine", o.train,
                                 ": its records are made of labelled texts, which bring their own negatives (", list,
                                 ")");
    return task;
  }
  return std::nullopt;
}

train::MiningTexts read_texts(const MineOptions& o, const train::AnyRecords& records) {
  // Records of paraphrases are often some pairs of a group, and the others would be the hardest negatives of all.
  const train::MiningTextsOptions options{o.symmetric, o.transitive || (o.symmetric && !o.no_transitive), o.keep};
  if (o.corpus.empty()) return train::MiningTexts(records, options);
  train::DistinctTexts corpus;
  TextReader reader(o.corpus, format_of(o.corpus, o.json_lines));
  for (Record r; reader.next(r); r = {})
    if (r.text.find_first_not_of(" \t\r\n\v\f") != r.text.npos) corpus.add(r.text);  // no record may hold a blank text
  require<FileError>(corpus.size() > 0, "mine", o.corpus, ": no passages");
  return train::MiningTexts(records, std::move(corpus), options);
}

std::vector<Record> as_records(const train::DistinctTexts& texts) {
  std::vector<Record> records(static_cast<std::size_t>(texts.size()));
  for (Index i = 0; i < texts.size(); ++i) {
    records[static_cast<std::size_t>(i)].text = texts[i];
    records[static_cast<std::size_t>(i)].line = i + 1;
  }
  return records;
}

void write_texts(const MineOptions& o, const train::MiningTexts& texts) {
  Output queries(o.write_texts + ".queries.jsonl"), passages(o.write_texts + ".passages.jsonl");
  const auto write = [](Output& out, const train::DistinctTexts& from) {
    for (Index i = 0; i < from.size(); ++i) out.write(dump({{"text", from[i]}}) + "\n");
  };
  write(queries, texts.queries());
  write(passages, texts.passages());
  queries.finish();
  passages.finish();
  note(o, cat(grouped(texts.queries().size()), " queries, ", grouped(texts.passages().size()), " passages written"));
}

/// Vectors from a file, a row for each of `texts`; refused where what lies beside them says that they are of others.
Rows read_vectors(const std::string& path, const train::DistinctTexts& texts, const char* what) {
  const std::string advice = cat("; `nvembed mine --write-texts` writes the ", what, " in the order of the rows");
  const nvembed::NpyFile file(path);
  require<FileError>(file.rows() == texts.size() && file.cols() > 0, "mine", path, ": holds ", file.rows(), " rows of ",
                     file.cols(), ", but there are ", texts.size(), " ", what, advice);
  if (const std::string stored = fingerprint_path(path); nvembed::file_exists(stored)) {
    TextsHash hash;
    for (const Record& r : as_records(texts)) hash.add(r);
    require<FileError>(VectorsOrigin::parse(nvembed::read_file(stored), stored).texts == hash.hex(), "mine", path,
                       ": its vectors are of other texts than the ", what, advice);
  }
  Rows rows{file.cols(), {}};
  rows.values.resize(file.values().size() / sizeof(float));
  std::memcpy(rows.values.data(), file.values().data(), file.values().size());
  return rows;
}

/// Vectors of queries and passages.
struct Vectors {
  Rows queries, passages;
};

Vectors encode_texts(const MineOptions& o, const Model& model, const train::MiningTexts& texts) {
  const nvembed::EncodeOptions query_options = encode_options(o);
  MineOptions plain = o;
  plain.instruction.clear(), plain.instruction_file.clear(), plain.prefix.reset();
  plain.prompt = passage_prompt(model);
  const nvembed::EncodeOptions passage_options = o.symmetric ? query_options : encode_options(plain);
  const std::string queries_name = o.train + ": its different queries", passages_name = o.train + ": its passages";
  Vectors v;
  v.passages = encode_all(model, o, passage_options, as_records(texts.passages()), passages_name, "passages");
  std::vector<Record> queries = as_records(texts.queries());
  // Where both kinds are encoded alike, a text that is both is encoded once.
  std::vector<std::optional<Index>> same(queries.size());
  if (o.symmetric)
    for (std::size_t i = 0; i < queries.size(); ++i) same[i] = texts.passages().find(queries[i].text);
  std::size_t at = 0;
  std::erase_if(queries, [&](const Record&) { return same[at++].has_value(); });
  const Rows fresh = queries.empty() ? Rows{} : encode_all(model, o, query_options, queries, queries_name, "queries");
  v.queries.dim = v.passages.dim;
  Index next = 0;
  for (const auto& passage : same) {
    const auto row = passage ? v.passages.matrix()[*passage] : fresh.matrix()[next++];
    v.queries.values.insert(v.queries.values.end(), row.begin(), row.end());
  }
  return v;
}

void mine(const MineOptions& given) {
  MineOptions o = given;
  train::MiningOptions options = mining_options(o);
  const auto task = find_task(o);
  if (o.no_instruction) o.instruction.clear(), o.instruction_file.clear();
  if (task) {
    o.symmetric |= task->symmetric;
    if (!o.no_instruction && o.instruction.empty() && o.instruction_file.empty() && !o.prefix && o.prompt.empty())
      o.instruction = task->instruction;
  }
  const train::RecordFile file(o.train, {.notice = [&](const std::string& message) { note(o, message); }});
  const train::MiningTexts texts = read_texts(o, file);
  if (!o.write_texts.empty()) return write_texts(o, texts);
  Output out(o.report);

  MineReport report;
  Vectors vectors;
  train::PassageScores scores;
  const Timer encoding;
  std::unique_ptr<Model> model;
  if (o.bm25) {
    report.teacher = "bm25";
    scores = train::bm25_scores(texts);
  } else {
    if (o.from_files()) {
      report.teacher = o.passage_vectors;
      vectors = {read_vectors(o.query_vectors, texts.queries(), "queries"),
                 read_vectors(o.passage_vectors, texts.passages(), "passages")};
    } else {
      report.teacher = find_model(o.model).string();
      report.instruction = o.instruction;
      model = load_model(o);
      vectors = encode_texts(o, *model, texts);
    }
    scores = train::vector_scores(vectors.queries.matrix(), vectors.passages.matrix(),
                                  model ? model->dot_products() : dot_products(o));
  }
  report.encode_seconds = encoding.seconds();

  const Timer searching;
  train::MinedNegatives mined;
  {
    ProgressBar bar("search", 0, o.quiet);
    options.progress = [&](Index queries) {
      bar.update_share(static_cast<double>(queries) / static_cast<double>(texts.queries().size()));
    };
    mined = train::mine_negatives(texts, scores, options);
  }
  report.search_seconds = searching.seconds();
  report.counts = mined.counts;
  report.rule = o.rule;
  report.choice = o.choose;
  for (Index i = 0; i < file.size(); ++i) {
    train::Record r = file.at(i);
    const auto& negatives = mined.of[static_cast<std::size_t>(texts.queries().find(r.query).value())];
    r = train::with_negatives(std::move(r), texts, negatives);
    report.add(r, static_cast<Index>(negatives.size()) < o.k);
    out.write(train::record_line(r) + "\n");
  }
  require(mined.counts.negatives > 0, "mine", "no record got a negative: of ", grouped(texts.candidates()),
          " candidates none is allowed for any query; try another --rule, or more candidates by --corpus");
  out.finish();
  if (!o.quiet) write_all(2, report.str());
  if (o.json) {
    Output figures;
    figures.write(dump(report.json()) + "\n");
    figures.finish();
  }
}

}  // namespace

Run add_mine(CLI::App& app) {
  auto o = std::make_shared<MineOptions>();
  o->seed = 42;
  CLI::App& command = *app.add_subcommand("mine", "Hard negatives for training records, by a teacher's scores");
  add_model(command, *o);
  command
      .add_option("--train", o->train,
                  "Records, .jsonl with \"query\", \"positive\" and maybe \"negative\"; what tasks.json beside it says "
                  "of the file (instruction, symmetric) is obeyed")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--corpus", o->corpus,
                  "Candidates, one a line, or .jsonl with \"text\" and maybe \"title\" [the passages of all records]")
      ->type_name("FILE");
  command.add_option("-k,--negatives", o->k, "Negatives of a record [7]")
      ->type_name("N")
      ->check(CLI::Range(Index{1}, Index{1} << 20).description(""));
  command
      .add_option("--rule", o->rule,
                  "Which candidates may be negatives: perc:SHARE, score below this share of the positive's; "
                  "margin:M, below the positive's less M; abs:T, below T; shifted:N, all but the N best; top, all "
                  "[perc:0.95; the others' numbers: 0.05, 0.7, 10]")
      ->type_name("RULE");
  command
      .add_option("--choose", o->choose,
                  "Of these: top, the best; sampled, drawn from the --draw-from best; top1-sampled, the best and "
                  "others drawn [top]")
      ->type_name("");
  command.add_option("--draw-from", o->drawn_of, "Of how many is drawn [10]")
      ->type_name("N")
      ->check(CLI::Range(Index{1}, Index{1} << 20).description(""));
  command.add_option("--temperature", o->temperature, "Scores are divided by it before they are drawn by [1]")
      ->type_name("T");
  command.add_option("--min-score", o->floor, "Negatives score more than this [no bound; --bm25: 0]")
      ->type_name("SCORE");
  command.add_flag("--keep-negatives", o->keep, "Records keep their own negatives; -k others come behind them");
  command.add_flag("--symmetric", o->symmetric,
                   "Query and passage are of one kind: the instruction stands before both, and the answer's answer is "
                   "the query [as tasks.json says]");
  auto* transitive = command.add_flag("--transitive", o->transitive,
                                      "What can be reached from answer to answer is no negative [as --symmetric]");
  command.add_flag("--no-transitive", o->no_transitive, "The opposite, for a symmetric task")->excludes(transitive);
  command.add_flag("--bm25", o->bm25, "BM25 is the teacher: words in common, no model");
  command
      .add_option("--query-vectors", o->query_vectors,
                  "Vectors of another teacher, .npy, f32, a row for each line of PREFIX.queries.jsonl")
      ->type_name("FILE");
  command.add_option("--passage-vectors", o->passage_vectors, "The same of PREFIX.passages.jsonl")->type_name("FILE");
  command
      .add_option("--write-texts", o->write_texts,
                  "Write PREFIX.queries.jsonl and PREFIX.passages.jsonl, each text once, for another teacher; mine "
                  "nothing")
      ->type_name("PREFIX");
  command.add_flag("--no-tasks", o->no_tasks, "Do not look at tasks.json");
  command.add_flag("--no-instruction", o->no_instruction, "No instruction: for models that know none");
  add_running(command, *o);
  add_texts(command, *o);
  add_encoding(command, *o);
  add_output(command, *o);
  add_reporting(command, *o);
  command.get_option("--seed")->description("Seed of what --choose draws [42]");
  command.get_option("--instruction")->description("Task description before queries [what tasks.json says]");
  command.get_option("--jsonl")->description("Read --corpus as JSON Lines whatever its name is");
  command.get_option("--output")
      ->description(
          "The records with their negatives, in the same order; the file appears when it is whole [standard output]");
  command.get_option("--json")->description("The figures as one JSON object on standard output");
  command.footer(
      "The teacher scores every query with every candidate, and the best of those that the rule allows become the "
      "record's negatives. Never negatives: what answers the query in any record, and the query itself. Where a query "
      "has several positives, the one with the lowest score counts. The default is the rule of NV-Embed-v2.\n\n"
      "Examples:\n  nvembed mine NV-Embed-v2/ --train train/nq.jsonl -o nq.mined.jsonl\n"
      "  nvembed mine --bm25 --train sts.jsonl --symmetric --rule shifted:2 -o sts.mined.jsonl\n"
      "  nvembed mine model.gguf --train nq.jsonl --corpus wikipedia.jsonl -k 10 --choose sampled -o out.jsonl\n"
      "  nvembed mine --train nq.jsonl --write-texts nq\n"
      "  nvembed mine --train nq.jsonl --query-vectors q.npy --passage-vectors p.npy -o out.jsonl");
  return [o] { mine(*o); };
}

}  // namespace cli
