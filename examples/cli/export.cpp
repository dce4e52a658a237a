#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nvembed/embed/model_files.hpp>
#include <utility>

#include "commands.hpp"
#include "model.hpp"
#include "options.hpp"
#include "output.hpp"
#include "progress_bar.hpp"
#include "stored.hpp"
#include "timer.hpp"

namespace cli {
namespace {

struct ExportCommand : Options {
  std::string folder, shard_size = "5GB";
};

/// "5GB", "500MB" or a number of bytes.
Index bytes_of(const std::string& text) {
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  constexpr std::pair<const char*, Index> units[] = {{"", 1}, {"KB", 1'000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}};
  Index factor = 0;
  for (const auto& [unit, bytes] : units)
    if (text.substr(digits) == unit) factor = bytes;
  if (factor == 0 || digits == 0 || digits > 15 || std::stoll(text) == 0)
    throw UsageError("--shard-size: '" + text + "' is no size; write it as 5GB, 500MB or in bytes");
  return std::min<Index>(std::stoll(text), (Index{1} << 62) / factor) * factor;
}

void run_export(const ExportCommand& o) {
  ExportCommand opened = o;
  opened.precision.clear();  // of what is written, not of a model in memory
  nvembed::ExportOptions options;
  options.shard_size = bytes_of(o.shard_size);
  if (!o.precision.empty()) options.precision = nvembed::parse_precision(o.precision);
  const nvembed::ModelFiles files = nvembed::open_model(find_model(o.model), load_options(opened));
  for (const std::string& n : files.notices) note(o, n);
  const Timer timer;
  ProgressBar bar("export", 0, o.quiet);
  options.progress = [&](Index done, Index total) {
    bar.update_share(static_cast<double>(done) / static_cast<double>(total));
  };
  const nvembed::Exported done = export_model(o, files, o.folder, options);
  bar.clear();
  for (const std::string& n : done.notices) note(o, n);
  if (o.json) {
    Output out;
    out.write(dump({{"folder", o.folder},
                    {"precision", nvembed::name(done.precision)},
                    {"parameters", done.numbers},
                    {"bytes", done.bytes},
                    {"files", done.files},
                    {"notices", done.notices},
                    {"seconds", timer.seconds()}}) +
              "\n");
    return out.finish();
  }
  const bool blocks = files.stored_precision() == nvembed::Precision::q4;
  const char* why = !o.precision.empty() ? ""
                    : blocks             ? " (the file's blocks written out)"
                                         : " (as the files hold them)";
  note(o, nvembed::cat(grouped(done.numbers), " parameters in ", nvembed::name(done.precision), why, ", ",
                       grouped(done.bytes >> 20), " MiB, written to ", o.folder, " in ", duration(timer.seconds())));
}

}  // namespace

Run add_export(CLI::App& app) {
  auto o = std::make_shared<ExportCommand>();
  CLI::App& command = *app.add_subcommand(
      "export", "Write a model whole, adapters merged, as a folder that transformers and nvembed open");
  add_model(command, *o);
  command.add_option("-o,--output", o->folder, "The folder, new or empty")->type_name("DIR")->required();
  command
      .add_option("--precision", o->precision,
                  "How weights are written: f32, f16 or bf16 [what the model's files mostly hold; f16 for blocks]")
      ->type_name("")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}).description(""));
  command.add_option("--shard-size", o->shard_size, "Most bytes in one file of weights, as 500MB or 5GB [5GB]")
      ->type_name("SIZE");
  add_overrides(command, *o);
  add_machine(command, *o);
  add_reporting(command, *o);
  command.footer(
      "Mask, pooling, normalisation, prompts and length go along. Examples:\n"
      "  nvembed export my-embedder/ -o whole/\n"
      "  nvembed export model.gguf -o folder/ --precision bf16");
  return [o] { run_export(*o); };
}

}  // namespace cli
