/*
 * lane_row.h - one variable of all lanes of a block
 */
#ifndef BGNEST_LANE_ROW_H
#define BGNEST_LANE_ROW_H

#include <bit>
#include <cstdint>

#include "lane_math.h"

#ifndef BGNEST_LANES
#define BGNEST_LANES 8
#endif

namespace bgnest
{

inline constexpr int lanes = BGNEST_LANES;
static_assert( lanes >= 2 and lanes <= 32 and std::has_single_bit( unsigned( lanes ) ) );

using LaneMask = std::uint32_t;

template < typename T >
struct alignas( 64 ) LaneRow
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

} // namespace bgnest

#endif
