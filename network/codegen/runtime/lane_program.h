/*
 * lane_program.h - a step of a model whose update block is a program: statements around calls of integrate_odes()
 *
 * The code generator writes the program once, for one lane and without a branch (vectorised/branches.py). Here it is
 * executed by all lanes at once. What integrate_odes() moves is solved by the stages of lane_stages.h; where that is
 * refused, by the sub-steps of lane_substeps.h, together with lanes of other blocks; where that is refused, too, by the
 * solver of lane_solver.h, lane by lane.
 * The program is executed once per stage, as what happens before integrate_odes() is the same every time, and what happens
 * after it counts in the last. As in NESTML's own code the onCondition blocks are tested once, at the end of the step: a
 * spike has no moment inside it.
 */
#ifndef BGNEST_LANE_PROGRAM_H
#define BGNEST_LANE_PROGRAM_H

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "lane_careful.h"
#include "lane_math.h"
#include "lane_row.h"
#include "lane_stages.h"
#include "lane_step.h"
#include "lane_substeps.h"

namespace bgnest
{

/* Several calls of integrate_odes() of a lane among others, or what has an exact solution: one step each. */
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

template < class Model, int EXPONENT >
class LaneProgram
{
public:
  using State = typename Model::State;
  using Stages = StageRows< Model >;
  /* Whether lanes whose step is refused are first tried by sub-steps. */
  static constexpr bool by_substeps = Model::n_numeric > 0 and Model::n_calls == 1;
  using Queue = std::conditional_t< by_substeps, SubstepQueue< Model >, NoSubsteps >;

  /* The update block in all lanes. Those that are refused, and among the wanted ones, wait in the queue, or are left. */
  static BGNEST_INLINE void
  update( const BlockStep& step, const LaneMask wanted, [[maybe_unused]] Queue& queue )
  {
    if constexpr ( by_substeps )
    {
      update_by_stages_( step, wanted, queue );
    }
    else
    {
#pragma omp simd
      for ( int l = 0; l < lanes; ++l )
      {
        step.refused[ l ] = update_lane_( step, l );
      }
    }
  }

  /* Sub-steps of all lanes that wait. Those for which they are too few remain refused. */
  static __attribute__( ( noinline ) ) void
  empty( Queue& queue )
  {
    constexpr int narrow = std::min( lanes, 4 );
    constexpr int wide = std::min( lanes, 8 );
    const double h = queue.waiting.front().step->h;
    const int n_waiting = static_cast< int >( queue.waiting.size() );
    const int width = n_waiting > narrow ? wide : narrow;
    // those that will need most sub-steps first, so that none is left alone at the end
    std::stable_sort( queue.waiting.begin(), queue.waiting.end(), []( const auto& a, const auto& b ) { return a.error > b.error; } );
    int n_placed = 0;
    const auto place = [ & ]( const int slot )
    {
      if ( n_placed == n_waiting )
      {
        return false;
      }
      const WaitingLane< Model >& lane = queue.waiting[ n_placed++ ];
      queue.place( lane, slot, first_length_( lane.error, h ) );
      return true;
    };
    const auto next = [ & ]( const int slot )
    {
      end_substeps_( *queue.in_place[ slot ], queue.placed.sub, slot );
      return place( slot );
    };
    for ( int slot = 0; slot < width; ++slot )
    {
      if ( not place( slot ) )
      {
        queue.fill( slot, 0 );
      }
    }
    if ( width > narrow )
    {
      advance_places_< wide >( queue, h, narrow, next );
      for ( int slot = queue.close_ranks( width ); slot < narrow; ++slot )
      {
        queue.fill( slot, 0 );
      }
    }
    advance_places_< narrow >( queue, h, 0, next );
    queue.waiting.clear();
  }

  /* The update block of one lane again; false if that cannot be computed. */
  static bool
  update_carefully( const BlockStep& step, const int l )
  {
    const auto c = Model::template load_constants< EXPONENT >( step.constants, l );
    const auto in = Model::load_input( step.input, l );
    State s = Model::load_state( step.from, l );
    CarefulCalls< Model, EXPONENT > calls{ c, in, step.h };
    std::uint32_t n = 0;
    step_( c, s, in, calls, n );
    Model::store_state( step.to, l, s );
    step.spikes[ l ] = n;
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
  update_lane_( const BlockStep& step, const int l )
  {
    const auto c = Model::template load_constants< EXPONENT >( step.constants, l );
    const auto in = Model::load_input( step.input, l );
    State s = Model::load_state( step.from, l );
    FastCalls< Model, EXPONENT > calls{ c, in, step.h };
    std::uint32_t n = 0;
    step_( c, s, in, calls, n );
    Model::store_state( step.to, l, s );
    step.spikes[ l ] = n;
    return calls.refused;
  }

  /* The update block in all lanes, a single integrate_odes() in it by stages. */
  static __attribute__( ( noinline ) ) void
  update_by_stages_( const BlockStep& step, const LaneMask wanted, Queue& queue )
  {
    Stages rows;
    std::fill( step.refused, step.refused + lanes, 0 );
    if ( Model::may_wait and not any_moves_( step ) )
    {
      end_stages_< 0 >( step, rows ); // all cells are refractory
      return;
    }
    stage_< 0 >( step, rows );
    stage_< 1 >( step, rows );
    stage_< 2 >( step, rows );
    stage_< 3 >( step, rows );
    if ( not any_refused_< 4 >( CashKarp::third_error, CashKarp::third_tolerance, step.h, rows, rows.quick ) )
    {
      end_stages_< 4 >( step, rows );
      return;
    }
    stage_< 4 >( step, rows );
    stage_< 5 >( step, rows );
    end_stages_< 6 >( step, rows );
    if ( not any_refused_< 6 >( CashKarp::fifth_error, CashKarp::fifth_tolerance, step.h, rows, rows.error ) )
    {
      return;
    }
    for ( int l = 0; l < lanes; ++l )
    {
      if ( rows.quick[ l ] <= 1.0 or rows.error[ l ] <= 1.0 or not( wanted >> l & 1 ) )
      {
        continue;
      }
      step.refused[ l ] = 1;
      bool explosive = false;
      if constexpr ( Model::runner >= 0 )
      {
        explosive = rows.slope[ 0 ][ Model::runner ][ l ] > program_control.speed; // which is for the solver
      }
      if ( not explosive )
      {
        queue.add( step, rows, l );
      }
    }
  }

  /* As long as the error that has been estimated of a whole step lets one expect to be accepted. */
  static double
  first_length_( const double error, const double h )
  {
    const double own = error * ( CashKarp::fifth_tolerance / Tsitouras::tolerance );
    return h / ( own < 1e5 ? __builtin_ceil( 1.0 / lane::min( 0.99, substep_factor( own ) ) ) : 10.0 );
  }

  template < int WIDTH, class Next >
  static BGNEST_INLINE void
  advance_places_( Queue& queue, const double h, const int n_enough, Next&& next )
  {
    PlacedLanes< Model >& placed = queue.placed;
    advance_by_substeps< Model, WIDTH >( placed.sub, placed.trials, h, n_enough, [ & ]( const int stage ) { slopes_< WIDTH >( h, placed, stage ); }, next );
  }

  /* The end of a step by sub-steps, if they have come to it. */
  static __attribute__( ( noinline ) ) void
  end_substeps_( const WaitingLane< Model >& lane, const SubstepRows< Model >& sub, const int slot )
  {
    const BlockStep& step = *lane.step;
    if ( sub.done[ slot ] < step.h )
    {
      return;
    }
    end_lane_( step, lane.lane, [ & ]( const auto& c, const auto& in ) BGNEST_INLINE_LAMBDA { return EndCall< Model, EXPONENT >{ c, in, sub, slot }; } );
    step.refused[ lane.lane ] = 0;
  }

  /* Whether the step of any lane needs stages. */
  static BGNEST_INLINE bool
  any_moves_( const BlockStep& step )
  {
    std::uint32_t any = 0;
#pragma omp simd reduction( | : any )
    for ( int l = 0; l < lanes; ++l )
    {
      const auto c = Model::template load_constants< EXPONENT >( step.constants, l );
      State s = Model::load_state( step.from, l );
      MovesCall< Model > call;
      std::uint32_t spikes = 0;
      Model::update( c, s, Model::load_input( step.input, l ), call, spikes );
      any |= call.moves;
    }
    return any != 0;
  }

  template < int STAGE >
  static __attribute__( ( noinline ) ) void
  stage_( const BlockStep& step, Stages& rows )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      stage_lane_< STAGE >( step, rows, l );
    }
  }

  template < int STAGE >
  static BGNEST_INLINE void
  stage_lane_( const BlockStep& step, Stages& rows, const int l )
  {
    const auto c = Model::template load_constants< EXPONENT >( step.constants, l );
    const auto in = Model::load_input( step.input, l );
    State s = Model::load_state( step.from, l );
    StageCall< Model, EXPONENT, STAGE > call{ c, in, step.h, rows, l };
    std::uint32_t spikes = 0;
    step_( c, s, in, call, spikes );
  }

  template < int N_STAGES >
  static __attribute__( ( noinline ) ) void
  end_stages_( const BlockStep& step, const Stages& rows )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      end_lane_( step, l, [ & ]( const auto& c, const auto& in ) BGNEST_INLINE_LAMBDA { return EndOfStages< Model, EXPONENT, N_STAGES >{ c, in, step.h, rows, l }; } );
    }
  }

  template < class Call >
  static BGNEST_INLINE void
  end_lane_( const BlockStep& step, const int l, Call&& call )
  {
    const auto c = Model::template load_constants< EXPONENT >( step.constants, l );
    const auto in = Model::load_input( step.input, l );
    State s = Model::load_state( step.from, l );
    auto calls = call( c, in );
    std::uint32_t spikes = 0;
    step_( c, s, in, calls, spikes );
    Model::store_state( step.to, l, s );
    step.spikes[ l ] = spikes;
  }

  template < int N_STAGES >
  static BGNEST_INLINE bool
  any_refused_( const double ( &weights )[ CashKarp::n_stages ], const double tolerance, const double h, const Stages& rows, Row& error )
  {
    std::uint64_t any = 0;
#pragma omp simd reduction( | : any )
    for ( int l = 0; l < lanes; ++l )
    {
      const double e = rows.template error_of< N_STAGES >( weights, tolerance, h, l );
      error[ l ] = e;
      any |= e <= 1.0 ? 0 : 1;
    }
    return any != 0;
  }

  /* Derivatives in one stage of sub-steps. */
  template < int WIDTH >
  static __attribute__( ( noinline ) ) void
  slopes_( const double h, PlacedLanes< Model >& placed, const int stage )
  {
#pragma omp simd
    for ( int l = 0; l < WIDTH; ++l )
    {
      slopes_lane_( h, placed, stage, l );
    }
  }

  static BGNEST_INLINE void
  slopes_lane_( const double h, PlacedLanes< Model >& placed, const int stage, const int l )
  {
    const auto c = Model::template load_constants< EXPONENT >( placed.constants, l );
    const auto in = Model::load_input( placed.input, l );
    State s = Model::load_state( placed.from, l );
    SlopeCall< Model, EXPONENT > call{ c, in, h, placed.course, placed.sub, stage, l };
    std::uint32_t spikes = 0;
    step_( c, s, in, call, spikes );
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
