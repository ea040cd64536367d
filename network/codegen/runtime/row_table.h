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

#include <algorithm>
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
  std::uint32_t shortest = 0, longest = 0;         // delays
  std::uint32_t first_target = 0, last_target = 0; // numbers on this thread
  LaneDelivery::Shift shift;                       // ... of their slots
  bool graded = false; // no spikes come here, see graded_wiring.h
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
    if ( plastic )
    {
      __builtin_prefetch( &states[ source ] );
    }
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
      send_( source, step, to, [ factor, grid = quantum ]( const double plain ) { return on_grid( plain * factor, grid ); } );
      return;
    }
    send_( source, step, to, []( const double plain ) { return plain; } );
  }

private:
  /* weigh: what becomes of the weight of a synapse. */
  template < class Weigh >
  BGNEST_INLINE void
  send_( const std::uint32_t source, const long step, LaneDelivery& to, const Weigh weigh )
  {
    const LaneEvents::Way* const ways = to.events.ways( step, shortest, longest );
    if ( not ways ) [[unlikely]]
    {
      each( source,
        [ & ]( const std::uint32_t target, const double plain, const std::uint32_t lag )
        { to.deliver( target, port, step + lag, weigh( plain ) ); } );
      return;
    }
    if ( not to.current( shift ) ) [[unlikely]]
    {
      shift = to.shift( first_target, last_target );
    }
    if ( shift.same )
    {
      write_( source, ways, weigh, [ amount = shift.amount ]( const std::uint32_t target ) { return target + amount; } );
    }
    else
    {
      write_( source, ways, weigh, [ slots = to.slots() ]( const std::uint32_t target ) { return slots[ target ]; } );
    }
  }

  template < class Weigh, class Slot >
  void
  write_( const std::uint32_t source, const LaneEvents::Way* const ways, const Weigh weigh, const Slot slot )
  {
    const std::uint32_t first = shortest, row = port << LaneEvents::Event::step_bits;
    each( source,
      [ = ]( const std::uint32_t target, const double plain, const std::uint32_t lag )
      {
        const LaneEvents::Way& way = ways[ lag - first ];
        way.list->push( { weigh( plain ), slot( target ), way.step | row } );
      } );
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

  /* A population: its cells are the sources of the same projections, and what carriers know of them are numbers in turn. */
  struct Group
  {
    std::uint32_t first;                     // what the carrier of its first cell knows
    std::vector< std::uint32_t > projections; // by number
  };

  void
  clear()
  {
    rows.clear();
    groups.clear();
    n_in_ = n_out_ = 0;
    forget_work();
  }

  /* Give the memory back that only wiring needs. */
  void
  forget_work()
  {
    scratch = {};
    sorted = {};
  }

  /* Where spikes go. */
  void
  deliver_to( LaneDelivery& delivery )
  {
    to_ = &delivery;
    delivery.events.wait_for( []( void* const table ) { static_cast< RowTable* >( table )->let_go(); }, this );
  }

  /*
   * A spike of a source of this thread. Rows lie anywhere in memory: where those of the spike begin is asked for at once,
   * their first synapses when other spikes have come, and it goes on its way when these have had time to arrive.
   */
  void
  deliver( const std::uint32_t source, const long step, const double now, const double multiplicity )
  {
    const auto after = std::upper_bound(
      groups.begin(), groups.end(), source, []( const std::uint32_t s, const Group& group ) { return s < group.first; } );
    const Group* const group = &*( after - 1 );
    const Spike spike{ group, source - group->first, step, now, multiplicity };
    for ( const std::uint32_t number : group->projections )
    {
      __builtin_prefetch( &rows[ number ]->begin[ spike.source ] );
    }
    kept_[ n_in_++ % n_kept ] = spike;
    if ( n_in_ - n_out_ > n_fetched )
    {
      fetch_( kept_[ ( n_in_ - 1 - n_fetched ) % n_kept ] );
    }
    if ( n_in_ - n_out_ == n_kept )
    {
      send_( kept_[ n_out_++ % n_kept ] );
    }
  }

  /* All spikes that are kept back go on their way. */
  void
  let_go()
  {
    for ( std::uint32_t i = std::max( n_out_, n_in_ > n_fetched ? n_in_ - n_fetched : 0 ); i < n_in_; ++i )
    {
      fetch_( kept_[ i % n_kept ] );
    }
    while ( n_out_ != n_in_ )
    {
      send_( kept_[ n_out_++ % n_kept ] );
    }
    n_in_ = n_out_ = 0;
  }

  std::vector< std::unique_ptr< Rows > > rows; // by number of the projection; null: none here
  std::vector< Group > groups;                 // in the order of their first numbers
  HugeArray< std::uint32_t > scratch;          // working memory of the wiring of one projection after the other
  HugeArray< Drawn > sorted;

private:
  static constexpr std::uint32_t n_kept = 4;
  static constexpr std::uint32_t n_fetched = 1; // spikes that come between the two requests

  struct Spike
  {
    const Group* group;
    std::uint32_t source; // in its population
    long step;
    double now;
    double multiplicity;
  };

  void
  fetch_( const Spike& spike ) const
  {
    for ( const std::uint32_t number : spike.group->projections )
    {
      rows[ number ]->fetch( spike.source );
    }
  }

  void
  send_( const Spike& spike )
  {
    for ( const std::uint32_t number : spike.group->projections )
    {
      rows[ number ]->deliver( spike.source, spike.step, spike.now, spike.multiplicity, *to_ );
    }
  }

  LaneDelivery* to_ = nullptr;
  std::array< Spike, n_kept > kept_;
  std::uint32_t n_in_ = 0, n_out_ = 0; // spikes that have come and gone since the last time that all had gone

  RowTable() = default;
};

} // namespace bgnest

#endif
