// A task of one's own for an evaluation. Usage: 06_own_task MODEL
#include <array>
#include <cstdio>
#include <nvembed/eval/any_task.hpp>
#include <nvembed/eval/evaluate.hpp>
#include <nvembed/nvembed.hpp>
using namespace nvembed;

// [task]
/// Of three texts the third is the odd one out: how often are the first two nearest to each other?
class OddOneOut {
 public:
  explicit OddOneOut(const std::vector<std::array<std::string, 3>>& triples) {
    texts_[0].file = "triples";  // what messages call it
    for (const auto& triple : triples)
      for (const std::string& text : triple) texts_[0].texts.push_back(text);
  }

  const eval::TaskInfo& info() const { return info_; }
  std::span<const eval::TaskTexts> texts() const { return texts_; }

  /// A matrix for each group of texts, a row a text.
  eval::Score score(std::span<const eval::HostMatrix> vectors, const eval::Scoring& scoring) const {
    const eval::HostMatrix v = vectors[0];
    std::vector<double> right;
    for (Index i = 0; i < v.rows; i += 3) {
      const double pair = cosine(v[i], v[i + 1]);
      right.push_back(pair > cosine(v[i], v[i + 2]) && pair > cosine(v[i + 1], v[i + 2]));
    }
    return eval::mean_score(right, scoring.seed);  // in percent, with replicates for its interval
  }

 private:
  eval::TaskInfo info_{.name = "odd_one_out", .category = "triples", .instruction = "Retrieve texts on the same topic"};
  std::array<eval::TaskTexts, 1> texts_;
};
static_assert(eval::EvalTask<OddOneOut>);
// [task]

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  // [use]
  const auto model = load<onednn::Backend>(argv[1]);
  const OddOneOut task({{"the sea is deep", "the ocean is deep", "a compiler error"},
                        {"bread and butter", "cheese and wine", "the parliament voted"},
                        {"she plays the violin", "he sings in a choir", "trains run late"}});
  const std::vector<eval::FoundTask> tasks{{task.info(), eval::AnyTask(task), {}}};
  const eval::Evaluation result = eval::evaluate(eval::evaluated_model(model), tasks);
  for (const eval::TaskResult& r : result.tasks) {
    if (r.score) std::printf("%s %.1f +- %.1f\n", r.info.name.c_str(), r.score->value, r.score->ci95());
    for (const std::string& problem : r.problems) std::printf("%s\n", problem.c_str());
  }
  // [use]
}
