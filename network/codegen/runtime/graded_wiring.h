/*
 * graded_wiring.h - from rows of synapses, which lie by source, to what every target gathers
 */
#ifndef BGNEST_GRADED_WIRING_H
#define BGNEST_GRADED_WIRING_H

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "kernel_manager.h"

#include "lane_graded.h"
#include "row_table.h"

namespace bgnest
{

/* A projection of graded synapses as the engine describes it (network/engine/nest/runtime.py has the same fields). */
struct GradedProjection
{
  std::int64_t number; // of its rows
  std::int64_t source_first, n_sources; // ids in NEST
  const char* gate; // state of the sources
  const char* conductance; // state of the targets
};

/* Gates that somebody listens to, each once. */
inline std::vector< GradedExchange::Group >
graded_groups( const GradedProjection* const projections, const std::int64_t n )
{
  std::vector< GradedExchange::Group > groups;
  for ( std::int64_t i = 0; i < n; ++i )
  {
    const GradedProjection& p = projections[ i ];
    const auto same = [ & ]( const auto& group ) { return group.first == p.source_first and group.gate == p.gate; };
    if ( std::none_of( groups.begin(), groups.end(), same ) )
    {
      groups.push_back( { p.source_first, p.n_sources, p.gate, {} } );
    }
  }
  return groups;
}

/* Let the cells of a thread gather: by projection and source, so that the order does not depend on the thread. */
inline void
gather_rows( const GradedProjection* const projections, const std::int64_t n, const std::size_t thread )
{
  const auto& all = RowTable::of_thread( thread ).rows;
  std::map< std::pair< std::string, std::uint32_t >, std::vector< GradedInput::Synapse > > found;
  for ( std::int64_t i = 0; i < n; ++i )
  {
    const GradedProjection& p = projections[ i ];
    const Rows* const rows = p.number < static_cast< std::int64_t >( all.size() ) ? all[ p.number ].get() : nullptr;
    for ( std::uint32_t source = 0; rows and source < rows->n_sources; ++source )
    {
      const std::uint32_t slot = GradedExchange::here().slot( p.source_first + source, p.gate );
      std::vector< std::tuple< std::uint32_t, std::uint32_t, double > > row;
      rows->each( source,
        [ & ]( const std::uint32_t target, const double weight, const std::uint32_t delay )
        { row.push_back( { target, delay, weight } ); } );
      std::sort( row.begin(), row.end() ); // several synapses of a pair of cells
      for ( const auto& [ target, delay, weight ] : row )
      {
        found[ { p.conductance, target } ].push_back( { slot, delay, weight } );
      }
    }
  }
  GradedInput& input = GradedInput::of_thread( thread );
  for ( const auto& [ which, synapses ] : found )
  {
    input.add( which.first, which.second, synapses );
  }
}

} // namespace bgnest

#endif
