#include <nvembed/train/labelled_records.hpp>
#include <nvembed/train/read_training_tasks.hpp>
#include <nvembed/train/record_file.hpp>
#include <nvembed/train/record_line.hpp>

#include "fuzz.hpp"

// Files of training: records, labelled texts, the list of tasks.
namespace {

using namespace nvembed;

template <class Records>
void check_records(const Records& records) {
  for (Index i = 0; i < records.size(); ++i) {
    const train::Record r = records.at(i);
    fuzz::check(!r.positives.empty(), "a record has a positive");
    for (const std::string& n : r.negatives) {
      fuzz::check(n != r.query, "no negative is the query");
      for (const std::string& p : r.positives) fuzz::check(n != p, "no negative is a positive");
    }
    fuzz::check(train::parse_record(train::record_line(r), "again") == r, "a record is read as it was written");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  const std::string path = folder.write("file", fuzz::text(data, size));
  const train::RecordFileOptions skip{.on_bad_record = train::OnBadRecord::skip};
  fuzz::survives([&] {
    const train::RecordFile file(path, skip);
    fuzz::check(file.counts().records == file.size(), "as many as were counted");
    check_records(file);
  });
  for (const auto mode : {train::LabelMode::example, train::LabelMode::label})
    fuzz::survives([&] { check_records(train::LabelledRecords(path, {mode}, 1, skip)); });
  fuzz::survives([&] {
    for (const auto& task : train::read_training_tasks(path)) fuzz::check(!task.name.empty(), "a task has a name");
  });
  return 0;
}
