/*
 * lane_step.h - a step of the equations: of all lanes at once, and of one lane for the solver of lane_solver.h
 *
 * The scheme is the one of solver.h. What a model has to offer (class Model) is written by the code generator from
 * the template templates/vectorised/@NEURON_NAME@.h.jinja2.
 */
#ifndef BGNEST_LANE_STEP_H
#define BGNEST_LANE_STEP_H

#include <algorithm>
#include <cstdint>
#include <utility>

#include "lane_math.h"
#include "lane_row.h"
#include "solver.h"

namespace bgnest
{

/* The fast step of all lanes. */
template < class Model, int EXPONENT >
class LaneStep
{
public:
  /*
   * One step of all lanes; true if any is refused. What a lane does is a function of its own: variables
   * declared in the body of an omp simd loop are made arrays before they can be kept in registers.
   */
  static BGNEST_INLINE bool
  advance( const Row* const constants, const Row* const from, const Row* const current, Row* const to, std::uint32_t* const refused, const double h )
  {
    std::uint32_t any = 0;
#pragma omp simd reduction( | : any )
    for ( int l = 0; l < lanes; ++l )
    {
      refused[ l ] = step_lane_( constants, from, current, to, l, h );
      any |= refused[ l ];
    }
    return any != 0;
  }

  /* Input at the end of a step: weight( port, lane ) for the ports whose bit is set. */
  template < class Weight >
  static BGNEST_INLINE void
  receive( const Row* const constants, Row* const to, const std::uint64_t ports, Weight&& weight )
  {
    Model::each_port(
      [ & ]( const auto port ) BGNEST_INLINE_LAMBDA
      {
        if ( ports >> port & 1 )
        {
#pragma omp simd
          for ( int l = 0; l < lanes; ++l )
          {
            Model::template receive< port, EXPONENT >( constants, to, l, weight( port, l ) );
          }
        }
      } );
  }

  /* Lanes in which a condition holds that is tested at the end of a step; true if there are any. */
  static BGNEST_INLINE bool
  late_event( const Row* const constants, const Row* const state, const Row* const current, std::uint64_t* const due )
  {
    std::uint64_t any = 0;
#pragma omp simd reduction( | : any )
    for ( int l = 0; l < lanes; ++l )
    {
      const auto c = Model::template load_constants< EXPONENT >( constants, l );
      due[ l ] = Model::event_late( c, Model::load_state( state, l ), Model::load_input( current, l ) ) ? 1 : 0;
      any |= due[ l ];
    }
    return any != 0;
  }

private:
  using State = typename Model::State;

  template < int I >
  static BGNEST_INLINE double
  get_( const State& s )
  {
    return s.*Model::members[ I ];
  }

  template < int I >
  static BGNEST_INLINE void
  set_( State& s, const double value )
  {
    s.*Model::members[ I ] = value;
  }

  /*
   * One step of one lane by the first part of solver.h; the analytic states at half the step come from
   * their exact solution, too. Not zero if it is refused: error too large, not finite, or an event.
   */
  static BGNEST_INLINE std::uint32_t
  step_lane_( const Row* const constants, const Row* const from, const Row* const current, Row* const to, const int l, const double h )
  {
    const auto c = Model::template load_constants< EXPONENT >( constants, l );
    const auto in = Model::load_input( current, l );
    const State y0 = Model::load_state( from, l );
    State y1 = y0;
    std::uint32_t bad = 0;
    Model::propagate( c, y0, in, y1 );
    if constexpr ( Model::n_numeric > 0 )
    {
      State half = y0;
      Model::propagate_half( c, y0, in, half );
      State k1 = y0;
      State k2 = y0;
      State k3 = y0;
      lane::FirstExponentials< Model::n_exponentials > exponentials;
      Model::rates( c, y0, in, exponentials, k1 );
      lane::NearbyExponentials< Model::n_exponentials > nearby{ exponentials };
      State trial = y1;
      Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { set_< i >( trial, get_< i >( y0 ) + h * get_< i >( k1 ) ); } );
      Model::rates( c, trial, in, nearby, k2 );
      trial = half;
      Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { set_< i >( trial, get_< i >( y0 ) + 0.25 * h * ( get_< i >( k1 ) + get_< i >( k2 ) ) ); } );
      Model::rates( c, trial, in, nearby, k3 );
      bad |= nearby.far;
      Model::each_numeric(
        [ & ]( const auto i ) BGNEST_INLINE_LAMBDA
        {
          const double heun = get_< i >( k1 ) + get_< i >( k2 );
          set_< i >( y1, get_< i >( y0 ) + h / 6.0 * ( heun + 4.0 * get_< i >( k3 ) ) );
          const double growth = ( get_< i >( k2 ) - get_< i >( k1 ) ) * get_< i >( k1 );
          const double tolerance = growth > 0.0 ? step_control.growing_tolerance : step_control.fixed_tolerance;
          // the negated comparison is true for NaN
          bad |= not( lane::abs( h / 3.0 * ( 2.0 * get_< i >( k3 ) - heun ) ) <= tolerance ) ? 1 : 0;
        } );
    }
    bad |= Model::event( c, y1, in ) ? 1 : 0;
    Model::store_state( to, l, y1 );
    return bad;
  }
};

/*
 * One cell as lane_solver.h wants it. Only the numerically solved variables are integrated. The others are
 * known at the start, in the middle and at the end of the step; the parabola through these values is
 * exact to 1e-6 for a time constant of 2 ms and a step of 0.1 ms.
 */
template < class Model, int EXPONENT >
struct LaneSystem
{
  using State = typename Model::State;
  static constexpr int n = Model::n_numeric;
  static constexpr int runner = Model::runner;

  const double* const parameters;
  const Row* const constants;
  const Row* const end; // result of the fast step
  const int l;
  const double h;
  typename Model::Input in;
  State start;
  double analytic[ Model::n_analytic > 0 ? Model::n_analytic : 1 ][ 3 ]; // coefficients of the parabolas
  int spikes = 0;

  LaneSystem( const double* const parameters,
    const Row* const constants,
    const Row* const current,
    const Row* const from,
    const Row* const to,
    const int l,
    const double h )
    : parameters( parameters )
    , constants( constants )
    , end( to )
    , l( l )
    , h( h )
    , in( Model::load_input( current, l ) )
    , start( Model::load_state( from, l ) )
  {
    const double per_h = 1.0 / h;
    State middle = start;
    Model::propagate_half( load_(), start, in, middle );
    each_analytic_(
      [ & ]< int I >( std::integral_constant< int, I > ) BGNEST_INLINE_LAMBDA
      {
        const double a = start.*Model::members[ n + I ];
        const double b = middle.*Model::members[ n + I ] - a;
        const double d = to[ n + I ][ l ] - a;
        analytic[ I ][ 0 ] = a;
        analytic[ I ][ 1 ] = ( 4.0 * b - d ) * per_h;
        analytic[ I ][ 2 ] = ( 2.0 * d - 4.0 * b ) * ( per_h * per_h );
      } );
  }

  /* y: numerically solved variables, and the time since the start of the step */
  BGNEST_INLINE State
  unpack( const double* const y ) const
  {
    State s = start;
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { s.*Model::members[ i ] = y[ i ]; } );
    each_analytic_(
      [ & ]< int I >( std::integral_constant< int, I > ) BGNEST_INLINE_LAMBDA
      { s.*Model::members[ n + I ] = analytic[ I ][ 0 ] + y[ n ] * ( analytic[ I ][ 1 ] + y[ n ] * analytic[ I ][ 2 ] ); } );
    return s;
  }

  BGNEST_INLINE void
  rhs( const double* const y, double* const f ) const
  {
    const State s = unpack( y );
    State rate = s;
    lane::Exponentials exponentials;
    Model::rates( load_(), s, in, exponentials, rate );
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { f[ i ] = rate.*Model::members[ i ]; } );
  }

  BGNEST_INLINE bool
  event( const double* const y ) const
  {
    return Model::event( load_(), unpack( y ), in );
  }

  BGNEST_INLINE double
  threshold() const
  {
    return Model::threshold( load_() );
  }

  BGNEST_INLINE bool
  due() const
  {
    return end[ runner ][ l ] >= threshold();
  }

  void
  on_event( double* const y )
  {
    State s = unpack( y );
    Model::on_event( Model::cell( parameters, h ), s, in, spikes );
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { y[ i ] = s.*Model::members[ i ]; } );
    start = s; // for the variables that no equation governs
  }

private:
  // what is not used of it is not loaded
  BGNEST_INLINE auto
  load_() const
  {
    return Model::template load_constants< EXPONENT >( constants, l );
  }

  template < class F >
  static BGNEST_INLINE void
  each_analytic_( F&& f )
  {
    [ & ]< int... I >( std::integer_sequence< int, I... > ) BGNEST_INLINE_LAMBDA
    {
      ( f( std::integral_constant< int, I >() ), ... );
    }( std::make_integer_sequence< int, Model::n_analytic >() );
  }
};

} // namespace bgnest

#endif
