#pragma once

#include <cstdint>
#include <nvembed/embed/encode_options.hpp>
#include <nvembed/embed/load_options.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "input.hpp"

namespace CLI {
class App;
}

namespace cli {

/// Options that contradict each other, or a value that no file or model is needed to refuse: exit 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What all commands take, as it stands on the command line.
struct Options {
  std::string model, base;
  // how the model is held and run
  Index threads = 0;
  std::uint64_t seed = 0;
  std::string backend, mask, pool, precision;
  // how texts enter it
  std::string compat, instruction, instruction_file, prompt;
  std::optional<std::string> prefix;
  bool parse_special = false, plain_special = false;
  Index max_length = 0;
  // how it goes
  std::string on_error = "stop";
  Index batch_tokens = 0;  // 0: what suits the back end
  bool quiet = false, json = false, json_lines = false;
  std::string report;  ///< where results go; empty: standard output
};

void add_model(CLI::App& command, Options& o);
/// Overrides, machine and precision.
void add_running(CLI::App& command, Options& o);
/// Where the base is, and what of the model's files does not count.
void add_overrides(CLI::App& command, Options& o);
/// Threads, seed and back end.
void add_machine(CLI::App& command, Options& o);
/// How texts enter a model.
void add_texts(CLI::App& command, Options& o);
/// How they are encoded.
void add_encoding(CLI::App& command, Options& o);
/// `-o`, for commands whose results are text.
void add_output(CLI::App& command, Options& o);
void add_reporting(CLI::App& command, Options& o);

/// Checks what the parser cannot. Notices of a load go to standard error unless `--quiet`.
nvembed::LoadOptions load_options(const Options& o);
nvembed::EncodeOptions encode_options(const Options& o);
/// Warnings and timings: one line on standard error, nothing with `--quiet`.
void note(const Options& o, const std::string& message);

}  // namespace cli
