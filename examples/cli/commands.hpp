#pragma once

#include <functional>

namespace CLI {
class App;
}

/// The commands. Each adds itself to the program's parser and returns what runs once its options are read.
namespace cli {

using Run = std::function<void()>;

Run add_encode(CLI::App& app);
Run add_tokenize(CLI::App& app);
Run add_search(CLI::App& app);
Run add_similarity(CLI::App& app);
Run add_eval(CLI::App& app);
Run add_train(CLI::App& app);
Run add_mine(CLI::App& app);
Run add_export(CLI::App& app);
Run add_info(CLI::App& app);
Run add_bench(CLI::App& app);

}  // namespace cli
