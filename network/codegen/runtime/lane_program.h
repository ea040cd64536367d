/*
 * lane_program.h - a step of a model whose update block is a program: statements around calls of integrate_odes()
 *
 * The code generator writes the program once, for one lane and without a branch (vectorised/branches.py). Here it is
 * executed by all lanes at once. What integrate_odes() moves is solved by the stages of lane_stages.h; where that is
 * refused, by the sub-steps of lane_substeps.h; where that is refused, too, by the solver of lane_solver.h, lane by lane.
 * The program is executed once per stage, as what happens before integrate_odes() is the same every time, and what happens
 * after it counts in the last. As in NESTML's own code the onCondition blocks are tested once, at the end of the step: a
 * spike has no moment inside it.
 */
#ifndef BGNEST_LANE_PROGRAM_H
#define BGNEST_LANE_PROGRAM_H

#include <algorithm>
#include <cstdint>

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
  using Gathered = GatheredLanes< Model >;

  /* A step of a block: its rows, and its length in ms. */
  struct Step
  {
    const Row* const constants;
    const Row* const from;
    const Row* const input;
    Row* const to;
    std::uint32_t* const spikes;
    const double h;
  };

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
    if constexpr ( Model::n_numeric > 0 and Model::n_calls == 1 )
    {
      return update_by_stages_( { constants, from, input, to, spikes, h }, refused );
    }
    else
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

  /* The update block in all lanes, a single integrate_odes() in it by stages. */
  static __attribute__( ( noinline ) ) bool
  update_by_stages_( const Step step, std::uint32_t* const refused )
  {
    Stages rows;
    std::fill( refused, refused + lanes, 0 );
    stage_< 0 >( step, rows );
    if ( not std::any_of( rows.moving.value, rows.moving.value + lanes, []( const double moving ) { return moving != 0.0; } ) )
    {
      end_stages_< 0 >( step, rows ); // all cells are refractory
      return false;
    }
    stage_< 1 >( step, rows );
    stage_< 2 >( step, rows );
    stage_< 3 >( step, rows );
    if ( not any_refused_< 4 >( CashKarp::third_error, CashKarp::third_tolerance, step.h, rows, rows.quick ) )
    {
      end_stages_< 4 >( step, rows );
      return false;
    }
    stage_< 4 >( step, rows );
    stage_< 5 >( step, rows );
    end_stages_< 6 >( step, rows );
    if ( not any_refused_< 6 >( CashKarp::fifth_error, CashKarp::fifth_tolerance, step.h, rows, rows.error ) )
    {
      return false;
    }
    bool any = false;
    for ( int l = 0; l < lanes; ++l )
    {
      refused[ l ] = rows.quick[ l ] <= 1.0 or rows.error[ l ] <= 1.0 ? 0 : 1;
      any = any or refused[ l ];
    }
    return any and update_by_substeps_( step, rows, refused );
  }

  /* The update block in the lanes that are refused so far, by sub-steps; true if any is refused again. */
  static __attribute__( ( noinline ) ) bool
  update_by_substeps_( const Step& step, const Stages& rows, std::uint32_t* const refused )
  {
    int lane[ lanes ];
    int n = 0;
    bool any = false;
    for ( int l = 0; l < lanes; ++l )
    {
      bool explosive = false;
      if constexpr ( Model::runner >= 0 )
      {
        explosive = rows.slope[ 0 ][ Model::runner ][ l ] > program_control.speed; // which is for the solver
      }
      any = any or ( refused[ l ] and explosive );
      if ( refused[ l ] and not explosive )
      {
        lane[ n++ ] = l;
      }
    }
    constexpr int narrow = std::min( lanes, 4 );
    constexpr int wide = std::min( lanes, 8 );
    const int width = n <= narrow ? narrow : wide;
    const int n_filled = ( n + width - 1 ) / width * width;
    Gathered few;
    for ( int j = n; j < n_filled; ++j )
    {
      lane[ j ] = lane[ 0 ]; // does what another does, and is not waited for
    }
    Gathered::move( step.constants, Model::n_constants, lane, n_filled, few.constants );
    Gathered::move( step.from, Model::n_states, lane, n_filled, few.from );
    Gathered::move( step.input, Model::n_inputs, lane, n_filled, few.input );
    Gathered::move( rows.course.by[ 0 ], 4 * Model::followed.size(), lane, n_filled, few.course.by[ 0 ] );
    Gathered::move( step.from, Model::n_numeric, lane, n_filled, few.sub.y );
    Gathered::move( rows.slope[ 0 ], Model::n_numeric, lane, n_filled, few.sub.slope[ 0 ] );
    for ( int j = 0; j < n_filled; ++j )
    {
      // as long as the error that has been estimated lets one expect to be accepted
      const double error = rows.error[ lane[ j ] ] * ( CashKarp::fifth_tolerance / Tsitouras::tolerance );
      const double n_parts = error < 1e5 ? __builtin_ceil( 1.0 / lane::min( 0.99, substep_factor( error ) ) ) : 10.0;
      few.sub.done[ j ] = 0.0;
      few.sub.length[ j ] = j < n ? step.h / n_parts : 0.0;
    }
    if ( n <= narrow )
    {
      advance_few_< narrow >( step.h, few, 0 );
    }
    else
    {
      for ( int first = 0; first < n; first += wide )
      {
        advance_few_< wide >( step.h, few, first );
      }
    }
    for ( int j = 0; j < n; ++j )
    {
      if ( few.sub.done[ j ] < step.h )
      {
        any = true;
        continue;
      }
      end_lane_( step, lane[ j ], [ & ]( const auto& c, const auto& in ) BGNEST_INLINE_LAMBDA { return EndCall< Model, EXPONENT >{ c, in, few.sub, j }; } );
      refused[ lane[ j ] ] = 0;
    }
    return any;
  }

  /* All sub-steps of some of the lanes that have been gathered. */
  template < int WIDTH >
  static void
  advance_few_( const double h, Gathered& few, const int first )
  {
    if ( std::any_of( few.sub.length.value + first, few.sub.length.value + first + WIDTH, []( const double own ) { return own > 0.0; } ) )
    {
      advance_by_substeps< Model, WIDTH >( few.sub, first, h, [ & ]( const int stage ) { slopes_< WIDTH >( h, few, stage, first ); } );
    }
  }

  template < int STAGE >
  static __attribute__( ( noinline ) ) void
  stage_( const Step& step, Stages& rows )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      stage_lane_< STAGE >( step, rows, l );
    }
  }

  template < int STAGE >
  static BGNEST_INLINE void
  stage_lane_( const Step& step, Stages& rows, const int l )
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
  end_stages_( const Step& step, const Stages& rows )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      end_lane_( step, l, [ & ]( const auto& c, const auto& in ) BGNEST_INLINE_LAMBDA { return EndOfStages< Model, EXPONENT, N_STAGES >{ c, in, step.h, rows, l }; } );
    }
  }

  template < class Call >
  static BGNEST_INLINE void
  end_lane_( const Step& step, const int l, Call&& call )
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
  slopes_( const double h, Gathered& few, const int stage, const int first )
  {
#pragma omp simd
    for ( int l = first; l < first + WIDTH; ++l )
    {
      slopes_lane_( h, few, stage, l );
    }
  }

  static BGNEST_INLINE void
  slopes_lane_( const double h, Gathered& few, const int stage, const int l )
  {
    const auto c = Model::template load_constants< EXPONENT >( few.constants, l );
    const auto in = Model::load_input( few.input, l );
    State s = Model::load_state( few.from, l );
    SlopeCall< Model, EXPONENT > call{ c, in, h, few.course, few.sub, stage, l };
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
