/*
 * solver.h - integration of one neuron over one step of the simulation
 *
 * Used by every fixed-step target of the code generator. Header only, no state, no allocation: safe in
 * threads.
 *
 * The state vector y has n entries. Some ("numeric", e.g. V_m and u) have no closed solution; the others
 * ("analytic", receptor conductances) do, and the caller knows their exact values at the end of the step.
 * A system is a class with
 *
 *   static constexpr int n;                        // length of the state vector
 *   static constexpr std::array< bool, n > numeric;  // which entries have no closed solution
 *   void rhs( const double* y, double* f ) const;  // all n derivatives, 1/ms
 *   bool event( const double* y ) const;           // the spike condition(s)
 *   void on_event( double* y );                    // body of the condition(s): resets y, sends the spike
 *
 * A step goes in two parts:
 *
 *   1. fixed_step(): three evaluations of rhs give a third-order result and, from the first two alone,
 *      Heun's second-order result. Their difference estimates the error. This part has no branch; a
 *      version for lanes of cells does the same arithmetic.
 *   2. If the estimate exceeds the tolerance, a value is not finite or event() holds at the end, the
 *      result is thrown away and adaptive_step() does the step again from its start: Dormand-Prince
 *      5(4) with step-size control on the whole state. When event() becomes true inside a sub-step, the
 *      crossing is located, on_event() runs there, and the rest of the step starts from the reset state.
 *
 * Why not Heun alone: a striatal projection neuron relaxes in C_m / (V_th - E_L) = 0.3 ms at rest, and
 * Heun at 0.1 ms misses V_m by up to 0.02 mV after an input (0.16 mV in cells with a small C_m), the
 * third-order result by 0.002 mV.
 *
 * After either part the caller overwrites the analytic entries by their exact values.
 *
 * References
 *   Shu C-W, Osher S (1988) J Comput Phys 77:439-471, DOI 10.1016/0021-9991(88)90177-5 (fixed step)
 *   Dormand JR, Prince PJ (1980) J Comput Appl Math 6:19-26, DOI 10.1016/0771-050X(80)90013-3
 */
#ifndef BGNEST_SOLVER_H
#define BGNEST_SOLVER_H

#include <algorithm>
#include <array>
#include <cmath>

namespace bgnest
{

/* Numbers that govern a step; state in mV, pA and nS, time in ms. */
struct StepControl
{
  // Accepted error of one fixed step: |third order - Heun| of each numeric variable, the better of the two
  // is kept. Where the variable slows down an error decays, where it speeds up (before a spike) it grows;
  // hence the second, stricter number for steps in which its slope keeps its sign and increases.
  double fixed_tolerance = 2e-2;
  double growing_tolerance = 2e-3;
  // accepted local error of one adaptive sub-step: absolute + relative * |y|
  double absolute_tolerance = 2e-4;
  double relative_tolerance = 2e-6;
  // width to which the moment of an event is located
  double event_tolerance = 1e-6;
  // a sub-step is never shorter than this; at this length it is taken as it is
  double min_substep = 1e-7;
  // an event that would fire more often than this in one step is left to the next step
  int max_events = 16;
};

inline constexpr StepControl step_control{};

/* Integer power, for exponents that are integer parameters of a model. */
inline double
integer_power( double base, long exponent )
{
  if ( exponent < 0 )
  {
    return 1.0 / integer_power( base, -exponent );
  }
  double result = 1.0;
  while ( exponent )
  {
    if ( exponent & 1 )
    {
      result *= base;
    }
    base *= base;
    exponent >>= 1;
  }
  return result;
}

/*
 * Part 1. y0: state at the start. y1: in, exact end values of the analytic entries; out, the whole state
 * at the end of the step. The analytic entries at half the step come from the cubic through both ends,
 * which is exact to h^4 for any smooth decay. Returns true when the result may be kept; event() has not
 * been asked yet.
 */
template < class System >
inline bool
fixed_step( const System& system, const double* y0, double* y1, const double h, const StepControl& control = step_control )
{
  constexpr int N = System::n;
  double k1[ N ];
  double k2[ N ];
  double k3[ N ];
  double y[ N ];

  system.rhs( y0, k1 );
  for ( int i = 0; i < N; ++i )
  {
    y[ i ] = System::numeric[ i ] ? y0[ i ] + h * k1[ i ] : y1[ i ];
  }
  system.rhs( y, k2 );
  for ( int i = 0; i < N; ++i )
  {
    y[ i ] = System::numeric[ i ] ? y0[ i ] + 0.25 * h * ( k1[ i ] + k2[ i ] )
                                  : 0.5 * ( y0[ i ] + y1[ i ] ) + 0.125 * h * ( k1[ i ] - k2[ i ] );
  }
  system.rhs( y, k3 );

  bool keep = true;
  for ( int i = 0; i < N; ++i )
  {
    if ( System::numeric[ i ] )
    {
      const double heun = k1[ i ] + k2[ i ];
      y1[ i ] = y0[ i ] + h / 6.0 * ( heun + 4.0 * k3[ i ] );
      const bool growing = ( k2[ i ] - k1[ i ] ) * k1[ i ] > 0.0;
      const double tolerance = growing ? control.growing_tolerance : control.fixed_tolerance;
      // a comparison with NaN is false, so this also refuses what is not finite
      keep = keep and std::abs( h / 3.0 * ( 2.0 * k3[ i ] - heun ) ) <= tolerance;
    }
  }
  return keep;
}

namespace detail
{

/* One Dormand-Prince step of length h from y with slope k[ 0 ]; fills y_new and k[ 6 ], its slope there.
   Returns the scaled error, 1 being just acceptable; NaN or infinity when the result is not finite. */
template < class System >
inline double
dormand_prince( const System& system,
  const double* y,
  double ( &k )[ 7 ][ System::n ],
  const double h,
  double* y_new,
  const StepControl& control )
{
  constexpr int N = System::n;
  constexpr double a[ 6 ][ 6 ] = {
    { 1.0 / 5 },
    { 3.0 / 40, 9.0 / 40 },
    { 44.0 / 45, -56.0 / 15, 32.0 / 9 },
    { 19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729 },
    { 9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656 },
    { 35.0 / 384, 0.0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84 },
  };
  constexpr double e[ 7 ] = { 71.0 / 57600, 0.0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40 };

  for ( int stage = 0; stage < 6; ++stage )
  {
    for ( int i = 0; i < N; ++i )
    {
      double slope = 0.0;
      for ( int j = 0; j <= stage; ++j )
      {
        slope += a[ stage ][ j ] * k[ j ][ i ];
      }
      y_new[ i ] = y[ i ] + h * slope;
    }
    system.rhs( y_new, k[ stage + 1 ] );
  }

  double error = 0.0;
  for ( int i = 0; i < N; ++i )
  {
    double difference = 0.0;
    for ( int j = 0; j < 7; ++j )
    {
      difference += e[ j ] * k[ j ][ i ];
    }
    const double scale = control.absolute_tolerance
      + control.relative_tolerance * std::max( std::abs( y[ i ] ), std::abs( y_new[ i ] ) );
    const double scaled = std::abs( h * difference ) / scale;
    error = scaled > error or std::isnan( scaled ) ? scaled : error; // keeps a NaN
  }
  return error;
}

/* Cubic through ( y0, slope f0 ) and ( y1, slope f1 ) of an interval h, at the fraction s of it. */
template < int N >
inline void
interpolate( const double* y0, const double* f0, const double* y1, const double* f1, const double h, const double s, double* y )
{
  const double r = 1.0 - s;
  for ( int i = 0; i < N; ++i )
  {
    y[ i ] = r * r * ( 1.0 + 2.0 * s ) * y0[ i ] + s * s * ( 1.0 + 2.0 * r ) * y1[ i ]
      + h * s * r * ( r * f0[ i ] - s * f1[ i ] );
  }
}

} // namespace detail

/*
 * Part 2. y: in, state at the start of the step; out, state after h ms. Returns the number of events, or
 * -1 when the state stopped being finite.
 */
template < class System >
int
adaptive_step( System& system, double* y, const double h, const StepControl& control = step_control )
{
  constexpr int N = System::n;
  constexpr int max_trials = 100000; // far beyond any real step; bounds the time a broken model can take
  double k[ 7 ][ N ];
  double y_new[ N ];

  int events = 0;
  bool event_open = true; // false once an event no longer ends its own condition
  const auto fire = [ & ]()
  {
    system.on_event( y );
    ++events;
    event_open = events < control.max_events and not system.event( y );
  };

  if ( system.event( y ) )
  {
    fire();
  }
  system.rhs( y, k[ 0 ] );

  double t = 0.0;
  double substep = 0.5 * h;
  int approaches = 0; // how often the present crossing has been approached
  for ( int trial = 0; trial < max_trials; ++trial )
  {
    if ( t >= h * ( 1.0 - 1e-12 ) )
    {
      return events;
    }
    substep = std::min( substep, h - t );

    const double error = detail::dormand_prince( system, y, k, substep, y_new, control );
    const bool good = error <= 1.0;
    const double factor =
      std::isfinite( error ) ? std::clamp( 0.9 * std::pow( error + 1e-10, -0.2 ), 0.1, 5.0 ) : 0.1;
    if ( not good )
    {
      if ( substep > control.min_substep )
      {
        substep = std::max( factor * substep, control.min_substep );
        continue;
      }
      // An upstroke faster than the shortest sub-step: follow the tangent. It crosses the condition
      // within a few of these, much closer than the time needs to be resolved.
      for ( int i = 0; i < N; ++i )
      {
        y_new[ i ] = y[ i ] + substep * k[ 0 ][ i ];
        if ( not std::isfinite( y_new[ i ] ) )
        {
          return -1;
        }
      }
      std::copy( k[ 0 ], k[ 0 ] + N, k[ 6 ] );
    }

    if ( event_open and system.event( y_new ) )
    {
      double low = 0.0;
      double high = 1.0;
      double at_high[ N ];
      double at_middle[ N ];
      std::copy( y_new, y_new + N, at_high );
      while ( ( high - low ) * substep > control.event_tolerance )
      {
        const double middle = 0.5 * ( low + high );
        detail::interpolate< N >( y, k[ 0 ], y_new, k[ 6 ], substep, middle, at_middle );
        if ( system.event( at_middle ) )
        {
          high = middle;
          std::copy( at_middle, at_middle + N, at_high );
        }
        else
        {
          low = middle;
        }
      }
      // The right-hand side may have a kink at the crossing, which the interpolant does not follow: step
      // again so that the crossing is near the end of the sub-step.
      if ( good and ( 1.0 - high ) * substep > control.event_tolerance and approaches < 4 )
      {
        ++approaches;
        substep *= high;
        continue;
      }
      approaches = 0;
      t += high * substep;
      std::copy( at_high, at_high + N, y );
      fire();
      if ( events >= control.max_events )
      {
        return events; // the cell has done what it can: the rest of the step is left out
      }
      system.rhs( y, k[ 0 ] );
      substep = 0.1 * h;
      continue;
    }

    t += substep;
    std::copy( y_new, y_new + N, y );
    if ( good )
    {
      std::copy( k[ 6 ], k[ 6 ] + N, k[ 0 ] );
      substep = std::max( factor * substep, control.min_substep );
    }
    else
    {
      system.rhs( y, k[ 0 ] );
    }
  }
  return -1;
}

/*
 * The whole step. exact: end values of the analytic entries, the numeric entries of it are not read.
 * Returns the number of events, or -1 when the state stopped being finite; y is then left as it was.
 */
template < class System >
inline int
step( System& system, double* y, const double* exact, const double h, const StepControl& control = step_control )
{
  constexpr int N = System::n;
  double end[ N ];
  std::copy( exact, exact + N, end );

  int events = 0;
  if ( not fixed_step( system, y, end, h, control ) or system.event( end ) )
  {
    std::copy( y, y + N, end );
    events = adaptive_step( system, end, h, control );
    if ( events < 0 )
    {
      return events;
    }
    for ( int i = 0; i < N; ++i )
    {
      end[ i ] = System::numeric[ i ] ? end[ i ] : exact[ i ];
    }
  }
  std::copy( end, end + N, y );
  return events;
}

} // namespace bgnest

#endif
