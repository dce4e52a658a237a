// How should a product y = x w^T be cut for oneDNN? Times, in f32 at the layer shapes of SmolLM2-135M and Mistral-7B,
// one primitive on all OpenMP threads against row tiles on single-threaded primitives under our own threads; then asks
// whether a row's bits depend on the number of rows, on its place and on the instruction set. Figures:
// docs/backends/onednn.md.
//   bench_onednn_tiles [times|tails|bits] [repetitions]
// ONEDNN_MAX_CPU_ISA=AVX2 (or AVX512_CORE) in the environment asks for another instruction set.
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dnnl.hpp>
#include <functional>
#include <memory>
#include <nvembed/core/cpu_count.hpp>
#include <nvembed/core/host_lane.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

using dnnl::memory;
using nvembed::Index;
using Tag = memory::format_tag;
constexpr auto f32 = memory::data_type::f32;

enum class Kind { inner_product, matmul };
const char* name(Kind k) { return k == Kind::matmul ? "matmul" : "inner_product"; }

/// One primitive y (m, n) = x (m, k) w^T, made with as many OpenMP threads as are set when it is made.
struct Primitive {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  memory::desc x, w, y, scratch;
  dnnl::primitive primitive;
  std::string implementation;

  Primitive(Kind kind, Index m, Index n, Index k) {
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    x = {{m, k}, f32, Tag::ab};
    y = {{m, n}, f32, Tag::ab};
    const auto take = [&](const auto& pd) {
      w = pd.weights_desc();
      scratch = pd.scratchpad_desc();
      implementation = pd.impl_info_str();
    };
    if (kind == Kind::matmul) {
      const memory::desc any({k, n}, f32, Tag::any);
#if DNNL_VERSION_MAJOR >= 3
      const dnnl::matmul::primitive_desc pd(engine, x, any, y, attr);
#else
      const dnnl::matmul::primitive_desc pd(dnnl::matmul::desc(x, any, y), attr, engine);
#endif
      take(pd), primitive = dnnl::matmul(pd);
    } else {
      const memory::desc any({n, k}, f32, Tag::any);
      constexpr auto forward = dnnl::prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
      const dnnl::inner_product_forward::primitive_desc pd(engine, forward, x, any, y, attr);
#else
      const dnnl::inner_product_forward::primitive_desc pd(dnnl::inner_product_forward::desc(forward, x, any, y), attr,
                                                           engine);
#endif
      take(pd), primitive = dnnl::inner_product_forward(pd);
    }
  }
  void run(const float* from, float* weights, float* to, std::byte* scratchpad) const {
    dnnl::stream stream(engine);
    primitive.execute(stream, {{DNNL_ARG_SRC, memory(x, engine, const_cast<float*>(from))},
                               {DNNL_ARG_WEIGHTS, memory(w, engine, weights)},
                               {DNNL_ARG_DST, memory(y, engine, to)},
                               {DNNL_ARG_SCRATCHPAD, memory(scratch, engine, scratchpad)}});
    stream.wait();
  }
};

/// 64-byte aligned floats with small ordinary values.
struct Floats {
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  std::unique_ptr<float, Free> data;
  explicit Floats(std::size_t n)
      : data(static_cast<float*>(std::aligned_alloc(64, (n * sizeof(float) + 64) / 64 * 64))) {
    std::uint32_t s = 1;
    for (std::size_t i = 0; i < n; ++i)
      s = s * 1664525u + 1013904223u, data.get()[i] = static_cast<float>(s >> 8) / 8388608.0f - 1.0f;
  }
  operator float*() const { return data.get(); }
};

double seconds(const std::function<void()>& f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}
double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

struct Shape {
  const char* model;
  Index k, n;
};
constexpr Shape shapes[] = {{"SmolLM2", 576, 960},   {"SmolLM2", 576, 576},   {"SmolLM2", 576, 3072},
                            {"SmolLM2", 1536, 576},  {"Mistral", 4096, 6144}, {"Mistral", 4096, 28672},
                            {"Mistral", 14336, 4096}};

/// All variants in turn, many times over: what disturbs one round disturbs all of its variants.
struct Variant {
  std::string what;
  std::function<void()> run;
  std::vector<double> times;
};
void measure(std::vector<Variant>& variants, double flop, int repetitions, const char* reference) {
  for (int r = -1; r < repetitions; ++r)
    for (auto& v : variants) {
      std::this_thread::sleep_for(std::chrono::milliseconds(3));  // OpenMP's threads spin for a while after a region
      v.run();
      int calls = 0;
      const double t = seconds([&] {
        const auto begin = std::chrono::steady_clock::now();
        do v.run(), ++calls;
        while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(15));
      });
      if (r >= 0) v.times.push_back(t / calls);
    }
  for (const auto& v : variants) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < v.times.size(); ++i) ratios.push_back(variants[0].times[i] / v.times[i]);
    std::printf("    %-40s %7.1f GFLOP/s  %.2f of %s\n", v.what.c_str(), flop / median(v.times) * 1e-9, median(ratios),
                reference);
  }
  std::fflush(stdout);
}

void times(int repetitions) {
  const Index threads = nvembed::cpu_count();
  const auto pool = std::make_shared<nvembed::ThreadPool>(threads, [] { omp_set_num_threads(1); });
  nvembed::HostLane lane(pool);
  for (const Shape& s : shapes)
    for (const Index m : {512, 4096}) {
      if (s.k > 1000 && s.n > 1000 && m > 512) continue;  // minutes a round, and no other answer
      std::printf("%s %lld -> %lld, %lld rows\n", s.model, static_cast<long long>(s.k), static_cast<long long>(s.n),
                  static_cast<long long>(m));
      Floats x(static_cast<std::size_t>(m * s.k)), y(static_cast<std::size_t>(m * s.n));
      std::vector<Variant> variants;
      for (const Kind kind : {Kind::inner_product, Kind::matmul}) {
        omp_set_num_threads(static_cast<int>(threads));
        auto p = std::make_shared<Primitive>(kind, m, s.n, s.k);
        auto w = std::make_shared<Floats>(p->w.get_size() / 4),
             scratch = std::make_shared<Floats>(p->scratch.get_size() / 4 + 1);
        variants.push_back({std::string("one ") + name(kind) + " " + p->implementation,
                            [=, &x, &y] {
                              omp_set_num_threads(static_cast<int>(threads));
                              p->run(x, *w, y, reinterpret_cast<std::byte*>(static_cast<float*>(*scratch)));
                            },
                            {}});
      }
      omp_set_num_threads(1);
      const auto tiled = [&](Kind kind, Index tile, Index panel, bool panel_first) {
        const Index panels = (s.n + panel - 1) / panel, tiles = m / tile;
        if (s.n % panel) return;
        auto p = std::make_shared<Primitive>(kind, tile, panel, s.k);
        auto w = std::make_shared<std::vector<Floats>>();
        for (Index i = 0; i < panels; ++i) w->emplace_back(p->w.get_size() / 4);
        std::string what = std::to_string(tile) + "-row tiles, " + name(kind);
        if (panels > 1) what += ", panels of " + std::to_string(panel) + (panel_first ? "" : " innermost");
        variants.push_back({what,
                            [=, &x, &y, &lane, &s] {
                              omp_set_num_threads(1);
                              lane.parallel_for(tiles * panels, [&](Index task, nvembed::Worker& worker) {
                                const Index t = panel_first ? task % tiles : task / panels,
                                            q = panel_first ? task / tiles : task % panels;
                                const auto bytes = p->scratch.get_size();
                                auto* scratch = worker.scratch(bytes + static_cast<std::size_t>(tile * panel) * 4 + 64);
                                auto* out = reinterpret_cast<float*>(scratch + (bytes + 63) / 64 * 64);
                                p->run(x + t * tile * s.k, (*w)[static_cast<std::size_t>(q)], out, scratch);
                                for (Index i = 0; i < tile; ++i)
                                  std::copy_n(out + i * panel, panel, y + (t * tile + i) * s.n + q * panel);
                              });
                            },
                            {}});
      };
      const Index panel = s.n == 960 ? 480 : s.n == 576 ? 288 : 512;
      for (const Index tile : {32, 64, 128}) tiled(Kind::inner_product, tile, panel, true);
      tiled(Kind::matmul, 64, panel, true);
      tiled(Kind::inner_product, 64, panel, false);
      tiled(Kind::inner_product, 64, panel / 2, true);
      if (s.k > 1000) tiled(Kind::inner_product, 64, panel / 4, true);
      if (s.n * s.k < 16 << 20) tiled(Kind::inner_product, 64, s.n, true);
      measure(variants, 2.0 * static_cast<double>(m * s.n * s.k), repetitions, "the first");
    }
}

/// A tail of 10 rows as 64, 32, 16 or 10 rows, one thread.
void tails(int repetitions) {
  omp_set_num_threads(1);
  for (const Shape& s : shapes) {
    const Index panel = s.n % 512 ? s.n / 2 : 512;
    std::printf("%s %lld -> a panel of %lld\n", s.model, static_cast<long long>(s.k), static_cast<long long>(panel));
    std::vector<Variant> variants;
    for (const Index m : {64, 32, 16, 10, 1}) {
      auto p = std::make_shared<Primitive>(Kind::inner_product, m, panel, s.k);
      auto x = std::make_shared<Floats>(static_cast<std::size_t>(m * s.k)),
           y = std::make_shared<Floats>(static_cast<std::size_t>(m * panel));
      auto w = std::make_shared<Floats>(p->w.get_size() / 4),
           scratch = std::make_shared<Floats>(p->scratch.get_size() / 4 + 1);
      variants.push_back({std::to_string(m) + " rows",
                          [=] { p->run(*x, *w, *y, reinterpret_cast<std::byte*>(static_cast<float*>(*scratch))); },
                          {}});
    }
    measure(variants, 2.0 * 10 * static_cast<double>(panel * s.k), repetitions, "64 rows' speed");
  }
}

std::uint64_t hash(const float* p, Index n) {
  std::uint64_t h = 1469598103934665603u;
  for (Index i = 0; i < n; ++i) {
    std::uint32_t u;
    std::memcpy(&u, p + i, 4);
    h = (h ^ u) * 1099511628211u;
  }
  return h;
}

/// Computes the same rows in products of 1 to 129 rows; prints the row counts whose bits differ from those of 64 rows.
void bits() {
  for (const Kind kind : {Kind::inner_product, Kind::matmul})
    for (const Shape& s : {Shape{"", 576, 960}, Shape{"", 576, 512}, Shape{"", 1536, 288}, Shape{"", 4096, 512},
                           Shape{"", 63, 65}, Shape{"", 14336, 512}}) {
      Floats x(static_cast<std::size_t>(192 * s.k)), plain(static_cast<std::size_t>(s.n * s.k));
      const auto run = [&](Index m, Index first, int threads, std::string* implementation, memory::desc* layout) {
        omp_set_num_threads(threads);
        const Primitive p(kind, m, s.n, s.k);
        Floats w(p.w.get_size() / 4), scratch(p.scratch.get_size() / 4 + 1);
        const memory from(
            kind == Kind::matmul ? memory::desc({s.k, s.n}, f32, Tag::ba) : memory::desc({s.n, s.k}, f32, Tag::ab),
            p.engine, plain);
        memory to(p.w, p.engine, w);
        dnnl::stream stream(p.engine);
        dnnl::reorder(from, to).execute(stream, const_cast<memory&>(from), to);
        stream.wait();
        std::vector<float> y(static_cast<std::size_t>(m * s.n));
        p.run(x + first * s.k, w, y.data(), reinterpret_cast<std::byte*>(static_cast<float*>(scratch)));
        if (implementation) *implementation = p.implementation;
        if (layout) *layout = p.w;
        return y;
      };
      std::string implementation, other_implementations;
      memory::desc layout;
      const auto expected = run(64, 0, 1, &implementation, &layout);
      std::string differ, place, layouts;
      for (Index m = 1; m <= 129; ++m) {
        std::string i;
        memory::desc l;
        const auto y = run(m, 0, 1, &i, &l);
        const auto same = static_cast<std::size_t>(std::min<Index>(m, 64) * s.n);
        if (std::memcmp(y.data(), expected.data(), same * 4) != 0) differ += " " + std::to_string(m);
        if (i != implementation) other_implementations += " " + std::to_string(m) + ":" + i;
        if (l != layout) layouts += " " + std::to_string(m);
      }
      for (Index first = 1; first < 64; ++first) {
        const auto y = run(64, first, 1, nullptr, nullptr);
        if (std::memcmp(y.data(), expected.data() + first * s.n, static_cast<std::size_t>((64 - first) * s.n) * 4) != 0)
          place += " " + std::to_string(first);
      }
      const auto two = run(64, 0, 2, nullptr, nullptr);
      std::printf("%s %lld -> %lld, %s: bits %016llx\n", name(kind), static_cast<long long>(s.k),
                  static_cast<long long>(s.n), implementation.c_str(),
                  static_cast<unsigned long long>(hash(expected.data(), 64 * s.n)));
      const auto list = [](const char* what, const std::string& rows) {
        std::printf("    %s:%s\n", what, rows.empty() ? " none" : rows.c_str());
      };
      list("row counts with other bits", differ);
      list("row counts with another weight layout", layouts);
      list("row counts with another implementation", other_implementations);
      list("shifts of a row in its tile with other bits", place);
      std::printf("    two threads: %s bits\n", two == expected ? "the same" : "other");
      std::fflush(stdout);
    }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "times";
  const int repetitions = argc > 2 ? std::atoi(argv[2]) : 7;
  std::printf("oneDNN %d.%d.%d, ONEDNN_MAX_CPU_ISA=%s\n", dnnl_version()->major, dnnl_version()->minor,
              dnnl_version()->patch, std::getenv("ONEDNN_MAX_CPU_ISA") ? std::getenv("ONEDNN_MAX_CPU_ISA") : "");
  if (what == "bits")
    bits();
  else if (what == "tails")
    tails(repetitions);
  else
    times(repetitions);
}
