/*
 * row_random.h - the random numbers of the wiring: streams that depend on what they are for, never on who draws them
 *
 * Every target cell (or source cell, or listed pair) of a projection has a stream of its own, which is found from the
 * key of the projection and the number of the cell alone. A network is therefore the same for any number of threads
 * and processes.
 *
 * Reference
 *   Steele GL, Lea D, Flood CH (2014) Fast splittable pseudorandom number generators, DOI 10.1145/2660193.2660195
 *   (the generator); Lemire D (2019) Fast random integer generation in an interval, DOI 10.1145/3230636
 */
#ifndef BGNEST_ROW_RANDOM_H
#define BGNEST_ROW_RANDOM_H

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "poisson_drive.h"

namespace bgnest
{

class RowStream
{
public:
  RowStream( const std::uint64_t key, const std::uint64_t number )
    : state_( mix64( key ^ mix64( number + 0x9e3779b97f4a7c15ULL ) ) )
  {
  }

  std::uint64_t
  next()
  {
    return mix64( state_ += 0x9e3779b97f4a7c15ULL );
  }

  /* An integer from 0 to n - 1, all equally likely. */
  std::uint32_t
  below( const std::uint32_t n )
  {
    std::uint64_t product = half_() * std::uint64_t( n );
    if ( static_cast< std::uint32_t >( product ) < n )
    {
      const std::uint32_t least = -n % n;
      while ( static_cast< std::uint32_t >( product ) < least )
      {
        product = half_() * std::uint64_t( n );
      }
    }
    return product >> 32;
  }

  /* Uniform between 0 and 1, both excluded. */
  double
  uniform()
  {
    return ( ( next() >> 11 ) + 0.5 ) * 0x1p-53;
  }

  double
  normal()
  {
    const double radius = std::sqrt( -2.0 * std::log( uniform() ) );
    return radius * std::cos( 6.283185307179586 * uniform() );
  }

private:
  /* 32 bits: one number of 64 serves twice. */
  std::uint64_t
  half_()
  {
    if ( has_half_ )
    {
      has_half_ = false;
      return spare_ >> 32;
    }
    spare_ = next();
    has_half_ = true;
    return spare_ & 0xffffffffU;
  }

  std::uint64_t state_;
  std::uint64_t spare_ = 0;
  bool has_half_ = false;
};

/* How a weight or delay is drawn; the same kinds as in network/experiment/distributions.py. */
struct RowDistribution
{
  enum Kind : std::int32_t
  {
    constant,
    uniform,
    normal_clamped,
    normal_redrawn,
    lognormal_clamped,
    lognormal_redrawn
  };

  std::int32_t kind;
  double a;    // value, low end, or mean (of the logarithm)
  double b;    // high end or standard deviation (of the logarithm)
  double low;  // limits of what is drawn
  double high;

  double
  draw( RowStream& stream ) const
  {
    if ( kind == uniform )
    {
      return a + ( b - a ) * stream.uniform();
    }
    if ( kind == constant )
    {
      return a;
    }
    const bool logarithm = kind == lognormal_clamped or kind == lognormal_redrawn;
    const bool clamped = kind == normal_clamped or kind == lognormal_clamped;
    while ( true )
    {
      const double drawn = a + b * stream.normal();
      const double value = logarithm ? std::exp( drawn ) : drawn;
      if ( clamped )
      {
        return std::clamp( value, low, high );
      }
      if ( value >= low and value <= high )
      {
        return value;
      }
    }
  }
};

} // namespace bgnest

#endif
