#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <nvembed/core/free_list.hpp>
#include <nvembed/core/huge_pages.hpp>
#include <nvembed/core/trainable_backend.hpp>
#include <span>
#include <string_view>

namespace nvembed::train {

/// Computes nothing and holds nothing: a pass over it, forward and backward, tells what memory the same pass takes on a
/// back end whose memory is the host's.
class DryBackend {
 public:
  /// Bytes that its buffers take, and took at most.
  struct Bytes {
    Index used = 0, peak = 0;
  };

  /// What a buffer of HostLane keeps from others once it is written: whole huge pages, within its size class.
  static Index resident(std::size_t bytes) {
    constexpr std::size_t page = huge_pages::size;
    const std::size_t own = buffer_size(bytes);
    return static_cast<Index>(own < page ? own : std::min(own, (bytes + page - 1) / page * page));
  }

  class Lane {
   public:
    std::shared_ptr<std::byte> allocate(std::size_t bytes) {
      const Index size = resident(bytes);
      bytes_->used += size;
      bytes_->peak = std::max(bytes_->peak, bytes_->used);
      return {nowhere(), [size, counted = bytes_](std::byte*) { counted->used -= size; }};
    }
    void upload(void*, const void*, std::size_t) {}
    void download(void*, const void*, std::size_t) {}
    void synchronize() {}

    const Bytes& bytes() const { return *bytes_; }

   private:
    static std::byte* nowhere() {
      alignas(64) static std::byte place[64];
      return place;
    }
    std::shared_ptr<Bytes> bytes_ = std::make_shared<Bytes>();
  };

  /// A weight's shape.
  template <class>
  struct Packed {
    Index out = 0, in = 0;
    Index rows() const { return out; }
    Index cols() const { return in; }
    Index bytes() const { return 0; }
  };
  template <class T>
  using Table = Packed<T>;

  static constexpr Index batch_tokens = 1;
  Lane make_lane() const { return {}; }
  std::string_view name() const { return "dry"; }
  Index free_memory() const { return std::numeric_limits<Index>::max(); }

  template <class T>
  Packed<T> pack(std::span<const RawWeight> raw, Precision, Use) const {
    return pack_table<T>(raw, {});
  }
  template <class T>
  Table<T> pack_table(std::span<const RawWeight> raw, Precision) const {
    Packed<T> packed;
    for (const RawWeight& r : raw) packed.out += r.rows, packed.in = r.cols;
    return packed;
  }

  // clang-format off
  template <class... Any> void embedding(const Any&...) const {}
  template <class... Any> void linear(const Any&...) const {}
  template <class... Any> void linear_dx(const Any&...) const {}
  template <class... Any> void gated_linear(const Any&...) const {}
  template <class... Any> void matmul(const Any&...) const {}
  template <class... Any> void gated(const Any&...) const {}
  template <class... Any> void add(const Any&...) const {}
  template <class... Any> void rms_norm(const Any&...) const {}
  template <class... Any> void head_rms_norm(const Any&...) const {}
  template <class... Any> void layer_norm(const Any&...) const {}
  template <class... Any> void rope(const Any&...) const {}
  template <class... Any> void attention(const Any&...) const {}
  template <class... Any> void softmax(const Any&...) const {}
  template <class... Any> void gather_rows(const Any&...) const {}
  template <class... Any> void segment_mean(const Any&...) const {}
  template <class... Any> void segment_weighted_mean(const Any&...) const {}
  template <class... Any> void l2_normalize(const Any&...) const {}
  template <class... Any> void fill(const Any&...) const {}
  template <class... Any> void copy(const Any&...) const {}
  template <class... Any> void dropout(const Any&...) const {}
  template <class... Any> void column_sums(const Any&...) const {}
  template <class... Any> void rms_norm_backward(const Any&...) const {}
  template <class... Any> void head_rms_norm_backward(const Any&...) const {}
  template <class... Any> void layer_norm_backward(const Any&...) const {}
  template <class... Any> void rope_backward(const Any&...) const {}
  template <class... Any> void attention_backward(const Any&...) const {}
  template <class... Any> void softmax_backward(const Any&...) const {}
  template <class... Any> void gated_backward(const Any&...) const {}
  template <class... Any> void gather_rows_backward(const Any&...) const {}
  template <class... Any> void segment_mean_backward(const Any&...) const {}
  template <class... Any> void segment_weighted_mean_backward(const Any&...) const {}
  template <class... Any> void l2_normalize_backward(const Any&...) const {}
  // clang-format on
};

static_assert(TrainableBackend<DryBackend>);

}  // namespace nvembed::train
