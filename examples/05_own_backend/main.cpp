// A back end that replaces one kernel of another. Usage: 05_own_backend MODEL
#include <atomic>
#include <cstdio>
#include <memory>
#include <nvembed/nvembed.hpp>
using namespace nvembed;

// [backend]
/// The Eigen back end with an RMSNorm of its own that counts its calls. Everything else is inherited: kernels are
/// members, so one of the same name replaces the base's.
class Counting : public eigen::Backend {
 public:
  using eigen::Backend::Backend;

  std::string_view name() const { return "counting"; }

  template <class T>
  void rms_norm(Lane& lane, MatView<const T> x, VecView<const T> w, double eps, MatView<T> y, VecView<T> rstd) const {
    calls->fetch_add(1);
    lane.parallel_for(x.rows, [&](Index i, Worker&) {
      double squares = 0;
      for (Index j = 0; j < x.cols; ++j) squares += static_cast<double>(x(i, j)) * static_cast<double>(x(i, j));
      const T r = static_cast<T>(1 / std::sqrt(squares / static_cast<double>(x.cols) + eps));
      for (Index j = 0; j < x.cols; ++j) y(i, j) = w[j] * (x(i, j) * r);
      if (rstd.data) rstd[i] = r;
    });
  }

  std::shared_ptr<std::atomic<int>> calls = std::make_shared<std::atomic<int>>(0);
};
static_assert(Backend<Counting>);  // the concept says in one line what is missing
// [backend]

int main(int, char** argv) {
  auto plain = load<eigen::Backend>(argv[1]);
  auto ours = load<Counting>(argv[1]);
  const auto a = plain.encode({"does it still work?"}), b = ours.encode({"does it still work?"});
  std::printf("cosine %.5f\n", similarity(a, b)(0, 0));
  std::printf("%d norms in %lld layers\n", ours.backend().calls->load(),
              static_cast<long long>(ours.config().num_layers));
}
