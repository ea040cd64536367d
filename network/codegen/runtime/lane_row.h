/*
 * lane_row.h - one variable of all lanes of a block
 */
#ifndef BGNEST_LANE_ROW_H
#define BGNEST_LANE_ROW_H

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "lane_math.h"

/* Two vectors of double precision, so that there is always something to do while one chain of operations waits. */
#ifndef BGNEST_LANES
#ifdef __AVX512F__
#define BGNEST_LANES 16
#else
#define BGNEST_LANES 8
#endif
#endif

namespace bgnest
{

inline constexpr int lanes = BGNEST_LANES;
static_assert( lanes >= 2 and lanes <= 32 and std::has_single_bit( unsigned( lanes ) ) );

using LaneMask = std::uint32_t;

/* Never across two cache lines, and no longer than it has to be. */
template < typename T >
struct alignas( sizeof( T ) * lanes < 64 ? sizeof( T ) * lanes : 64 ) LaneRow
{
  T value[ lanes ];

  BGNEST_INLINE T&
  operator[]( const int lane )
  {
    return value[ lane ];
  }
  BGNEST_INLINE const T&
  operator[]( const int lane ) const
  {
    return value[ lane ];
  }
};

using Row = LaneRow< double >;

/*
 * Whether a number of any lane is not zero. A reduction in the loop that computes them is translated into one access
 * per lane.
 */
template < typename T >
BGNEST_INLINE bool
any_lane( const LaneRow< T >& row )
{
#ifdef __AVX512F__
  if constexpr ( sizeof( row.value ) == 64 )
  {
    const __m512i all = _mm512_load_si512( row.value );
    return _mm512_test_epi64_mask( all, all ) != 0; // the loop becomes ten instructions, one after the other
  }
#endif
  static_assert( sizeof( row.value ) % sizeof( std::uint64_t ) == 0 );
  std::uint64_t any = 0;
  for ( std::size_t i = 0; i < sizeof( row.value ); i += sizeof any )
  {
    std::uint64_t word;
    std::memcpy( &word, reinterpret_cast< const char* >( row.value ) + i, sizeof word );
    any |= word;
  }
  return any != 0;
}

} // namespace bgnest

#endif
