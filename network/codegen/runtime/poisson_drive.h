/*
 * poisson_drive.h - independent Poisson input that the cells of a lane block draw themselves
 *
 * A cell has a rate, a relative rate over time (waveform, piecewise linear) and a delay. In every step its
 * number of spikes is a Poisson number whose mean is the rate integrated over exactly that step; there is
 * no bias from a coarse look at the waveform. The number comes from one uniform 32-bit number u per cell
 * and step: it is the count of thresholds 2^32 P(N <= k) that u reaches (inversion of the distribution in
 * integers; probabilities are exact to 2^-33).
 *
 * u is made of hashes of (seed, node id, step), so nothing has to be stored or advanced: a cell's train depends on
 * neither threads, nor ranks, nor its neighbours, nor on how a run is cut into pieces. Seed and node id
 * give a 64-bit key; the two halves enter two rounds of a 32-bit mixing function one after the other. A
 * single round would make the trains of two cells shifted copies of one another. The step counts modulo
 * 2^32 (119 hours at 0.1 ms).
 *
 * The six highest bits of five successive u come from one hash, of the number of the step divided by five; the other
 * 26 bits of a u come from a hash of the step with the halves of the key exchanged.
 *
 * References
 *   Devroye L (1986) Non-uniform random variate generation. Springer. Section X.3 (inversion)
 *   Salmon JK et al. (2011) Parallel random numbers: as easy as 1, 2, 3. SC11, DOI 10.1145/2063384.2063405
 *   mixing function: C. Wellons' "lowbias32" (public domain), bias 0.17 per round
 */
#ifndef BGNEST_POISSON_DRIVE_H
#define BGNEST_POISSON_DRIVE_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "lane_math.h"

namespace bgnest
{

/* Bijective mixing of 32 bits; multiplications of 32 bits exist as vector instructions everywhere. */
BGNEST_INLINE std::uint32_t
mix32( std::uint32_t x )
{
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= x >> 15;
  x *= 0x846ca68bU;
  x ^= x >> 16;
  return x;
}

/* Bijective mixing of 64 bits (Steele et al. 2014, DOI 10.1145/2660193.2660195), for keys only. */
inline std::uint64_t
mix64( std::uint64_t x )
{
  x += 0x9e3779b97f4a7c15ULL;
  x = ( x ^ ( x >> 30 ) ) * 0xbf58476d1ce4e5b9ULL;
  x = ( x ^ ( x >> 27 ) ) * 0x94d049bb133111ebULL;
  return x ^ ( x >> 31 );
}

inline std::uint64_t
drive_key( const long seed, const std::size_t node_id )
{
  return mix64( mix64( static_cast< std::uint64_t >( seed ) ) ^ mix64( ~static_cast< std::uint64_t >( node_id ) ) );
}

/* Two rounds of mixing: of a number with the two halves of a key. */
BGNEST_INLINE std::uint32_t
drive_hash( const std::uint32_t number, const std::uint32_t key, const std::uint32_t other )
{
  return mix32( mix32( number ^ key ) + other );
}

/* Steps whose highest bits come from one hash, and how many bits these are. */
inline constexpr std::uint32_t drive_group = 5;
inline constexpr std::uint32_t drive_bits = 6;

/* Relative rate over time: points joined by straight lines, two points at one time make a jump. */
class Waveform
{
public:
  std::vector< double > times;  // ms, not decreasing
  std::vector< double > values; // relative rate, not negative
  double period = 0.0;          // ms; 0: does not repeat

  /* Empty, or what is wrong with the points. */
  std::string
  problem() const
  {
    if ( times.size() != values.size() )
    {
      return "drive_times and drive_values must have the same length and be set together";
    }
    for ( std::size_t i = 0; i < times.size(); ++i )
    {
      if ( not( values[ i ] >= 0.0 ) or not std::isfinite( values[ i ] ) )
      {
        return "drive_values must be finite and not negative";
      }
      if ( not std::isfinite( times[ i ] ) or ( i > 0 and times[ i ] < times[ i - 1 ] ) )
      {
        return "drive_times must be finite and must not decrease";
      }
    }
    if ( not( period >= 0.0 ) or not std::isfinite( period ) )
    {
      return "drive_period must be finite and not negative (0: does not repeat)";
    }
    if ( period > 0.0 and not times.empty() and ( times.front() < 0.0 or times.back() > period ) )
    {
      return "drive_times must lie between 0 and drive_period";
    }
    return "";
  }

  double
  largest() const
  {
    return values.empty() ? 1.0 : *std::max_element( values.begin(), values.end() );
  }

  /*
   * Mean of the relative rate between a and a + width. Where the waveform is flat the result is exactly
   * its value there, so that a constant piece needs no new thresholds.
   */
  double
  mean( const double a, const double width ) const
  {
    if ( times.empty() )
    {
      return 1.0;
    }
    if ( period <= 0.0 )
    {
      return mean_once_( a, a + width, width );
    }
    double begin = std::fmod( a, period );
    begin = begin < 0.0 ? begin + period : begin;
    const double eps = resolution_ * width;
    if ( period - begin <= eps )
    {
      begin = 0.0;
    }
    if ( begin + width <= period + eps )
    {
      return mean_once_( begin, begin + width, width );
    }
    double sum = 0.0;
    double left = width;
    while ( left > eps )
    {
      const double part = std::min( left, period - begin );
      sum += part * mean_once_( begin, begin + part, width );
      left -= part;
      begin = 0.0;
    }
    return sum / width;
  }

  bool operator==( const Waveform& ) const = default;

private:
  // pieces narrower than this fraction of a step are rounding errors of the time
  static constexpr double resolution_ = 1e-6;

  double
  value_( const std::size_t right, const double t ) const
  {
    const double t0 = times[ right - 1 ];
    const double t1 = times[ right ];
    const double v0 = values[ right - 1 ];
    const double v1 = values[ right ];
    return v0 == v1 ? v0 : v0 + ( v1 - v0 ) * ( ( t - t0 ) / ( t1 - t0 ) );
  }

  double
  mean_once_( const double a, const double b, const double step ) const
  {
    const double eps = resolution_ * step;
    double sum = 0.0;
    double length = 0.0;
    double flat = 0.0;
    bool one_value = true;
    const auto add = [ & ]( const double from, const double to, const double v0, const double v1 )
    {
      if ( to - from <= eps )
      {
        return;
      }
      one_value = one_value and v0 == v1 and ( length == 0.0 or v0 == flat );
      flat = v0;
      sum += ( to - from ) * 0.5 * ( v0 + v1 );
      length += to - from;
    };

    // before the first point and after the last one the value stays
    add( a, std::min( b, times.front() ), values.front(), values.front() );
    auto it = std::upper_bound( times.begin(), times.end(), a );
    for ( std::size_t i = std::max< std::size_t >( it - times.begin(), 1 ); i < times.size() and times[ i - 1 ] < b; ++i )
    {
      const double from = std::max( a, times[ i - 1 ] );
      const double to = std::min( b, times[ i ] );
      if ( to > from )
      {
        add( from, to, value_( i, from ), value_( i, to ) );
      }
    }
    add( std::max( a, times.back() ), b, values.back(), values.back() );
    return length == 0.0 or one_value ? flat_or_value_( length, flat, a ) : sum / length;
  }

  double
  flat_or_value_( const double length, const double flat, const double a ) const
  {
    return length > 0.0 ? flat : values[ std::min< std::size_t >( std::upper_bound( times.begin(), times.end(), a ) - times.begin(), times.size() - 1 ) ];
  }
};

/* Largest mean number of spikes per step; beyond it a Gaussian generator would be the right tool. */
inline constexpr double largest_drive_mean = 100.0;

/* Thresholds of a Poisson distribution: the number drawn is the count of k with u > threshold k. */
inline void
poisson_thresholds( const double mean, const int count, std::int32_t* thresholds, const int stride )
{
  double probability = std::exp( -mean );
  double cumulative = probability;
  for ( int k = 0; k < count; ++k )
  {
    // u runs over 2^32 values; u >= t is tested as u > t - 1, shifted to signed numbers
    const double t = std::clamp( std::nearbyint( cumulative * 0x1p32 ), 1.0, 0x1p32 );
    const auto below = static_cast< std::uint32_t >( static_cast< std::uint64_t >( t ) - 1 );
    thresholds[ k * stride ] = static_cast< std::int32_t >( below ^ 0x80000000U );
    probability *= mean / ( k + 1 );
    cumulative += probability;
  }
}

/* How many thresholds the mean needs: until P(N > k) is less than half of 2^-32. */
inline int
poisson_threshold_count( const double mean )
{
  double probability = std::exp( -mean );
  int k = 0;
  while ( true )
  {
    ++k;
    probability *= mean / k;
    // beyond k > 2 mean the rest of the sum is less than the last term
    if ( k > 2.0 * mean and probability < 0x1p-33 )
    {
      return k;
    }
  }
}

/* What one cell asks for. */
struct DriveSpec
{
  double rate = 0.0;                          // spikes/s
  std::shared_ptr< const Waveform > waveform; // none: constant
  long delay = 0;                             // steps

  bool
  operator==( const DriveSpec& other ) const
  {
    return rate == other.rate and delay == other.delay
      and ( waveform == other.waveform or ( waveform and other.waveform and *waveform == *other.waveform ) );
  }
};

/*
 * Thresholds of the cells of a block over the steps of a slice. Blocks whose cells ask for the same share
 * one of these, so that a rate that changes all the time costs one recalculation per slice, not per block.
 */
template < int LANES >
class DriveTable
{
public:
  DriveTable( const DriveSpec ( &specs )[ LANES ], const double resolution )
    : resolution_( resolution )
  {
    double largest = 0.0;
    for ( int l = 0; l < LANES; ++l )
    {
      specs_[ l ] = specs[ l ];
      const double factor = specs[ l ].waveform ? specs[ l ].waveform->largest() : 1.0;
      largest = std::max( largest, specs[ l ].rate * factor * 1e-3 * resolution );
    }
    count_ = std::max( 2, poisson_threshold_count( largest ) ); // two are always asked for
  }

  bool
  matches( const DriveSpec ( &specs )[ LANES ], const double resolution ) const
  {
    return resolution == resolution_ and std::equal( specs, specs + LANES, specs_ );
  }

  /* Make the thresholds of the steps first ... first + n - 1 ready. */
  void
  prepare( const long first, const long n )
  {
    if ( ready_ and first == first_ and n <= static_cast< long >( index_.size() ) )
    {
      return;
    }
    first_ = first;
    ready_ = true;
    index_.resize( n );
    if ( not tables_.empty() )
    {
      std::swap( tables_[ 0 ], tables_[ current_ ] );
      tables_.resize( 1 );
      current_ = 0;
    }
    for ( long i = 0; i < n; ++i )
    {
      Row means;
      for ( int l = 0; l < LANES; ++l )
      {
        means.value[ l ] = mean_( specs_[ l ], first + i, l > 0 ? l : -1, means );
      }
      if ( tables_.empty() or not same_( means, means_ ) )
      {
        append_( means );
      }
      index_[ i ] = current_;
    }
  }

  /* count() rows of LANES numbers; row k holds the thresholds k of all lanes. */
  const std::int32_t*
  thresholds( const long step ) const
  {
    return tables_[ index_[ step - first_ ] ].data();
  }

  int
  count() const
  {
    return count_;
  }

private:
  struct Row
  {
    double value[ LANES ];
  };

  static bool
  same_( const Row& a, const Row& b )
  {
    return std::equal( a.value, a.value + LANES, b.value );
  }

  double
  mean_( const DriveSpec& spec, const long step, const int lane, const Row& means ) const
  {
    if ( lane > 0 and spec == specs_[ lane - 1 ] )
    {
      return means.value[ lane - 1 ];
    }
    const long source = step - spec.delay;
    if ( source < 0 or spec.rate <= 0.0 )
    {
      return 0.0;
    }
    const double factor = spec.waveform ? spec.waveform->mean( source * resolution_, resolution_ ) : 1.0;
    return spec.rate * factor * 1e-3 * resolution_;
  }

  void
  append_( const Row& means )
  {
    std::vector< std::int32_t > table( static_cast< std::size_t >( count_ ) * LANES );
    for ( int l = 0; l < LANES; ++l )
    {
      if ( l > 0 and means.value[ l ] == means.value[ l - 1 ] )
      {
        for ( int k = 0; k < count_; ++k )
        {
          table[ k * LANES + l ] = table[ k * LANES + l - 1 ];
        }
        continue;
      }
      poisson_thresholds( means.value[ l ], count_, &table[ l ], LANES );
    }
    means_ = means;
    tables_.push_back( std::move( table ) );
    current_ = tables_.size() - 1;
  }

  DriveSpec specs_[ LANES ];
  double resolution_;
  int count_ = 0;
  bool ready_ = false;
  long first_ = 0;
  std::size_t current_ = 0;
  std::vector< std::size_t > index_;
  std::vector< std::vector< std::int32_t > > tables_;
  Row means_; // those of tables_[ current_ ]
};

} // namespace bgnest

#endif
