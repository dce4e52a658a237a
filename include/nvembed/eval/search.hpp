#pragma once

#include <nvembed/search/dot_products.hpp>
#include <nvembed/search/host_matrix.hpp>
#include <nvembed/search/ranked.hpp>
#include <nvembed/search/similarity.hpp>
#include <nvembed/search/vector_math.hpp>

/// What an evaluation takes from the search under its own name.
namespace nvembed::eval {

using search::dot;
using search::dot_products;
using search::DotProducts;
using search::gather;
using search::HostMatrix;
using search::norm;
using search::normalize_rows;
using search::Ranked;
using search::Similarity;
using search::similarity;

}  // namespace nvembed::eval
