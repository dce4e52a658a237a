#include "rows.hpp"

#include "encoder.hpp"

namespace cli {

Rows encode_all(const Model& model, const Options& o, const nvembed::EncodeOptions& encode,
                const std::vector<Record>& records, const std::string& name, const char* what) {
  ProgressBar bar(what, static_cast<Index>(records.size()), o.quiet);
  Encoder encoder(model, encode, bar);
  Rows rows{encode.dim ? encode.dim : model.dim(), {}};
  std::size_t at = 0;
  const Timer timer;
  encoder.run(
      [&](Record& r) {
        if (at == records.size()) return false;
        r = records[at++];
        return true;
      },
      name,
      [&](std::span<const Record>, const nvembed::Embeddings& e) {
        rows.values.insert(rows.values.end(), e.values.begin(), e.values.end());
      });
  bar.clear();
  note(o, what);
  report(o, encoder.summary(), timer.seconds());
  return rows;
}

}  // namespace cli
