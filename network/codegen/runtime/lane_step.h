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

/*
 * Course of the exactly solved variables within a step: the parabola through their values at its start, in its middle
 * and at its end, exact to 1e-6 for a time constant of 2 ms and a step of 0.1 ms.
 */
template < class Model >
class Parabolas
{
public:
  using State = typename Model::State;

  Parabolas( const State& start, const State& middle, const State& end, const double h )
  {
    const double per_h = 1.0 / h;
    each_(
      [ & ]< int I >( std::integral_constant< int, I > ) BGNEST_INLINE_LAMBDA
      {
        const double a = start.*Model::members[ Model::n_numeric + I ];
        const double b = middle.*Model::members[ Model::n_numeric + I ] - a;
        const double d = end.*Model::members[ Model::n_numeric + I ] - a;
        coefficients_[ I ][ 0 ] = a;
        coefficients_[ I ][ 1 ] = ( 4.0 * b - d ) * per_h;
        coefficients_[ I ][ 2 ] = ( 2.0 * d - 4.0 * b ) * ( per_h * per_h );
      } );
  }

  /* Put the values at a time since the start of the step into a state. */
  BGNEST_INLINE void
  set( State& s, [[maybe_unused]] const double time ) const
  {
    each_(
      [ & ]< int I >( std::integral_constant< int, I > ) BGNEST_INLINE_LAMBDA
      { s.*Model::members[ Model::n_numeric + I ] = coefficients_[ I ][ 0 ] + time * ( coefficients_[ I ][ 1 ] + time * coefficients_[ I ][ 2 ] ); } );
  }

private:
  template < class F >
  static BGNEST_INLINE void
  each_( F&& f )
  {
    [ & ]< int... I >( std::integer_sequence< int, I... > ) BGNEST_INLINE_LAMBDA
    {
      ( f( std::integral_constant< int, I >() ), ... );
    }( std::make_integer_sequence< int, Model::n_analytic >() );
  }

  double coefficients_[ Model::n_analytic > 0 ? Model::n_analytic : 1 ][ 3 ];
};

/* The fast step of all lanes. */
template < class Model, int EXPONENT >
class LaneStep
{
public:
  using State = typename Model::State;

  /*
   * One step of all lanes; true if any is refused. What a lane does is a function of its own: variables
   * declared in the body of an omp simd loop are made arrays before they can be kept in registers.
   */
  static BGNEST_INLINE bool
  advance( const Row* const constants, const Row* const from, const Row* const current, Row* const to, std::uint32_t* const refused, const double h )
  {
    return advance_some< lanes >( constants, from, current, to, refused, h, 0 );
  }

  /* ... of WIDTH lanes from the first on. */
  template < int WIDTH >
  static BGNEST_INLINE bool
  advance_some( const Row* const constants, const Row* const from, const Row* const current, Row* const to, std::uint32_t* const refused, const double h, const int first )
  {
    std::uint32_t any = 0;
#pragma omp simd reduction( | : any )
    for ( int l = first; l < first + WIDTH; ++l )
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

  /*
   * The statements of a block for spikes in the lanes at which some have arrived, and the spikes they send; true if
   * there are any.
   */
  template < int BLOCK >
  static BGNEST_INLINE bool
  on_receive( const Row* const constants, const Row* const from, const Row* const current, Row* const to, const std::uint64_t* const arrived, std::uint32_t* const spikes )
  {
    std::uint32_t any = 0;
#pragma omp simd reduction( | : any )
    for ( int l = 0; l < lanes; ++l )
    {
      spikes[ l ] = on_receive_lane_< BLOCK >( constants, from, current, to, l, arrived[ l ] != 0 );
      any |= spikes[ l ];
    }
    return any != 0;
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

  /*
   * One step of the numerically solved variables of one lane by the first part of solver.h. The others are known at
   * half the step (middle) and at its end (y1). hold( rate ) may change the derivatives. Not zero if the step is
   * refused: error too large, or not finite.
   */
  template < class Hold >
  static BGNEST_INLINE std::uint32_t
  runge_kutta( const typename Model::template Constants< EXPONENT >& c,
    const State& y0,
    const typename Model::Input& in,
    const State& half,
    State& y1,
    const double h,
    Hold&& hold )
  {
    std::uint32_t bad = 0;
    State k1 = y0;
    State k2 = y0;
    State k3 = y0;
    lane::FirstExponentials< Model::n_exponentials > exponentials;
    Model::rates( c, y0, Model::at( in, 0.0, h ), exponentials, k1 );
    hold( k1 );
    lane::NearbyExponentials< Model::n_exponentials > nearby{ exponentials };
    State trial = y1;
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { set_< i >( trial, get_< i >( y0 ) + h * get_< i >( k1 ) ); } );
    Model::rates( c, trial, in, nearby, k2 );
    hold( k2 );
    trial = half;
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { set_< i >( trial, get_< i >( y0 ) + 0.25 * h * ( get_< i >( k1 ) + get_< i >( k2 ) ) ); } );
    Model::rates( c, trial, Model::at( in, 0.5 * h, h ), nearby, k3 );
    hold( k3 );
    bad |= nearby.far;
    if constexpr ( Model::runner >= 0 )
    {
      // up and down again within the step, and perhaps beyond the threshold meanwhile
      const double highest = get_< Model::runner >( y0 ) + 0.5 * h * get_< Model::runner >( k1 );
      bad |= get_< Model::runner >( k2 ) < 0.0 and highest >= Model::threshold( c ) ? 1 : 0;
    }
    Model::each_numeric(
      [ & ]( const auto i ) BGNEST_INLINE_LAMBDA
      {
        const double heun = get_< i >( k1 ) + get_< i >( k2 );
        set_< i >( y1, get_< i >( y0 ) + h / 6.0 * ( heun + 4.0 * get_< i >( k3 ) ) );
        const double growth = ( get_< i >( k2 ) - get_< i >( k1 ) ) * get_< i >( k1 );
        const double tolerance = growth > 0.0 ? step_control.growing_tolerance : step_control.fixed_tolerance;
        // the negated comparison is true for NaN
        bad |= not( lane::abs( h / 3.0 * ( 2.0 * get_< i >( k3 ) - heun ) ) <= tolerance * Model::scales[ i ] ) ? 1 : 0;
      } );
    return bad;
  }

  /*
   * One step of the numerically solved variables of one lane of a program, whose spikes have a course that matters:
   * six evaluations give a result of fifth order and an estimate of the error of the fourth (Cash JR, Karp AH (1990)
   * ACM Trans Math Softw 16:201-222, DOI 10.1145/79505.79507). Of the steps of a Hodgkin-Huxley cell at 50 spikes/s, one
   * in fifteen is refused; the others miss V_m by less than 0.005 mV at the steepest.
   * The three evaluations of runge_kutta() miss it by 0.15 mV and refuse every fourth.
   *
   * The step of length h begins some time after the start of a whole one, for which the course of the other variables is
   * known; y0 has their values there.
   */
  template < class Hold >
  static BGNEST_INLINE std::uint32_t
  fifth_order( const typename Model::template Constants< EXPONENT >& c,
    const State& y0,
    const typename Model::Input& in,
    const Parabolas< Model >& course,
    State& y1,
    const double start,
    const double h,
    const double whole,
    Hold&& hold )
  {
    constexpr double accepted = 2e-3; // mV
    State k1 = y0;
    State k2 = y0;
    State k3 = y0;
    State k4 = y0;
    State k5 = y0;
    State k6 = y0;
    lane::FirstExponentials< Model::n_exponentials > exponentials;
    Model::rates( c, y0, Model::at( in, start, whole ), exponentials, k1 );
    hold( k1 );
    lane::DistantExponentials< Model::n_exponentials > nearby{ exponentials };
    State trial = y0;
    const auto stage = [ & ]( State& k, const double node ) BGNEST_INLINE_LAMBDA
    {
      course.set( trial, start + node * h );
      Model::rates( c, trial, Model::at( in, start + node * h, whole ), nearby, k );
      hold( k );
    };
    const auto each = [ & ]( auto&& sum ) BGNEST_INLINE_LAMBDA
    {
      Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { set_< i >( trial, get_< i >( y0 ) + h * sum( i ) ); } );
    };
    each( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { return 1.0 / 5 * get_< i >( k1 ); } );
    stage( k2, 1.0 / 5 );
    each( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { return 3.0 / 40 * get_< i >( k1 ) + 9.0 / 40 * get_< i >( k2 ); } );
    stage( k3, 3.0 / 10 );
    each( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { return 3.0 / 10 * get_< i >( k1 ) - 9.0 / 10 * get_< i >( k2 ) + 6.0 / 5 * get_< i >( k3 ); } );
    stage( k4, 3.0 / 5 );
    each( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA
      { return -11.0 / 54 * get_< i >( k1 ) + 5.0 / 2 * get_< i >( k2 ) - 70.0 / 27 * get_< i >( k3 ) + 35.0 / 27 * get_< i >( k4 ); } );
    stage( k5, 1.0 );
    each( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA
      {
        return 1631.0 / 55296 * get_< i >( k1 ) + 175.0 / 512 * get_< i >( k2 ) + 575.0 / 13824 * get_< i >( k3 )
          + 44275.0 / 110592 * get_< i >( k4 ) + 253.0 / 4096 * get_< i >( k5 );
      } );
    stage( k6, 7.0 / 8 );
    std::uint32_t bad = nearby.far;
    Model::each_numeric(
      [ & ]( const auto i ) BGNEST_INLINE_LAMBDA
      {
        constexpr double b1 = 37.0 / 378;
        constexpr double b3 = 250.0 / 621;
        constexpr double b4 = 125.0 / 594;
        constexpr double b6 = 512.0 / 1771;
        set_< i >( y1, get_< i >( y0 ) + h * ( b1 * get_< i >( k1 ) + b3 * get_< i >( k3 ) + b4 * get_< i >( k4 ) + b6 * get_< i >( k6 ) ) );
        const double error = ( b1 - 2825.0 / 27648 ) * get_< i >( k1 ) + ( b3 - 18575.0 / 48384 ) * get_< i >( k3 )
          + ( b4 - 13525.0 / 55296 ) * get_< i >( k4 ) - 277.0 / 14336 * get_< i >( k5 ) + ( b6 - 1.0 / 4 ) * get_< i >( k6 );
        bad |= not( lane::abs( h * error ) <= accepted * Model::scales[ i ] ) ? 1 : 0;
      } );
    return bad;
  }

private:
  template < int BLOCK >
  static BGNEST_INLINE std::uint32_t
  on_receive_lane_( const Row* const constants, const Row* const from, const Row* const current, Row* const to, const int l, const bool arrived )
  {
    const auto c = Model::template load_constants< EXPONENT >( constants, l );
    State s = Model::load_state( to, l );
    std::uint32_t spikes = 0;
    Model::template on_receive< BLOCK, EXPONENT >( c, Model::load_state( from, l ), s, Model::load_input( current, l ), arrived, spikes );
    Model::store_state( to, l, s );
    return spikes;
  }

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
      bad |= runge_kutta( c, y0, in, half, y1, h, []( State& ) BGNEST_INLINE_LAMBDA {} );
    }
    bad |= Model::event( c, y1, in ) ? 1 : 0;
    Model::store_state( to, l, y1 );
    return bad;
  }
};

/* One cell as lane_solver.h wants it. Only the numerically solved variables are integrated. */
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
  const Parabolas< Model > course;
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
    , course( start, middle_(), Model::load_state( to, l ), h )
  {
  }

  /* y: numerically solved variables, and the time since the start of the step */
  BGNEST_INLINE State
  unpack( const double* const y ) const
  {
    State s = start;
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { s.*Model::members[ i ] = y[ i ]; } );
    course.set( s, y[ n ] );
    return s;
  }

  BGNEST_INLINE void
  rhs( const double* const y, double* const f ) const
  {
    const State s = unpack( y );
    State rate = s;
    lane::Exponentials exponentials;
    Model::rates( load_(), s, Model::at( in, y[ n ], h ), exponentials, rate );
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { f[ i ] = rate.*Model::members[ i ]; } );
  }

  BGNEST_INLINE bool
  event( const double* const y ) const
  {
    return Model::event( load_(), unpack( y ), Model::at( in, y[ n ], h ) );
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

  State
  middle_() const
  {
    State middle = start;
    Model::propagate_half( load_(), start, in, middle );
    return middle;
  }
};

} // namespace bgnest

#endif
