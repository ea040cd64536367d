/*
 * row_chooser.h - numbers of distinct cells, or of any, drawn out of a range
 */
#ifndef BGNEST_ROW_CHOOSER_H
#define BGNEST_ROW_CHOOSER_H

#include <cstdint>
#include <vector>

#include "row_random.h"

namespace bgnest
{

/* Draws numbers of distinct cells, or of any, out of a range. */
class Chooser
{
public:
  /* n numbers below candidates, in out. */
  void
  choose( const std::uint32_t n, const std::uint32_t candidates, const bool repeated, RowStream& stream, std::uint32_t* out )
  {
    if ( repeated )
    {
      for ( std::uint32_t i = 0; i < n; ++i )
      {
        out[ i ] = stream.below( candidates );
      }
      return;
    }
    if ( seen_.size() * 64 < candidates )
    {
      seen_.resize( ( candidates + 63 ) / 64, 0 );
    }
    if ( n <= candidates / 2 )
    {
      draw_( n, candidates, stream, out );
      forget_( out, n );
      return;
    }
    // of most of them it is quicker to draw who is left out
    left_out_.resize( candidates - n );
    draw_( candidates - n, candidates, stream, left_out_.data() );
    for ( std::uint32_t i = 0; i < candidates; ++i )
    {
      if ( not( seen_[ i >> 6 ] >> ( i & 63 ) & 1 ) )
      {
        *out++ = i;
      }
    }
    forget_( left_out_.data(), left_out_.size() );
  }

private:
  void
  draw_( const std::uint32_t n, const std::uint32_t candidates, RowStream& stream, std::uint32_t* const out )
  {
    for ( std::uint32_t i = 0; i < n; )
    {
      const std::uint32_t drawn = stream.below( candidates );
      const std::uint64_t bit = std::uint64_t( 1 ) << ( drawn & 63 );
      std::uint64_t& word = seen_[ drawn >> 6 ];
      out[ i ] = drawn;
      i += not( word & bit );
      word |= bit;
    }
  }

  void
  forget_( const std::uint32_t* const drawn, const std::size_t n )
  {
    for ( std::size_t i = 0; i < n; ++i )
    {
      seen_[ drawn[ i ] >> 6 ] = 0;
    }
  }

  std::vector< std::uint64_t > seen_;
  std::vector< std::uint32_t > left_out_;
};

} // namespace bgnest

#endif
