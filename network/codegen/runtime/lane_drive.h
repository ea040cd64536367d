/*
 * lane_drive.h - the Poisson input of the cells of a block (poisson_drive.h), drawn for all lanes at once
 */
#ifndef BGNEST_LANE_DRIVE_H
#define BGNEST_LANE_DRIVE_H

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
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

/* Numbers of spikes of a few steps; one of these per thread. */
struct DrawnSteps
{
  static constexpr long most = drive_group;

  LaneRow< std::int32_t > counts[ most ];
  // uniform numbers, shifted to signed ones, and bits of the steps in which a lane has more than one spike
  LaneRow< std::int32_t > uniform[ most ];
  LaneRow< std::uint32_t > several;
  // of each step: its thresholds; all lanes have one delay
  const std::int32_t* thresholds[ most ];
  // the same as factors, after spread(); written in steps that have any
  Row number[ most ];
  bool any[ most ];

  void
  spread( const long n )
  {
    for ( long lag = 0; lag < n; ++lag )
    {
      any[ lag ] = any_lane( counts[ lag ] );
      if ( any[ lag ] )
      {
        spread_( counts[ lag ], number[ lag ] );
      }
    }
  }

private:
  static __attribute__( ( noinline ) ) void
  spread_( const LaneRow< std::int32_t >& counts, Row& number )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      number[ l ] = counts[ l ];
    }
  }
};

class BlockDrive
{
public:
  explicit
  operator bool() const
  {
    return table_ != nullptr;
  }

  /* Spikes that a lane has got so far. */
  double
  count( const int lane ) const
  {
    return count_[ lane ];
  }

  /* Count what has been drawn for a step. */
  void
  count_up( const LaneRow< std::int32_t >& counts )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      count_[ l ] += counts[ l ];
    }
  }

  void
  count_up( const DrawnSteps& drawn, const long n )
  {
    if ( n == DrawnSteps::most )
    {
      count_up_all_( drawn.counts, std::make_integer_sequence< int, DrawnSteps::most >() );
      return;
    }
    for ( long lag = 0; lag < n; ++lag )
    {
      count_up( drawn.counts[ lag ] );
    }
  }

  void
  reset_count( const int lane )
  {
    count_[ lane ] = 0;
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
    delay_ = specs[ 0 ].delay;
    delays_.clear();
    for ( int l = 0; l < lanes; ++l )
    {
      driven = driven or specs[ l ].rate > 0.0;
      if ( specs[ l ].delay != delay_ )
      {
        delays_.resize( lanes );
      }
    }
    for ( std::size_t l = 0; l < delays_.size(); ++l )
    {
      delays_[ l ] = specs[ l ].delay;
    }
    table_ = driven ? tables.share( specs, resolution ) : nullptr;
  }

  /* Before a slice of n steps. */
  void
  prepare( const long first, const long n )
  {
    table_->prepare( first, n );
  }

  /* Draw the numbers of spikes of n <= DrawnSteps::most steps. */
  void
  draw( const long clock, const long n, DrawnSteps& drawn ) const
  {
    if ( not delays_.empty() )
    {
      draw_one_by_one_( clock, n, drawn );
      return;
    }
    const std::uint64_t first = source_( clock, delay_ );
    LaneRow< std::uint32_t > hash[ 2 ];
    const auto source = static_cast< std::uint32_t >( first );
    const std::uint32_t group = group_( first );
    const std::uint32_t shift = shift_( first );
    hash_( group, hash[ 0 ] );
    if ( shift + static_cast< std::uint32_t >( n ) * drive_bits > drive_group * drive_bits )
    {
      hash_( group + 1U, hash[ 1 ] );
    }
    for ( long lag = 0; lag < n; ++lag )
    {
      drawn.thresholds[ lag ] = table_->thresholds( clock + lag );
    }
    static_assert( DrawnSteps::most == 5 );
    switch ( n )
    {
      case 5: draw_steps_< 5 >( source, shift, hash, drawn ); break;
      case 4: draw_steps_< 4 >( source, shift, hash, drawn ); break;
      case 3: draw_steps_< 3 >( source, shift, hash, drawn ); break;
      case 2: draw_steps_< 2 >( source, shift, hash, drawn ); break;
      default: draw_steps_< 1 >( source, shift, hash, drawn );
    }
    if ( table_->count() > 2 and any_lane( drawn.several ) )
    {
      for ( long lag = 0; lag < n; ++lag )
      {
        count_further_( drawn.uniform[ lag ], drawn.thresholds[ lag ], drawn.counts[ lag ] );
      }
    }
  }

private:
  /* Added up first: what has just been written would be read back for every step. */
  template < int... LAG >
  BGNEST_INLINE void
  count_up_all_( const LaneRow< std::int32_t >* const counts, std::integer_sequence< int, LAG... > )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      count_[ l ] += ( counts[ LAG ][ l ] + ... );
    }
  }

  /* The step of its own train that a lane gets in a step; never negative, so that groups follow one another from the first. */
  static BGNEST_INLINE std::uint64_t
  source_( const long clock, const long delay )
  {
    constexpr long before = long( drive_group ) << 40;
    return static_cast< std::uint64_t >( before + clock - delay );
  }

  static BGNEST_INLINE std::uint32_t
  group_( const std::uint64_t step )
  {
    return static_cast< std::uint32_t >( step / drive_group );
  }

  static BGNEST_INLINE std::uint32_t
  shift_( const std::uint64_t step )
  {
    return static_cast< std::uint32_t >( step % drive_group ) * drive_bits;
  }

  /* The uniform number of a step, shifted to signed ones; high: ends with its highest bits. */
  static BGNEST_INLINE std::int32_t
  uniform_( const std::uint32_t source, const std::uint32_t high, const std::uint32_t key_low, const std::uint32_t key_high )
  {
    const std::uint32_t rest = drive_hash( source, key_high, key_low );
    const std::uint32_t u = high << ( 32U - drive_bits ) | rest >> drive_bits;
    return static_cast< std::int32_t >( u ^ 0x80000000U );
  }

  /* Not inlined: the compiler takes the loop apart where it is one of many. */
  __attribute__( ( noinline ) ) void
  hash_( const std::uint32_t group, LaneRow< std::uint32_t >& hash ) const
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      hash[ l ] = drive_hash( group, key_low_[ l ], key_high_[ l ] );
    }
  }

  template < int N >
  __attribute__( ( noinline ) ) void
  draw_steps_( const std::uint32_t source, const std::uint32_t shift, const LaneRow< std::uint32_t > ( &hash )[ 2 ], DrawnSteps& drawn ) const
  {
    drawn.several = {};
    [ & ]< int... LAG >( std::integer_sequence< int, LAG... > ) BGNEST_INLINE_LAMBDA
    {
      ( draw_step_< LAG >( source, shift, hash, drawn ), ... );
    }( std::make_integer_sequence< int, N >() );
  }

  template < int LAG >
  BGNEST_INLINE void
  draw_step_( const std::uint32_t source, const std::uint32_t shift, const LaneRow< std::uint32_t > ( &hash )[ 2 ], DrawnSteps& drawn ) const
  {
    constexpr std::uint32_t all = drive_group * drive_bits;
    const std::uint32_t place = shift + LAG * drive_bits;
    const LaneRow< std::uint32_t >& high = hash[ place < all ? 0 : 1 ];
    const std::uint32_t by = place < all ? place : place - all;
    const std::int32_t* const thresholds = drawn.thresholds[ LAG ];
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      const std::int32_t uniform = uniform_( source + LAG, high[ l ] >> by, key_low_[ l ], key_high_[ l ] );
      const bool one = uniform > thresholds[ l ];
      const bool two = uniform > thresholds[ lanes + l ];
      drawn.uniform[ LAG ][ l ] = uniform;
      drawn.counts[ LAG ][ l ] = ( one ? 1 : 0 ) + ( two ? 1 : 0 );
      drawn.several[ l ] |= two ? 1U << LAG : 0U;
    }
  }

  /* More than two spikes in a step: the other thresholds. */
  __attribute__( ( noinline ) ) void
  count_further_( const LaneRow< std::int32_t >& uniform, const std::int32_t* thresholds, LaneRow< std::int32_t >& counts ) const
  {
    for ( int k = 2; k < table_->count(); ++k )
    {
#pragma omp simd
      for ( int l = 0; l < lanes; ++l )
      {
        counts[ l ] += uniform[ l ] > thresholds[ k * lanes + l ] ? 1 : 0;
      }
    }
  }

  /* The delays of the lanes differ, for instance as some lanes are empty. */
  __attribute__( ( noinline ) ) void
  draw_one_by_one_( const long clock, const long n, DrawnSteps& drawn ) const
  {
    for ( long lag = 0; lag < n; ++lag )
    {
      const std::int32_t* const thresholds = table_->thresholds( clock + lag );
      for ( int l = 0; l < lanes; ++l )
      {
        const std::uint64_t step = source_( clock + lag, delays_[ l ] );
        const std::uint32_t high = drive_hash( group_( step ), key_low_[ l ], key_high_[ l ] ) >> shift_( step );
        const std::int32_t uniform = uniform_( static_cast< std::uint32_t >( step ), high, key_low_[ l ], key_high_[ l ] );
        std::int32_t& number = drawn.counts[ lag ][ l ] = 0;
        while ( number < table_->count() and uniform > thresholds[ number * lanes + l ] )
        {
          ++number;
        }
      }
    }
  }

  std::shared_ptr< DriveTable< lanes > > table_; // none: no lane is driven
  LaneRow< std::uint32_t > key_low_ = {};
  LaneRow< std::uint32_t > key_high_ = {};
  LaneRow< std::uint32_t > count_ = {};
  long delay_ = 0;
  std::vector< long > delays_; // of the lanes, if they differ
};

} // namespace bgnest

#endif
