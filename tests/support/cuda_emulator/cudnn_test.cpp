#include <cuda_fp16.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#define CUDNN_FRONTEND_SKIP_JSON_LIB
#include <cudnn_frontend.h>

#include "fixture.hpp"

namespace fe = cudnn_frontend;

namespace {

/// Two texts of 3 and 5 tokens, one head of 8 for two of queries, room for 3 texts of 8.
struct Setup {
  static constexpr std::int64_t texts = 3, longest = 8, d = 8, heads = 2, row = 32;

  cudnnHandle_t handle = nullptr;
  DeviceBuffer<__half> x, y;
  DeviceBuffer<std::int32_t> lengths, offsets, y_offsets;
  DeviceBuffer<std::byte> workspace{32768};
  fe::graph::Tensor_attributes q = matrix(1, 5, heads, row), k = matrix(2, 6, 1, row), v = matrix(3, 7, 1, row);
  std::function<void(fe::graph::SDPA_attributes&)> change = [](auto&) {};
  std::function<void(fe::graph::Tensor_attributes&)> change_output = [](auto&) {};
  fe::DataType_t type = fe::DataType_t::HALF;
  fe::graph::Graph graph;

  static std::vector<__half> values(std::size_t n) {
    std::vector<__half> out;
    for (std::size_t i = 0; i < n; ++i)
      out.push_back(__float2half_rn(static_cast<float>(static_cast<int>(i * 7919 % 31) - 15) / 8));
    return out;
  }
  Setup()
      : x(values(8 * row)),
        y(std::vector<__half>(9 * heads * d, __float2half_rn(9))),
        lengths(std::vector<std::int32_t>{3, 5, 0}),
        offsets(std::vector<std::int32_t>{0, 3 * row, 8 * row, 8 * row}),
        y_offsets(std::vector<std::int32_t>{0, 3 * heads * d, 8 * heads * d, 8 * heads * d}) {
    REQUIRE(cudnnCreate(&handle) == CUDNN_STATUS_SUCCESS);
  }
  Setup(const Setup&) = delete;
  ~Setup() { CHECK(cudnnDestroy(handle) == CUDNN_STATUS_SUCCESS); }

  static fe::graph::Tensor_attributes numbers(std::int64_t uid, std::int64_t n) {
    return fe::graph::Tensor_attributes()
        .set_uid(uid)
        .set_dim({n, 1, 1, 1})
        .set_stride({1, 1, 1, 1})
        .set_data_type(fe::DataType_t::INT32);
  }
  static fe::graph::Tensor_attributes matrix(std::int64_t uid, std::int64_t offsets_uid, std::int64_t h,
                                             std::int64_t stride) {
    return fe::graph::Tensor_attributes()
        .set_uid(uid)
        .set_dim({texts, h, longest, d})
        .set_stride({longest * stride, d, stride, 1})
        .set_ragged_offset(std::make_shared<fe::graph::Tensor_attributes>(numbers(offsets_uid, texts + 1)));
  }

  fe::error_t describe() {
    graph.set_io_data_type(type)
        .set_intermediate_data_type(fe::DataType_t::FLOAT)
        .set_compute_data_type(fe::DataType_t::FLOAT);
    fe::graph::SDPA_attributes options;
    options.set_generate_stats(false).set_attn_scale(0.5f).set_padding_mask(true);
    options.set_seq_len_q(graph.tensor(numbers(8, texts))).set_seq_len_kv(graph.tensor(numbers(9, texts)));
    change(options);
    const auto o = graph.sdpa(graph.tensor(q), graph.tensor(k), graph.tensor(v), options)[0];
    *o = matrix(4, 10, heads, heads * d).set_output(true);
    change_output(*o);
    return graph.validate();
  }
  fe::error_t build() {
    if (auto e = describe(); e.is_bad()) return e;
    if (auto e = graph.build_operation_graph(handle); e.is_bad()) return e;
    if (auto e = graph.create_execution_plans({fe::HeurMode_t::A}); e.is_bad()) return e;
    if (auto e = graph.check_support(); e.is_bad()) return e;
    return graph.build_plans(fe::BuildPlanPolicy_t::HEURISTICS_CHOICE);
  }
  std::unordered_map<std::int64_t, void*> tensors() {
    return {{1, x.get()},       {2, x.get() + 16},  {3, x.get() + 24},  {4, y.get()},       {5, offsets.get()},
            {6, offsets.get()}, {7, offsets.get()}, {8, lengths.get()}, {9, lengths.get()}, {10, y_offsets.get()}};
  }
};

/// Query i of the text of `n` tokens that begins at `begin`, head h, column c; sees keys [first, end).
double expected(std::size_t begin, std::size_t i, std::size_t h, std::size_t c, std::size_t first, std::size_t end) {
  const auto x = Setup::values(8 * Setup::row);
  const auto at = [&](std::size_t token, std::size_t column) {
    return static_cast<double>(__half2float(x[(begin + token) * Setup::row + column]));
  };
  double sum = 0, total = 0;
  for (std::size_t j = first; j < end; ++j) {
    double dot = 0;
    for (std::size_t e = 0; e < 8; ++e) dot += at(i, h * 8 + e) * at(j, 16 + e);
    total += std::exp(dot / 2);
    sum += std::exp(dot / 2) * at(j, 24 + c);
  }
  return sum / total;
}

}  // namespace

TEST_CASE("cuDNN's attention against a naive one: a band around the diagonal, texts apart, other rows untouched") {
  const Fresh fresh;
  struct Band {
    int left, right;  // -1: none
  };
  for (const auto& [left, right] : {Band{-1, -1}, {-1, 0}, {2, 1}, {1, 0}, {3, -1}}) {
    CAPTURE(left);
    CAPTURE(right);
    Setup s;
    s.change = [l = left, r = right](auto& options) {
      if (l >= 0) options.set_diagonal_band_left_bound(l);
      if (r >= 0) options.set_diagonal_band_right_bound(r);
    };
    REQUIRE(s.build().is_good());
    auto tensors = s.tensors();
    REQUIRE(s.graph.execute(s.handle, tensors, s.workspace.get()).is_good());
    CHECK(emulator::statistics().attentions > 0);
    const auto y = s.y.read();
    for (std::size_t t = 0; t < 2; ++t) {
      const std::size_t begin = t == 0 ? 0 : 3, n = t == 0 ? 3 : 5;
      for (std::size_t i = 0; i < n; ++i) {
        // A left bound counts the query itself.
        const std::size_t first =
            left < 0 || i + 1 < static_cast<std::size_t>(left) ? 0 : i + 1 - static_cast<std::size_t>(left);
        const std::size_t end = right < 0 ? n : std::min(n, i + static_cast<std::size_t>(right) + 1);
        for (std::size_t h = 0; h < 2; ++h)
          for (std::size_t c = 0; c < 8; ++c)
            CHECK(std::fabs(static_cast<double>(__half2float(y[(begin + i) * 16 + h * 8 + c])) -
                            expected(begin, i, h, c, first, end)) < 2e-3);
      }
    }
    for (std::size_t c = 0; c < 16; ++c) CHECK(__half2float(y[8 * 16 + c]) == 9);
  }
}

TEST_CASE("cudnn_frontend: what the library refuses is refused, with its kind of error") {
  const Fresh fresh;
  const auto code = [](const std::function<void(Setup&)>& spoil) {
    Setup s;
    spoil(s);
    return s.build().get_code();
  };
  using fe::error_code_t;
  CHECK(code([](Setup&) {}) == error_code_t::OK);
  CHECK(code([](Setup& s) { s.type = fe::DataType_t::FLOAT; }) == error_code_t::GRAPH_NOT_SUPPORTED);
  CHECK(code([](Setup& s) { s.q.stride[3] = 2; }) == error_code_t::GRAPH_NOT_SUPPORTED);
  CHECK(code([](Setup& s) { s.q.stride[2] = 20; }) == error_code_t::GRAPH_NOT_SUPPORTED);
  CHECK(code([](Setup& s) { s.k.ragged_offset->dim[0] = Setup::texts; }) == error_code_t::GRAPH_NOT_SUPPORTED);
  CHECK(code([](Setup& s) { s.k.ragged_offset->type = fe::DataType_t::FLOAT; }) == error_code_t::GRAPH_NOT_SUPPORTED);
  CHECK(code([](Setup& s) { s.v.dim.pop_back(); }) == error_code_t::ATTRIBUTE_NOT_SET);
  CHECK(code([](Setup& s) { s.v.uid = 2; }) == error_code_t::INVALID_VALUE);
  CHECK(code([](Setup& s) { s.k.dim[1] = s.v.dim[1] = 3; }) == error_code_t::GRAPH_NOT_SUPPORTED);
  CHECK(code([](Setup& s) { s.k.dim[2] = 4; }) == error_code_t::INVALID_VALUE);
  CHECK(code([](Setup& s) { s.change_output = [](auto& o) { o.set_output(false); }; }) ==
        error_code_t::ATTRIBUTE_NOT_SET);
  const auto option = [&](const std::function<void(fe::graph::SDPA_attributes&)>& change) {
    return code([&](Setup& s) { s.change = change; });
  };
  CHECK(option([](auto& o) { o.set_padding_mask(false); }) == error_code_t::GRAPH_NOT_SUPPORTED);
  CHECK(option([](auto& o) { o.set_seq_len_kv(nullptr); }) == error_code_t::ATTRIBUTE_NOT_SET);
  CHECK(option([](auto& o) { o.set_diagonal_band_left_bound(0); }) == error_code_t::INVALID_VALUE);
  CHECK(option([](auto& o) { o.set_diagonal_band_right_bound(-1); }) == error_code_t::INVALID_VALUE);
  const auto wide = [](std::int64_t d) {
    return [d](Setup& s) {
      for (auto* t : {&s.q, &s.k, &s.v}) t->dim[3] = d;
      s.change_output = [d](auto& o) { o.dim[3] = d; };
    };
  };
  CHECK(code(wide(12)) == error_code_t::GRAPH_NOT_SUPPORTED);
  CHECK(code(wide(256)) == error_code_t::OK);
  CHECK(code(wide(264)) == error_code_t::HEURISTIC_QUERY_FAILED);
  emulator::device().cudnn_has_plans = false;
  CHECK(code([](Setup&) {}) == error_code_t::HEURISTIC_QUERY_FAILED);
}

TEST_CASE("cudnn_frontend: steps out of order, missing tensors and a missing workspace are errors") {
  const Fresh fresh;
  Setup s;
  auto tensors = s.tensors();
  CHECK(s.graph.validate().is_bad());
  REQUIRE(s.describe().is_good());
  CHECK(s.graph.create_execution_plans({fe::HeurMode_t::A}).is_bad());
  CHECK(s.graph.build_operation_graph(nullptr).is_bad());
  REQUIRE(s.graph.build_operation_graph(s.handle).is_good());
  CHECK(s.graph.check_support().is_bad());
  CHECK(s.graph.execute(s.handle, tensors, s.workspace.get()).is_bad());
  REQUIRE(s.graph.create_execution_plans({fe::HeurMode_t::A}).is_good());
  s.graph.deselect_workspace_greater_than(100);
  CHECK(s.graph.check_support().is_bad());
  s.graph.deselect_workspace_greater_than(32768);
  REQUIRE(s.graph.check_support().is_good());
  REQUIRE(s.graph.build_plans(fe::BuildPlanPolicy_t::HEURISTICS_CHOICE).is_good());
  std::int64_t bytes = 0;
  CHECK(s.graph.get_workspace_size(bytes).is_good());
  CHECK(bytes > 0);
  CHECK(s.graph.execute(s.handle, tensors, nullptr).is_bad());
  tensors.erase(9);
  CHECK(s.graph.execute(s.handle, tensors, s.workspace.get()).is_bad());
  tensors = s.tensors();
  CHECK(s.graph.execute(s.handle, tensors, s.workspace.get()).is_good());
  emulator::device().lose();
  auto lost = s.graph.execute(s.handle, tensors, s.workspace.get());
  CHECK(lost.get_message() == "CUDNN_STATUS_EXECUTION_FAILED");
  cudnnHandle_t handle = nullptr;
  CHECK(cudnnCreate(&handle) == CUDNN_STATUS_EXECUTION_FAILED);
  emulator::device().restore();
  CHECK(cudnnCreate(nullptr) == CUDNN_STATUS_BAD_PARAM);
}

TEST_CASE("cuDNN's attention: memory that is not there, not aligned, freed or of another stream throws") {
  const Fresh fresh;
  Setup s;
  REQUIRE(s.build().is_good());
  const auto run = [&](const std::function<void(std::unordered_map<std::int64_t, void*>&)>& spoil) {
    auto tensors = s.tensors();
    spoil(tensors);
    const bool good = s.graph.execute(s.handle, tensors, s.workspace.get()).is_good();
    return cudaDeviceSynchronize() == cudaSuccess && good;
  };
  CHECK(run([](auto&) {}));
  std::vector<__half> host(512);
  CHECK_THROWS_WITH_AS(run([&](auto& t) { t[1] = host.data(); }), doctest::Contains("not device memory"),
                       emulator::Error);
  CHECK_THROWS_WITH_AS(run([&](auto& t) { t[1] = s.x.get() + 1; }), doctest::Contains("not aligned"), emulator::Error);
  CHECK_THROWS_WITH_AS(run([&](auto& t) { t[2] = s.x.get() + 32; }), doctest::Contains("outside of the memory of K"),
                       emulator::Error);
  CHECK_THROWS_WITH_AS(run([&](auto& t) { t[8] = s.lengths.get() + 1; }), doctest::Contains("beyond its allocation"),
                       emulator::Error);
  const DeviceBuffer<std::int32_t> long_ones(std::vector<std::int32_t>{3, 9, 0}),
      blind(std::vector<std::int32_t>{3, 0, 0});
  CHECK_THROWS_WITH_AS(run([&](auto& t) { t[8] = long_ones.get(); }), doctest::Contains("length of 9"),
                       emulator::Error);
  CHECK_THROWS_WITH_AS(run([&](auto& t) { t[9] = blind.get(); }), doctest::Contains("queries and no keys"),
                       emulator::Error);
  cudaStream_t one = nullptr, two = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&one, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudaStreamCreateWithFlags(&two, cudaStreamNonBlocking) == cudaSuccess);
  void* p = nullptr;
  REQUIRE(cudaMallocAsync(&p, 4096, one) == cudaSuccess);
  REQUIRE(cudnnSetStream(s.handle, two) == CUDNN_STATUS_SUCCESS);
  CHECK_THROWS_WITH_AS(run([&](auto& t) { t[4] = p; }), doctest::Contains("no event or wait orders them"),
                       emulator::Error);
  REQUIRE(cudnnSetStream(s.handle, one) == CUDNN_STATUS_SUCCESS);
  CHECK(run([&](auto& t) { t[4] = p; }));
  cudaStream_t set = nullptr;
  CHECK(cudnnGetStream(s.handle, &set) == CUDNN_STATUS_SUCCESS);
  CHECK(set == one);
  REQUIRE(cudaFreeAsync(p, one) == cudaSuccess);
  CHECK_THROWS_WITH_AS(run([&](auto& t) { t[4] = p; }), doctest::Contains("after it was freed"), emulator::Error);
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(cudaStreamDestroy(one) == cudaSuccess);
  CHECK(cudnnSetStream(s.handle, one) == CUDNN_STATUS_BAD_PARAM);
  CHECK(cudaStreamDestroy(two) == cudaSuccess);
}

TEST_CASE("cuDNN's attention is captured: the graph runs it, and its workspace holds nothing from before") {
  const Fresh fresh;
  Setup s;
  REQUIRE(s.build().is_good());
  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudnnSetStream(s.handle, stream) == CUDNN_STATUS_SUCCESS);
  auto tensors = s.tensors();
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK(s.graph.execute(s.handle, tensors, s.workspace.get()).is_good());
  cudaGraph_t graph = nullptr;
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  cudaGraphExec_t exec = nullptr;
  REQUIRE(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
  CHECK(__half2float(s.y.read()[0]) == 9);
  REQUIRE(cudaGraphLaunch(exec, stream) == cudaSuccess);
  REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(std::fabs(static_cast<double>(__half2float(s.y.read()[0])) - expected(0, 0, 0, 0, 0, 3)) < 2e-3);
  CHECK(s.workspace.read()[0] == std::byte{0xFF});
  CHECK(cudaGraphExecDestroy(exec) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}
