/*
 * lane_drive.h - the Poisson input of the cells of a block (poisson_drive.h): one look at all lanes, then each spike
 */
#ifndef BGNEST_LANE_DRIVE_H
#define BGNEST_LANE_DRIVE_H

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
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

/* Spikes of a few steps; one of these per thread. */
struct DrawnSteps
{
  static constexpr long most = drive_group;

  struct Spikes
  {
    std::uint8_t lag;
    std::uint8_t lane;
    std::uint16_t number;
  };

  Spikes spikes[ most * lanes + 1 ]; // in the order of the lanes, those of a lane in the order of time
  int n_spikes = 0;
  // the same by step, after spread(); the numbers are written in steps that have any
  Row number[ most ];
  bool any[ most ];

  // of each step: highest bits and where they are, and thresholds; all lanes have one delay
  LaneRow< std::uint32_t > hash[ 2 ];
  const LaneRow< std::uint32_t >* high[ most ];
  std::uint32_t shift[ most ];
  const std::int32_t* lowest[ most ];

  void
  spread()
  {
    std::fill( any, any + most, false );
    for ( int i = 0; i < n_spikes; ++i )
    {
      const auto [ lag, lane, n ] = spikes[ i ];
      if ( not any[ lag ] )
      {
        any[ lag ] = true;
        number[ lag ] = Row{};
      }
      number[ lag ][ lane ] = n;
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

  void
  count_up( const DrawnSteps::Spikes& spikes )
  {
    count_[ spikes.lane ] += spikes.number;
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

  /* Draw the spikes of n <= DrawnSteps::most steps. */
  void
  draw( const long clock, const long n, DrawnSteps& drawn ) const
  {
    drawn.n_spikes = 0;
    if ( not delays_.empty() )
    {
      for ( int l = 0; l < lanes; ++l )
      {
        for ( int lag = 0; lag < n; ++lag )
        {
          const std::uint64_t step = source_( clock + lag, delays_[ l ] );
          draw_( clock + lag, step, lag, l, drive_hash( group_( step ), key_low_[ l ], key_high_[ l ] ) >> shift_( step ), drawn );
        }
      }
      return;
    }
    const std::uint64_t first_step = source_( clock, delay_ );
    LaneRow< std::uint8_t > due; // a bit per step
    look_( clock, n, drawn, due );
    constexpr int bytes = lanes < 8 ? lanes : 8;
    for ( int first = 0; first < lanes; first += bytes )
    {
      std::uint64_t word = 0;
      std::memcpy( &word, due.value + first, bytes );
      for ( ; word; word &= word - 1 )
      {
        const int bit = std::countr_zero( word );
        const int lag = bit & 7;
        const int l = first + ( bit >> 3 );
        draw_( clock + lag, first_step + lag, lag, l, ( *drawn.high[ lag ] )[ l ] >> drawn.shift[ lag ], drawn );
      }
    }
  }

private:
  static constexpr std::uint32_t mask_ = ( 1U << drive_bits ) - 1U;

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

  /* Steps in which the highest bits of a lane reach those of the lowest threshold. All lanes have one delay. */
  void
  look_( const long clock, const long n, DrawnSteps& drawn, LaneRow< std::uint8_t >& due ) const
  {
    const std::uint64_t first = source_( clock, delay_ );
    const std::uint32_t group = group_( first );
    std::uint32_t shift = shift_( first );
    hash_( group, drawn.hash[ 0 ] );
    int which = 0;
    for ( long i = 0; i < n; ++i, shift += drive_bits )
    {
      if ( shift == drive_group * drive_bits )
      {
        shift = 0;
        which = 1;
        hash_( group + 1U, drawn.hash[ 1 ] );
      }
      drawn.high[ i ] = &drawn.hash[ which ];
      drawn.shift[ i ] = shift;
      drawn.lowest[ i ] = table_->lowest( clock + i );
    }
    static_assert( DrawnSteps::most == 5 );
    switch ( n )
    {
      case 5: return reached_< 5 >( drawn, due );
      case 4: return reached_< 4 >( drawn, due );
      case 3: return reached_< 3 >( drawn, due );
      case 2: return reached_< 2 >( drawn, due );
      default: return reached_< 1 >( drawn, due );
    }
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
  static __attribute__( ( noinline ) ) void
  reached_( const DrawnSteps& drawn, LaneRow< std::uint8_t >& due )
  {
    LaneRow< std::uint32_t > bits = {};
    [ & ]< int... LAG >( std::integer_sequence< int, LAG... > ) BGNEST_INLINE_LAMBDA
    {
      ( reached_in_( *drawn.high[ LAG ], drawn.shift[ LAG ], drawn.lowest[ LAG ], 1U << LAG, bits ), ... );
    }( std::make_integer_sequence< int, N >() );
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      due[ l ] = static_cast< std::uint8_t >( bits[ l ] );
    }
  }

  static BGNEST_INLINE void
  reached_in_( const LaneRow< std::uint32_t >& high, const std::uint32_t shift, const std::int32_t* const lowest, const std::uint32_t bit, LaneRow< std::uint32_t >& bits )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      const auto value = static_cast< std::int32_t >( high[ l ] >> shift & mask_ );
      bits[ l ] |= value >= lowest[ l ] ? bit : 0U;
    }
  }

  /* The number of a lane in a step in which it may have spikes; high: ends with the highest bits of u. */
  BGNEST_INLINE void
  draw_( const long clock, const std::uint64_t source, const int lag, const int l, const std::uint32_t high, DrawnSteps& drawn ) const
  {
    const std::uint32_t rest = drive_hash( static_cast< std::uint32_t >( source ), key_high_[ l ], key_low_[ l ] );
    const std::uint32_t u = high << ( 32U - drive_bits ) | rest >> drive_bits;
    const auto uniform = static_cast< std::int32_t >( u ^ 0x80000000U );
    const std::int32_t* const thresholds = table_->thresholds( clock ) + l;
    int number = uniform > thresholds[ 0 ] ? 1 : 0;
    for ( int k = 1; k < table_->count() and uniform > thresholds[ k * lanes ]; ++k )
    {
      ++number;
    }
    // written in any case: whether there is one cannot be foreseen
    drawn.spikes[ drawn.n_spikes ] = { static_cast< std::uint8_t >( lag ), static_cast< std::uint8_t >( l ), static_cast< std::uint16_t >( number ) };
    drawn.n_spikes += number > 0 ? 1 : 0;
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
