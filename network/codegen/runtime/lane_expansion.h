/*
 * lane_expansion.h - all steps of a slice by one expansion of the equations, for potentials that are quadratic
 *
 * lane_step.h evaluates the equations three times per step. Here they are expanded once, at the state V0, w0, g at the
 * start of a few steps, and the steps are done with the expansion. With delta = V - V0
 *
 *   V' = c0(t) + c1(t) delta + c2 delta^2
 *
 * where c0 and c1 follow the exactly solved variables g (receptors), which decay and get input between the steps. The
 * linear part is treated exponentially: the membrane may be faster than a slice. lambda = V' by V at the start, frozen;
 * what c1 is apart from it, and c2, are corrected to third order in delta. A second variable w, which follows V linearly
 * with the rate `speed` and acts on V', is carried along.
 *
 * Differences are computed in single precision, sums over the slice are added to the state in double: two numbers of a
 * state are far larger than what a slice changes, and a vector register holds twice as many single ones. The conductances
 * themselves are double and exact, as everywhere.
 *
 * An error estimate refuses a lane (steps that a first order formula misses by more than 0.02 mV, or 0.004 mV where errors
 * grow, a slice of more than 3 mV, the neighbourhood of the threshold, a linear part beyond the polynomials, another branch of the equations);
 * it is done again by lane_step.h and lane_solver.h from the same start, which also find the spikes. So nothing here
 * needs to know of spikes, and a lane's result does not depend on the others.
 *
 * What a model has to offer (class Model) is derived from its equations by vectorised/expansion.py.
 *
 * References
 *   Hochbruck M, Ostermann A (2010) Exponential integrators. Acta Numerica 19:209-286. DOI 10.1017/S0962492910000048
 */
#ifndef BGNEST_LANE_EXPANSION_H
#define BGNEST_LANE_EXPANSION_H

#include <algorithm>
#include <bit>
#include <cstdint>

#include "expanded_steps.h"
#include "lane_row.h"
#include "lane_step.h"

namespace bgnest
{

/* In place of it where a model has none. */
struct NoExpansion
{
};

template < class Neuron, class Model >
class LaneBlock;
template < class Neuron, class Model, int EXPONENT >
class LaneSlice;

template < class Neuron, class Model >
class LaneExpansion
{
public:
  using Block = LaneBlock< Neuron, Model >;
  using Slice = LaneSlice< Neuron, Model, Model::exponents.empty() ? 1 : lane::largest_exponent >;
  // of models with integer exponents any
  static constexpr int exponent = Model::exponents.empty() ? 1 : lane::largest_exponent;
  using Step = LaneStep< Model, exponent >;
  using Expanded = ExpandedSlice< Model >;
  using Steps = ExpandedSteps< Model >;
  static constexpr int part = lanes / 2; // one vector of doubles

  /* All steps up to end, in parts of equal length as far as possible. */
  static __attribute__( ( noinline ) ) void
  advance( Block& block, const long end, const long slice_origin )
  {
    const long n = end - block.clock_;
    if ( block.drive_ )
    {
      block.drive_.prepare( block.clock_, n );
    }
    const long n_parts = ( n + largest_expansion - 1 ) / largest_expansion;
    long done = 0;
    for ( long part = 0; part < n_parts; ++part )
    {
      const long length = n / n_parts + ( part < n % n_parts );
      advance_( block, done, length, slice_origin, part == 0 );
      done += length;
    }
  }

private:
  static void
  advance_( Block& block, const long first, const long n, const long slice_origin, const bool fetch )
  {
    Expanded& x = block.work_->expanded;
    const Row* const constants = block.work_->constants.rows;
    const LaneMask recorded = block.recorded_ & block.active_;
    const long start = block.clock_;
    const float h = static_cast< float >( block.resolution_ );
    Steps::begin( block.work_->constants.single_rows, block.state_, x, h );
    Steps::decay( constants, block.state_, x, n );
    DrawnSteps& drawn = block.work_->drawn;
    static_assert( largest_expansion <= DrawnSteps::most );
    if ( block.drive_ )
    {
      block.drive_.draw( start, n, drawn );
      Steps::receive_drive(
        constants, x, n, drawn.counts, block.driven_ports_, [ & ]( const int port ) BGNEST_INLINE_LAMBDA -> const Row& { return constants[ Model::n_constants + port ]; } );
    }
    for ( long lag = 0; lag < n; ++lag )
    {
      if ( fetch and lag < 4 )
      {
        Slice::fetch_ahead_( block, lag, std::min( n, 4L ) );
      }
      if ( not block.drive_ )
      {
        Steps::receive_nothing( x, lag );
      }
      if ( const std::uint64_t occupied = block.work_->input.occupied( first + lag ) )
      {
        Steps::receive( constants,
          x,
          lag,
          n,
          occupied,
          [ & ]( const int port ) BGNEST_INLINE_LAMBDA -> const Row& { return block.work_->input.row( first + lag, port ); } );
      }
    }
    Steps::go( x, n, h );
    if ( recorded )
    {
      note_( block, constants, x, first, n );
    }
    const bool any = Steps::finish( block.work_->constants.single_rows, x, n, h * static_cast< float >( n ) );
    LaneMask again = 0;
    for ( int l = 0; any and l < lanes; ++l )
    {
      again |= LaneMask( x.refused[ l ] != 0 ) << l;
    }
    again &= block.active_;
    if ( again )
    {
      redo_( block, again, first, n, slice_origin, recorded );
    }
    Steps::add( block.state_, x, n - 1, x.state );
    if ( block.active_ == Block::all_lanes and not again )
    {
      std::copy( x.state, x.state + Model::n_states, block.state_ );
    }
    else
    {
      for ( LaneMask done = block.active_ & ~again; done; done &= done - 1 )
      {
        copy_( x.state, block.state_, std::countr_zero( done ) );
      }
      for ( LaneMask left = again; left; left &= left - 1 )
      {
        copy_( block.work_->state[ ( n - 1 ) & 1 ], block.state_, std::countr_zero( left ) );
      }
    }
    for ( long lag = 0; lag < n; ++lag )
    {
      block.work_->input.clear( first + lag );
    }
    if ( recorded )
    {
      record_( block, recorded, start, n );
    }
    else if ( block.drive_ )
    {
      block.drive_.count_up( drawn, n );
    }
    block.clock_ = start + n;
  }

  /* Give the recorders the states of all steps, and what has been drawn up to each. */
  static __attribute__( ( noinline ) ) void
  record_( Block& block, const LaneMask recorded, const long start, const long n )
  {
    const Expanded& x = block.work_->expanded;
    const DrawnSteps& drawn = block.work_->drawn;
    for ( long lag = 0; lag < n; ++lag )
    {
      if ( block.drive_ )
      {
        block.drive_.count_up( drawn.counts[ lag ] );
      }
      block.clock_ = start + lag;
      for ( LaneMask left = recorded; left; left &= left - 1 )
      {
        const int l = std::countr_zero( left );
        copy_( &x.history[ lag * Model::n_states ], block.state_, l );
        block.nodes_[ l ]->record_( block.clock_ );
      }
    }
  }

  static BGNEST_INLINE void
  copy_( const Row* const from, Row* const to, const int l )
  {
    for ( int i = 0; i < Model::n_states; ++i )
    {
      to[ i ][ l ] = from[ i ][ l ];
    }
  }

  /* States after every step, for recorders. */
  static __attribute__( ( noinline ) ) void
  note_( Block& block, const Row* const constants, Expanded& x, const long first, const long n )
  {
    spread_( block, n );
    x.history.resize( n * Model::n_states );
    const Row* from = block.state_;
    for ( long lag = 0; lag < n; ++lag )
    {
      Row* const to = &x.history[ lag * Model::n_states ];
      Steps::each_source(
        [ & ]( const auto r ) BGNEST_INLINE_LAMBDA
        {
          for ( int l = 0; l < lanes; ++l )
          {
            to[ Model::n_numeric + r ][ l ] = from[ Model::n_numeric + r ][ l ] * constants[ Model::decay_row( 1 ) + r ][ l ];
          }
        } );
      receive_input_( block, constants, first, lag, to );
      Steps::add( block.state_, x, lag, to );
      from = to;
    }
    // what a lane goes on with
    std::copy( x.state + Model::n_numeric, x.state + Model::n_states, &x.history[ ( n - 1 ) * Model::n_states + Model::n_numeric ] );
  }

  static void
  spread_( Block& block, const long n )
  {
    if ( block.drive_ )
    {
      block.work_->drawn.spread( n );
    }
  }

  static BGNEST_INLINE void
  receive_input_( Block& block, const Row* const constants, const long first, const long lag, Row* const to )
  {
    const DrawnSteps& drawn = block.work_->drawn;
    Step::receive( constants,
      to,
      block.work_->input.occupied( first + lag ),
      [ & ]( const int port, const int l ) BGNEST_INLINE_LAMBDA { return block.work_->input.row( first + lag, port )[ l ]; } );
    Step::receive( constants,
      to,
      block.drive_ and drawn.any[ lag ] ? block.driven_ports_ : 0,
      [ & ]( const int port, const int l ) BGNEST_INLINE_LAMBDA { return drawn.number[ lag ][ l ] * constants[ Model::n_constants + port ][ l ]; } );
  }

  /*
   * The steps of some lanes again, one evaluation of the equations after the other. A part of the block in which none is
   * refused is left out; its rows hold what they have held before.
   */
  static __attribute__( ( noinline ) ) void
  redo_( Block& block, const LaneMask again, const long first, const long n, const long slice_origin, const LaneMask recorded )
  {
    Expanded& x = block.work_->expanded;
    const Row* const constants = block.work_->constants.rows;
    const long start = block.clock_;
    spread_( block, n );
    const Row* from = block.state_;
    for ( long lag = 0; lag < n; ++lag )
    {
      block.clock_ = start + lag;
      Row* const to = block.work_->state[ lag & 1 ];
      LaneRow< std::uint32_t > refused;
      for ( int first_lane = 0; first_lane < lanes; first_lane += part )
      {
        const LaneMask here = again & ( ( LaneMask( 1 ) << part ) - 1 ) << first_lane;
        const bool any = here and Step::template advance_some< part >( constants, from, block.current_, to, refused.value, block.resolution_, first_lane );
        for ( LaneMask left = any ? here : 0; left; left &= left - 1 )
        {
          const int l = std::countr_zero( left );
          if ( refused[ l ] )
          {
            Slice::redo_( block, l, from, to, slice_origin );
          }
        }
      }
      receive_input_( block, constants, first, lag, to );
      for ( LaneMask left = again & recorded; left; left &= left - 1 )
      {
        copy_( to, &x.history[ lag * Model::n_states ], std::countr_zero( left ) );
      }
      from = to;
    }
    block.clock_ = start;
  }
};

} // namespace bgnest

#endif
