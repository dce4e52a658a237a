#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nvembed/core/memory.hpp>
#include <nvembed/embed/fingerprint.hpp>
#include <nvembed/embed/model_files.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/sha256.hpp>

#include "commands.hpp"
#include "model.hpp"
#include "options.hpp"
#include "output.hpp"
#include "progress_bar.hpp"
#include "stored.hpp"

namespace cli {
namespace {

struct InfoOptions : Options {
  bool verify = false;
};

/// What stands beside the base: adapter, head, weights trained in full.
void describe_tuning(const nvembed::ModelFiles& m, Json& j) {
  const bool beside = m.base != m.path;  // else the folder is its own base
  if (beside) j["base"]["path"] = m.base.string();
  if (m.adapter) {
    const nvembed::nn::LoraOptions& o = m.adapter->options();
    j["adapter"] = {{"rank", o.rank},
                    {"alpha", o.alpha},
                    {"rslora", o.rslora},
                    {"matrices", m.adapter->updates().size()},
                    {"target_modules", o.target_modules},
                    {"parameters", m.adapter->parameters()}};
  }
  if (!m.embedder) return;
  if (beside) {
    j["base"]["name"] = m.embedder->base.name;
    j["base"]["digest"] = m.embedder->base.digest;
  }
  j["trained_precision"] = m.embedder->precision;
  if (m.embedder->weights) j["trained_weights"] = m.embedder->weights->file;
}

/// Whether an embedder recorded the SHA-256 of a file, which is then the same. Throws FileError where it is not.
bool verified(const nvembed::ModelFiles& m, const std::string& path, const std::string& sha256) {
  const std::string recorded = m.embedder ? nvembed::recorded_sha256(*m.embedder, path) : std::string();
  nvembed::require<nvembed::FileError>(recorded.empty() || recorded == sha256, "info", path, ": has SHA-256 ", sha256,
                                       ", but the embedder was made with a file that has ",
                                       nvembed::printable(recorded));
  return !recorded.empty();
}

Json describe(const InfoOptions& o) {
  InfoOptions silent = o;
  silent.quiet = true;  // its notices stand in the report
  const nvembed::ModelFiles m = nvembed::open_model(find_model(o.model), load_options(silent));
  check_weights(o, m);
  const nvembed::DecoderConfig& c = m.decoder;
  Json j;
  j["path"] = m.path.string();
  j["architecture"] = m.latent && !m.embedder ? "nvembed" : c.architecture;
  j["parameters"] = m.parameters();
  j["decoder"] = {
      {"layers", c.num_layers},     {"hidden_size", c.hidden_size}, {"intermediate_size", c.intermediate_size},
      {"heads", c.num_heads},       {"kv_heads", c.num_kv_heads},   {"head_dim", c.head_dim},
      {"vocab_size", c.vocab_size}, {"rope_theta", c.rope_theta},   {"rms_norm_eps", c.rms_norm_eps}};
  if (m.latent)
    j["latent_attention"] = {
        {"latents", m.latent->num_latents}, {"heads", m.latent->num_heads}, {"head_dim", m.latent->head_dim}};
  describe_tuning(m, j);
  j["dim"] = c.hidden_size;
  j["mask"] = m.mask.str();
  j["pool"] = m.pool;
  j["normalize"] = m.normalize;
  j["compat"] = m.settings.compat == nvembed::Compat::exact ? "exact" : "reference";
  j["max_length"] = m.settings.max_length;
  j["query_template"] = m.settings.query_template;
  j["prompts"] = m.settings.prompts;
  j["default_prompt"] = m.settings.default_prompt;
  const Index available = nvembed::available_memory();
  const nvembed::Precision precision = nvembed::choose_precision(m, o.precision, available);
  j["stored"] = nvembed::name(m.stored_precision());
  j["precision"] = nvembed::name(precision);
  for (std::size_t p = 0; p < nvembed::precision_names.size(); ++p)
    j["memory"]["weights"][std::string(nvembed::precision_names[p])] =
        m.weight_bytes(static_cast<nvembed::Precision>(p));
  j["memory"]["activations"] = m.activation_bytes(o.batch_tokens ? o.batch_tokens : nvembed::default_batch_tokens);
  j["memory"]["available"] = available;
  j["files"] = Json::array();
  for (const std::string& path : m.paths()) {
    Json file{{"path", path}, {"bytes", std::filesystem::file_size(path)}};
    if (o.verify) {
      const std::string sha256 = nvembed::sha256_of_file(path);
      file["sha256"] = sha256;
      file["verified"] = verified(m, path, sha256);
    }
    j["files"].push_back(file);
  }
  j["digest"] = m.digest();
  j["fingerprint"] = nvembed::fingerprint(nvembed::model_identity(nvembed::InputBuilder(m.tokenizer, m.settings),
                                                                  encode_options(o), m.digest(), m.mask.str(), m.pool,
                                                                  precision, m.normalize, c.hidden_size));
  j["notices"] = m.notices;
  return j;
}

std::string megabytes(const Json& bytes) { return grouped(bytes.get<Index>() >> 20) + " MiB"; }

void info(const InfoOptions& o) {
  const Json j = describe(o);
  Output out(o.report);
  if (o.json) {
    out.write(dump(j) + "\n");
    return out.finish();
  }
  const auto row = [&](const char* name, const std::string& value) {
    char label[32];
    std::snprintf(label, sizeof label, "%-14s", name);
    out.write(label + value + "\n");
  };
  const auto text = [](const Json& v) { return v.is_string() ? v.get<std::string>() : v.dump(); };
  const Json& d = j["decoder"];
  row("model", text(j["path"]));
  row("architecture", text(j["architecture"]) + ", " + grouped(j["parameters"].get<Index>()) + " parameters");
  row("decoder", text(d["layers"]) + " layers of " + text(d["hidden_size"]) + ", " + text(d["heads"]) + " heads, " +
                     text(d["kv_heads"]) + " key-value heads of " + text(d["head_dim"]) + ", vocabulary " +
                     text(d["vocab_size"]));
  if (j.contains("latent_attention"))
    row("head", text(j["latent_attention"]["latents"]) + " latents, " + text(j["latent_attention"]["heads"]) +
                    " heads of " + text(j["latent_attention"]["head_dim"]));
  if (j.contains("base")) row("base", text(j["base"]["path"]));
  if (j.contains("adapter")) {
    const Json& a = j["adapter"];
    std::string modules;
    for (const Json& m : a["target_modules"]) modules += (modules.empty() ? "" : ", ") + text(m);
    row("adapter", "LoRA of rank " + text(a["rank"]) + ", alpha " + text(a["alpha"]) + ", " + text(a["matrices"]) +
                       " matrices (" + modules + "), " + grouped(a["parameters"].get<Index>()) + " parameters");
  }
  if (j.contains("trained_weights")) row("trained", text(j["trained_weights"]) + " in place of the base's own");
  row("vectors", text(j["dim"]) + " components, " + (j["normalize"].get<bool>() ? "unit length" : "not normalised"));
  row("mask", text(j["mask"]));
  row("pool", text(j["pool"]));
  row("compat", text(j["compat"]));
  row("max length", j["max_length"] == 0 ? "no limit known" : text(j["max_length"]) + " tokens");
  row("template", j["query_template"].dump());
  for (const auto& [name, prompt] : j["prompts"].items())
    row("prompt", name + " = " + prompt.dump() + (j["default_prompt"] == name ? " (default)" : ""));
  std::string weights;
  for (const std::string_view p : nvembed::precision_names)
    weights += (weights.empty() ? "" : ", ") + std::string(p) + " " + megabytes(j["memory"]["weights"][std::string(p)]);
  row("stored as", text(j["stored"]));
  row("precision", text(j["precision"]) + (o.precision.empty() ? " (unless asked otherwise)" : ""));
  row("weights", weights);
  row("memory", "about " + megabytes(j["memory"]["activations"]) + " more at work; " +
                    megabytes(j["memory"]["available"]) + " available");
  for (const Json& f : j["files"])
    row("file", text(f["path"]) + ", " + grouped(f["bytes"].get<Index>()) + " bytes" +
                    (f.contains("sha256") ? ", sha256 " + text(f["sha256"]) +
                                                (f["verified"].get<bool>() ? " (as recorded)" : " (none is recorded)")
                                          : ""));
  row("digest", text(j["digest"]));
  row("fingerprint", text(j["fingerprint"]));
  if (!o.quiet)
    for (const Json& n : j["notices"]) row("note", text(n));
  out.finish();
}

}  // namespace

Run add_info(CLI::App& app) {
  auto o = std::make_shared<InfoOptions>();
  CLI::App& command =
      *app.add_subcommand("info", "What a model is: architecture, memory, mask, pooling, prompts, files");
  add_model(command, *o);
  add_running(command, *o);
  add_texts(command, *o);
  add_output(command, *o);
  command.add_flag("--verify", o->verify, "Read all files whole and print their SHA-256");
  add_reporting(command, *o);
  command.footer("Examples:\n  nvembed info NV-Embed-v2/\n  nvembed info model.gguf --verify --json");
  return [o] { info(*o); };
}

}  // namespace cli
