#if defined(NVEMBED_WITH_EIGEN)

// The back end comes before what may use its compiled instances.
#include <nvembed/eigen/backend.hpp>
//
#include <nvembed/embed/instances.hpp>

#include "training_run.hpp"

namespace cli {

void train_eigen(const TrainJob& job) { run_training<nvembed::eigen::Backend>(job); }

}  // namespace cli

#endif
