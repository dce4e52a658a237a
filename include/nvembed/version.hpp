#pragma once

/// The version stands here alone; CMake reads it from this file.
#define NVEMBED_VERSION_MAJOR 0
#define NVEMBED_VERSION_MINOR 1
#define NVEMBED_VERSION_PATCH 0
#define NVEMBED_VERSION "0.1.0"
