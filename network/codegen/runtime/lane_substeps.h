/*
 * lane_substeps.h - integrate_odes() of some lanes again, each with as many sub-steps as it needs
 *
 * Lanes whose step is refused, as in an upstroke, go through it together, each with a length of sub-steps of its own: the
 * scheme of Tsitouras, with exponentials that are computed anew in every stage. They come from all blocks that are
 * advanced together, wait in a queue, and take places next to one another, so that the other lanes cost nothing. When one
 * has come to the end of its step the next that waits takes its place. A lane that needs more trials than a few, as
 * in an explosive upstroke, is left to lane_solver.h.
 *
 * Reference
 *   Tsitouras Ch (2011) Comput Math Appl 62:770-775, DOI 10.1016/j.camwa.2011.06.002
 */
#ifndef BGNEST_LANE_SUBSTEPS_H
#define BGNEST_LANE_SUBSTEPS_H

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "lane_math.h"
#include "lane_row.h"
#include "lane_solver.h"
#include "lane_stages.h"

namespace bgnest
{

/* What a lane of several sub-steps knows of itself. */
template < class Model >
struct SubstepRows
{
  static constexpr int n = Model::n_numeric;

  Row slope[ 7 ][ n ];
  Row y[ n ];      // at the end of the sub-steps so far
  Row trial[ n ];  // in a stage
  Row time;        // of the stage since the start of the step, ms
  Row done;        // end of the sub-steps so far, ms
  Row length;      // of the present one; 0 in lanes that have nothing to do here
};

/* A step of a block: its rows, and its length in ms. */
struct BlockStep
{
  const Row* constants;
  const Row* from;
  const Row* input;
  Row* to;
  std::uint32_t* refused; // not 0 in lanes whose step has to be done again
  std::uint32_t* spikes;
  double h;
};

/* Lanes side by side, with all that their sub-steps read. */
template < class Model >
struct PlacedLanes
{
  Row constants[ std::max< int >( 1, Model::n_constants ) ];
  Row from[ Model::n_states ];
  Row input[ std::max< int >( 1, Model::n_inputs ) ];
  ExactCourse< Model > course;
  SubstepRows< Model > sub;
  int trials[ lanes ];

  /* The rows that have to be moved with a lane. */
  template < class F >
  void
  each_row( F&& f )
  {
    const auto each = [ & ]( Row* const rows, const int n )
    {
      for ( int i = 0; i < n; ++i )
      {
        f( rows[ i ] );
      }
    };
    each( constants, Model::n_constants );
    each( from, Model::n_states );
    each( input, Model::n_inputs );
    each( course.by[ 0 ], 4 * Model::followed.size() );
    each( sub.y, Model::n_numeric );
    each( sub.slope[ 0 ], Model::n_numeric );
    f( sub.done );
    f( sub.length );
  }
};

/* A lane of a block that waits for its sub-steps, and what its first stage has left. */
template < class Model >
struct WaitingLane
{
  const BlockStep* step;
  int lane;
  double error; // of its refused step, 1 being just acceptable
  double course[ ExactCourse< Model >::n_followed ][ 4 ];
  double slope[ Model::n_numeric ];
};

/* Lanes that wait for their sub-steps, and the places for those that make them; one per thread. */
template < class Model >
class SubstepQueue
{
public:
  using Waiting = WaitingLane< Model >;

  void
  add( const BlockStep& step, const StageRows< Model >& rows, const int l )
  {
    Waiting& lane = waiting.emplace_back();
    lane.step = &step;
    lane.lane = l;
    lane.error = rows.error[ l ];
    for ( std::size_t i = 0; i < Model::followed.size(); ++i )
    {
      for ( int k = 0; k < 4; ++k )
      {
        lane.course[ i ][ k ] = rows.course.by[ i ][ k ][ l ];
      }
    }
    for ( int i = 0; i < Model::n_numeric; ++i )
    {
      lane.slope[ i ] = rows.slope[ 0 ][ i ][ l ];
    }
  }

  /* Let a lane have a place; length: of its first sub-step, ms. */
  void
  place( const Waiting& lane, const int slot, const double length )
  {
    const BlockStep& step = *lane.step;
    const auto move = [ & ]( const Row* const rows, const int n, Row* const to )
    {
      for ( int i = 0; i < n; ++i )
      {
        to[ i ][ slot ] = rows[ i ][ lane.lane ];
      }
    };
    move( step.constants, Model::n_constants, placed.constants );
    move( step.from, Model::n_states, placed.from );
    move( step.input, Model::n_inputs, placed.input );
    move( step.from, Model::n_numeric, placed.sub.y );
    for ( std::size_t i = 0; i < Model::followed.size(); ++i )
    {
      for ( int k = 0; k < 4; ++k )
      {
        placed.course.by[ i ][ k ][ slot ] = lane.course[ i ][ k ];
      }
    }
    for ( int i = 0; i < Model::n_numeric; ++i )
    {
      placed.sub.slope[ 0 ][ i ][ slot ] = lane.slope[ i ];
    }
    placed.sub.done[ slot ] = 0.0;
    placed.sub.length[ slot ] = length;
    placed.trials[ slot ] = 0;
    in_place[ slot ] = &lane;
  }

  /* Do in one place what another does, without being waited for. */
  void
  fill( const int slot, const int other )
  {
    placed.each_row( [ & ]( Row& row ) BGNEST_INLINE_LAMBDA { row[ slot ] = row[ other ]; } );
    placed.sub.length[ slot ] = 0.0;
  }

  /* Move the lanes that still have something to do to the first places; returns how many there are. */
  int
  close_ranks( const int width )
  {
    int n = 0;
    for ( int slot = 0; slot < width; ++slot )
    {
      if ( placed.sub.length[ slot ] > 0.0 )
      {
        if ( slot > n )
        {
          placed.each_row( [ & ]( Row& row ) BGNEST_INLINE_LAMBDA { row[ n ] = row[ slot ]; } );
          placed.trials[ n ] = placed.trials[ slot ];
          in_place[ n ] = in_place[ slot ];
          placed.sub.length[ slot ] = 0.0;
        }
        ++n;
      }
    }
    return n;
  }

  std::vector< Waiting > waiting;
  PlacedLanes< Model > placed;
  const Waiting* in_place[ lanes ];
};

/* In its place where no model has sub-steps. */
struct NoSubsteps
{
  std::vector< int > waiting;
};

/* integrate_odes() of one lane: derivatives in a stage of a sub-step. */
template < class Model, int EXPONENT >
struct SlopeCall
{
  using State = typename Model::State;

  const typename Model::template Constants< EXPONENT >& c;
  const typename Model::Input& in;
  const double h;
  const ExactCourse< Model >& course;
  SubstepRows< Model >& sub;
  const int stage;
  const int l;

  BGNEST_INLINE void
  integrate( State& s, const typename Model::Active& active )
  {
    State trial = s;
    course.set( s, sub.time[ l ] * ( 1.0 / h ), trial, l );
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { trial.*Model::members[ i ] = sub.trial[ i ][ l ]; } );
    State rate = s;
    lane::Exponentials exponentials;
    Model::rates( c, trial, Model::at( in, sub.time[ l ], h ), exponentials, rate );
    Model::hold_rates( active, rate );
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { sub.slope[ stage ][ i ][ l ] = rate.*Model::members[ i ]; } );
  }
};

/* integrate_odes() of one lane when its sub-steps are done. */
template < class Model, int EXPONENT >
struct EndCall
{
  using State = typename Model::State;

  const typename Model::template Constants< EXPONENT >& c;
  const typename Model::Input& in;
  const SubstepRows< Model >& sub;
  const int l;

  BGNEST_INLINE void
  integrate( State& s, const typename Model::Active& active )
  {
    State end = s;
    Model::propagate( c, s, in, end );
    Model::hold_exact( active, s, end );
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { end.*Model::members[ i ] = sub.y[ i ][ l ]; } );
    Model::copy_convolutions( s, end );
    s = end;
  }
};

struct Tsitouras
{
  static constexpr int n_stages = 7;
  static constexpr double node[ n_stages ] = { 0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0, 1.0 };
  static constexpr double a[ n_stages ][ n_stages ] = { {},
    { 0.161 },
    { -0.008480655492356989, 0.335480655492357 },
    { 2.8971530571054935, -6.359448489975075, 4.3622954328695815 },
    { 5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525 },
    { 5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383 },
    { 0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774 } };
  static constexpr double error[ n_stages ] = { 0.00178001105222577714,
    0.0008164344596567469,
    -0.007880878010261995,
    0.1447110071732629,
    -0.5823571654525552,
    0.45808210592918697,
    -1.0 / 66 };
  static constexpr double tolerance = 1e-3; // mV
  static constexpr int max_trials = 24;
};

/*
 * Sub-steps of the lanes in the first WIDTH places, until no more than n_enough of them have something left to do.
 * derive( k ) fills the derivatives of stage k of the sub-steps by time and trial. Before, done and length have to be set, and
 * y and the derivatives at it, which are those of stage 0. next( l ) is called when a lane is at the end of its step, where
 * done is h, or has had too many trials; it returns true if another lane has taken its place.
 */
template < class Model, int WIDTH, class Derive, class Next >
void
advance_by_substeps( SubstepRows< Model >& sub, int* const trials, const double h, const int n_enough, Derive&& derive, Next&& next )
{
  using Scheme = Tsitouras;
  constexpr int n = Model::n_numeric;
  int n_left = 0;
  for ( int l = 0; l < WIDTH; ++l )
  {
    n_left += sub.length[ l ] > 0.0 ? 1 : 0;
  }
  while ( n_left > n_enough )
  {
    const auto sum = [ & ]( const double ( &weights )[ Scheme::n_stages ], const auto n_stages, const int i, const int l ) BGNEST_INLINE_LAMBDA
    {
      return weighted_sum< n_stages >( weights, sub.slope, i, l );
    };
    const auto stage = [ & ]< int STAGE >( std::integral_constant< int, STAGE > number )
    {
#pragma omp simd
      for ( int l = 0; l < WIDTH; ++l )
      {
        sub.time[ l ] = sub.done[ l ] + Scheme::node[ STAGE ] * sub.length[ l ];
      }
      for ( int i = 0; i < n; ++i )
      {
#pragma omp simd
        for ( int l = 0; l < WIDTH; ++l )
        {
          sub.trial[ i ][ l ] = sub.y[ i ][ l ] + sub.length[ l ] * sum( Scheme::a[ STAGE ], number, i, l );
        }
      }
      derive( STAGE );
    };
    [ & ]< int... I >( std::integer_sequence< int, I... > ) { ( stage( std::integral_constant< int, I + 1 >() ), ... ); }( std::make_integer_sequence< int, Scheme::n_stages - 1 >() );
    double error[ WIDTH ] = {};
    for ( int i = 0; i < n; ++i )
    {
#pragma omp simd
      for ( int l = 0; l < WIDTH; ++l )
      {
        const double difference = sum( Scheme::error, std::integral_constant< int, Scheme::n_stages >(), i, l );
        const double scaled = lane::abs( sub.length[ l ] * difference ) * ( 1.0 / ( Scheme::tolerance * Model::scales[ i ] ) );
        error[ l ] = not( scaled <= error[ l ] ) ? scaled : error[ l ];
      }
    }
    for ( int l = 0; l < WIDTH; ++l )
    {
      if ( not( sub.length[ l ] > 0.0 ) )
      {
        continue;
      }
      const double e = error[ l ];
      const bool last = sub.length[ l ] >= h - sub.done[ l ];
      if ( e <= 1.0 )
      {
        sub.done[ l ] = last ? h : sub.done[ l ] + sub.length[ l ];
        for ( int i = 0; i < n; ++i )
        {
          sub.y[ i ][ l ] = sub.trial[ i ][ l ];
          sub.slope[ 0 ][ i ][ l ] = sub.slope[ Scheme::n_stages - 1 ][ i ][ l ];
        }
      }
      const double wanted = sub.length[ l ] * ( e < 1e30 ? substep_factor( e ) : 0.1 );
      const double rest = h - sub.done[ l ];
      // no short one at the end
      sub.length[ l ] = wanted >= rest ? rest : wanted >= 0.5 * rest ? 0.5 * rest : wanted;
      if ( ++trials[ l ] == Scheme::max_trials or not( sub.length[ l ] > 0.0 ) )
      {
        sub.length[ l ] = 0.0;
        n_left -= next( l ) ? 0 : 1;
      }
    }
  }
}

} // namespace bgnest

#endif
