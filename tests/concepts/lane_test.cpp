#include <doctest/doctest.h>

#include <nvembed/core/host_lane.hpp>
#include <nvembed/core/lane.hpp>

using namespace nvembed;

namespace {

struct Minimal {
  std::shared_ptr<std::byte> allocate(std::size_t);
  void upload(void*, const void*, std::size_t);
  void download(void*, const void*, std::size_t);
  void synchronize();
};
struct RawMemory : Minimal {
  void* allocate(std::size_t);
};
struct NoDownload : Minimal {
  void download() = delete;
};
struct Pinned : Minimal {
  Pinned(Pinned&&) = delete;
};

}  // namespace

TEST_CASE("lanes") {
  static_assert(Lane<Minimal>);
  static_assert(Lane<HostLane>);
}

TEST_CASE("no lanes") {
  static_assert(!Lane<RawMemory>);
  static_assert(!Lane<NoDownload>);
  static_assert(!Lane<Pinned>);
  static_assert(!Lane<int>);
}
