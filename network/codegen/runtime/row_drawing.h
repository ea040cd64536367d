/*
 * row_drawing.h - draw the synapses of a projection onto the cells of one thread, and put them into rows
 *
 * Three ways to say who is connected: a number of sources per target, a number of targets per source, or a list of
 * pairs. Targets are gone through once to draw and to count what every source has, and a second time to put each
 * synapse into its row; weights and delays are drawn on the way.
 */
#ifndef BGNEST_ROW_DRAWING_H
#define BGNEST_ROW_DRAWING_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "exceptions.h"
#include "kernel_manager.h"
#include "nest_time.h"
#include "node.h"

#include "lane_delivery.h"
#include "row_chooser.h"
#include "row_projection.h"
#include "row_random.h"
#include "row_table.h"

namespace bgnest
{

/* The work on one projection for one thread. */
class RowDrawing
{
public:
  RowDrawing( const RowProjection& projection, const std::size_t thread )
    : p_( projection )
    , thread_( thread )
    , rows_( std::make_unique< Rows >() )
  {
    rows_->source_first = p_.source_first;
    rows_->target_first = p_.target_first;
    rows_->n_sources = static_cast< std::uint32_t >( p_.n_sources );
    rows_->port = p_.port;
    rows_->quantum = p_.quantum;
    rows_->graded = p_.graded != 0;
    rows_->plastic = p_.plastic != 0;
    rows_->plasticity = { p_.U, p_.tau_psc, p_.tau_rec, p_.tau_fac };
    rows_->begin = std::make_unique< std::uint32_t[] >( p_.n_sources + 1 );
    quick_ = p_.weight.kind <= RowDistribution::uniform and p_.delay.kind <= RowDistribution::uniform and not p_.pair_lag;
    if ( quick_ )
    {
      steps_( p_.delay.a ); // once for all: what lies between them is allowed, too
      steps_( p_.delay.kind == RowDistribution::uniform ? p_.delay.b : p_.delay.a );
    }
    rows_->shortest = static_cast< std::uint32_t >( min_delay_ );
    rows_->longest = static_cast< std::uint32_t >( max_delay_ );
  }

  std::unique_ptr< Rows >
  make()
  {
    find_targets_();
    if ( not cells_.empty() )
    {
      rows_->first_target = cells_.front().number;
      rows_->last_target = cells_.back().number;
      switch ( p_.kind )
      {
      case RowProjection::sources_of_targets:
        draw_sources_();
        break;
      case RowProjection::targets_of_sources:
        draw_targets_();
        break;
      default:
        take_listed_();
      }
    }
    if ( rows_->size() == 0 )
    {
      return nullptr;
    }
    if ( rows_->plastic )
    {
      rows_->states = std::make_unique< RowPlasticity::State[] >( p_.n_sources );
    }
    return std::move( rows_ );
  }

private:
  static constexpr std::uint32_t elsewhere = std::numeric_limits< std::uint32_t >::max();
  static constexpr int group_bits = 10;                  // the ends of so many rows fit into the cache
  static constexpr std::uint32_t at_a_time = 512 * 1024; // synapses that are sorted, 8 MB

  struct Cell
  {
    std::uint32_t index;  // in its population
    std::uint32_t number; // on its thread
  };

  void
  find_targets_()
  {
    const auto& nodes = nest::kernel().node_manager.get_local_nodes( thread_ );
    const std::int64_t n_vps = nest::kernel().vp_manager.get_num_virtual_processes();
    const std::int64_t vp = nest::kernel().vp_manager.thread_to_vp( thread_ );
    LaneDelivery& delivery = LaneDelivery::of_thread( thread_ );
    std::int64_t id = p_.target_first + ( ( vp - p_.target_first ) % n_vps + n_vps ) % n_vps;
    for ( ; id < p_.target_first + p_.n_targets; id += n_vps )
    {
      nest::Node* const node = nodes.get_node_by_node_id( id );
      if ( not node or not dynamic_cast< LaneCell* >( node ) )
      {
        throw nest::IllegalConnection( "a target of compact wiring must be a cell of the target vectorised" );
      }
      const std::size_t number = node->get_thread_lid();
      delivery.know( node, number );
      cells_.push_back( { static_cast< std::uint32_t >( id - p_.target_first ), static_cast< std::uint32_t >( number ) } );
    }
  }

  std::uint32_t
  degree_( const std::uint32_t cell ) const
  {
    return p_.degrees ? p_.degrees[ cell ] : p_.degree;
  }

  /* Number of cells of a population that belong to the set of a cell. */
  std::uint32_t
  set_size_( const std::int64_t n, const std::uint32_t cell ) const
  {
    const std::int64_t first = cell % p_.n_sets;
    return first < n ? ( n - first + p_.n_sets - 1 ) / p_.n_sets : 0;
  }

  /* Partners of a cell, drawn from its own set; numbers within the other population. */
  void
  partners_( const std::uint32_t cell, const std::int64_t n, RowStream& stream, std::uint32_t* const out )
  {
    const std::uint32_t sets = p_.n_sets;
    const std::uint32_t self = cell / sets;
    const std::uint32_t size = set_size_( n, cell );
    // a cell that may not be its own partner has all others as candidates
    const bool skip = p_.without_self and self < size;
    const std::uint32_t wanted = degree_( cell );
    chooser_.choose( wanted, size - skip, p_.multapses != 0, stream, out );
    for ( std::uint32_t i = 0; i < wanted; ++i )
    {
      const std::uint32_t within = out[ i ] + ( skip and out[ i ] >= self );
      out[ i ] = within * sets + cell % sets;
    }
  }

  void
  draw_sources_()
  {
    std::uint64_t total = 0;
    for ( const Cell& cell : cells_ )
    {
      total += degree_( cell.index );
    }
    allocate_( total );
    HugeArray< std::uint32_t >& drawn = RowTable::of_thread( thread_ ).scratch;
    if ( drawn.size() < total )
    {
      drawn = {};
      drawn = HugeArray< std::uint32_t >( total );
    }
    std::uint32_t* next = drawn.data();
    std::uint32_t* const count = rows_->begin.get() + 1;
    for ( const Cell& cell : cells_ )
    {
      RowStream stream( p_.key, cell.index );
      partners_( cell.index, p_.n_sources, stream, next );
      for ( const std::uint32_t* const end = next + degree_( cell.index ); next != end; ++next )
      {
        ++count[ *next ];
      }
    }
    open_rows_();
    rows_->with_layout(
      [ & ]( auto layout )
      {
        quick_ ? fill_< decltype( layout ), true >( drawn.data() ) : fill_< decltype( layout ), false >( drawn.data() );
      } );
    close_rows_();
  }

  /*
   * Put all synapses of all targets into their rows. The ends of tens of thousands of rows do not fit into the cache: the
   * synapses of some targets at a time are sorted by groups of sources first.
   */
  template < class Layout, bool QUICK >
  void
  fill_( const std::uint32_t* next )
  {
    std::vector< std::uint32_t > place( ( p_.n_sources >> group_bits ) + 1 );
    for ( std::size_t first = 0; first < cells_.size(); )
    {
      std::uint32_t n = 0;
      std::size_t last = first;
      for ( ; last < cells_.size() and ( n == 0 or n + degree_( cells_[ last ].index ) <= at_a_time ); ++last )
      {
        n += degree_( cells_[ last ].index );
      }
      std::fill( place.begin(), place.end(), 0 );
      for ( std::uint32_t i = 0; i < n; ++i )
      {
        ++place[ next[ i ] >> group_bits ];
      }
      std::exclusive_scan( place.begin(), place.end(), place.begin(), 0U );
      HugeArray< Drawn >& sorted = RowTable::of_thread( thread_ ).sorted;
      if ( sorted.size() < n )
      {
        sorted = HugeArray< Drawn >( std::max( n, at_a_time ) );
      }
      Drawn* const drawn = sorted.data();
      for ( ; first < last; ++first )
      {
        const Cell& cell = cells_[ first ];
        RowStream stream( ~p_.key, cell.index ); // of its own, so that it does not matter how many draws came before
        for ( const std::uint32_t* const end = next + degree_( cell.index ); next != end; ++next )
        {
          drawn[ place[ *next >> group_bits ]++ ] = draw_< Layout, QUICK >( *next, cell.number, stream, 0.0 );
        }
      }
      for ( std::uint32_t i = 0; i < n; ++i )
      {
        put_< Layout >( drawn[ i ] );
      }
    }
  }

  void
  number_cells_()
  {
    number_.assign( p_.n_targets, elsewhere );
    for ( const Cell& cell : cells_ )
    {
      number_[ cell.index ] = cell.number;
    }
  }

  void
  draw_targets_()
  {
    number_cells_();
    std::vector< std::uint32_t > drawn;
    // twice the same numbers: those that go to other threads are many, and need not be kept
    for ( const bool counting : { true, false } )
    {
      for ( std::uint32_t source = 0; source < p_.n_sources; ++source )
      {
        RowStream stream( p_.key, source );
        RowStream values( ~p_.key, source );
        drawn.resize( degree_( source ) );
        partners_( source, p_.n_targets, stream, drawn.data() );
        for ( const std::uint32_t target : drawn )
        {
          place_( counting, source, target, values, 0.0 );
        }
      }
      next_pass_( counting );
    }
  }

  void
  take_listed_()
  {
    number_cells_();
    for ( const bool counting : { true, false } )
    {
      for ( std::int64_t i = 0; i < p_.n_pairs; ++i )
      {
        if ( number_[ p_.pair_target[ i ] ] != elsewhere )
        {
          RowStream values( ~p_.key, i );
          place_( counting, p_.pair_source[ i ], p_.pair_target[ i ], values, p_.pair_lag ? p_.pair_lag[ i ] : 0.0 );
        }
      }
      next_pass_( counting );
    }
  }

  void
  place_( const bool counting, const std::uint32_t source, const std::uint32_t target, RowStream& values, const double lag )
  {
    if ( counting )
    {
      rows_->begin[ source + 1 ] += number_[ target ] != elsewhere;
    }
    else if ( number_[ target ] != elsewhere )
    {
      rows_->with_layout(
        [ & ]( auto layout )
        {
          using Layout = decltype( layout );
          put_< Layout >( draw_< Layout, false >( source, number_[ target ], values, lag ) );
        } );
    }
    else
    {
      skip_( values );
    }
  }

  void
  next_pass_( const bool counting )
  {
    if ( counting )
    {
      const std::uint32_t* const begin = rows_->begin.get();
      allocate_( std::accumulate( begin, begin + p_.n_sources + 1, std::uint64_t( 0 ) ) );
      open_rows_();
    }
    else
    {
      close_rows_();
    }
  }

  void
  allocate_( const std::uint64_t total )
  {
    if ( total > std::numeric_limits< std::uint32_t >::max() )
    {
      throw nest::KernelException( "more than 4.29e9 synapses of one projection on one thread; use more threads or ranks" );
    }
    rows_->weights = p_.weight.kind != RowDistribution::constant;
    if ( not rows_->weights )
    {
      rows_->weight = on_grid( p_.weight.a, p_.quantum );
    }
    if ( p_.delay.kind == RowDistribution::constant and not p_.pair_lag )
    {
      rows_->delay = steps_( p_.delay.a );
    }
    else if ( max_delay_ <= std::numeric_limits< std::uint16_t >::max() )
    {
      rows_->delay_bytes = max_delay_ <= std::numeric_limits< std::uint8_t >::max() ? 1 : 2;
    }
    else
    {
      throw nest::KernelException( "compact wiring has delays of up to 65535 steps" );
    }
    rows_->bytes = rows_->with_layout( []( auto layout ) { return std::size_t( layout.bytes ); } );
    rows_->synapses = HugeArray< unsigned char >( total * rows_->bytes );
  }

  /* Counts to places: afterwards begin[ source + 1 ] is where the next synapse of a source goes. */
  void
  open_rows_()
  {
    std::uint32_t sum = 0;
    for ( std::int64_t i = 1; i <= p_.n_sources; ++i )
    {
      const std::uint32_t count = rows_->begin[ i ];
      rows_->begin[ i ] = sum;
      sum += count;
    }
  }

  /* ... which at the end is where the row of the next source begins. */
  void
  close_rows_()
  {
    rows_->begin[ 0 ] = 0;
  }

  long
  steps_( const double delay ) const
  {
    const long steps = nest::Time::delay_ms_to_steps( delay );
    if ( steps < min_delay_ or steps > max_delay_ )
    {
      throw nest::BadDelay( delay, "is not between the smallest and the largest delay of the network" );
    }
    return steps;
  }

  /* QUICK: weights and delays are uniform or constant, and their limits are known to be allowed. */
  template < class Layout, bool QUICK >
  BGNEST_INLINE Drawn
  draw_( const std::uint32_t source, const std::uint32_t number, RowStream& values, [[maybe_unused]] const double lag ) const
  {
    Drawn drawn{ source, number, 0.0F, 0 };
    if constexpr ( QUICK )
    {
      const std::uint64_t bits = values.next(); // half of it for the weight, half for the delay
      if constexpr ( Layout::weights )
      {
        drawn.weight = static_cast< float >( on_grid( between_( p_.weight, bits >> 32 ), p_.quantum ) );
      }
      if constexpr ( Layout::delay_bytes > 0 )
      {
        drawn.delay = static_cast< std::uint32_t >( between_( p_.delay, bits & 0xffffffffU ) * steps_per_ms_ + 0.5 );
      }
    }
    else
    {
      if constexpr ( Layout::weights )
      {
        drawn.weight = static_cast< float >( on_grid( p_.weight.draw( values ), p_.quantum ) );
      }
      if constexpr ( Layout::delay_bytes > 0 )
      {
        drawn.delay = static_cast< std::uint32_t >( steps_( p_.delay.draw( values ) + lag ) );
      }
    }
    return drawn;
  }

  template < class Layout >
  BGNEST_INLINE void
  put_( const Drawn& drawn )
  {
    const std::size_t at = rows_->begin[ drawn.source + 1 ]++;
    Layout::write( rows_->synapses.data() + Layout::bytes * at, drawn.target, drawn.weight, drawn.delay );
  }

  static BGNEST_INLINE double
  between_( const RowDistribution& uniform, const std::uint64_t half )
  {
    return uniform.a + ( uniform.b - uniform.a ) * ( ( static_cast< double >( half ) + 0.5 ) * 0x1p-32 );
  }

  /* The numbers of a synapse that is made elsewhere. */
  void
  skip_( RowStream& values ) const
  {
    p_.weight.draw( values );
    p_.delay.draw( values );
  }

  const RowProjection& p_;
  const std::size_t thread_;
  const long min_delay_ = nest::kernel().connection_manager.get_delay_checker().get_min_delay().get_steps();
  const long max_delay_ = nest::kernel().connection_manager.get_delay_checker().get_max_delay().get_steps();
  const double steps_per_ms_ = 1.0 / nest::Time::get_resolution().get_ms();
  std::unique_ptr< Rows > rows_;
  bool quick_ = false;
  std::vector< Cell > cells_;           // targets on this thread
  std::vector< std::uint32_t > number_; // of every target on its thread, or elsewhere
  Chooser chooser_;
};

} // namespace bgnest

#endif
