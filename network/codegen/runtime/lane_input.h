/*
 * lane_input.h - input of a block of cells: events on their way, and sums of what is due in a slice
 */
#ifndef BGNEST_LANE_INPUT_H
#define BGNEST_LANE_INPUT_H

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "lane_row.h"

namespace bgnest
{

/*
 * Input of one slice: sums of weights per step, row and lane. One of these serves all blocks of a thread in
 * turn and stays in the cache; a bit per step and row tells whether anything has arrived.
 */
template < int ROWS >
class SliceInput
{
public:
  static_assert( ROWS <= 64, "a model of the vectorised target has at most 64 ports" );

  /* Make room for a slice of n steps. */
  void
  resize( const long n )
  {
    if ( n > static_cast< long >( slots_.size() ) )
    {
      slots_.resize( n );
      occupied_.resize( n, 0 );
    }
  }

  void
  add( const long lag, const std::uint32_t row, const std::uint32_t lane, const double value )
  {
    slots_[ lag ].row[ row ][ lane ] += value;
    occupied_[ lag ] |= std::uint64_t( 1 ) << row;
  }

  /* Bit r is set when row r of any lane has input in this step. */
  std::uint64_t
  occupied( const long lag ) const
  {
    return occupied_[ lag ];
  }

  const Row&
  row( const long lag, const int row ) const
  {
    return slots_[ lag ].row[ row ];
  }

  /* Forget the input of a step, for the next block. */
  void
  clear( const long lag )
  {
    for ( std::uint64_t bits = occupied_[ lag ]; bits; bits &= bits - 1 )
    {
      slots_[ lag ].row[ std::countr_zero( bits ) ] = Row{};
    }
    occupied_[ lag ] = 0;
  }

  void
  clear_all()
  {
    for ( std::size_t lag = 0; lag < occupied_.size(); ++lag )
    {
      clear( lag );
    }
  }

private:
  struct Slot
  {
    Row row[ ROWS > 0 ? ROWS : 1 ] = {};
  };

  std::vector< Slot > slots_;
  std::vector< std::uint64_t > occupied_;
};

/*
 * Events that have arrived at a block, in the order of their arrival. Few are on their way at a time (some
 * tens for eight cells of the Lindahl network), so that a list that is looked through once a slice takes
 * hundredths of the memory of a table with an entry for every future step, and stays in the cache.
 */
class PendingInput
{
public:
  std::size_t
  bytes() const
  {
    return events_.capacity() * sizeof( Event );
  }

  bool
  full() const
  {
    return events_.size() == events_.capacity();
  }

  void
  add( const long step, const int row, const int lane, const double value )
  {
    events_.push_back( { value, static_cast< std::uint32_t >( step ), static_cast< std::uint16_t >( row ), static_cast< std::uint16_t >( lane ) } );
  }

  /* Move what is due in the steps begin ... end - 1 to where the loop over steps reads it; forget what was due before. */
  template < int ROWS >
  void
  take( const long begin, const long end, SliceInput< ROWS >& slice )
  {
    static thread_local std::vector< Event > due;
    if ( due.size() < events_.size() )
    {
      due.resize( events_.capacity() );
    }
    // without branches: what is due is as good as random
    Event* kept = events_.data();
    Event* taken = due.data();
    for ( const Event& event : events_ )
    {
      const Event copy = event;
      const bool later = before_( end, copy ) >= 0;
      *kept = copy;
      *taken = copy;
      kept += later;
      taken += not later;
    }
    events_.resize( kept - events_.data() );
    for ( const Event* event = due.data(); event != taken; ++event )
    {
      if ( const std::int32_t lag = before_( begin, *event ); lag >= 0 )
      {
        slice.add( lag, event->row, event->lane, event->value );
      }
    }
  }

  void
  forget_before( const long now )
  {
    std::erase_if( events_, [ now ]( const Event& event ) { return before_( now, event ) < 0; } );
  }

  void
  forget_lane( const int lane )
  {
    std::erase_if( events_, [ lane ]( const Event& event ) { return event.lane == lane; } );
  }

  void
  clear()
  {
    events_.clear();
  }

  void
  fetch() const
  {
    const char* const begin = reinterpret_cast< const char* >( events_.data() );
    for ( std::size_t i = 0; i < events_.size() * sizeof( Event ); i += 64 )
    {
      __builtin_prefetch( begin + i );
    }
  }

private:
  struct Event
  {
    double value;
    std::uint32_t step; // modulo 2^32
    std::uint16_t row;
    std::uint16_t lane;
  };

  /* Steps from a given one to an event. */
  static std::int32_t
  before_( const long step, const Event& event )
  {
    return static_cast< std::int32_t >( event.step - static_cast< std::uint32_t >( step ) );
  }

  std::vector< Event > events_;
};

} // namespace bgnest

#endif
