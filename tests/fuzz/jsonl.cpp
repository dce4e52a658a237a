#include <nvembed/io/json.hpp>
#include <nvembed/text/unicode.hpp>

#include "../../examples/cli/input.hpp"
#include "fuzz.hpp"

// The program's inputs: lines, JSON Lines, pairs.
namespace {

void check_record(const cli::Record& r) {
  for (const std::string* s : {&r.text, &r.title})
    fuzz::check(nvembed::text::find_invalid_utf8(*s) == s->npos, "texts are UTF-8");
  fuzz::check(r.id.empty() || nvembed::Json::accept(r.id), "an id is JSON");
  fuzz::check(r.line > 0, "lines count from 1");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  const std::string path = folder.write("texts", fuzz::text(data, size));
  for (const auto format : {cli::Format::lines, cli::Format::json_lines})
    fuzz::survives([&] {
      cli::TextReader reader(path, format);
      cli::Index n = 0;
      for (cli::Record r; reader.next(r); ++n) check_record(r);
      fuzz::check(cli::count_texts(path, format) == n, "as many as were counted");
    });
  fuzz::survives([&] {
    cli::PairReader reader(path);
    for (cli::Pair pair; reader.next(pair);) check_record(pair.first), check_record(pair.second);
  });
  return 0;
}
