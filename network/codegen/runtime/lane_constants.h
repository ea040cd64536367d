/*
 * lane_constants.h - parameters of a block, and what is computed from them
 *
 * Most constants are equal in all lanes of a block and in nearly all blocks. Equal ones live once per thread; a
 * block keeps only the rows that differ between its lanes. Before a slice all are laid out in a table of the working
 * memory, where most blocks find everything but their own rows already in place.
 */
#ifndef BGNEST_LANE_CONSTANTS_H
#define BGNEST_LANE_CONSTANTS_H

#include <bit>
#include <bitset>
#include <cstdint>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <vector>

#include "huge_memory.h"
#include "lane_row.h"
#include "poisson_drive.h"

namespace bgnest
{

/* Constants that are equal in all lanes of a block, and a note of those that are not. */
template < int N >
struct SharedConstants
{
  std::bitset< N > differs; // rows that a block has of its own
  double value[ N ];        // the others
  bool unit_exponents;      // all integer exponents are 1
  bool odd_exponents;       // no lane has only such ones

  bool
  operator==( const SharedConstants& other ) const
  {
    // bitwise, so that NaN equals NaN and 0 differs from -0
    return differs == other.differs and std::memcmp( value, other.value, sizeof value ) == 0;
  }

  std::size_t
  hash() const
  {
    std::size_t result = std::hash< std::bitset< N > >()( differs );
    for ( const double v : value )
    {
      result = mix64( result ^ std::bit_cast< std::uint64_t >( v ) );
    }
    return result;
  }
};

/* All shared constants of the blocks of a thread, each once. */
template < int N >
class ConstantsStore
{
public:
  using Shared = SharedConstants< N >;

  std::shared_ptr< const Shared >
  share( const Shared& constants )
  {
    std::weak_ptr< const Shared >& known = shared_[ constants.hash() ];
    std::shared_ptr< const Shared > found = known.lock();
    if ( not found or not( *found == constants ) )
    {
      found = std::make_shared< const Shared >( constants );
      known = found;
    }
    return found;
  }

private:
  std::unordered_map< std::size_t, std::weak_ptr< const Shared > > shared_;
};

/* The constants of a block that is being advanced, laid out for the loops over lanes. */
template < int N, bool SINGLE = false >
class ConstantsTable
{
public:
  using Shared = SharedConstants< N >;

  /* Fill the table for a block with the given shared constants and rows of its own. */
  void
  lay_out( const std::shared_ptr< const Shared >& shared, const Row* own )
  {
    if ( laid_out_ != shared )
    {
      own_rows_.clear();
      for ( int i = 0; i < N; ++i )
      {
        if ( shared->differs[ i ] )
        {
          own_rows_.push_back( i );
        }
        std::fill( rows[ i ].value, rows[ i ].value + lanes, shared->value[ i ] );
        single_( i );
      }
      laid_out_ = shared;
    }
    for ( const int i : own_rows_ )
    {
      rows[ i ] = *own++;
      single_( i );
    }
  }

  Row rows[ N > 0 ? N : 1 ];
  LaneRow< float > single_rows[ SINGLE and N > 0 ? N : 1 ]; // the same in single precision

private:
  void
  single_( [[maybe_unused]] const int i )
  {
    if constexpr ( SINGLE )
    {
      for ( int l = 0; l < lanes; ++l )
      {
        single_rows[ i ][ l ] = static_cast< float >( rows[ i ][ l ] );
      }
    }
  }

  std::shared_ptr< const Shared > laid_out_;
  std::vector< int > own_rows_;
};

/* The constants of one block. */
template < int N >
class BlockConstants
{
public:
  std::size_t
  bytes() const
  {
    return own_.capacity() * sizeof( Row );
  }

  bool
  unit_exponents() const
  {
    return shared_->unit_exponents;
  }

  bool
  odd_exponents() const
  {
    return shared_->odd_exponents;
  }

  /* columns: N rows. exponents: those of them that are integer exponents. */
  template < class Exponents >
  void
  collect( const Row* const columns, const Exponents& exponents, ConstantsStore< N >& store )
  {
    SharedConstants< N > shared{};
    std::vector< Row > own;
    for ( int i = 0; i < N; ++i )
    {
      for ( int l = 1; l < lanes; ++l )
      {
        if ( std::memcmp( &columns[ i ][ 0 ], &columns[ i ][ l ], sizeof( double ) ) != 0 )
        {
          shared.differs.set( i );
        }
      }
      if ( shared.differs[ i ] )
      {
        own.push_back( columns[ i ] );
      }
      else
      {
        shared.value[ i ] = columns[ i ][ 0 ];
      }
    }
    own_.assign( own.begin(), own.end() );
    shared.unit_exponents = true;
    shared.odd_exponents = true;
    for ( int l = 0; l < lanes; ++l )
    {
      bool unit = true;
      for ( const int i : exponents )
      {
        unit = unit and columns[ i ][ l ] == 1.0;
      }
      shared.unit_exponents = shared.unit_exponents and unit;
      shared.odd_exponents = shared.odd_exponents and not unit;
    }
    shared_ = store.share( shared );
  }

  template < bool SINGLE >
  void
  lay_out( ConstantsTable< N, SINGLE >& table ) const
  {
    table.lay_out( shared_, own_.data() );
  }

  void
  fetch() const
  {
    for ( const Row& row : own_ )
    {
      __builtin_prefetch( &row );
    }
  }

private:
  std::shared_ptr< const SharedConstants< N > > shared_;
  std::vector< Row, HugeAllocator< Row > > own_;
};

} // namespace bgnest

#endif
