/*
 * lane_careful.h - integrate_odes() of one lane that other means cannot do: by the solver of lane_solver.h
 */
#ifndef BGNEST_LANE_CAREFUL_H
#define BGNEST_LANE_CAREFUL_H

#include <cstring>

#include "lane_math.h"
#include "lane_solver.h"
#include "lane_step.h"

namespace bgnest
{

/*
 * Sub-steps of programs: their models have spikes whose course is compared, with gating variables that shape it.
 */
inline constexpr SubstepControl program_control{ .tolerance = 2e-4 };

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

} // namespace bgnest

#endif
