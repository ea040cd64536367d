/*
 * lane_solver.h - a step of one cell done again, with as many sub-steps as it needs
 *
 * Takes the place of adaptive_step() of solver.h for the lanes whose fast step is refused. It means the
 * same, but takes five times fewer evaluations when a spike goes off. In the upstroke of an exponential cell V_m runs to infinity in finite time, and a solver
 * that steps in time has to shrink its steps without end. Here the independent variable is s with
 *
 *   dt/ds = 1 / sqrt( 1 + sum_i ( f_i / speed )^2 ),     f_i derivatives of the numeric variables, 1/ms
 *
 * which is the way that V_m has come when it is fast. In s nothing is singular. Time becomes one more
 * variable of the state. Steps are in time, as usual, until one of them has to be made much shorter.
 *
 * Method: Dormand-Prince 5(4) with step-size control; the spike condition is located by bisection of the
 * cubic Hermite interpolant, after which the last sub-step is repeated so that it ends just behind it.
 *
 * A system is a class with
 *
 *   static constexpr int n;                        // number of variables
 *   void rhs( const double* y, double* f ) const;  // all n derivatives, 1/ms; y[ n ] is the time, ms
 *   bool event( const double* y ) const;           // the spike condition(s)
 *   void on_event( double* y );                    // body of the condition(s): resets y
 *
 * References
 *   Dormand JR, Prince PJ (1980) J Comput Appl Math 6:19-26, DOI 10.1016/0771-050X(80)90013-3
 *   Hairer E, Lubich C, Wanner G (2006) Geometric numerical integration. Springer. Section VIII.2
 *     (time transformation)
 */
#ifndef BGNEST_LANE_SOLVER_H
#define BGNEST_LANE_SOLVER_H

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "lane_math.h"

namespace bgnest
{

struct SubstepControl
{
  // V_m faster than this many mV/ms may be followed along its way instead of in time
  double speed = 20.0;
  // accepted local error of a sub-step in mV or pA, and of the time along the way in ms
  double tolerance = 1e-3;
  double time_tolerance = 1e-5;
  // width to which the moment of a crossing is located, ms
  double event_tolerance = 1e-6;
  // a sub-step that goes further beyond a crossing than this is repeated, ms
  double overshoot = 1e-4;
  double min_substep = 1e-9;
  int max_events = 16;
  int max_trials = 10000;
};

template < class System >
class LaneSolver
{
public:
  static constexpr int N = System::n; // entry N of a state is the time since the start of the step

  LaneSolver( System& system, const double h, const SubstepControl& control = {} )
    : system_( system )
    , control_( control )
    , h_( h )
  {
  }

  /* y: in, state at the start of the step; out, state h ms later. False if that cannot be computed. */
  bool
  step( double* const y )
  {
    std::copy( y, y + N, y_ );
    y_[ N ] = 0.0;
    if ( system_.event( y_ ) )
    {
      fire_();
    }
    slope_( y_, k_[ 0 ] );
    double ds = h_;
    int approaches = 0;
    for ( int trial = 0; y_[ N ] < h_; ++trial )
    {
      const double left = h_ - y_[ N ];
      const bool last = not along_way_ and ds >= left * ( 1.0 - 1e-9 );
      ds = last ? left : ds;
      const double error = try_( ds );
      if ( trial > control_.max_trials or ( not( error <= 1.0 ) and ds <= control_.min_substep ) )
      {
        return false;
      }
      if ( not( error <= 1.0 ) )
      {
        ds *= std::isfinite( error ) ? factor_( error ) : 0.1;
        if ( not along_way_ and ds < 0.2 * left and way_( k_[ 0 ] ) > 2.0 )
        {
          ds = follow_way_( ds );
        }
        continue;
      }
      const bool over = along_way_ and y_new_[ N ] >= h_;
      if ( over or ( event_open_ and system_.event( y_new_ ) ) )
      {
        const double width = y_new_[ N ] - y_[ N ];
        const double part = locate_( ds, width );
        if ( ( 1.0 - part ) * width > control_.overshoot and approaches < 4 )
        {
          // the right-hand side may have a kink at the crossing, which the interpolant does not know
          ++approaches;
          ds *= part + 0.5 * control_.overshoot / width;
          continue;
        }
        approaches = 0;
        std::copy( at_, at_ + N + 1, y_ );
        if ( event_open_ and system_.event( y_ ) )
        {
          fire_();
        }
        along_way_ = false;
        slope_( y_, k_[ 0 ] );
        ds = h_ - y_[ N ];
        continue;
      }
      std::copy( y_new_, y_new_ + N + 1, y_ );
      std::copy( k_[ 6 ], k_[ 6 ] + N + 1, k_[ 0 ] );
      y_[ N ] = last ? h_ : y_[ N ];
      ds *= factor_( error );
    }
    std::copy( y_, y_ + N, y );
    return std::all_of( y, y + N, []( const double v ) { return std::isfinite( v ); } );
  }

private:
  void
  fire_()
  {
    system_.on_event( y_ );
    ++events_;
    event_open_ = events_ < control_.max_events and not system_.event( y_ );
  }

  static double
  factor_( const double error )
  {
    // error^-0.2 to 3 percent, from the binary representation; a step size needs no more
    const auto bits = std::bit_cast< std::uint64_t >( error + 1e-10 );
    const double root = std::bit_cast< double >( 0x4cb8a7ef9db22b75 - bits / 5 );
    return std::clamp( 0.9 * root, 0.1, 5.0 );
  }

  /* Square of the speed by which the way counts, 1 and more. */
  double
  way_( const double* const f ) const
  {
    double way = 1.0;
    for ( int i = 0; i < N; ++i )
    {
      const double fast = f[ i ] * ( 1.0 / control_.speed );
      way += fast * fast;
    }
    return way;
  }

  /* Derivatives by time, or by s. */
  void
  slope_( const double* const y, double* const f ) const
  {
    system_.rhs( y, f );
    f[ N ] = 1.0;
    if ( along_way_ )
    {
      scale_( f, 1.0 / std::sqrt( way_( f ) ) );
    }
  }

  static void
  scale_( double* const f, const double factor )
  {
    for ( int i = 0; i <= N; ++i )
    {
      f[ i ] *= factor;
    }
  }

  /* From steps in time to steps along the way; ds is converted. */
  double
  follow_way_( const double ds )
  {
    const double pace = 1.0 / std::sqrt( way_( k_[ 0 ] ) );
    scale_( k_[ 0 ], pace );
    along_way_ = true;
    return ds / pace;
  }

  /* One step of length ds from y_; fills y_new_ and k_[ 6 ], returns the error, 1 being just acceptable. */
  double
  try_( const double ds )
  {
    stage_< 1 >( ds, { 1.0 / 5 } );
    stage_< 2 >( ds, { 3.0 / 40, 9.0 / 40 } );
    stage_< 3 >( ds, { 44.0 / 45, -56.0 / 15, 32.0 / 9 } );
    stage_< 4 >( ds, { 19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729 } );
    stage_< 5 >( ds, { 9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656 } );
    stage_< 6 >( ds, { 35.0 / 384, 0.0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84 } );

    double error = 0.0;
    for ( int i = 0; i <= N; ++i )
    {
      const double difference = 71.0 / 57600 * k_[ 0 ][ i ] - 71.0 / 16695 * k_[ 2 ][ i ] + 71.0 / 1920 * k_[ 3 ][ i ]
        - 17253.0 / 339200 * k_[ 4 ][ i ] + 22.0 / 525 * k_[ 5 ][ i ] - 1.0 / 40 * k_[ 6 ][ i ];
      const double scale = i < N ? control_.tolerance : control_.time_tolerance;
      const double scaled = std::abs( ds * difference ) / scale;
      error = not( scaled <= error ) ? scaled : error; // this form of the comparison keeps a NaN
    }
    return error;
  }

  template < int STAGE >
  BGNEST_INLINE void
  stage_( const double ds, const double ( &a )[ STAGE ] )
  {
    double sum[ width ] = {};
    for ( int j = 0; j < STAGE; ++j )
    {
      for ( int i = 0; i < width; ++i )
      {
        sum[ i ] += a[ j ] * k_[ j ][ i ];
      }
    }
    for ( int i = 0; i < width; ++i )
    {
      y_new_[ i ] = y_[ i ] + ds * sum[ i ];
    }
    slope_( y_new_, k_[ STAGE ] );
  }

  /* Fraction of the last sub-step after which a crossing has just happened; at_ is the state there. */
  double
  locate_( const double ds, const double width )
  {
    double low = 0.0;
    double high = 1.0;
    double middle[ N + 1 ];
    std::copy( y_new_, y_new_ + N + 1, at_ );
    while ( ( high - low ) * width > 0.5 * control_.event_tolerance )
    {
      const double s = 0.5 * ( low + high );
      const double r = 1.0 - s;
      for ( int i = 0; i <= N; ++i )
      {
        middle[ i ] = r * r * ( 1.0 + 2.0 * s ) * y_[ i ] + s * s * ( 1.0 + 2.0 * r ) * y_new_[ i ]
          + ds * s * r * ( r * k_[ 0 ][ i ] - s * k_[ 6 ][ i ] );
      }
      if ( middle[ N ] >= h_ or ( event_open_ and system_.event( middle ) ) )
      {
        high = s;
        std::copy( middle, middle + N + 1, at_ );
      }
      else
      {
        low = s;
      }
    }
    return high;
  }

  System& system_;
  const SubstepControl control_;
  const double h_;
  int events_ = 0;
  bool along_way_ = false;
  bool event_open_ = true; // false once an event no longer ends its own condition
  // padded, so that the sums over stages are vector instructions
  static constexpr int width = ( N + 1 + 3 ) / 4 * 4;
  alignas( 32 ) double y_[ width ] = {};
  alignas( 32 ) double y_new_[ width ] = {};
  alignas( 32 ) double k_[ 7 ][ width ] = {};
  double at_[ N + 1 ];
};

} // namespace bgnest

#endif
