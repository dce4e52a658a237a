#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <nvembed/version.hpp>
#include <utility>
#include <vector>

#if defined(NVEMBED_WITH_ONEDNN)
#include <nvembed/cpu/kernels.hpp>
#endif

#include "commands.hpp"
#include "model.hpp"
#include "options.hpp"
#include "output.hpp"
#include "temporary.hpp"

namespace {

std::string version() {
  std::string s = "nvembed " NVEMBED_VERSION "\nback ends:";
  for (const std::string& b : cli::backends()) s += " " + b;
#if defined(NVEMBED_WITH_ONEDNN)
  s += std::string("\ninstruction set: ") + nvembed::cpu::name(nvembed::cpu::best_isa());
#endif
  return s;
}

int run(int argc, char** argv) {
  CLI::App app("Text embeddings from decoder language models (NV-Embed and relatives)", "nvembed");
  app.set_version_flag("--version", version, "Version, back ends compiled in, instruction set in use");
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  nvembed search --corpus passages.jsonl --query \"why is the sky blue\"\n"
      "  nvembed encode NV-Embed-v2/ -i texts.txt -o vectors.npy\n"
      "  nvembed info model.gguf\n"
      "`nvembed COMMAND --help` shows all options of a command.");
  const std::vector<cli::Run> runs{cli::add_encode(app),     cli::add_tokenize(app), cli::add_search(app),
                                   cli::add_similarity(app), cli::add_eval(app),     cli::add_train(app),
                                   cli::add_mine(app),       cli::add_export(app),   cli::add_info(app),
                                   cli::add_bench(app)};
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  if (argc > 1 && argv[1][0] != '-' &&
      std::none_of(commands.begin(), commands.end(), [&](const CLI::App* c) { return c->get_name() == argv[1]; }))
    throw cli::UsageError(std::string("'") + argv[1] + "' is no command; nvembed --help lists them");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    std::string command = "nvembed ";
    for (const CLI::App* c : commands)
      if (c->parsed()) command += c->get_name() + " ";
    cli::say(std::string("[usage] ") + e.what() + "; " + command + "--help shows how");
    return 2;
  }
  for (std::size_t i = 0; i < commands.size(); ++i)
    if (commands[i]->parsed()) runs[i]();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    cli::handle_signals();
    const int status = run(argc, argv);
    nvembed::require<nvembed::FileError>(std::cout.flush().good() && std::fflush(stdout) == 0, "stdout",
                                         "the results cannot be written");
    return status;
  } catch (const cli::UsageError& e) {
    cli::say(std::string("[usage] ") + e.what());
    return 2;
  } catch (const std::bad_alloc&) {
    cli::say("[memory] out of memory; try --batch-tokens 512");
  } catch (const nvembed::Error& e) {
    cli::say(e.what());
  } catch (const std::exception& e) {
    cli::say(std::string("[error] ") + e.what());
  }
  return 1;
}
