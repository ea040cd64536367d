/*
 * lane_work.h - working memory of a block that is being advanced
 *
 * Every thread has it for as many blocks as it advances together, and it stays in the cache. Models whose steps may need
 * sub-steps are advanced in teams, step by step: so there are enough lanes at a time for the vector instructions of
 * lane_substeps.h. All others go one block after the other through the whole slice.
 */
#ifndef BGNEST_LANE_WORK_H
#define BGNEST_LANE_WORK_H

#include <algorithm>
#include <type_traits>

#include "lane_constants.h"
#include "lane_drive.h"
#include "lane_expansion.h"
#include "lane_input.h"
#include "lane_program.h"
#include "lane_row.h"

namespace bgnest
{

template < class Model >
struct LaneWork
{
  static constexpr int n_constants = Model::n_constants + Model::n_ports;

  ConstantsTable< n_constants, Model::has_expansion > constants;
  DrawnSteps drawn;
  SliceInput< Model::n_ports + Model::n_currents, Model::has_on_receive > input;
  Row state[ 2 ][ Model::n_states ]; // between two steps of a slice
  [[no_unique_address]] std::conditional_t< Model::has_expansion, ExpandedSlice< Model >, NoExpansion > expanded;
};

template < class Model >
constexpr bool
has_substeps()
{
  if constexpr ( Model::is_program )
  {
    return LaneProgram< Model, 1 >::by_substeps;
  }
  return false;
}

/* Blocks that a thread advances together. */
template < class Model >
constexpr int
team_size()
{
  // 256 KiB of what a step reads and writes: a fraction of the second level of any cache of today
  constexpr std::size_t bytes = sizeof( Row ) * ( LaneWork< Model >::n_constants + 3 * Model::n_states );
  return has_substeps< Model >() ? std::clamp< int >( ( std::size_t( 1 ) << 18 ) / bytes, 1, 16 ) : 1;
}

} // namespace bgnest

#endif
