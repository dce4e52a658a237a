#include <CLI/CLI.hpp>
#include <memory>
#include <nvembed/embed/input_builder.hpp>
#include <nvembed/embed/model_files.hpp>

#include "commands.hpp"
#include "input.hpp"
#include "model.hpp"
#include "options.hpp"
#include "output.hpp"
#include "stored.hpp"

namespace cli {
namespace {

struct TokenizeOptions : Options {
  std::string input;
  bool no_special = false;
};

void tokenize(const TokenizeOptions& o) {
  if (o.no_special && o.parse_special) throw UsageError("--no-special and --parse-special exclude each other");
  const nvembed::ModelFiles files = nvembed::open_model(find_model(o.model), load_options(o));
  nvembed::EncodeOptions encode = encode_options(o);
  auto tokenizer = files.tokenizer;
  if (o.no_special) {
    tokenizer = tokenizer.with_frame({}, {});
    encode.parse_special = false;
  }
  const nvembed::InputBuilder inputs(tokenizer, files.settings);
  TextReader reader(o.input, format_of(o.input, o.json_lines));
  Output out(o.report);
  for (Record record; reader.next(record);) {
    const nvembed::BuiltInput built = [&] {
      try {
        return inputs.build(record.view(), encode);
      } catch (nvembed::InputError& e) {
        if (e.text()) e.name_text(reader.lines().where());
        throw;
      }
    }();
    nvembed::require<nvembed::InputError>(built.excess == 0, "input", reader.lines().where(), ": the text ",
                                          built.why_empty());
    Json line{
        {"ids", built.text.ids}, {"tokens", Json::array()}, {"pooled", Json::array()}, {"truncated", built.truncated}};
    for (std::size_t i = 0; i < built.text.ids.size(); ++i) {
      line["tokens"].push_back(tokenizer.token(built.text.ids[i]));
      line["pooled"].push_back(static_cast<Index>(i) >= built.text.pool_begin ? 1 : 0);
    }
    out.write(dump(line) + "\n");
  }
  out.finish();
}

}  // namespace

Run add_tokenize(CLI::App& app) {
  auto o = std::make_shared<TokenizeOptions>();
  CLI::App& command =
      *app.add_subcommand("tokenize", "Texts to token ids, one JSON object a line: ids, tokens, pooled, truncated");
  add_model(command, *o);
  command.add_option("-i,--input", o->input, "Texts, one a line, or .jsonl; - for standard input")
      ->required()
      ->type_name("FILE");
  command.add_flag("--no-special", o->no_special, "No BOS and EOS; special strings are plain text");
  add_running(command, *o);
  add_texts(command, *o);
  add_output(command, *o);
  command.add_flag("-q,--quiet", o->quiet, "Errors only");
  command.footer(
      "Examples:\n  nvembed tokenize NV-Embed-v2/ -i texts.txt --instruction \"Retrieve similar texts\"\n"
      "  echo \"two words\" | nvembed tokenize model.gguf -i - --no-special");
  return [o] { tokenize(*o); };
}

}  // namespace cli
