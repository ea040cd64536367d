/*
 * row_table.h - the synapses of a thread in rows: one row per source cell and projection, its targets in one piece
 *
 * NEST keeps a connection of 16 to 28 bytes per synapse and looks at each when a spike comes. Here it knows one carrier
 * per source and thread (row_carrier.h), and a spike is handed on along the rows of its source. What is equal for all
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
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "exceptions.h"

#include "lane_delivery.h"
#include "lane_math.h"
#include "row_memory.h"

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

/*
 * How a synapse of a projection is written: number of the target on this thread (4 bytes), then its weight (float) and
 * its delay in steps (1 or 2 bytes), unless all synapses have the same. All in one place, so that wiring, which jumps from
 * row to row, waits for one cache line and not for three.
 */
template < bool WEIGHTS, int DELAY_BYTES >
struct SynapseLayout
{
  static constexpr bool weights = WEIGHTS;
  static constexpr int delay_bytes = DELAY_BYTES;
  static constexpr std::size_t bytes = 4 + 4 * WEIGHTS + DELAY_BYTES;

  static BGNEST_INLINE void
  write( unsigned char* const at, const std::uint32_t target, [[maybe_unused]] const float weight, [[maybe_unused]] const std::uint32_t delay )
  {
    std::memcpy( at, &target, 4 );
    if constexpr ( WEIGHTS )
    {
      std::memcpy( at + 4, &weight, 4 );
    }
    if constexpr ( DELAY_BYTES > 0 )
    {
      std::memcpy( at + 4 + 4 * WEIGHTS, &delay, DELAY_BYTES ); // of a little-endian number
    }
  }

  static BGNEST_INLINE std::uint32_t
  target( const unsigned char* const at )
  {
    std::uint32_t value;
    std::memcpy( &value, at, 4 );
    return value;
  }

  static BGNEST_INLINE double
  weight( const unsigned char* const at, const double of_all )
  {
    if constexpr ( WEIGHTS )
    {
      float value;
      std::memcpy( &value, at + 4, 4 );
      return value;
    }
    return of_all;
  }

  static BGNEST_INLINE std::uint32_t
  delay( const unsigned char* const at, const std::uint32_t of_all )
  {
    if constexpr ( DELAY_BYTES > 0 )
    {
      std::uint32_t value = 0;
      std::memcpy( &value, at + 4 + 4 * WEIGHTS, DELAY_BYTES );
      return value;
    }
    return of_all;
  }
};

static_assert( std::endian::native == std::endian::little );

/* Rows of one projection on one thread. */
struct Rows
{
  std::int64_t source_first; // ids of cells in NEST
  std::int64_t target_first;
  std::uint32_t n_sources;
  std::uint32_t port;
  double quantum;
  double weight = 0.0; // of all, if each has none of its own
  std::uint32_t delay = 0;
  bool weights = false;
  int delay_bytes = 0;
  std::size_t bytes = 0; // of a synapse
  std::unique_ptr< std::uint32_t[] > begin; // per source, and the end of the last row
  HugeArray< unsigned char > synapses;
  bool plastic = false;
  RowPlasticity plasticity;
  std::unique_ptr< RowPlasticity::State[] > states;

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

  /* Do something with the layout of these synapses, so that the loop over them is compiled for it. */
  template < class Work >
  BGNEST_INLINE decltype( auto )
  with_layout( Work&& work ) const
  {
    if ( weights )
    {
      return delay_bytes == 0 ? work( SynapseLayout< true, 0 >{} )
        : delay_bytes == 1    ? work( SynapseLayout< true, 1 >{} )
                              : work( SynapseLayout< true, 2 >{} );
    }
    return delay_bytes == 0 ? work( SynapseLayout< false, 0 >{} )
      : delay_bytes == 1    ? work( SynapseLayout< false, 1 >{} )
                            : work( SynapseLayout< false, 2 >{} );
  }

  /* Calls with( target, weight, delay ) for all synapses of a source. */
  template < class With >
  void
  each( const std::uint32_t source, With&& with ) const
  {
    with_layout(
      [ & ]( auto layout )
      {
        const unsigned char* at = synapses.data() + layout.bytes * begin[ source ];
        const unsigned char* const end = synapses.data() + layout.bytes * begin[ source + 1 ];
        for ( ; at != end; at += layout.bytes )
        {
          with( layout.target( at ), layout.weight( at, weight ), layout.delay( at, delay ) );
        }
      } );
  }

  /* Start loading the first synapses of a source; hardware sees by itself where the next are. */
  void
  fetch( const std::uint32_t source ) const
  {
    const unsigned char* const at = synapses.data() + bytes * begin[ source ];
    __builtin_prefetch( at );
    __builtin_prefetch( at + 64 );
    __builtin_prefetch( at + 128 );
  }

  /* A spike of a source goes to all its targets; step: the one in which it was sent. */
  void
  deliver( const std::uint32_t source, const long step, const double now, const double multiplicity, LaneDelivery& to )
  {
    if ( empty( source ) )
    {
      return;
    }
    if ( plastic or multiplicity != 1.0 )
    {
      const double factor = plastic ? plasticity.release( states[ source ], now ) * multiplicity : multiplicity;
      each( source,
        [ & ]( const std::uint32_t target, const double plain, const std::uint32_t lag )
        { to.deliver( target, port, step + lag, on_grid( plain * factor, quantum ) ); } );
      return;
    }
    each( source,
      [ & ]( const std::uint32_t target, const double plain, const std::uint32_t lag )
      { to.deliver( target, port, step + lag, plain ); } );
  }
};

/* A synapse on its way to its row. */
struct Drawn
{
  std::uint32_t source; // in its population
  std::uint32_t target; // on its thread
  float weight;
  std::uint32_t delay;
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
    forget_work();
  }

  /* Give the memory back that only wiring needs. */
  void
  forget_work()
  {
    scratch = {};
    sorted = {};
  }

  /* A spike of a source of this thread. */
  void
  deliver( const std::uint32_t row, const long step, const double now, const double multiplicity, LaneDelivery& to )
  {
    const Source source = sources[ row ];
    const std::vector< std::uint32_t >& group = groups[ source.group ];
    // rows lie anywhere in memory: all are asked for before the first is waited for
    for ( const std::uint32_t number : group )
    {
      __builtin_prefetch( &rows[ number ]->begin[ source.number ] );
    }
    for ( const std::uint32_t number : group )
    {
      rows[ number ]->fetch( source.number );
    }
    for ( const std::uint32_t number : group )
    {
      rows[ number ]->deliver( source.number, step, now, multiplicity, to );
    }
  }

  std::vector< std::unique_ptr< Rows > > rows;        // by number of the projection; null: none here
  std::vector< std::vector< std::uint32_t > > groups; // numbers of the projections of a source population
  std::vector< Source > sources;                      // by what the carrier knows
  HugeArray< std::uint32_t > scratch;                 // working memory of the wiring of one projection after the other
  HugeArray< Drawn > sorted;

private:
  RowTable() = default;
};

} // namespace bgnest

#endif
