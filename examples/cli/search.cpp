#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nvembed/embed/fingerprint.hpp>
#include <nvembed/io/npy_file.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/search/nearest.hpp>

#include "commands.hpp"
#include "input.hpp"
#include "model.hpp"
#include "options.hpp"
#include "output.hpp"
#include "rows.hpp"
#include "stored.hpp"

namespace cli {
namespace {

struct SearchOptions : Options {
  std::string corpus, queries_file, index;
  std::vector<std::string> queries;
  Index k = 5, dim = 0;
};

/// Stored vectors of the corpus, refused unless model, settings and texts are the ones they were made with.
Rows read_index(const std::string& path, const Model& model, const nvembed::EncodeOptions& encode,
                const std::vector<Record>& records) {
  const std::string stored = fingerprint_path(path);
  nvembed::require<nvembed::FileError>(nvembed::file_exists(path), "search", path, ": no such file");
  nvembed::require<nvembed::FileError>(nvembed::file_exists(stored), "search", path, ": ", stored,
                                       " is not beside it, so nobody knows how its vectors were made; make them with "
                                       "`nvembed encode`");
  const VectorsOrigin origin = VectorsOrigin::parse(nvembed::read_file(stored), stored);
  nvembed::require<nvembed::FileError>(origin.output_type == "f32", "search", path, ": holds ",
                                       nvembed::printable(origin.output_type),
                                       " vectors; an index is made without --output-type");
  nvembed::require<nvembed::FileError>(origin.fingerprint == nvembed::fingerprint(model.identity(encode)), "search",
                                       path,
                                       ": its vectors were made with another model or other settings; make them anew "
                                       "with `nvembed encode`");
  TextsHash texts;
  for (const Record& r : records) texts.add(r);
  nvembed::require<nvembed::FileError>(
      origin.texts == texts.hex(), "search", path,
      ": its vectors are of other texts than the corpus; make them anew with `nvembed encode`");
  const nvembed::NpyFile file(path);
  Rows rows{encode.dim ? encode.dim : model.dim(), {}};
  const Index count = static_cast<Index>(records.size());
  nvembed::require<nvembed::FileError>(file.rows() == count && file.cols() == rows.dim, "search", path, ": holds ",
                                       file.rows(), " rows of ", file.cols(), "; the corpus needs ", count, " of ",
                                       rows.dim, "; make it anew with `nvembed encode`");
  rows.values.resize(static_cast<std::size_t>(count * rows.dim));
  std::memcpy(rows.values.data(), file.values().data(), file.values().size());
  return rows;
}

/// At most `most` bytes, cut at a word.
std::string shortened(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  const auto space = text.rfind(' ', most);
  std::size_t end = space == text.npos || space < most / 2 ? most : space;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + " ...";
}

void search(const SearchOptions& o) {
  if (o.queries.empty() == o.queries_file.empty())
    throw UsageError("search wants --query TEXT (as often as you like) or --queries FILE");
  if (o.corpus == "-" && o.queries_file == "-")
    throw UsageError("--corpus and --queries cannot both be standard input");
  if (o.pool == "none") throw UsageError("--pool none gives no vector to search with");
  std::vector<Record> passages, queries;
  TextReader corpus(o.corpus, format_of(o.corpus, false));
  for (Record r; corpus.next(r); r = {}) passages.push_back(r);
  nvembed::require<nvembed::FileError>(!passages.empty(), "search", o.corpus, ": no passages");
  std::string queries_name = "--query";
  if (!o.queries_file.empty()) {
    TextReader reader(o.queries_file, format_of(o.queries_file, o.json_lines));
    for (Record r; reader.next(r); r = {}) queries.push_back(r);
    queries_name = o.queries_file;
    nvembed::require<nvembed::FileError>(!queries.empty(), "search", o.queries_file, ": no queries");
  }
  for (const std::string& q : o.queries) {
    Record r;
    r.text = q;
    r.line = static_cast<Index>(queries.size()) + 1;
    queries.push_back(r);
  }

  const auto model = load_model(o);
  // Instruction, prefix and prompt are the queries'; passages get the model's own passage prompt where it has one.
  SearchOptions plain = o;
  plain.instruction.clear(), plain.instruction_file.clear(), plain.prefix.reset();
  plain.prompt = passage_prompt(*model);
  nvembed::EncodeOptions passage_options = encode_options(plain), query_options = encode_options(o);
  passage_options.dim = query_options.dim = o.dim;
  // What takes less time first: an index that does not fit, or a bad query, is told before the corpus is encoded.
  const Rows stored = o.index.empty() ? Rows{} : read_index(o.index, *model, passage_options, passages);
  const Rows asked = encode_all(*model, o, query_options, queries, queries_name, "queries");
  const Rows rows =
      o.index.empty() ? encode_all(*model, plain, passage_options, passages, o.corpus, "passages") : stored;

  std::vector<Index> order(passages.size());  // of equal ones the earlier
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = -static_cast<Index>(i);
  const auto nearest = nvembed::search::nearest(asked.matrix(), rows.matrix(), o.k, order, model->dot_products());
  Output out(o.report);
  Json results = Json::array();
  for (Index q = 0; q < asked.count(); ++q) {
    const Record& query = queries[static_cast<std::size_t>(q)];
    if (!o.json) out.write(query.text + "\n");
    Json hits = Json::array();
    for (const nvembed::search::Ranked& h : nearest[static_cast<std::size_t>(q)]) {
      const Record& p = passages[static_cast<std::size_t>(h.row)];
      const Json id = p.id.empty() ? Json(p.line) : Json::parse(p.id);
      hits.push_back({{"score", h.score}, {"id", id}, {"title", p.title}, {"text", p.text}});
      char score[16];
      std::snprintf(score, sizeof score, "%7.4f", static_cast<double>(h.score));
      const std::string body = p.title.empty() ? p.text : p.text.substr(p.title.size() + 1);
      if (!o.json)
        out.write(std::string(score) + "  " +
                  (p.id.empty()     ? "line " + std::to_string(p.line)
                   : id.is_string() ? id.get<std::string>()
                                    : p.id) +
                  (p.title.empty() ? "" : "  " + p.title) + "\n         " + shortened(body, 160) + "\n");
    }
    if (!o.json) out.write("\n");
    results.push_back({{"query", query.text}, {"hits", hits}});
  }
  if (o.json) out.write(dump({{"results", results}}) + "\n");
  out.finish();
}

}  // namespace

Run add_search(CLI::App& app) {
  auto o = std::make_shared<SearchOptions>();
  CLI::App& command = *app.add_subcommand("search", "The nearest passages of a corpus, exactly, with scores");
  add_model(command, *o);
  command
      .add_option("--corpus", o->corpus, "Passages, one a line, or .jsonl with \"text\" and maybe \"id\", \"title\"")
      ->required()
      ->type_name("FILE");
  command.add_option("--query", o->queries, "A query; may be given several times")
      ->type_name("TEXT")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--queries", o->queries_file, "Queries from a file, one a line, or .jsonl")->type_name("FILE");
  command.add_option("-k", o->k, "How many passages for a query [5]")
      ->type_name("N")
      ->check(CLI::Range(Index{1}, Index{1} << 30).description(""));
  command.add_option("--index", o->index, "Vectors of the corpus, made by `nvembed encode -o FILE.npy`")
      ->type_name("FILE");
  command.add_option("--dim", o->dim, "Leading components compared, as of `nvembed encode --dim` [0: all]")
      ->type_name("N")
      ->check(CLI::Range(Index{0}, Index{1} << 20).description(""));
  add_running(command, *o);
  add_texts(command, *o);
  add_encoding(command, *o);
  add_output(command, *o);
  add_reporting(command, *o);
  command.footer(
      "Instruction, prefix and prompt are the queries'; passages get the model's own passage prompt, if it has one.\n\n"
      "Examples:\n  nvembed search --corpus passages.jsonl --query \"why is the sky blue\"\n"
      "  nvembed search NV-Embed-v2/ --corpus passages.jsonl --queries questions.txt -k 10 --json\n"
      "  nvembed search NV-Embed-v2/ --corpus passages.jsonl --index passages.npy --query \"...\"");
  return [o] { search(*o); };
}

}  // namespace cli
