/*
 * lane_input.h - input of a block of cells: sums of what is due in a slice
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

} // namespace bgnest

#endif
