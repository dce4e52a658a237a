#include "options.hpp"

#include <CLI/CLI.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/mask/parse.hpp>
#include <nvembed/text/unicode.hpp>

#include "model.hpp"
#include "output.hpp"

namespace cli {
namespace {

constexpr Index most = Index{1} << 40;
constexpr Index longest_text = Index{1} << 23;  // bytes; some two million tokens

/// The parser's own message for a wrong choice runs over everything it knows; this one is a line.
CLI::Validator one_of(const std::vector<std::string>& choices) {
  std::string list;
  for (const std::string& c : choices) list += (list.empty() ? "" : "|") + c;
  return CLI::Validator(
      [choices, list](std::string& value) {
        for (const std::string& c : choices)
          if (value == c) return std::string();
        return "'" + value + "' is none of " + list;
      },
      list);
}

}  // namespace

void add_model(CLI::App& command, Options& o) {
  command
      .add_option("MODEL", o.model,
                  "A Hugging Face folder, a .gguf file, an embedder folder (nvembed.json) or a PEFT adapter's folder "
                  "[$NVEMBED_MODEL, else the demo's model in the cache folder]")
      ->type_name("");
}

void add_overrides(CLI::App& command, Options& o) {
  command
      .add_option(
          "--base", o.base,
          "The base of an embedder or adapter folder [the path that stands there, else by name or digest in the "
          "cache folder]")
      ->type_name("PATH");
  command
      .add_option(
          "--mask", o.mask,
          "Attention mask: bidirectional, causal, window:N, window:LEFT,RIGHT, causal&window:LEFT,RIGHT, prefix, "
          "prefix:full,causal [what the model's files say]")
      ->type_name("MASK");
  command.add_option("--pool", o.pool, "Pooling [what the model's files say]")
      ->type_name("NAME")
      ->check(one_of({"mean", "weighted_mean", "last_token", "latent_attention", "self_attention", "none"}));
}

void add_machine(CLI::App& command, Options& o) {
  command.add_option("--threads", o.threads, "Threads, at most 1024 [0: the cores this process may use]")
      ->type_name("N")
      ->check(CLI::Range(Index{0}, Index{1024}).description(""));
  command.add_option("--seed", o.seed, "Seed of whatever is drawn by chance; nothing is when texts are encoded [0]")
      ->type_name("N");
  command
      .add_option(
          "--backend", o.backend,
          "Back end: onednn, eigen or cuda [the best one that is compiled in and usable: " + backends().front() + "]")
      ->type_name("")
      ->check(one_of({"onednn", "eigen", "cuda"}));
}

void add_running(CLI::App& command, Options& o) {
  add_overrides(command, o);
  add_machine(command, o);
  command
      .add_option("--precision", o.precision,
                  "How weights are held; q4: blocks as a GGUF file has them; auto: the fastest that fits and keeps the "
                  "cosine to f32 above 0.999 [f32, or what the file has where f32 does not fit in memory]")
      ->type_name("")
      ->check(one_of({"f32", "f16", "bf16", "int8", "fp8", "q4", "auto"}));
}

void add_texts(CLI::App& command, Options& o) {
  auto* instruction =
      command
          .add_option("--instruction", o.instruction, "A task description, put into the model's query template [none]")
          ->type_name("TEXT");
  command.add_option("--instruction-file", o.instruction_file, "The same from a file; an empty one is none")
      ->type_name("FILE")
      ->excludes(instruction);
  command
      .add_option("--prefix", o.prefix,
                  "Put before each text as it is; \"\" for none, not even the model's default prompt. A JSON line's "
                  "own \"instruction\" or \"prefix\" goes before the options'")
      ->type_name("TEXT");
  command.add_option("--prompt", o.prompt, "One of the model's own prompts, by name (`nvembed info` lists them)")
      ->type_name("NAME");
  command.add_option("--max-length", o.max_length, "Tokens a text may have, special ones counted [0: the model's]")
      ->type_name("N")
      ->check(CLI::Range(Index{0}, most).description(""));
  command
      .add_option(
          "--compat", o.compat,
          "`reference`: tokens and pooled span as the released NV-Embed has them; `exact`: the instruction's tokens "
          "as they really fall [reference for NV-Embed, else exact]")
      ->type_name("")
      ->check(one_of({"reference", "exact"}));
  auto* parse = command.add_flag("--parse-special", o.parse_special,
                                 "Special strings in a text (</s>) become special tokens [as --compat says]");
  command.add_flag("--plain-special", o.plain_special, "Special strings in a text are plain text [as --compat says]")
      ->excludes(parse);
  command.add_flag("--jsonl", o.json_lines, "Read the input as JSON Lines whatever its name is (standard input, say)");
}

void add_encoding(CLI::App& command, Options& o) {
  command
      .add_option("--on-error", o.on_error,
                  "A text that leaves no token to pool, or has more than 8 MiB: `stop` ends the run, `zero` gives a "
                  "row of zeros "
                  "and names it [stop]")
      ->type_name("")
      ->check(one_of({"stop", "zero"}));
  command
      .add_option("--batch-tokens", o.batch_tokens,
                  "Most tokens in one forward pass; does not change any vector [2048; on a GPU more]")
      ->type_name("N")
      ->check(CLI::Range(Index{1}, most).description(""));
}

void add_output(CLI::App& command, Options& o) {
  command
      .add_option("-o,--output", o.report, "Where the results go; the file appears when it is whole [standard output]")
      ->type_name("FILE");
}

void add_reporting(CLI::App& command, Options& o) {
  command.add_flag("--json", o.json, "The report as one JSON object on standard output");
  command.add_flag("-q,--quiet", o.quiet, "No progress bar, warnings or timings: errors only");
}

nvembed::LoadOptions load_options(const Options& o) {
  nvembed::LoadOptions load;
  load.threads = o.threads;
  load.base = o.base;
  load.mask = o.mask;
  try {
    if (!o.mask.empty()) nvembed::mask::parse(o.mask);
  } catch (const nvembed::InputError& e) {
    throw UsageError(std::string("--mask: ") + e.what());
  }
  load.pool = o.pool;
  load.precision = o.precision;
  load.notice = [o](const std::string& notice) { note(o, notice); };
  return load;
}

nvembed::EncodeOptions encode_options(const Options& o) {
  nvembed::EncodeOptions encode;
  encode.instruction = o.instruction;
  if (!o.instruction_file.empty()) {
    encode.instruction = nvembed::read_file(o.instruction_file, longest_text);
    // An editor's line end at the end of the file is not part of the description.
    if (encode.instruction.ends_with('\n')) encode.instruction.pop_back();
    if (encode.instruction.ends_with('\r')) encode.instruction.pop_back();
  }
  encode.prefix = o.prefix;
  encode.prompt = o.prompt;
  if (!encode.instruction.empty() + (o.prefix && !o.prefix->empty()) + !encode.prompt.empty() > 1)
    throw UsageError("--instruction, --prefix and --prompt exclude each other");
  const auto check_words = [](const std::string& words, const std::string& from) {
    try {
      nvembed::text::require_utf8(words);
    } catch (const nvembed::InputError& e) {
      std::string why = e.what();
      if (const auto place = why.find("] "); place != why.npos) why.erase(0, place + 2);
      nvembed::fail<nvembed::InputError>("options", from, ": ", why);
    }
  };
  check_words(encode.instruction, o.instruction_file.empty() ? "--instruction" : o.instruction_file);
  check_words(o.prefix.value_or(""), "--prefix");
  encode.max_length = o.max_length;
  encode.max_bytes = longest_text;
  if (!o.compat.empty()) encode.compat = o.compat == "exact" ? nvembed::Compat::exact : nvembed::Compat::reference;
  if (o.parse_special) encode.parse_special = true;
  if (o.plain_special) encode.parse_special = false;
  if (o.on_error == "zero") encode.on_empty = nvembed::OnEmpty::zero;
  encode.batch_tokens = o.batch_tokens;
  return encode;
}

void note(const Options& o, const std::string& message) {
  if (!o.quiet) say(message);
}

}  // namespace cli
