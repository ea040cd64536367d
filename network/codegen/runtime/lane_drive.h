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

  /* Numbers of spikes of all lanes in a step. */
  BGNEST_INLINE void
  draw( const long clock, Row& number )
  {
    LaneRow< std::int32_t > uniform;
    LaneRow< std::int32_t > reached;
    const auto step = static_cast< std::uint32_t >( clock );
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      const std::uint32_t u = drive_uniform( step - delay_[ l ], key_low_[ l ], key_high_[ l ] );
      uniform[ l ] = static_cast< std::int32_t >( u ^ 0x80000000U );
      reached[ l ] = 0;
    }
    const std::int32_t* t = table_->thresholds( clock );
    const std::int32_t* const t_end = t + table_->count() * lanes;
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

private:
  std::shared_ptr< DriveTable< lanes > > table_; // none: no lane is driven
  LaneRow< std::uint32_t > key_low_ = {};
  LaneRow< std::uint32_t > key_high_ = {};
  LaneRow< std::uint32_t > delay_ = {};
  Row count_ = {};
};

} // namespace bgnest

#endif
