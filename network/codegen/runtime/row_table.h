/*
 * row_table.h - the synapses of a thread in rows: one row per source cell and projection, its targets in one piece
 *
 * NEST keeps a connection of 16 to 28 bytes per synapse and looks at each when a spike comes. Here it knows one carrier
 * per source and thread (row_carrier.h), and a spike is handed on along the rows of its source: number of the target
 * cell on this thread (4 bytes), weight (4 bytes) and delay in steps (1 or 2 bytes); what is equal for all
 * synapses of a projection is not stored.
 *
 * Weights are multiples of a quantum (a power of two) that is chosen so that the sum of all weights onto a port of a
 * cell has no more than 53 binary digits. Sums of such numbers are exact in double precision, whatever their order: that
 * is why spikes do not depend on the number of threads and processes.
 */
#ifndef BGNEST_ROW_TABLE_H
#define BGNEST_ROW_TABLE_H

#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "exceptions.h"

#include "lane_delivery.h"

namespace bgnest
{

/* Nearest multiple of a power of two; exact up to 2^51 multiples. */
inline double
on_grid( const double value, const double quantum )
{
  const double shift = quantum * 0x1.8p52;
  return ( value + shift ) - shift;
}

/* Short-term plasticity after Tsodyks et al. (2000), DOI 10.1523/JNEUROSCI.20-01-j0003.2000: one state per source. */
struct RowPlasticity
{
  struct State
  {
    double x = 1.0;
    double y = 0.0;
    double u = 0.0;
    double time = 0.0;
  };

  double U, tau_psc, tau_rec, tau_fac;

  /* Share of the weight that a spike releases. */
  double
  release( State& s, const double now ) const
  {
    const double h = now - s.time;
    const double decay_y = std::exp( -h / tau_psc );
    const double decay_z = std::expm1( -h / tau_rec );
    const double decay_xy = ( decay_z * tau_rec - ( decay_y - 1.0 ) * tau_psc ) / ( tau_psc - tau_rec );
    s.u *= tau_fac == 0.0 ? 0.0 : std::exp( -h / tau_fac );
    s.x += decay_xy * s.y - decay_z * ( 1.0 - s.x - s.y );
    s.y *= decay_y;
    s.u += U * ( 1.0 - s.u );
    const double released = s.u * s.x;
    s.x -= released;
    s.y += released;
    s.time = now;
    return released;
  }
};

/* Rows of one projection on one thread. */
struct Rows
{
  template < class T >
  using Array = std::unique_ptr< T[] >;

  std::int64_t source_first; // ids of cells in NEST
  std::int64_t target_first;
  std::uint32_t n_sources;
  std::uint32_t port;
  double quantum;
  double weight; // of all, if there is no array
  std::uint32_t delay;
  Array< std::uint32_t > begin;   // per source, and the end of the last row
  Array< std::uint32_t > targets; // numbers on this thread
  Array< float > weights;
  Array< std::uint8_t > short_delays;
  Array< std::uint16_t > long_delays;
  bool plastic = false;
  RowPlasticity plasticity;
  Array< RowPlasticity::State > states;

  std::uint32_t
  size() const
  {
    return begin ? begin[ n_sources ] : 0;
  }

  bool
  empty( const std::uint32_t source ) const
  {
    return begin[ source ] == begin[ source + 1 ];
  }

  long
  delay_of( const std::uint32_t synapse ) const
  {
    return short_delays ? short_delays[ synapse ] : long_delays ? long_delays[ synapse ] : delay;
  }

  double
  weight_of( const std::uint32_t synapse ) const
  {
    return weights ? static_cast< double >( weights[ synapse ] ) : weight;
  }

  /* A spike of a source goes to all its targets; step: the one in which it was sent. */
  void
  deliver( const std::uint32_t source, const long step, const double now, const double multiplicity, LaneDelivery& to )
  {
    const std::uint32_t stop = begin[ source + 1 ];
    if ( begin[ source ] == stop )
    {
      return;
    }
    const bool scaled = plastic or multiplicity != 1.0;
    const double factor = plastic ? plasticity.release( states[ source ], now ) * multiplicity : multiplicity;
    for ( std::uint32_t i = begin[ source ]; i < stop; ++i )
    {
      const double plain = weight_of( i );
      to.deliver( targets[ i ], port, step + delay_of( i ), scaled ? on_grid( plain * factor, quantum ) : plain );
    }
  }
};

/* All rows of a thread. Only this thread works with them while a simulation is running. */
class RowTable
{
public:
  static RowTable&
  of_thread( const std::size_t thread )
  {
    // never destroyed: connections of NEST may outlive the static objects of this module
    static std::array< std::atomic< RowTable* >, LaneDelivery::max_threads > tables{};
    if ( thread >= tables.size() )
    {
      throw nest::KernelException( "compact wiring has room for 4096 threads per process" );
    }
    RowTable* found = tables[ thread ].load( std::memory_order_acquire );
    if ( not found )
    {
      auto* const made = new RowTable;
      if ( tables[ thread ].compare_exchange_strong( found, made ) )
      {
        return *made;
      }
      delete made;
    }
    return *found;
  }

  /* A source cell: its projections are those of its group (a population), and its number among the cells of this. */
  struct Source
  {
    std::uint32_t group;
    std::uint32_t number;
  };

  void
  clear()
  {
    rows.clear();
    groups.clear();
    sources.clear();
  }

  /* A spike of a source of this thread. */
  void
  deliver( const std::uint32_t row, const long step, const double now, const double multiplicity, LaneDelivery& to )
  {
    const Source source = sources[ row ];
    for ( const std::uint32_t number : groups[ source.group ] )
    {
      rows[ number ]->deliver( source.number, step, now, multiplicity, to );
    }
  }

  std::vector< std::unique_ptr< Rows > > rows;        // by number of the projection; null: none here
  std::vector< std::vector< std::uint32_t > > groups; // numbers of the projections of a source population
  std::vector< Source > sources;                      // by what the carrier knows

private:
  RowTable() = default;
};

} // namespace bgnest

#endif
