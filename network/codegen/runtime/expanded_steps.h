/*
 * expanded_steps.h - the arithmetic of lane_expansion.h: coefficients at the start of a few steps, the steps, their error
 *
 * All lanes of a block at once; nothing here knows of blocks, input lists or recorders.
 */
#ifndef BGNEST_EXPANDED_STEPS_H
#define BGNEST_EXPANDED_STEPS_H

#include <cstdint>
#include <utility>
#include <vector>

#include "lane_math.h"
#include "lane_row.h"

namespace bgnest
{

/* Longest step for which the bounds below have been tested, with room for rounding, in ms. */
inline constexpr double longest_expanded_step = 0.1001;
/* Accepted sum of what first order misses, in mV; less where errors grow. */
inline constexpr float largest_estimate = 0.02F;
inline constexpr float growing_estimate = 0.004F;
/* Steps of one expansion: the third differences of the input, which it leaves out, grow with it. */
inline constexpr long largest_expansion = 5;

using SingleRow = LaneRow< float >;

/* Expansion of a block and where its slice has come to; one per thread and model. */
template < class Model >
struct ExpandedSlice
{
  static constexpr int n = Model::n_analytic > 0 ? Model::n_analytic : 1;

  // V' = c0 + c1 delta + c2 delta^2 apart from lambda delta; what a step adds to c0 and c1, and to that
  SingleRow c0;
  SingleRow c0_step;
  SingleRow c0_bend;
  SingleRow c1;
  SingleRow c1_step;
  SingleRow c2;
  // exponential of lambda h, weights of what is constant, grows and curves over a step
  SingleRow kept;
  SingleRow phi;
  SingleRow eta;
  SingleRow chi;
  // w: effect on V', what a step leaves of it, and what it adds: always, and by delta at its start and at its end
  SingleRow coupling;
  SingleRow left;
  SingleRow pulled;
  SingleRow by_start;
  SingleRow by_end;
  SingleRow cubic;
  SingleRow v0;
  LaneRow< std::uint32_t > refused;
  // effect of a unit of a receptor that is there at the start of a step: on c0, on what a step adds to it, on c1
  SingleRow effect[ n ];
  SingleRow effect_step[ n ];
  SingleRow slope[ n ];

  // after every step: changes since the start, and what arrives at its end
  SingleRow delta[ largest_expansion ];
  SingleRow dw[ largest_expansion ];
  SingleRow added_c0[ largest_expansion ];
  SingleRow added_step[ largest_expansion ];
  SingleRow added_c1[ largest_expansion ];
  SingleRow estimate;

  Row state[ Model::n_states ]; // at the end
  std::vector< Row > history;   // states of all steps, if something is recorded
};

template < class Model >
class ExpandedSteps
{
public:
  using Expanded = ExpandedSlice< Model >;

  /* Calls f with every exactly solved variable, as a constant of the compiler. */
  template < class F >
  static BGNEST_INLINE void
  each_source( F&& f )
  {
    [ & ]< int... I >( std::integer_sequence< int, I... > ) BGNEST_INLINE_LAMBDA
    {
      ( f( std::integral_constant< int, I >() ), ... );
    }( std::make_integer_sequence< int, Model::n_analytic >() );
  }

  static __attribute__( ( noinline ) ) void
  begin( const SingleRow* const constants, const Row* const state, Expanded& x, const float h )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      begin_lane_( constants, state, x, h, l );
    }
  }

  /*
   * phi is (exp(z) - 1) / z to 3e-6, the others are the series of weights of the exponential path between two values:
   * eta of its mean, 1 - eta of what grows along it, chi of the square of that. The factor (1 + curve z) is how a decaying input is weighted by it.
   */
  static BGNEST_INLINE void
  begin_lane_( const SingleRow* const constants, const Row* const state, Expanded& x, const float h, const int l )
  {
    typename Model::Expanded f;
    const auto g = [ & ]( const auto r ) BGNEST_INLINE_LAMBDA { return static_cast< float >( state[ Model::n_numeric + r ][ l ] ); };
    const float v = static_cast< float >( state[ Model::runner ][ l ] );
    const float w = Model::slow < 0 ? 0.0F : static_cast< float >( state[ Model::slow < 0 ? 0 : Model::slow ][ l ] );
    Model::expand( constants, l, v, w, g, f );

    float lambda = f.rate[ 1 ];
    float c2 = f.rate[ 2 ];
    each_source(
      [ & ]( const auto r ) BGNEST_INLINE_LAMBDA
      {
        lambda += g( r ) * f.slope[ r ][ 1 ];
        if constexpr ( Model::curved_sources[ r ] )
        {
          c2 += g( r ) * f.slope[ r ][ 2 ];
        }
      } );
    const float z = lambda * h;
    const float phi = 1.000001516F
      + z * ( 0.5000021141F + z * ( 0.1666421242F + z * ( 0.04165012145F + z * ( 0.008390948842F + z * ( 0.001426844392F + z * 0.0001665072339F ) ) ) ) );
    const float eta = 0.5F - z * ( 1.0F / 12.0F - z * z * ( 1.0F / 720.0F ) );
    float c0 = 0.0F;
    float c0_step = 0.0F;
    float c0_bend = 0.0F;
    float c1 = 0.0F;
    float c1_step = 0.0F;
    float bend = 0.0F;
    each_source(
      [ & ]( const auto r ) BGNEST_INLINE_LAMBDA
      {
        const float loss = constants[ Model::loss_rows[ r ] ][ l ];
        const float mean = constants[ Model::mean_rows[ r ] ][ l ];
        const float curve = constants[ Model::curve_rows[ r ] ][ l ];
        const float effect = f.slope[ r ][ 0 ] * ( mean * ( 1.0F + curve * z ) );
        const float slope = f.slope[ r ][ 1 ] * mean;
        const float lost = effect * loss;
        c0 += g( r ) * effect;
        c0_step += g( r ) * lost;
        c0_bend += g( r ) * ( lost * loss );
        c1 += g( r ) * slope;
        c1_step += g( r ) * ( slope * loss );
        bend += g( r ) * ( f.slope[ r ][ 0 ] * curve );
        x.effect[ r ][ l ] = effect;
        x.effect_step[ r ][ l ] = lost;
        x.slope[ r ][ l ] = slope;
      } );
    const float ah = f.speed * h;
    const float pull = f.coupling * ( 0.5F * ah );
    x.c0[ l ] = f.rate[ 0 ] + c0 + pull * ( f.target[ 0 ] - w );
    x.c0_step[ l ] = c0_step;
    x.c0_bend[ l ] = c0_bend;
    x.c1[ l ] = ( f.rate[ 1 ] - lambda ) + c1 + pull * f.target[ 1 ];
    x.c1_step[ l ] = c1_step;
    x.c2[ l ] = c2;
    x.phi[ l ] = h * phi;
    x.kept[ l ] = 1.0F + z * phi;
    x.eta[ l ] = eta;
    x.chi[ l ] = h * c2 * ( 1.0F / 3.0F - z * z * ( 1.0F / 90.0F ) );
    const float gain = ah * ( 1.0F - 0.5F * ah );
    x.coupling[ l ] = f.coupling * ( 1.0F - 0.5F * ah );
    x.left[ l ] = 1.0F - gain;
    x.pulled[ l ] = gain * ( ( f.target[ 0 ] - w ) + f.target[ 1 ] * ( h * bend ) );
    x.by_start[ l ] = gain * f.target[ 1 ] * ( 1.0F - eta );
    x.by_end[ l ] = gain * f.target[ 1 ] * eta;
    x.cubic[ l ] = f.cubic;
    x.v0[ l ] = v;
    std::uint32_t refused = ( z > -1.5F and z < 1.0F ? 0U : 1U ) | ( f.differs ? 2U : 0U );
    for ( const int row : Model::exponents )
    {
      refused |= constants[ row ][ l ] == 1.0F ? 0U : 1U; // the expansion is that of exponents of 1
    }
    x.refused[ l ] = refused;
  }

  /* n steps of all lanes. */
  static void
  go( Expanded& x, const long n, const float h )
  {
    static_assert( largest_expansion == 5 );
    switch ( n )
    {
      case 5: return steps_< 5 >( x, h );
      case 4: return steps_< 4 >( x, h );
      case 3: return steps_< 3 >( x, h );
      case 2: return steps_< 2 >( x, h );
      default: return steps_< 1 >( x, h );
    }
  }

  template < int N >
  static __attribute__( ( noinline ) ) void
  steps_( Expanded& x, const float h )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      steps_lane_< N >( x, h, l );
    }
  }

  /*
   * Between two steps the input decays, and what arrives is added. The mean of delta over a step, which w follows, is
   * (1 - eta) of its start and eta of its end, and how the decay of the input bends it. What w has from the end of the last
   * step is added to V' as a multiple of delta: the chain of operations from step to step is shorter by half.
   */
  template < int N >
  static BGNEST_INLINE void
  steps_lane_( Expanded& x, const float h, const int l )
  {
    const float kept = x.kept[ l ];
    const float c2 = x.c2[ l ];
    const float eta = x.eta[ l ];
    const float growing = h * ( 1.0F - eta );
    const float by_end = x.by_end[ l ];
    const float returned = x.coupling[ l ] * by_end;
    float c0 = x.c0[ l ];
    float c0_step = x.c0_step[ l ];
    float c1 = x.c1[ l ];
    float delta = 0.0F;
    float before = 0.0F; // w without what it has from delta
    float estimate = 0.0F;
    [ & ]< int... LAG >( std::integer_sequence< int, LAG... > ) BGNEST_INLINE_LAMBDA
    {
      const auto step = [ & ]( const auto lag ) BGNEST_INLINE_LAMBDA
      {
        const float linear = c1 + c2 * delta;
        const float constant = ( c0 + x.coupling[ l ] * before ) + returned * delta;
        const float first = kept * delta + x.phi[ l ] * ( constant + linear * delta );
        const float moved = first - delta;
        const float correction = moved * ( growing * ( linear + c2 * delta ) + x.chi[ l ] * moved );
        const float now = first + correction;
        estimate += lane::abs_single( correction );
        before = ( x.left[ l ] * ( before + by_end * delta ) + x.pulled[ l ] ) + x.by_start[ l ] * delta;
        delta = now;
        x.delta[ lag ][ l ] = delta;
        x.dw[ lag ][ l ] = before + by_end * delta;
        c0 += c0_step + x.added_c0[ lag ][ l ];
        c0_step += x.c0_bend[ l ] + x.added_step[ lag ][ l ];
        c1 += x.c1_step[ l ] + x.added_c1[ lag ][ l ];
      };
      ( step( std::integral_constant< int, LAG >() ), ... );
    }( std::make_integer_sequence< int, N >() );
    x.estimate[ l ] = estimate;
  }

  /* The exactly solved variables after n steps without input. */
  static BGNEST_INLINE void
  decay( const Row* const constants, const Row* const from, Expanded& x, const long n )
  {
    each_source(
      [ & ]( const auto r ) BGNEST_INLINE_LAMBDA
      {
        const Row& decay = constants[ Model::decay_row( n ) + r ];
#pragma omp simd
        for ( int l = 0; l < lanes; ++l )
        {
          x.state[ Model::n_numeric + r ][ l ] = from[ Model::n_numeric + r ][ l ] * decay[ l ];
        }
      } );
  }

  /*
   * Input at the end of a step: weight( port, lane ) for the ports whose bit is set. What it adds to a variable has
   * decayed at the end of n steps. A lane at which nothing arrives is added zero, and the sums of the others do not
   * depend on it.
   */
  template < class Weight >
  static BGNEST_INLINE void
  receive( const Row* const constants, Expanded& x, const long lag, const long n, const std::uint64_t ports, Weight&& weight )
  {
    Model::each_port(
      [ & ]( const auto port ) BGNEST_INLINE_LAMBDA
      {
        if ( ports >> port & 1 )
        {
          add_port_< port >( constants, constants + Model::decay_row( n - 1 - lag ), weight( port ), x, lag );
        }
      } );
  }

  /* Nothing arrives at the end of a step. */
  static BGNEST_INLINE void
  receive_nothing( Expanded& x, const long lag )
  {
    // one by one: of an assignment in a chain the compiler reads back what it has just written
    x.added_c0[ lag ] = SingleRow{};
    x.added_step[ lag ] = SingleRow{};
    x.added_c1[ lag ] = SingleRow{};
  }

  /*
   * Equal spikes in changing numbers at the ends of n steps: weight( port ) of one of them, for the ports whose bit is set. All
   * else that arrives is added afterwards.
   */
  template < class Weight >
  static void
  receive_drive( const Row* const constants, Expanded& x, const long n, const LaneRow< std::int32_t >* const counts, const std::uint64_t ports, Weight&& weight )
  {
    static_assert( largest_expansion == 5 );
    switch ( n )
    {
      case 5: return receive_drive_< 5 >( constants, x, counts, ports, weight );
      case 4: return receive_drive_< 4 >( constants, x, counts, ports, weight );
      case 3: return receive_drive_< 3 >( constants, x, counts, ports, weight );
      case 2: return receive_drive_< 2 >( constants, x, counts, ports, weight );
      default: return receive_drive_< 1 >( constants, x, counts, ports, weight );
    }
  }

  template < int N, class Weight >
  static BGNEST_INLINE void
  receive_drive_( const Row* const constants, Expanded& x, const LaneRow< std::int32_t >* const counts, const std::uint64_t ports, Weight&& weight )
  {
    SingleRow c0 = {};
    SingleRow step = {};
    SingleRow c1 = {};
    Model::each_port(
      [ & ]( const auto port ) BGNEST_INLINE_LAMBDA
      {
        if ( ports >> port & 1 )
        {
          add_drive_< N, port >( constants, weight( port ), counts, x, c0.value, step.value, c1.value );
        }
      } );
    multiply_< N >( counts, c0, step, c1, x );
  }

  /* What the spikes of a port leave at the end, and the effects of one of them. Not inlined, as add_port_. */
  template < int N, int PORT >
  static __attribute__( ( noinline ) ) void
  add_drive_( const Row* const constants, const Row& weight, const LaneRow< std::int32_t >* const counts, Expanded& x, float* const c0, float* const step, float* const c1 )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      Model::template each_increment< PORT >( constants,
        l,
        weight[ l ],
        [ & ]( const auto r, const double increment ) BGNEST_INLINE_LAMBDA
        {
          double left = 0.0;
          [ & ]< int... LAG >( std::integer_sequence< int, LAG... > ) BGNEST_INLINE_LAMBDA
          {
            ( ( left += counts[ LAG ][ l ] * constants[ Model::decay_row( N - 1 - LAG ) + r ][ l ] ), ... );
          }( std::make_integer_sequence< int, N >() );
          x.state[ Model::n_numeric + r ][ l ] += increment * left;
          const float added = static_cast< float >( increment );
          c0[ l ] += added * x.effect[ r ][ l ];
          step[ l ] += added * x.effect_step[ r ][ l ];
          c1[ l ] += added * x.slope[ r ][ l ];
        } );
    }
  }

  template < int N >
  static __attribute__( ( noinline ) ) void
  multiply_( const LaneRow< std::int32_t >* const counts, const SingleRow& c0, const SingleRow& step, const SingleRow& c1, Expanded& x )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      [ & ]< int... LAG >( std::integer_sequence< int, LAG... > ) BGNEST_INLINE_LAMBDA
      {
        const auto add = [ & ]( const auto lag ) BGNEST_INLINE_LAMBDA
        {
          const float number = static_cast< float >( counts[ lag ][ l ] );
          x.added_c0[ lag ][ l ] = number * c0[ l ];
          x.added_step[ lag ][ l ] = number * step[ l ];
          x.added_c1[ lag ][ l ] = number * c1[ l ];
        };
        ( add( std::integral_constant< int, LAG >() ), ... );
      }( std::make_integer_sequence< int, N >() );
    }
  }

  /* decay: rows of what is left of an input at the end. Not inlined, so that the loop stays one of vectors. */
  template < int PORT >
  static __attribute__( ( noinline ) ) void
  add_port_( const Row* const constants, const Row* const decay, const Row& weight, Expanded& x, const long lag )
  {
    float* const c0 = x.added_c0[ lag ].value;
    float* const step = x.added_step[ lag ].value;
    float* const c1 = x.added_c1[ lag ].value;
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      add_lane_< PORT >( constants, decay, weight[ l ], x, c0, step, c1, l );
    }
  }

  template < int PORT >
  static BGNEST_INLINE void
  add_lane_( const Row* const constants, const Row* const decay, const double weight, Expanded& x, float* const c0, float* const step, float* const c1, const int l )
  {
    Model::template each_increment< PORT >( constants,
      l,
      weight,
      [ & ]( const auto r, const double increment ) BGNEST_INLINE_LAMBDA
      {
        x.state[ Model::n_numeric + r ][ l ] += increment * decay[ r ][ l ];
        const float added = static_cast< float >( increment );
        c0[ l ] += added * x.effect[ r ][ l ];
        step[ l ] += added * x.effect_step[ r ][ l ];
        c1[ l ] += added * x.slope[ r ][ l ];
      } );
  }

  /* Numerically solved variables after a step. */
  static BGNEST_INLINE void
  add( const Row* const start, const Expanded& x, const long lag, Row* const to )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      to[ Model::runner ][ l ] = start[ Model::runner ][ l ] + x.delta[ lag ][ l ];
      if constexpr ( Model::slow >= 0 )
      {
        to[ Model::slow ][ l ] = start[ Model::slow ][ l ] + x.dw[ lag ][ l ];
      }
    }
  }

  /* Which lanes are refused; true if there are any. The comparisons are false for NaN. */
  static BGNEST_INLINE bool
  finish( const SingleRow* const constants, Expanded& x, const long n, const float time )
  {
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      const float delta = x.delta[ n - 1 ][ l ];
      const float v = x.v0[ l ] + delta;
      const float size = lane::abs_single( delta );
      std::uint32_t bad = x.refused[ l ] & 1U;
      // what grows by itself, near the threshold, makes the errors of a slice grow as well
      bad |= x.estimate[ l ] <= ( x.kept[ l ] > 1.0F ? growing_estimate : largest_estimate ) ? 0U : 1U;
      bad |= size <= 3.0F ? 0U : 1U;
      bad |= v < Model::expanded_threshold( constants, l ) - 1.0F ? 0U : 1U;
      bad |= lane::abs_single( x.cubic[ l ] ) * ( size * size * size ) * time <= 1e-3F ? 0U : 1U;
      const bool crossed = Model::first_branch( constants, l, x.v0[ l ] ) != Model::first_branch( constants, l, v );
      bad |= crossed ? x.refused[ l ] >> 1 : 0U;
      x.refused[ l ] = bad;
    }
    return any_lane( x.refused );
  }
};

} // namespace bgnest

#endif
