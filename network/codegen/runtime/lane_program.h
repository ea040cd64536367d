/*
 * lane_program.h - a step of a model whose update block is a program: statements around calls of integrate_odes()
 *
 * The code generator writes the program once, for one lane and without a branch (vectorised/branches.py). Here it is
 * executed by all lanes at once, with the fast step of lane_step.h for what integrate_odes() moves, and again by a
 * lane whose fast step is refused, with the solver of lane_solver.h. As in NESTML's own code the onCondition blocks are
 * tested once, at the end of the step: a spike has no moment inside it.
 */
#ifndef BGNEST_LANE_PROGRAM_H
#define BGNEST_LANE_PROGRAM_H

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "lane_math.h"
#include "lane_row.h"
#include "lane_solver.h"
#include "lane_step.h"

namespace bgnest
{

/*
 * Sub-steps of programs: their models have spikes whose course is compared, with gating variables that shape it.
 */
inline constexpr SubstepControl program_control{ .tolerance = 2e-4 };

/*
 * A step that is refused is done again in two parts, then in four, by all lanes at once; what is then still refused, as in
 * an explosive upstroke, is left to the solver.
 */
inline constexpr int largest_number_of_parts = 4;

/* integrate_odes() of a lane among others: one fast step, or several calls of it one after the other. */
template < class Model, int EXPONENT >
struct FastCalls
{
  using State = typename Model::State;

  const typename Model::template Constants< EXPONENT >& c;
  const typename Model::Input& in;
  const double h;
  std::uint32_t refused = 0;

  BGNEST_INLINE void
  integrate( State& s, const typename Model::Active& active )
  {
    State end = s;
    Model::propagate( c, s, in, end );
    Model::hold_exact( active, s, end );
    if constexpr ( Model::n_numeric > 0 )
    {
      State middle = s;
      Model::propagate_half( c, s, in, middle );
      Model::hold_exact( active, s, middle );
      const auto hold = [ & ]( State& rate ) BGNEST_INLINE_LAMBDA { Model::hold_rates( active, rate ); };
      const Parabolas< Model > course( s, middle, end, h );
      refused |= LaneStep< Model, EXPONENT >::fifth_order( c, s, in, course, end, 0.0, h, h, hold );
    }
    Model::copy_convolutions( s, end );
    s = end;
  }
};

/*
 * One of several parts of integrate_odes() of a lane among others. The program is executed once per part; what happens
 * before the call is the same every time, and what happens after it counts in the last.
 */
template < class Model, int EXPONENT >
struct PartialCall
{
  using State = typename Model::State;

  const typename Model::template Constants< EXPONENT >& c;
  const typename Model::Input& in;
  const double h;
  const int part;
  const int n_parts;
  Row* const reached; // numerically solved variables at the end of the last part
  const int l;
  std::uint32_t refused = 0;

  BGNEST_INLINE void
  integrate( State& s, const typename Model::Active& active )
  {
    State middle = s;
    State end = s;
    Model::propagate_half( c, s, in, middle );
    Model::propagate( c, s, in, end );
    Model::hold_exact( active, s, middle );
    Model::hold_exact( active, s, end );
    const Parabolas< Model > course( s, middle, end, h );
    const double length = h / n_parts;
    State y0 = s;
    course.set( y0, part * length );
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA
      { y0.*Model::members[ i ] = part > 0 ? reached[ i ][ l ] : s.*Model::members[ i ]; } );
    const auto hold = [ & ]( State& rate ) BGNEST_INLINE_LAMBDA { Model::hold_rates( active, rate ); };
    refused |= LaneStep< Model, EXPONENT >::fifth_order( c, y0, in, course, end, part * length, length, h, hold );
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { reached[ i ][ l ] = end.*Model::members[ i ]; } );
    Model::copy_convolutions( s, end );
    s = end;
  }
};

/* The numerically solved variables of one lane as lane_solver.h wants them. Nothing happens at their threshold. */
template < class Model, int EXPONENT >
struct ProgramSystem
{
  using State = typename Model::State;
  static constexpr int n = Model::n_numeric;
  static constexpr int runner = Model::runner;
  static constexpr const double* scales = Model::scales;
  // a step as a whole has been refused, with an estimate of the same order; half of it is likely to be accepted
  static constexpr double first_part = 0.5;

  const typename Model::template Constants< EXPONENT >& c;
  const typename Model::Input& in;
  const typename Model::Active& active;
  const State& start;
  const State& end; // exactly solved variables at the end of the step
  const Parabolas< Model > course;
  const double h;

  BGNEST_INLINE void
  rhs( const double* const y, double* const f ) const
  {
    State s = start;
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { s.*Model::members[ i ] = y[ i ]; } );
    course.set( s, y[ n ] );
    State rate = s;
    lane::Exponentials exponentials;
    Model::rates( c, s, Model::at( in, y[ n ], h ), exponentials, rate );
    Model::hold_rates( active, rate );
    Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { f[ i ] = rate.*Model::members[ i ]; } );
  }

  BGNEST_INLINE bool
  event( const double* const y ) const
  {
    if constexpr ( runner >= 0 )
    {
      return y[ runner ] >= threshold();
    }
    return false;
  }

  BGNEST_INLINE double
  threshold() const
  {
    return Model::threshold( c );
  }

  BGNEST_INLINE bool
  due() const
  {
    return true;
  }

  void
  on_event( double* ) const
  {
  }
};

/* integrate_odes() of a lane whose fast step has been refused. */
template < class Model, int EXPONENT >
struct CarefulCalls
{
  using State = typename Model::State;

  const typename Model::template Constants< EXPONENT >& c;
  const typename Model::Input& in;
  const double h;
  bool failed = false;

  void
  integrate( State& s, const typename Model::Active& active )
  {
    State end = s;
    Model::propagate( c, s, in, end );
    Model::hold_exact( active, s, end );
    if constexpr ( Model::n_numeric > 0 )
    {
      if ( Model::moves( active ) )
      {
        solve_( s, active, end );
      }
    }
    Model::copy_convolutions( s, end );
    s = end;
  }

private:
  void
  solve_( const State& s, const typename Model::Active& active, State& end )
  {
    using System = ProgramSystem< Model, EXPONENT >;
    State middle = s;
    Model::propagate_half( c, s, in, middle );
    Model::hold_exact( active, s, middle );
    System system{ c, in, active, s, end, Parabolas< Model >( s, middle, end, h ), h };
    double y[ System::n ];
    std::memcpy( y, &s, sizeof y );
    failed = not LaneSolver< System >( system, h, program_control ).step( y ) or failed;
    std::memcpy( &end, y, sizeof y );
  }
};

template < class Model, int EXPONENT >
class LaneProgram
{
public:
  using State = typename Model::State;

  /* The update block in all lanes; true if the step of any is refused. */
  static BGNEST_INLINE bool
  update( const Row* const constants,
    const Row* const from,
    const Row* const input,
    Row* const to,
    std::uint32_t* const refused,
    std::uint32_t* const spikes,
    const double h )
  {
    std::uint32_t any = 0;
#pragma omp simd reduction( | : any )
    for ( int l = 0; l < lanes; ++l )
    {
      refused[ l ] = update_lane_( constants, from, input, to, spikes, l, h );
      any |= refused[ l ];
    }
    return any != 0;
  }

  /*
   * The update block in the lanes that are refused so far, integrate_odes() in several parts; true if any is refused
   * again. The other lanes are computed along with them, for nothing. The same code does the first try, a single part.
   */
  static __attribute__( ( noinline ) ) bool
  update_in_parts( const Row* const constants,
    const Row* const from,
    const Row* const input,
    Row* const to,
    std::uint32_t* const refused,
    std::uint32_t* const spikes,
    const int n_parts,
    const double h )
  {
    Row reached[ Model::n_numeric ] = {};
    LaneRow< std::uint32_t > bad = {};
    std::uint32_t any = 0;
    for ( int part = 0; part < n_parts; ++part )
    {
      any = 0;
#pragma omp simd reduction( | : any )
      for ( int l = 0; l < lanes; ++l )
      {
        bad[ l ] |= refused[ l ] & update_part_( constants, from, input, to, refused[ l ], spikes, reached, part, n_parts, l, h );
        any |= bad[ l ];
      }
    }
    std::copy( bad.value, bad.value + lanes, refused );
    return any != 0;
  }

  /* The update block of one lane again; false if that cannot be computed. */
  static bool
  update_carefully( const Row* const constants, const Row* const from, const Row* const input, Row* const to, std::uint32_t* const spikes, const int l, const double h )
  {
    const auto c = Model::template load_constants< EXPONENT >( constants, l );
    const auto in = Model::load_input( input, l );
    State s = Model::load_state( from, l );
    CarefulCalls< Model, EXPONENT > calls{ c, in, h };
    std::uint32_t n = 0;
    step_( c, s, in, calls, n );
    Model::store_state( to, l, s );
    spikes[ l ] = n;
    return not calls.failed;
  }

  /* The onCondition blocks in all lanes; adds to the numbers of spikes, true if there are any. */
  static BGNEST_INLINE bool
  conditions( const Row* const constants, const Row* const input, Row* const state, std::uint32_t* const spikes )
  {
    std::uint32_t any = 0;
#pragma omp simd reduction( | : any )
    for ( int l = 0; l < lanes; ++l )
    {
      spikes[ l ] += conditions_lane_( constants, input, state, l );
      any |= spikes[ l ];
    }
    return any != 0;
  }

private:
  template < class Calls >
  static BGNEST_INLINE void
  step_( const typename Model::template Constants< EXPONENT >& c, State& s, const typename Model::Input& in, Calls& calls, std::uint32_t& spikes )
  {
    State convolved = s;
    Model::propagate( c, s, in, convolved );
    Model::update( c, s, in, calls, spikes );
    Model::copy_convolutions( convolved, s );
  }

  static BGNEST_INLINE std::uint32_t
  update_lane_( const Row* const constants, const Row* const from, const Row* const input, Row* const to, std::uint32_t* const spikes, const int l, const double h )
  {
    const auto c = Model::template load_constants< EXPONENT >( constants, l );
    const auto in = Model::load_input( input, l );
    State s = Model::load_state( from, l );
    FastCalls< Model, EXPONENT > calls{ c, in, h };
    std::uint32_t n = 0;
    step_( c, s, in, calls, n );
    Model::store_state( to, l, s );
    spikes[ l ] = n;
    return calls.refused;
  }

  static BGNEST_INLINE std::uint32_t
  update_part_( const Row* const constants,
    const Row* const from,
    const Row* const input,
    Row* const to,
    const std::uint32_t wanted,
    std::uint32_t* const spikes,
    Row* const reached,
    const int part,
    const int n_parts,
    const int l,
    const double h )
  {
    const auto c = Model::template load_constants< EXPONENT >( constants, l );
    const auto in = Model::load_input( input, l );
    State s = Model::load_state( from, l );
    const State other = Model::load_state( to, l );
    PartialCall< Model, EXPONENT > call{ c, in, h, part, n_parts, reached, l };
    std::uint32_t n = 0;
    step_( c, s, in, call, n );
    Model::store_state( to, l, Model::choose( wanted, s, other ) );
    spikes[ l ] = wanted ? n : spikes[ l ];
    return call.refused;
  }

  static BGNEST_INLINE std::uint32_t
  conditions_lane_( const Row* const constants, const Row* const input, Row* const state, const int l )
  {
    const auto c = Model::template load_constants< EXPONENT >( constants, l );
    const auto in = Model::load_input( input, l );
    State s = Model::load_state( state, l );
    std::uint32_t n = 0;
    Model::conditions( c, s, in, n );
    Model::store_state( state, l, s );
    return n;
  }
};

} // namespace bgnest

#endif
