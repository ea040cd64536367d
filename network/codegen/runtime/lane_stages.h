/*
 * lane_stages.h - integrate_odes() of all lanes at once, by an embedded scheme whose stages can be fewer than all
 *
 * The scheme is the one of Cash and Karp: four evaluations of the derivatives give a result of third order, two more one
 * of fifth order. Nearly all steps of a cell at rest, and half of those between its spikes, end after four. What a lane
 * takes depends on nothing but itself: if another lane of the block needs all six, those that do not keep the result of
 * four.
 *
 * A stage is a loop over the lanes of its own, with what it leaves to others in rows that stay in the nearest cache. In
 * one loop for all stages, more values are alive than a CPU has registers for, and half of the instructions would move
 * them to and fro.
 *
 * Tolerances: in the steps that four stages are enough for, small errors would add up from one spike to the next, in those
 * of six they do not. Cells of Hodgkin and Huxley with 60 spikes/s have V_m within 0.01 mV of the exact solution.
 *
 * Reference
 *   Cash JR, Karp AH (1990) ACM Trans Math Softw 16:201-222, DOI 10.1145/79505.79507
 */
#ifndef BGNEST_LANE_STAGES_H
#define BGNEST_LANE_STAGES_H

#include <algorithm>
#include <cstdint>
#include <utility>

#include "lane_math.h"
#include "lane_row.h"

namespace bgnest
{

struct CashKarp
{
  static constexpr int n_stages = 6;
  static constexpr double node[ n_stages ] = { 0.0, 1.0 / 5, 3.0 / 10, 3.0 / 5, 1.0, 7.0 / 8 };
  static constexpr double a[ n_stages ][ n_stages ] = { {},
    { 1.0 / 5 },
    { 3.0 / 40, 9.0 / 40 },
    { 3.0 / 10, -9.0 / 10, 6.0 / 5 },
    { -11.0 / 54, 5.0 / 2, -70.0 / 27, 35.0 / 27 },
    { 1631.0 / 55296, 175.0 / 512, 575.0 / 13824, 44275.0 / 110592, 253.0 / 4096 } };
  static constexpr double fifth[ n_stages ] = { 37.0 / 378, 0.0, 250.0 / 621, 125.0 / 594, 0.0, 512.0 / 1771 };
  // the fifth order less the fourth
  static constexpr double fifth_error[ n_stages ] = { 37.0 / 378 - 2825.0 / 27648,
    0.0,
    250.0 / 621 - 18575.0 / 48384,
    125.0 / 594 - 13525.0 / 55296,
    -277.0 / 14336,
    512.0 / 1771 - 1.0 / 4 };
  static constexpr double third[ n_stages ] = { 19.0 / 54, 0.0, -10.0 / 27, 55.0 / 54 };
  // the third order less the second that has the weights 1/6 and 5/6 in the first and the fourth stage
  static constexpr double third_error[ n_stages ] = { 5.0 / 27, 0.0, -10.0 / 27, 5.0 / 27 };
  // accepted errors, mV; the estimate is one of the lower order
  static constexpr double third_tolerance = 5e-6;
  static constexpr double fifth_tolerance = 1e-3;
};

/* Weighted sum of the derivatives of a variable of one lane in the first stages. */
template < int N_STAGES, int N, int N_VARIABLES >
BGNEST_INLINE double
weighted_sum( const double ( &weights )[ N ], const Row ( &slope )[ N ][ N_VARIABLES ], const int variable, const int l )
{
  double result = weights[ 0 ] * slope[ 0 ][ variable ][ l ];
  [ & ]< int... J >( std::integer_sequence< int, J... > ) BGNEST_INLINE_LAMBDA
  {
    ( ( result += weights[ J + 1 ] != 0.0 ? weights[ J + 1 ] * slope[ J + 1 ][ variable ][ l ] : 0.0 ), ... );
  }( std::make_integer_sequence< int, N_STAGES - 1 >() );
  return result;
}

/*
 * Course of the exactly solved variables that rates() reads: the polynomial through their values after 0, 1/2, 1, 3/2 and
 * 2 steps, by powers of the time in steps. By a parabola through 0, 1/2 and 1, as by a cubic, an alpha function of 0.2 ms
 * brings 5e-5 of its charge too little, which a cell that lingers at its threshold shows as 0.02 mV.
 */
template < class Model >
struct ExactCourse
{
  static constexpr int n_followed = std::max< int >( 1, Model::followed.size() );

  Row by[ n_followed ][ 4 ];

  /* Put the values some time after the start s of a step into a state. */
  template < class State >
  BGNEST_INLINE void
  set( const State& s, const double time, State& trial, const int l ) const
  {
    each( [ & ]( const auto i, const auto member ) BGNEST_INLINE_LAMBDA
      {
        const double change = time * ( by[ i ][ 0 ][ l ] + time * ( by[ i ][ 1 ][ l ] + time * ( by[ i ][ 2 ][ l ] + time * by[ i ][ 3 ][ l ] ) ) );
        trial.*Model::members[ member ] = s.*Model::members[ member ] + change;
      } );
  }

  template < class F >
  static BGNEST_INLINE void
  each( F&& f )
  {
    [ & ]< int... I >( std::integer_sequence< int, I... > ) BGNEST_INLINE_LAMBDA
    {
      ( f( std::integral_constant< int, I >(), std::integral_constant< int, Model::n_numeric + Model::followed[ I ] >() ), ... );
    }( std::make_integer_sequence< int, Model::followed.size() >() );
  }
};

/* What the stages of a step leave to the others. */
template < class Model >
struct StageRows
{
  static constexpr int n = Model::n_numeric;
  static constexpr int n_exponentials = Model::n_exponentials > 0 ? Model::n_exponentials : 1;

  Row slope[ CashKarp::n_stages ][ n ];
  ExactCourse< Model > course;
  lane::ExponentialRows< Model::n_exponentials, Row > exponentials;
  Row far;   // largest square of the way of an argument of theirs
  Row quick; // error of the third order, 1 being just acceptable
  Row error; // ... of the fifth

  /* Weighted sum of the derivatives of a variable in the first stages. */
  template < int N_STAGES >
  BGNEST_INLINE double
  sum( const double ( &weights )[ CashKarp::n_stages ], const int variable, const int l ) const
  {
    return weighted_sum< N_STAGES >( weights, slope, variable, l );
  }

  /* Error of the result of some stages, 1 being just acceptable. */
  template < int N_STAGES >
  BGNEST_INLINE double
  error_of( const double ( &weights )[ CashKarp::n_stages ], const double tolerance, const double h, const int l ) const
  {
    constexpr double reach = lane::CloseExponentials< Model::n_exponentials, Row >::reach;
    double error = far[ l ] * ( 1.0 / ( reach * reach ) );
    Model::each_numeric(
      [ & ]( const auto i ) BGNEST_INLINE_LAMBDA
      {
        const double scaled = lane::abs( h * sum< N_STAGES >( weights, i, l ) ) * ( 1.0 / ( tolerance * Model::scales[ i ] ) );
        // the negated comparisons keep a NaN
        error = not( scaled <= error ) ? scaled : error;
      } );
    return error;
  }
};

/* integrate_odes() of one lane: whether any variable with stages moves. */
template < class Model >
struct MovesCall
{
  std::uint32_t moves = 0;

  BGNEST_INLINE void
  integrate( typename Model::State&, const typename Model::Active& active )
  {
    moves = Model::moves( active ) ? 1 : 0;
  }
};

/* integrate_odes() of one lane: derivatives in one stage. */
template < class Model, int EXPONENT, int STAGE >
struct StageCall
{
  using State = typename Model::State;

  const typename Model::template Constants< EXPONENT >& c;
  const typename Model::Input& in;
  const double h;
  StageRows< Model >& rows;
  const int l;

  BGNEST_INLINE void
  integrate( State& s, const typename Model::Active& active )
  {
    State rate = s;
    if constexpr ( STAGE == 0 )
    {
      note_course_( s, active );
      lane::KeptExponentials exponentials{ rows.exponentials, l };
      Model::rates( c, s, Model::at( in, 0.0, h ), exponentials, rate );
    }
    else
    {
      constexpr double node = CashKarp::node[ STAGE ];
      State trial = s;
      rows.course.set( s, node, trial, l );
      Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA
        { trial.*Model::members[ i ] = s.*Model::members[ i ] + h * rows.template sum< STAGE >( CashKarp::a[ STAGE ], i, l ); } );
      lane::CloseExponentials exponentials{ rows.exponentials, l, STAGE == 1 ? 0.0 : rows.far[ l ] };
      Model::rates( c, trial, Model::at( in, node * h, h ), exponentials, rate );
      rows.far[ l ] = exponentials.far;
    }
    Model::hold_rates( active, rate );
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { rows.slope[ STAGE ][ i ][ l ] = rate.*Model::members[ i ]; } );
  }

private:
  BGNEST_INLINE void
  note_course_( const State& s, const typename Model::Active& active )
  {
    State at[ 4 ] = { s, s, s, s }; // after 1/2, 1, 3/2 and 2 steps
    Model::propagate_half( c, s, in, at[ 0 ] );
    Model::propagate( c, s, in, at[ 1 ] );
    Model::propagate_half( c, at[ 1 ], in, at[ 2 ] );
    Model::propagate( c, at[ 1 ], in, at[ 3 ] );
    for ( State& later : at )
    {
      Model::hold_exact( active, s, later );
    }
    rows.course.each(
      [ & ]( const auto i, const auto member ) BGNEST_INLINE_LAMBDA
      {
        const auto change = [ & ]( const int k ) BGNEST_INLINE_LAMBDA { return at[ k ].*Model::members[ member ] - s.*Model::members[ member ]; };
        const double y1 = change( 0 ), y2 = change( 1 ), y3 = change( 2 ), y4 = change( 3 );
        Row( &by )[ 4 ] = rows.course.by[ i ];
        by[ 0 ][ l ] = 8.0 * y1 - 6.0 * y2 + 8.0 / 3.0 * y3 - 0.5 * y4;
        by[ 1 ][ l ] = -52.0 / 3.0 * y1 + 19.0 * y2 - 28.0 / 3.0 * y3 + 11.0 / 6.0 * y4;
        by[ 2 ][ l ] = 12.0 * y1 - 16.0 * y2 + 28.0 / 3.0 * y3 - 2.0 * y4;
        by[ 3 ][ l ] = -8.0 / 3.0 * y1 + 4.0 * y2 - 8.0 / 3.0 * y3 + 2.0 / 3.0 * y4;
      } );
  }
};

/*
 * integrate_odes() of one lane to the end of the step: after four stages or, where that is not enough, six; after none if
 * nothing moves that has stages.
 */
template < class Model, int EXPONENT, int N_STAGES >
struct EndOfStages
{
  using State = typename Model::State;

  const typename Model::template Constants< EXPONENT >& c;
  const typename Model::Input& in;
  const double h;
  const StageRows< Model >& rows;
  const int l;

  BGNEST_INLINE void
  integrate( State& s, const typename Model::Active& active )
  {
    State end = s;
    Model::propagate( c, s, in, end );
    Model::hold_exact( active, s, end );
    Model::each_numeric(
      [ & ]( const auto i ) BGNEST_INLINE_LAMBDA
      {
        double sum = N_STAGES > 0 ? rows.template sum< 4 >( CashKarp::third, i, l ) : 0.0;
        if constexpr ( N_STAGES == CashKarp::n_stages )
        {
          const double fifth = rows.template sum< N_STAGES >( CashKarp::fifth, i, l );
          sum = rows.quick[ l ] <= 1.0 ? sum : fifth;
        }
        end.*Model::members[ i ] = s.*Model::members[ i ] + h * sum;
      } );
    Model::copy_convolutions( s, end );
    s = end;
  }
};

} // namespace bgnest

#endif
