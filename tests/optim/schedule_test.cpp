#include <doctest/doctest.h>

#include <nvembed/optim/constant_schedule.hpp>
#include <nvembed/optim/cosine_schedule.hpp>
#include <nvembed/optim/linear_schedule.hpp>
#include <support/golden.hpp>

using namespace nvembed;

TEST_CASE("schedules: transformers' formulas") {
  const Json expected = golden::json("optim/expected.json").at("schedules");
  const auto check = [&](const char* name, const auto& schedule) {
    CAPTURE(name);
    for (std::size_t i = 0; i < expected.at("steps").size(); ++i)
      CHECK(schedule(expected.at("steps").at(i).get<Index>()) ==
            doctest::Approx(expected.at(name).at(i).get<double>()).epsilon(1e-12));
  };
  check("constant", optim::ConstantSchedule{10});
  check("linear", optim::LinearSchedule{10, 60});
  check("cosine", optim::CosineSchedule{10, 60});
  check("cosine.one_and_a_half", optim::CosineSchedule{10, 60, 1.5});
  check("linear.without_warmup", optim::LinearSchedule{0, 60});
}

TEST_CASE("schedules: ends, short runs, and numbers that make no sense") {
  CHECK(optim::LinearSchedule{10, 60}(61) == 0);
  CHECK(optim::CosineSchedule{10, 60}(90) == 0);  // stays down
  CHECK(optim::LinearSchedule{10, 5}(7) == 0.7);  // a run that ends within its warm-up
  CHECK(optim::LinearSchedule{10, 10}(10) == 0);
  CHECK_THROWS_AS((optim::LinearSchedule{10, 60}(-1)), InputError);
  CHECK_THROWS_AS((optim::LinearSchedule{-1, 60}(1)), InputError);
  CHECK_THROWS_WITH_AS((optim::CosineSchedule{}(0)), doctest::Contains("total_steps is 0"), InputError);
}
