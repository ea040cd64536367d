/*
 * lane_solver.h - a step of one cell done again, with as many sub-steps as it needs
 *
 * Takes the place of adaptive_step() of solver.h for the lanes whose fast step is refused, and means the same.
 * In the upstroke of an exponential cell V_m runs to infinity in finite time, and a solver that steps in time has
 * to shrink its steps without end. There, V_m becomes the independent variable and time one of the unknowns,
 *
 *   dt/dV = 1 / f_V,     dx/dV = f_x / f_V,     f derivatives by time,
 *
 * in which nothing is singular. The last of these steps ends where V_m reaches its peak, to the last digit: no
 * crossing has to be searched, the kink that an equation may have there is never stepped over, and as V_m of every
 * stage is known beforehand, the exponentials of all stages are computed side by side.
 *
 * Method: Dormand-Prince 5(4) with step-size control. Where the spike condition is of another kind than "variable
 * >= constant" (or >), or V_m reaches it slowly, the crossing is located by bisection of the cubic Hermite interpolant,
 * after which the last sub-step is repeated so that it ends just behind it.
 *
 * A system is a class with
 *
 *   static constexpr int n;                        // number of variables
 *   static constexpr int runner;                   // the variable whose threshold is the spike condition, or -1
 *   void rhs( const double* y, double* f ) const;  // all n derivatives, 1/ms; y[ n ] is the time, ms
 *   bool event( const double* y ) const;           // the spike condition(s)
 *   double threshold() const;                      // if there is a runner: event() is y[ runner ] >= threshold(), or >
 *   bool due() const;                              // whether the fast step has ended beyond it
 *   void on_event( double* y );                    // body of the condition(s): resets y
 *
 * References
 *   Dormand JR, Prince PJ (1980) J Comput Appl Math 6:19-26, DOI 10.1016/0771-050X(80)90013-3
 *   Henon M (1982) Physica D 5:412-414, DOI 10.1016/0167-2789(82)90034-3 (a variable in the place of time)
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
  // where V_m is faster than this many mV/ms it may take the place of time
  double speed = 10.0;
  // the first trial along V_m is the way that V_m goes in this part of the step at its present speed
  double first = 0.7;
  // accepted local error of a sub-step in mV or pA, and of the time in ms where V_m has taken its place
  double tolerance = 1e-3;
  double time_tolerance = 1e-5;
  // width to which the moment of a crossing is located, ms
  double event_tolerance = 1e-6;
  // a sub-step that goes further beyond a crossing than this is repeated, ms
  double overshoot = 1e-4;
  double min_substep = 1e-9;
  // with so many events in a step the cell has done what it can: the rest of the step is left out
  int max_events = 16;
  int max_trials = 10000;
};

/* By what a sub-step becomes longer or shorter after one with an error, 1 being just acceptable. */
inline double
substep_factor( const double error )
{
  // error^-0.2 to 3 percent, from the binary representation; a step size needs no more
  const auto bits = std::bit_cast< std::uint64_t >( error + 1e-10 );
  const double root = std::bit_cast< double >( 0x4cb8a7ef9db22b75 - bits / 5 );
  return std::clamp( 0.9 * root, 0.1, 5.0 );
}

template < class System >
class LaneSolver
{
public:
  static constexpr int N = System::n; // entry N of a state is the time since the start of the step
  static constexpr int R = System::runner;

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
    slope_< false >( y_, k_first_ );
    double ds = h_;
    if constexpr ( requires { System::first_part; } )
    {
      ds *= System::first_part; // first sub-step as a part of the step
    }
    if constexpr ( R >= 0 )
    {
      if ( may_follow_ and system_.due() and fast_() )
      {
        ds *= control_.first * follow_();
      }
    }
    int approaches = 0;
    int refused = 0; // trials in succession
    for ( int trial = 0; y_[ N ] < h_ and events_ < control_.max_events; ++trial )
    {
      double left = h_ - y_[ N ];
      if constexpr ( R >= 0 )
      {
        left = along_ ? system_.threshold() - y_[ R ] : left;
      }
      const bool last = ds >= left * ( 1.0 - 1e-9 );
      ds = last ? left : ds;
      double error = along_ ? try_< true >( ds ) : try_< false >( ds );
      if ( trial > control_.max_trials )
      {
        return false;
      }
      if ( not( error <= 1.0 ) and ds <= control_.min_substep )
      {
        if ( not tangent_( ds ) )
        {
          return false;
        }
        error = 1.0;
      }
      if ( not( error <= 1.0 ) )
      {
        ++refused;
        ds *= std::isfinite( error ) ? substep_factor( error ) : 0.1;
        if constexpr ( R >= 0 )
        {
          if ( along_ and refused > 2 )
          {
            ds = 0.1 * leave_(); // V_m turns round on its way
          }
          else if ( not along_ and ds < 0.2 * left and may_follow_ and fast_() )
          {
            ds *= follow_();
          }
        }
        continue;
      }
      refused = 0;
      if ( along_ and y_new_[ N ] >= h_ )
      {
        ds = leave_(); // the peak is not reached in this step
        continue;
      }
      if ( along_ and last )
      {
        std::copy( y_new_, y_new_ + N + 1, y_ );
        if constexpr ( R >= 0 )
        {
          // the next number above it if the condition is ">"
          y_[ R ] = system_.threshold();
          y_[ R ] = system_.event( y_ ) ? y_[ R ] : std::nextafter( y_[ R ], HUGE_VAL );
        }
        ds = fire_and_restart_();
        continue;
      }
      if ( event_open_ and system_.event( y_new_ ) )
      {
        if constexpr ( R >= 0 )
        {
          if ( may_follow_ and fast_() )
          {
            ds *= follow_();
            continue;
          }
        }
        const double part = locate_( ds );
        if ( ( 1.0 - part ) * ds > control_.overshoot and approaches < 4 )
        {
          // the right-hand side may have a kink at the crossing, which the interpolant does not know
          ++approaches;
          ds = part * ds + 0.5 * control_.overshoot;
          continue;
        }
        approaches = 0;
        std::copy( at_, at_ + N + 1, y_ );
        ds = fire_and_restart_();
        continue;
      }
      if constexpr ( R >= 0 )
      {
        const double summit = event_open_ and not along_ ? summit_( ds ) : 1.0;
        if ( summit < 0.99 )
        {
          ds *= summit; // V_m crosses its threshold and comes back within the sub-step: end where it is highest
          continue;
        }
      }
      std::copy( y_new_, y_new_ + N + 1, y_ );
      std::copy( k_last_, k_last_ + N + 1, k_first_ );
      may_follow_ = event_open_;
      ds *= substep_factor( error );
      if ( not along_ )
      {
        y_[ N ] = last ? h_ : y_[ N ];
      }
      else if ( k_first_[ N ] * control_.speed > 1.0 )
      {
        ds = leave_(); // V_m has become slow
      }
    }
    std::copy( y_, y_ + N, y );
    const auto finite = []( const double v ) { return std::isfinite( v ); };
    // events without end may also come from a slope that is infinite
    return std::all_of( y, y + N, finite ) and ( events_ < control_.max_events or std::all_of( k_first_, k_first_ + N, finite ) );
  }

private:
  void
  fire_()
  {
    system_.on_event( y_ );
    ++events_;
    event_open_ = events_ < control_.max_events and not system_.event( y_ );
    may_follow_ = event_open_;
  }

  /* The event at y_; returns the length of the next sub-step. */
  double
  fire_and_restart_()
  {
    fire_();
    along_ = false;
    slope_< false >( y_, k_first_ );
    return h_ - y_[ N ];
  }

  /* What an error of a variable is measured by. */
  static constexpr double
  scale_( [[maybe_unused]] const int i )
  {
    if constexpr ( requires { System::scales; } )
    {
      return System::scales[ i ];
    }
    return 1.0;
  }

  /* Whether the runner is fast enough to take the place of time (k_first_ by time). */
  bool
  fast_() const
  {
    return k_first_[ R ] > control_.speed;
  }

  /* From steps in time to steps in the runner; returns the factor for the length of a step. */
  double
  follow_()
  {
    const double speed = k_first_[ R ];
    scale_( k_first_, 1.0 / speed );
    k_first_[ R ] = 1.0;
    along_ = true;
    return speed;
  }

  /* Back to steps in time, for now; returns what is left of the step. */
  double
  leave_()
  {
    scale_( k_first_, 1.0 / k_first_[ N ] );
    k_first_[ N ] = 1.0;
    along_ = false;
    may_follow_ = false;
    return h_ - y_[ N ];
  }

  static BGNEST_INLINE void
  scale_( double* const f, const double factor )
  {
    for ( int i = 0; i <= N; ++i )
    {
      f[ i ] *= factor;
    }
  }

  /* Derivatives by time, or by the runner. */
  template < bool ALONG >
  BGNEST_INLINE void
  slope_( const double* const y, double* const f ) const
  {
    system_.rhs( y, f );
    f[ N ] = 1.0;
    if constexpr ( ALONG )
    {
      scale_( f, 1.0 / f[ R ] );
      f[ R ] = 1.0;
    }
  }

  /* One step of length ds from y_; fills y_new_ and k_last_, returns the error, 1 being just acceptable. */
  template < bool ALONG >
  __attribute__( ( noinline ) ) double
  try_( const double ds )
  {
    // local, so that all of it can stay in registers
    double k[ 7 ][ N + 1 ];
    double y[ N + 1 ];
    double from[ N + 1 ];
    for ( int i = 0; i <= N; ++i )
    {
      from[ i ] = y_[ i ];
      k[ 0 ][ i ] = k_first_[ i ];
    }
    stage_< ALONG, 1 >( from, k, y, ds, 1.0 / 5, { 1.0 / 5 } );
    stage_< ALONG, 2 >( from, k, y, ds, 3.0 / 10, { 3.0 / 40, 9.0 / 40 } );
    stage_< ALONG, 3 >( from, k, y, ds, 4.0 / 5, { 44.0 / 45, -56.0 / 15, 32.0 / 9 } );
    stage_< ALONG, 4 >(
      from, k, y, ds, 8.0 / 9, { 19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729 } );
    stage_< ALONG, 5 >(
      from, k, y, ds, 1.0, { 9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656 } );
    stage_< ALONG, 6 >(
      from, k, y, ds, 1.0, { 35.0 / 384, 0.0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84 } );

    double error = 0.0;
    for ( int i = 0; i <= N; ++i )
    {
      y_new_[ i ] = y[ i ];
      k_last_[ i ] = k[ 6 ][ i ];
      if ( i == independent< ALONG > )
      {
        continue;
      }
      const double difference = 71.0 / 57600 * k[ 0 ][ i ] - 71.0 / 16695 * k[ 2 ][ i ] + 71.0 / 1920 * k[ 3 ][ i ]
        - 17253.0 / 339200 * k[ 4 ][ i ] + 22.0 / 525 * k[ 5 ][ i ] - 1.0 / 40 * k[ 6 ][ i ];
      const double per_tolerance = 1.0 / ( i < N ? control_.tolerance * scale_( i ) : control_.time_tolerance );
      const double scaled = std::abs( ds * difference ) * per_tolerance;
      error = not( scaled <= error ) ? scaled : error; // this form of the comparison keeps a NaN
    }
    return error;
  }

  // index of the variable that a sub-step goes along
  template < bool ALONG >
  static constexpr int independent = ALONG ? R : N;

  template < bool ALONG, int STAGE >
  BGNEST_INLINE void
  stage_( const double* const from,
    double ( &k )[ 7 ][ N + 1 ],
    double* const y,
    const double ds,
    const double node,
    const double ( &a )[ STAGE ] ) const
  {
    for ( int i = 0; i <= N; ++i )
    {
      double sum = a[ 0 ] * k[ 0 ][ i ];
      for ( int j = 1; j < STAGE; ++j )
      {
        sum += a[ j ] * k[ j ][ i ];
      }
      y[ i ] = from[ i ] + ds * ( i == independent< ALONG > ? node : sum );
    }
    slope_< ALONG >( y, k[ STAGE ] );
  }

  /* A sub-step that cannot be made shorter: straight on, the state being finite. It crosses a condition within few. */
  bool
  tangent_( const double ds )
  {
    bool finite = true;
    for ( int i = 0; i <= N; ++i )
    {
      y_new_[ i ] = y_[ i ] + ds * k_first_[ i ];
      k_last_[ i ] = k_first_[ i ];
      finite = finite and std::isfinite( y_new_[ i ] );
    }
    return finite;
  }

  /* Fraction of the last sub-step after which the runner is highest, if it is beyond its threshold there; else 1. */
  double
  summit_( const double ds ) const
  {
    const double begin = ds * k_first_[ R ];
    const double end = ds * k_last_[ R ];
    if ( not( begin > 0.0 and end < 0.0 ) )
    {
      return 1.0;
    }
    const double way = y_new_[ R ] - y_[ R ];
    const auto slope = [ & ]( const double s ) { return begin + s * ( 2.0 * ( 3.0 * way - 2.0 * begin - end ) + s * 3.0 * ( begin + end - 2.0 * way ) ); };
    double low = 0.0;
    double high = 1.0;
    for ( int i = 0; i < 20; ++i )
    {
      const double s = 0.5 * ( low + high );
      ( slope( s ) > 0.0 ? low : high ) = s;
    }
    const double r = 1.0 - low;
    const double highest = y_[ R ] + way * low * low * ( 1.0 + 2.0 * r ) + low * r * ( r * begin - low * end );
    return highest >= system_.threshold() ? low : 1.0;
  }

  /* Fraction of the last sub-step after which a crossing has just happened; at_ is the state there. */
  double
  locate_( const double ds )
  {
    double low = 0.0;
    double high = 1.0;
    double middle[ N + 1 ];
    std::copy( y_new_, y_new_ + N + 1, at_ );
    while ( ( high - low ) * ds > 0.5 * control_.event_tolerance )
    {
      const double s = 0.5 * ( low + high );
      const double r = 1.0 - s;
      for ( int i = 0; i <= N; ++i )
      {
        middle[ i ] = r * r * ( 1.0 + 2.0 * s ) * y_[ i ] + s * s * ( 1.0 + 2.0 * r ) * y_new_[ i ]
          + ds * s * r * ( r * k_first_[ i ] - s * k_last_[ i ] );
      }
      if ( system_.event( middle ) )
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
  bool along_ = false;      // the runner has taken the place of time
  bool may_follow_ = true;  // false where that has just been given up
  bool event_open_ = true;  // false once an event no longer ends its own condition
  double y_[ N + 1 ];
  double y_new_[ N + 1 ];
  double k_first_[ N + 1 ]; // slope at the start of a sub-step
  double k_last_[ N + 1 ];  // ... and at its end
  double at_[ N + 1 ];
};

} // namespace bgnest

#endif
