/*
 * lane_input.h - input of a block of cells: events on their way, and sums of what is due in a slice
 */
#ifndef BGNEST_LANE_INPUT_H
#define BGNEST_LANE_INPUT_H

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "lane_row.h"

namespace bgnest
{

/*
 * Input of one slice: sums of weights per step, row and lane. One of these serves all blocks of a thread in
 * turn and stays in the cache; a bit per step and row tells whether anything has arrived. With FLAGS, this is known of
 * every lane, too.
 */
template < int ROWS, bool FLAGS = false >
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
      if constexpr ( FLAGS )
      {
        arrived_.resize( n );
      }
    }
  }

  void
  add( const long lag, const std::uint32_t row, const std::uint32_t lane, const double value )
  {
    slots_[ lag ].row[ row ][ lane ] += value;
    occupied_[ lag ] |= std::uint64_t( 1 ) << row;
    if constexpr ( FLAGS )
    {
      arrived_[ lag ][ row ] |= LaneMask( 1 ) << lane;
    }
  }

  /* Lanes at which something has arrived. */
  LaneMask
  arrived( const long lag, const int row ) const
  {
    return arrived_[ lag ][ row ];
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
    if constexpr ( FLAGS )
    {
      arrived_[ lag ] = {};
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
  std::vector< std::array< LaneMask, ( ROWS > 0 ? ROWS : 1 ) > > arrived_;
};

/*
 * Events that have arrived at a block, in the order of their arrival. Few are on their way at a time (about six
 * for eight striatal cells of the Lindahl network), so that a list that is looked through once a slice takes
 * hundredths of the memory of a table with an entry for every future step, and stays in the cache. A short list
 * lies in the block itself, whose loading ahead of time includes it; a long one, as a volley makes it, does not, and
 * comes back when the volley is over.
 */
class alignas( 64 ) PendingInput
{
public:
  PendingInput() = default;
  PendingInput( const PendingInput& ) = delete;
  PendingInput& operator=( const PendingInput& ) = delete;

  /* Bytes outside of the block. */
  std::size_t
  bytes() const
  {
    return heap_ ? capacity_ * sizeof( Event ) : 0;
  }

  bool
  full() const
  {
    return size_ == capacity_;
  }

  void
  add( const long step, const int row, const int lane, const double value )
  {
    if ( full() )
    {
      grow_();
    }
    events_[ size_++ ] = {
      value, static_cast< std::uint32_t >( step ), static_cast< std::uint16_t >( row ), static_cast< std::uint16_t >( lane )
    };
  }

  /*
   * Move what is due in the steps begin ... end - 1 to where the loop over steps reads it, and forget what was
   * due before. route( row, value ) may send an event to another row.
   */
  template < class Slice, class Route >
  void
  take( const long begin, const long end, Slice& slice, Route&& route )
  {
    std::uint32_t kept = 0;
    for ( std::uint32_t i = 0; i < size_; ++i )
    {
      const Event event = events_[ i ];
      if ( after_( end, event ) >= 0 )
      {
        events_[ kept++ ] = event;
      }
      else if ( const std::int32_t lag = after_( begin, event ); lag >= 0 )
      {
        std::uint32_t row = event.row;
        double value = event.value;
        route( row, value );
        slice.add( lag, row, event.lane, value );
      }
    }
    size_ = kept;
    if ( heap_ and size_ <= n_inside / 2 )
    {
      come_home_();
    }
  }

  void
  forget_before( const long now )
  {
    forget_if_( [ now ]( const Event& event ) { return after_( now, event ) < 0; } );
  }

  void
  forget_lane( const int lane )
  {
    forget_if_( [ lane ]( const Event& event ) { return event.lane == lane; } );
  }

  void
  clear()
  {
    size_ = 0;
  }

  /* Start loading the place of the next event. */
  void
  fetch_end() const
  {
    __builtin_prefetch( events_ + size_, 1 );
  }

  void
  fetch() const
  {
    if ( heap_ )
    {
      const char* const begin = reinterpret_cast< const char* >( events_ );
      for ( std::size_t i = 0; i < size_ * sizeof( Event ); i += 64 )
      {
        __builtin_prefetch( begin + i );
      }
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

  static constexpr std::uint32_t n_inside = 14;

  /* Steps from a given one to an event. */
  static std::int32_t
  after_( const long step, const Event& event )
  {
    return static_cast< std::int32_t >( event.step - static_cast< std::uint32_t >( step ) );
  }

  template < class Condition >
  void
  forget_if_( const Condition condition )
  {
    size_ = std::remove_if( events_, events_ + size_, condition ) - events_;
  }

  void
  grow_()
  {
    auto larger = std::make_unique< Event[] >( 2 * capacity_ );
    std::copy( events_, events_ + size_, larger.get() );
    heap_ = std::move( larger );
    events_ = heap_.get();
    capacity_ *= 2;
  }

  void
  come_home_()
  {
    std::copy( events_, events_ + size_, inside_ );
    events_ = inside_;
    capacity_ = n_inside;
    heap_.reset();
  }

  Event* events_ = inside_;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = n_inside;
  std::unique_ptr< Event[] > heap_;
  Event inside_[ n_inside ];
};

} // namespace bgnest

#endif
