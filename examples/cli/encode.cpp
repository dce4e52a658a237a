#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nvembed/embed/fingerprint.hpp>
#include <nvembed/io/mapped_file.hpp>
#include <optional>

#include "commands.hpp"
#include "encoder.hpp"
#include "input.hpp"
#include "model.hpp"
#include "options.hpp"
#include "output.hpp"
#include "part_file.hpp"
#include "stored.hpp"
#include "vector_format.hpp"

namespace cli {
namespace {

struct EncodeCommand : Options {
  std::string input, output, type = "f32", shard;
  Index dim = 0;
  double checkpoint = 5;
  bool no_normalize = false, resume = false;
};

/// The texts [begin, end) of an input; end is -1 where everything is taken.
struct Shard {
  Index begin = 0, end = -1, total = 0;
};

Shard shard_of(const EncodeCommand& o, Format format, bool file) {
  Shard s;
  if (file) s.total = count_texts(o.input, format);
  if (o.shard.empty()) return s;
  if (!file) throw UsageError("--shard needs a file as input: it must count the texts first");
  Index i = 0, n = 0;
  const char* end = o.shard.data() + o.shard.size();
  const auto first = std::from_chars(o.shard.data(), end, i);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '/')
    throw UsageError("--shard is written I/N, as in 1/4");
  const auto second = std::from_chars(first.ptr + 1, end, n);
  if (second.ec != std::errc{} || second.ptr != end || n < 1 || n > 1000000 || i < 1 || i > n)
    throw UsageError("--shard I/N wants I from 1 to N");
  s.begin = s.total * (i - 1) / n;
  s.end = s.total * i / n;
  s.total = s.end - s.begin;
  return s;
}

/// Gives the texts of a shard.
class Source {
 public:
  Source(const EncodeCommand& o, Format format, Shard shard) : reader_(o.input, format), shard_(shard) {
    for (Record r; at_ < shard_.begin && reader_.next(r);) ++at_;
  }
  bool next(Record& record) {
    if (shard_.end >= 0 && at_ >= shard_.end) return false;
    if (!reader_.next(record)) return false;
    ++at_;
    return true;
  }
  Index number() const { return at_; }
  const std::string& name() const { return reader_.lines().name(); }

 private:
  TextReader reader_;
  Shard shard_;
  Index at_ = 0;
};

/// Whether the first `bytes` bytes of a part file are that many rows: of a .npy file, of `row_bytes` each, or (0)
/// lines.
bool holds_rows(const PartFile& part, Index bytes, Index rows, Index row_bytes) {
  if (bytes > part.size()) return false;
  if (row_bytes > 0)
    return bytes >= npy_header_size && (bytes - npy_header_size) % row_bytes == 0 &&
           (bytes - npy_header_size) / row_bytes == rows;
  const nvembed::MappedFile file(part.path());
  const auto written = file.bytes().first(static_cast<std::size_t>(bytes));
  return std::count(written.begin(), written.end(), std::byte{'\n'}) == rows &&
         (written.empty() || written.back() == std::byte{'\n'});
}

/// Takes up what a broken run left, if it left anything: the same settings, the same texts so far.
void take_up(PartFile& part, const std::string& settings, Index row_bytes, Source& source, Summary& summary,
             TextsHash& texts) {
  if (!part.left()) return;
  const std::string where = part.out() + ".part.json", anew = "; run without --resume to start anew";
  const RunState left = RunState::parse(*part.left(), where);
  nvembed::require<nvembed::FileError>(left.settings == settings, "encode", part.path(),
                                       " was made with another model or other settings", anew);
  nvembed::require<nvembed::FileError>(holds_rows(part, left.bytes, left.rows, row_bytes), "encode", where,
                                       ": the first ", left.bytes, " bytes of ", part.path(), " are not ", left.rows,
                                       " rows", anew);
  Record record;
  Index read = 0;
  for (; read < left.rows && source.next(record); ++read) texts.add(record);
  nvembed::require<nvembed::FileError>(read == left.rows && texts.hex() == left.texts, "encode", source.name(),
                                       ": its first ", left.rows, " texts are not those of ", where, anew);
  part.cut(left.bytes);
  summary.texts = summary.earlier_texts = left.rows;
  summary.tokens = summary.earlier_tokens = left.tokens;
  summary.truncated = left.truncated;
  summary.empty = left.empty;
}

/// What an encode run is about, once its options are known to make sense.
struct Job {
  const EncodeCommand& o;
  nvembed::EncodeOptions encode;
  OutputType type;
  Shard shard;
  std::string settings;  ///< what a run must share with the one that it goes on with
  Index dim;
  bool npy, can_resume;
};

void write_vectors(const Job& job, Source& source, PartFile& part, Encoder& encoder, TextsHash& texts) {
  if (part.size() == 0 && job.npy) part.write(npy_header(job.type, 0, job.dim));
  Timer since_checkpoint;
  Index rows = encoder.summary().texts;
  encoder.run(
      [&](Record& r) { return source.next(r); }, source.name(),
      [&](std::span<const Record> records, const nvembed::Embeddings& e) {
        for (const Record& r : records) texts.add(r);
        std::string bytes;
        for (Index i = 0; i < e.rows; ++i) {
          if (job.npy)
            append_npy(bytes, job.type, e[i]);
          else
            append_json(bytes, job.type, e[i], records[static_cast<std::size_t>(i)], job.shard.begin + rows + i);
        }
        part.write(bytes);
        rows += e.rows;
        if (!job.can_resume || since_checkpoint.seconds() < job.o.checkpoint) return;
        const Summary& s = encoder.summary();
        part.checkpoint(RunState{job.settings, texts.hex(), rows, part.size(), s.tokens, s.truncated, s.empty}.str());
        since_checkpoint = {};
      });
  if (job.npy) part.patch(npy_header(job.type, rows, job.dim));
}

void write_tokens(const Job& job, Source& source, PartFile& part, Encoder& encoder, TextsHash& texts) {
  part.write(std::string(tokens_header_size, ' '));
  std::vector<std::int64_t> offsets{0};
  encoder.run_tokens([&](Record& r) { return source.next(r); }, source.name(),
                     [&](std::span<const Record> records, const nvembed::TokenStates& s) {
                       for (const Record& r : records) texts.add(r);
                       part.write({reinterpret_cast<const char*>(s.values.data()), s.values.size() * sizeof(float)});
                       const std::int64_t base = offsets.back();
                       for (std::size_t i = 1; i < s.offsets.size(); ++i) offsets.push_back(base + s.offsets[i]);
                     });
  part.write({reinterpret_cast<const char*>(offsets.data()), offsets.size() * sizeof(std::int64_t)});
  part.patch(tokens_header(offsets.back(), job.dim, static_cast<Index>(offsets.size()) - 1));
}

void run_encode(const EncodeCommand& o) {
  nvembed::EncodeOptions encode = encode_options(o);
  encode.dim = o.dim;
  if (o.no_normalize) encode.normalize = false;
  const bool tokens = o.output.ends_with(".safetensors"), npy = o.output.ends_with(".npy"),
             jsonl = o.output.ends_with(".jsonl");
  if (!tokens && !npy && !jsonl)
    throw UsageError("-o wants a name that ends in .npy or .jsonl (.safetensors with --pool none)");
  if (tokens != (o.pool == "none")) throw UsageError("--pool none and an output named .safetensors belong together");
  if (tokens && (o.resume || o.dim || o.type != "f32"))
    throw UsageError("--pool none goes without --resume, --dim and --output-type");
  const bool file = is_regular_file(o.input);
  if (o.resume && !file) throw UsageError("--resume needs a file as input");
  std::error_code absent;
  if (std::filesystem::equivalent(o.input, o.output, absent)) throw UsageError("-o names the input file");
  const Format format = format_of(o.input, o.json_lines);
  const Shard shard = shard_of(o, format, file);
  Source source(o, format, shard);

  const auto model = load_model(o);
  if (o.dim > model->dim()) throw UsageError(nvembed::cat("--dim ", o.dim, " is more than the model's ", model->dim()));

  const auto identity = model->identity(encode);
  if (o.type == "int8" && identity.at("normalize") == "no")  // by the option, or because the model does not
    throw UsageError("--output-type int8 is made for unit vectors: other components do not fit -1 to 1");
  const std::string fingerprint = nvembed::fingerprint(identity);
  const Job job{o,
                encode,
                output_type(o.type),
                shard,
                nvembed::cat(fingerprint, ' ', o.type, ' ', npy ? "npy" : "jsonl", ' ', shard.begin, ' ', shard.end),
                o.dim ? o.dim : model->dim(),
                npy,
                file};
  PartFile part(o.output, o.resume);
  const Timer timer;
  ProgressBar bar("encode", shard.total, o.quiet);
  Encoder encoder(*model, encode, bar);
  Summary& summary = encoder.summary();
  TextsHash texts;  // of those whose rows are written
  if (o.resume) take_up(part, job.settings, npy ? npy_row_bytes(job.type, job.dim) : 0, source, summary, texts);
  bar.start_from(summary.texts, summary.tokens);
  try {
    tokens ? write_tokens(job, source, part, encoder, texts) : write_vectors(job, source, part, encoder, texts);
    bar.clear();
    // Vectors may be without a fingerprint for a moment, which an index refuses, but never beside another's.
    ::unlink(fingerprint_path(o.output).c_str());
    part.finish();
    write_whole(fingerprint_path(o.output), dump({{"fingerprint", fingerprint},
                                                  {"settings", identity},
                                                  {"output_type", o.type},
                                                  {"texts", texts.hex()},
                                                  {"rows", summary.texts}}) +
                                                "\n");
  } catch (const nvembed::Error& e) {
    if (!part.checkpointed()) throw;
    throw nvembed::Error(nvembed::cat(e.what(), "; what is done is kept, and --resume goes on from there"));
  }
  report(o, summary, timer.seconds());
  if (!o.json) return;
  Output out;
  out.write(dump({{"output", o.output},
                  {"texts", summary.texts},
                  {"tokens", summary.tokens},
                  {"dim", job.dim},
                  {"seconds", timer.seconds()},
                  {"truncated", to_json(summary.truncated)},
                  {"empty", to_json(summary.empty)},
                  {"fingerprint", fingerprint}}) +
            "\n");
  out.finish();
}

}  // namespace

Run add_encode(CLI::App& app) {
  auto o = std::make_shared<EncodeCommand>();
  CLI::App& command = *app.add_subcommand("encode", "Texts to vectors, in input order: .npy or .jsonl");
  add_model(command, *o);
  command.add_option("-i,--input", o->input, "Texts, one a line, or .jsonl with \"text\"; - for standard input")
      ->required()
      ->type_name("FILE");
  command
      .add_option("-o,--output", o->output, "FILE.npy (texts, dim), FILE.jsonl, or FILE.safetensors with --pool none")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--output-type", o->type,
                  "f32, f16, int8 (round(127 x)) or binary (sign bits, as numpy's packbits) [f32]")
      ->type_name("")
      ->check(CLI::IsMember({"f32", "f16", "int8", "binary"}).description(""));
  command.add_option("--dim", o->dim, "Leading components kept, unit length again [0: all]")
      ->type_name("N")
      ->check(CLI::Range(Index{0}, Index{1} << 20).description(""));
  command.add_flag("--no-normalize", o->no_normalize, "Vectors as they are pooled");
  command.add_flag("--resume", o->resume, "Go on with a run that was broken off: same input, model and settings");
  command
      .add_option("--checkpoint", o->checkpoint,
                  "Seconds of work that a broken run may lose; needs a file as input [5]")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e6).description(""));
  command.add_option("--shard", o->shard, "I/N: the I-th of N equal parts; the parts' rows follow each other")
      ->type_name("I/N");
  add_running(command, *o);
  add_texts(command, *o);
  add_encoding(command, *o);
  add_reporting(command, *o);
  command.footer(
      "Examples:\n  nvembed encode NV-Embed-v2/ -i passages.txt -o passages.npy\n"
      "  nvembed encode NV-Embed-v2/ -i questions.jsonl -o questions.npy --instruction \"Given a question, retrieve "
      "passages "
      "that answer the question\"\n  nvembed encode model.gguf -i big.jsonl -o big.npy --output-type int8 --resume");
  return [o] { run_encode(*o); };
}

}  // namespace cli
