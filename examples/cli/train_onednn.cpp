#if defined(NVEMBED_WITH_ONEDNN)

// The back end comes before what may use its compiled instances.
#include <nvembed/onednn/backend.hpp>
//
#include <nvembed/embed/instances.hpp>

#include "training_run.hpp"

namespace cli {

void train_onednn(const TrainJob& job) { run_training<nvembed::onednn::Backend>(job); }

}  // namespace cli

#endif
