/*
 * lane_random.h - random numbers of the statements of a model
 *
 * A number is a hash of (seed of the simulation, node id, step, place in the model, how many have been drawn in the
 * step), as in poisson_drive.h: nothing is stored or advanced, and what a cell draws depends on neither threads, nor
 * ranks, nor its neighbours, nor on how a run is cut into pieces.
 */
#ifndef BGNEST_LANE_RANDOM_H
#define BGNEST_LANE_RANDOM_H

#include <bit>
#include <cstdint>
#include <limits>
#include <random>

#include "dictionary.h"
#include "kernel_manager.h"

#include "lane_math.h"
#include "poisson_drive.h"

namespace bgnest::lane
{

class Random
{
public:
  Random() = default;

  /* word: see of_step() */
  BGNEST_INLINE explicit Random( const double word )
    : word_( std::bit_cast< std::uint64_t >( word ) )
  {
  }

  /* Of a cell; the words lie in rows of input, as doubles. */
  static double
  key( const long seed, const std::size_t node_id )
  {
    // another constant than in drive_key(): the drive and the statements of a cell are independent
    const std::uint64_t seeded = mix64( static_cast< std::uint64_t >( seed ) + 0x6a09e667f3bcc908ULL );
    return std::bit_cast< double >( mix64( seeded ^ mix64( ~std::uint64_t( node_id ) ) ) );
  }

  /* Of a cell in a step. */
  static double
  of_step( const double key, const long step )
  {
    const std::uint64_t mixed = mix64( static_cast< std::uint64_t >( step ) );
    return std::bit_cast< double >( mix64( std::bit_cast< std::uint64_t >( key ) ^ mixed ) );
  }

  /* offset + scale times a number that is at least 0 and less than 1, as NESTML has it. */
  template < int PLACE >
  BGNEST_INLINE double
  uniform( const double offset, const double scale ) const
  {
    return offset + scale * unit_< PLACE >();
  }

  /* Box GEP, Muller ME (1958) Ann Math Stat 29:610-611, DOI 10.1214/aoms/1177706645 */
  template < int PLACE >
  BGNEST_INLINE double
  normal( const double mean, const double deviation ) const
  {
    const double radius = __builtin_sqrt( -2.0 * log( 1.0 - unit_< PLACE >() ) );
    return mean + deviation * radius * cos( 6.28318530717958647693 * unit_< PLACE >() );
  }

  template < int PLACE >
  double
  poisson( const double mean ) const
  {
    if ( not( mean > 0.0 ) )
    {
      return 0.0;
    }
    Words< PLACE > words{ *this };
    return static_cast< double >( std::poisson_distribution< long >( mean )( words ) );
  }

private:
  template < int PLACE >
  BGNEST_INLINE std::uint32_t
  word() const
  {
    const std::uint32_t which = static_cast< std::uint32_t >( PLACE ) * 0x9e3779b9U + drawn_++;
    return mix32( mix32( which ^ static_cast< std::uint32_t >( word_ ) ) + static_cast< std::uint32_t >( word_ >> 32 ) );
  }

  /* 52 bits, between 0 and 1 - 2^-52 */
  template < int PLACE >
  BGNEST_INLINE double
  unit_() const
  {
    const std::uint64_t high = word< PLACE >();
    const std::uint64_t bits = high << 20 | word< PLACE >() >> 12;
    return std::bit_cast< double >( bits | 0x3ff0000000000000ULL ) - 1.0;
  }

  /* As the distributions of the C++ library want them. */
  template < int PLACE >
  struct Words
  {
    using result_type = std::uint32_t;
    const Random& random;

    static constexpr result_type
    min()
    {
      return 0;
    }
    static constexpr result_type
    max()
    {
      return std::numeric_limits< result_type >::max();
    }
    result_type
    operator()()
    {
      return random.word< PLACE >();
    }
  };

  std::uint64_t word_ = 0;
  mutable std::uint32_t drawn_ = 0; // since the input of the step was loaded
};

} // namespace bgnest::lane

namespace bgnest
{

/* The seed of the simulation, the same on all threads and ranks. */
inline long
kernel_seed()
{
  Dictionary d;
  nest::kernel().random_manager.get_status( d );
  long seed = 0;
  d.update_integer_value( "rng_seed", seed );
  return seed;
}

} // namespace bgnest

#endif
