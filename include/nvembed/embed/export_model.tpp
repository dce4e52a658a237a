#pragma once

#include <nvembed/embed/export_model.hpp>
#include <nvembed/embed/export_parts.hpp>
#include <nvembed/embed/load.hpp>
#include <nvembed/io/merged_weights.hpp>
#include <nvembed/io/sharded_writer.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/pool/latent_attention.hpp>

namespace nvembed {
namespace detail {

/// A tensor on its way: our key, the name it gets, its shape as `Weights::get` has it.
struct ExportTensor {
  std::string key, name;
  Index rows = 0, cols = 0;
  bool vector = false;

  std::vector<Index> shape() const { return vector ? std::vector<Index>{cols} : std::vector<Index>{rows, cols}; }
};

/// The tensors of a module, in the order of its members.
template <class M>
std::vector<ExportTensor> export_tensors(const M& module, const KeyMap& names) {
  std::vector<ExportTensor> all;
  for_each_leaf(module, [&](const std::string& key, const auto& leaf) {
    const Index cols = leaf.declared.cols;
    for (const Part& p : leaf.declared.parts) {  // biases are declared as columns, norms as one row
      const std::string ours = join_key(key, p.key);
      const bool vector = cols == 1 || (leaf.declared.rows() == 1 && ours != "latents");
      all.push_back({ours, names.foreign(ours), cols == 1 ? 1 : p.rows, cols == 1 ? p.rows : cols, vector});
    }
  });
  return all;
}

}  // namespace detail

template <class B>
Exported export_model(const B& be, const ModelFiles& files, const std::filesystem::path& folder,
                      const ExportOptions& options) {
  Exported done;
  done.precision = options.precision.value_or(export_precision(files));
  require<InputError>(done.precision <= Precision::bf16, "export", name(done.precision),
                      " has no place in Hugging Face's layout; use f32, f16 or bf16");
  std::error_code ignored;
  for (const auto& own : {files.path, files.base})
    require<InputError>(!std::filesystem::equivalent(folder, own, ignored), "export", folder.string(),
                        " is the model itself; name a folder that is new or empty");
  check_weights<B>(files);
  detail::check_whole_base(files);
  ExportFolder out(folder);

  const DType type = done.precision == Precision::f16    ? DType::f16
                     : done.precision == Precision::bf16 ? DType::bf16
                                                         : DType::f32;
  const bool released = detail::has_released_layout(files);
  const KeyMap names = KeyMap::hugging_face(released ? "embedding_model." : "");
  std::vector<detail::ExportTensor> tensors =
      detail::export_tensors(Decoder<B, mask::Any>(files.decoder, files.mask), names);
  std::vector<detail::ExportTensor> head;
  if (files.latent) head = detail::export_tensors(pool::LatentAttention<B>(*files.latent), names);
  if (released) {
    tensors.insert(tensors.end(), head.begin(), head.end());
    head.clear();
  }
  Index total = 0;
  ShardedWriter weights(folder.string(), options.shard_size);
  for (const auto& t : tensors) weights.declare(t.name, type, t.shape()), total += t.rows * t.cols;
  for (const auto& t : head) total += t.rows * t.cols;

  const auto write = [&](const detail::ExportTensor& t, auto& source, auto& writer) {
    const RawWeight raw = source.get(t.key, t.rows, t.cols);
    detail::convert_rows(raw, type, [&](std::span<const std::byte> bytes) { writer.write(t.name, bytes); });
    source.done(raw);
    done.numbers += t.rows * t.cols;
    if (options.progress) options.progress(done.numbers, total);
  };
  const auto write_all = [&](auto& source) {
    for (const auto& t : tensors) write(t, source, weights);
  };
  for (const std::string& file : weights.files()) out.file(file);
  if (files.adapter) {
    MergedWeights merged(be, files.weights, *files.adapter);
    write_all(merged);
  } else {
    write_all(files.weights);
  }
  weights.finish();
  if (!head.empty()) {
    SafetensorsWriter writer(out.file(detail::export_head_file), {{"format", "pt"}});
    for (const auto& t : head) writer.declare(t.name, type, t.shape());
    for (const auto& t : head) write(t, files.weights, writer);
    writer.finish();
  }
  done.bytes = done.numbers * info(type).bytes;
  detail::write_side_files(files, done.precision, out, done);
  check_weights<B>(detail::check_export(files, folder));
  out.finish();
  done.files = out.files();
  return done;
}

}  // namespace nvembed
