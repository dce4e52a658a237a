#include <doctest/doctest.h>

#include <nvembed/text/normalizer.hpp>
#include <nvembed/text/spm_bpe.hpp>
#include <string>
#include <vector>

using namespace nvembed;
using namespace nvembed::text;

TEST_CASE("steps in order, with the places of the source") {
  NormalizedText t("e\u0301 b", true);
  const NormalizerStep steps[] = {{NormalizerStep::Kind::nfc},
                                  {NormalizerStep::Kind::prepend, {}, "\u2581"},
                                  {NormalizerStep::Kind::replace, " ", "\u2581"}};
  t.apply(steps);
  CHECK(t.text() == "\u2581\u00e9\u2581b");
  std::vector<Index> ends;
  for (Index n = 0; n <= static_cast<Index>(t.text().size()); ++n) ends.push_back(t.source_end(n));
  CHECK(ends == std::vector<Index>{0, 0, 0, 0, 3, 3, 4, 4, 4, 5});
}

TEST_CASE("text that no step changes stays where it is") {
  const std::string source = "plain";
  NormalizedText t(source, true);
  t.nfc();
  t.replace("x", "y");
  t.replace("", "y");
  CHECK(t.text().data() == source.data());
  CHECK(t.source_end(3) == 3);
}

TEST_CASE("nothing is put before an empty text or a later part") {
  const auto steps = spm_normalizer(true);
  NormalizedText empty("", false), later(" a", false), first(" a", false), bare(" a", false);
  empty.apply(steps);
  later.apply(steps, false);
  first.apply(steps);
  bare.apply(spm_normalizer(false));
  CHECK(empty.text().empty());
  CHECK(later.text() == "\u2581a");
  CHECK(first.text() == "\u2581\u2581a");
  CHECK(bare.text() == "\u2581a");
}

TEST_CASE("replacing does not look at what it has put in") {
  NormalizedText t("aaa", false);
  t.replace("aa", "a");
  CHECK(t.text() == "aa");
}
