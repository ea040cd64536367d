/*
 * lane_drive.h - the Poisson input of the cells of a block (poisson_drive.h), drawn in all lanes at once
 */
#ifndef BGNEST_LANE_DRIVE_H
#define BGNEST_LANE_DRIVE_H

#include <cstdint>
#include <memory>
#include <vector>

#include "lane_row.h"
#include "poisson_drive.h"

namespace bgnest
{

/* Tables of thresholds that blocks share; one of these per thread. */
class DriveTables
{
public:
  std::shared_ptr< DriveTable< lanes > >
  share( const DriveSpec ( &specs )[ lanes ], const double resolution )
  {
    for ( auto it = drives_.begin(); it != drives_.end(); )
    {
      auto found = it->lock();
      if ( not found )
      {
        it = drives_.erase( it );
        continue;
      }
      if ( found->matches( specs, resolution ) )
      {
        return found;
      }
      ++it;
      if ( it - drives_.begin() >= longest_search )
      {
        break; // every block has rates of its own: nothing to share
      }
    }
    auto made = std::make_shared< DriveTable< lanes > >( specs, resolution );
    drives_.insert( drives_.begin(), made );
    if ( drives_.size() > 2 * longest_search )
    {
      drives_.resize( longest_search );
    }
    return made;
  }

private:
  static constexpr long longest_search = 16;

  std::vector< std::weak_ptr< DriveTable< lanes > > > drives_;
};

class BlockDrive
{
public:
  explicit
  operator bool() const
  {
    return table_ != nullptr;
  }

  /* Spikes that a lane has drawn so far. */
  double
  count( const int lane ) const
  {
    return count_[ lane ];
  }

  /* Count spikes that draw() has not counted, or fewer. */
  void
  count_again( const int lane, const double number )
  {
    count_[ lane ] += number;
  }

  void
  reset_count( const int lane )
  {
    count_[ lane ] = 0.0;
  }

  void
  set_key( const int lane, const std::uint64_t key )
  {
    key_low_[ lane ] = static_cast< std::uint32_t >( key );
    key_high_[ lane ] = static_cast< std::uint32_t >( key >> 32 );
  }

  /* What the cells ask for; the trains of lanes without a cell come to nothing. */
  void
  set( const DriveSpec ( &specs )[ lanes ], const double resolution, DriveTables& tables )
  {
    bool driven = false;
    for ( int l = 0; l < lanes; ++l )
    {
      delay_[ l ] = static_cast< std::uint32_t >( specs[ l ].delay );
      driven = driven or specs[ l ].rate > 0.0;
    }
    table_ = driven ? tables.share( specs, resolution ) : nullptr;
  }

  /* Before a slice of n steps. */
  void
  prepare( const long first, const long n )
  {
    table_->prepare( first, n );
  }

  /* Numbers of spikes of all lanes in a step; false if there are none, and number is not written. */
  BGNEST_INLINE bool
  draw( const long clock, Row& number )
  {
    bool any;
    draw< 1 >( clock, 1, &number, &any );
    return any;
  }

  /*
   * The same of n <= MOST steps: number[ i ] is written where any[ i ]. All first comparisons are made before one is
   * looked at, because the hashes of a step are a chain of operations that a core need not wait for.
   */
  template < int MOST >
  BGNEST_INLINE void
  draw( const long clock, const long n, Row* const number, bool* const any )
  {
    LaneRow< std::int32_t > uniform[ MOST ];
    LaneRow< std::int32_t > reached[ MOST ];
    for ( long i = 0; i < n; ++i )
    {
      compare_( static_cast< std::uint32_t >( clock + i ), table_->thresholds( clock + i ), uniform[ i ].value, reached[ i ].value );
    }
    for ( long i = 0; i < n; ++i )
    {
      any[ i ] = any_lane( reached[ i ] ); // none: nobody has reached the lowest threshold
      if ( any[ i ] )
      {
        count_up_( uniform[ i ], table_->thresholds( clock + i ), reached[ i ], number[ i ] );
      }
    }
  }

private:
  /* Not inlined: the compiler takes the loop apart where it is one of many. */
  __attribute__( ( noinline ) ) void
  compare_( const std::uint32_t step, const std::int32_t* const t, std::int32_t* const uniform, std::int32_t* const reached ) const
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      const std::uint32_t u = drive_uniform( step - delay_[ l ], key_low_[ l ], key_high_[ l ] );
      uniform[ l ] = static_cast< std::int32_t >( u ^ 0x80000000U );
      reached[ l ] = uniform[ l ] > t[ l ] ? 1 : 0;
    }
  }

  __attribute__( ( noinline ) ) void
  count_up_( const LaneRow< std::int32_t >& uniform, const std::int32_t* t, LaneRow< std::int32_t >& reached, Row& number )
  {
    const std::int32_t* const t_end = t + table_->count() * lanes;
    reached = {};
    static_assert( DriveTable< lanes >::group == 4 );
    for ( ; t != t_end; t += 4 * lanes )
    {
#pragma omp simd
      for ( int l = 0; l < lanes; ++l )
      {
        const std::int32_t u = uniform[ l ];
        const std::int32_t n0 = u > t[ l ] ? 1 : 0;
        const std::int32_t n1 = u > t[ lanes + l ] ? 1 : 0;
        const std::int32_t n2 = u > t[ 2 * lanes + l ] ? 1 : 0;
        const std::int32_t n3 = u > t[ 3 * lanes + l ] ? 1 : 0;
        reached[ l ] += ( n0 + n1 ) + ( n2 + n3 );
      }
    }
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      number[ l ] = reached[ l ];
      count_[ l ] += number[ l ];
    }
  }

  std::shared_ptr< DriveTable< lanes > > table_; // none: no lane is driven
  LaneRow< std::uint32_t > key_low_ = {};
  LaneRow< std::uint32_t > key_high_ = {};
  LaneRow< std::uint32_t > delay_ = {};
  Row count_ = {};
};

} // namespace bgnest

#endif
