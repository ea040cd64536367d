/*
 * row_projection.h - a projection as the engine describes it to the module
 */
#ifndef BGNEST_ROW_PROJECTION_H
#define BGNEST_ROW_PROJECTION_H

#include <cstdint>

#include "row_random.h"

namespace bgnest
{

/* A projection as the engine describes it (network/engine/nest/runtime.py has the same fields). */
struct RowProjection
{
  enum Kind : std::int32_t
  {
    sources_of_targets,
    targets_of_sources,
    listed
  };

  std::int32_t kind;
  std::int32_t multapses;
  std::int32_t without_self; // source and target are one population, and no cell is its own source
  std::int32_t port;
  std::int64_t source_first, n_sources; // ids in NEST
  std::int64_t target_first, n_targets;
  std::int64_t n_sets;              // only cells whose numbers are equal modulo this are connected
  std::int64_t degree;              // of every target or source, if there is no array
  const std::int32_t* degrees;      // of each
  std::int64_t n_pairs;
  const std::uint32_t* pair_source; // numbers within the populations
  const std::uint32_t* pair_target;
  const double* pair_lag; // ms on top of the delay, may be null
  std::uint64_t key;
  double quantum;
  RowDistribution weight;
  RowDistribution delay; // ms
  std::int32_t plastic;
  double U, tau_psc, tau_rec, tau_fac;
  std::int32_t graded;
};

} // namespace bgnest

#endif
