/*
 * lane_program.cpp - runs for test_lane_program.py
 */
#include <array>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <type_traits>
#include <vector>
#include "lane_program.h"
using namespace bgnest;

struct Cell
{
  static constexpr int n_numeric = 4, n_analytic = 2, n_states = 7, n_constants = 2, n_inputs = 1, n_exponentials = 2, n_calls = 1, runner = -1;
  static constexpr bool may_wait = true;
  static constexpr std::array< int, 1 > followed = { 0 };
  static constexpr double scales[] = { 1.0, 0.01, 0.01, 0.01 };
  struct State { double V, m, h, n, g, clock, old; };
  static constexpr double State::*members[] = { &State::V, &State::m, &State::h, &State::n, &State::g, &State::clock, &State::old };
  struct Input { double I; };
  struct Active { bool V, clock; };
  template < int > struct Constants { double decay, decay_half; };

  template < int E > static Constants< E > load_constants( const Row* const rows, const int l ) { return { rows[ 0 ][ l ], rows[ 1 ][ l ] }; }
  static State load_state( const Row* const r, const int l ) { return { r[ 0 ][ l ], r[ 1 ][ l ], r[ 2 ][ l ], r[ 3 ][ l ], r[ 4 ][ l ], r[ 5 ][ l ], r[ 6 ][ l ] }; }
  static void store_state( Row* const r, const int l, const State& s ) { for ( int i = 0; i < n_states; ++i ) r[ i ][ l ] = s.*members[ i ]; }
  static Input load_input( const Row* const rows, const int l ) { return { rows[ 0 ][ l ] }; }
  static Input at( const Input& in, double, double ) { return in; }
  template < class F > static void each_numeric( F&& f ) { f( std::integral_constant< int, 0 >() ); f( std::integral_constant< int, 1 >() ); f( std::integral_constant< int, 2 >() ); f( std::integral_constant< int, 3 >() ); }

  template < class C, class X > static void
  rates( const C&, const State& s, const Input& in, X& e, State& rate )
  {
    const double x = e.template exp< 0 >( s.V * ( -1.0 / 80.0 ) );
    const double x20 = lane::power< 4 >( x ), x10 = x20 * x20;
    rate.m = 0.1 * ( s.V + 40.0 ) / ( 1.0 - x10 * std::exp( -4.0 ) ) * ( 1.0 - s.m ) - 4.0 * e.template exp< 1 >( ( s.V + 65.0 ) * ( -1.0 / 18.0 ) ) * s.m;
    rate.h = 0.07 * x20 * std::exp( -3.25 ) * ( 1.0 - s.h ) - s.h / ( 1.0 + x10 * std::exp( -3.5 ) );
    rate.n = 0.01 * ( s.V + 55.0 ) / ( 1.0 - x10 * std::exp( -5.5 ) ) * ( 1.0 - s.n ) - 0.125 * x * std::exp( -0.8125 ) * s.n;
    rate.V = ( in.I - s.g * s.V - 12000.0 * s.m * s.m * s.m * s.h * ( s.V - 50.0 ) - 3600.0 * s.n * s.n * s.n * s.n * ( s.V + 77.0 ) - 30.0 * ( s.V + 54.402 ) ) / 100.0;
  }
  template < class C > static void propagate( const C& c, const State& s, const Input&, State& end ) { end.g = s.g * c.decay; end.clock = s.clock - 0.1; }
  template < class C > static void propagate_half( const C& c, const State& s, const Input&, State& end ) { end.g = s.g * c.decay_half; end.clock = s.clock - 0.05; }
  static bool moves( const Active& active ) { return active.V; }
  static void hold_rates( const Active& active, State& rate ) { for ( int i = 0; i < n_numeric; ++i ) rate.*members[ i ] = active.V ? rate.*members[ i ] : 0.0; }
  static void hold_exact( const Active& active, const State& s, State& end ) { end.clock = active.clock ? end.clock : s.clock; }
  static void copy_convolutions( const State& from, State& to ) { to.g = from.g; }
  static State choose( const bool first, const State& a, const State& b ) { return first ? a : b; }
  template < class C > static double threshold( const C& ) { return 0.0; }
  // the cell stands still while its clock runs
  template < class C, class Solver > static void
  update( const C&, State& s, const Input&, Solver& solver, std::uint32_t& )
  {
    s.old = s.V;
    const bool waits = s.clock > 1e-9;
    solver.integrate( s, Active{ not waits, waits } );
  }
  template < class C > static void
  conditions( const C&, State& s, const Input&, std::uint32_t& spikes )
  {
    const bool fires = s.clock <= 1e-9 and s.V > 0.0 and s.old > s.V;
    spikes += fires ? 1 : 0;
    s.clock = fires and s.g > 1e-3 ? 2.0 : s.clock;
  }
};

using Lanes = LaneProgram< Cell, 1 >;
static Row constants[ 2 ];
static Lanes::Queue queue;

struct Block
{
  Row state[ Cell::n_states ], other[ Cell::n_states ], input[ 1 ];
  long n_spikes[ lanes ] = {};
  double I[ lanes ];
  double weight[ lanes ];

  Block()
  {
    const double start[] = { -65.0, 0.05293, 0.59612, 0.31768, 0.0, 0.0, -65.0 };
    for ( int i = 0; i < Cell::n_states; ++i ) std::fill_n( state[ i ].value, lanes, start[ i ] );
  }

  LaneRow< std::uint32_t > refused, spikes;
  BlockStep now;

  void
  begin( const int number )
  {
    for ( int l = 0; l < lanes; ++l )
    {
      input[ 0 ][ l ] = I[ l ];
      state[ 4 ][ l ] += number % 37 == 5 ? weight[ l ] : 0.0;
    }
    now = { constants, state, input, other, refused.value, spikes.value, 0.1 };
    Lanes::update( now, ~LaneMask( 0 ), queue );
  }

  void
  end()
  {
    for ( int l = 0; l < lanes; ++l )
      if ( refused[ l ] and not Lanes::update_carefully( now, l ) ) std::puts( "failed" );
    Lanes::conditions( constants, input, other, spikes.value );
    for ( int l = 0; l < lanes; ++l ) n_spikes[ l ] += spikes[ l ];
    std::memcpy( state, other, sizeof state );
  }
};

/* One cell by many short steps of fourth order. */
static Cell::State
exact( Cell::State s, const double I )
{
  constexpr int n = 200;
  constexpr double h = 0.1 / n;
  const auto c = Cell::load_constants< 1 >( constants, 0 );
  lane::Exponentials e;
  const double g = s.g;
  s.old = s.V;
  if ( s.clock > 1e-9 )
  {
    s.clock -= 0.1;
    s.g = g * c.decay;
    return s;
  }
  for ( int i = 0; i < n; ++i )
  {
    Cell::State k[ 4 ] = { s, s, s, s };
    for ( int j = 0; j < 4; ++j )
    {
      const double part = j == 0 ? 0.0 : j == 3 ? 1.0 : 0.5;
      Cell::State trial = s;
      for ( int v = 0; j and v < 4; ++v ) trial.*Cell::members[ v ] += part * h * ( k[ j - 1 ].*Cell::members[ v ] );
      trial.g = g * std::exp( std::log( c.decay ) * ( i + part ) / n );
      Cell::rates( c, trial, Cell::Input{ I }, e, k[ j ] );
    }
    for ( int v = 0; v < 4; ++v )
      s.*Cell::members[ v ] += h / 6.0 * ( k[ 0 ].*Cell::members[ v ] + 2.0 * k[ 1 ].*Cell::members[ v ] + 2.0 * k[ 2 ].*Cell::members[ v ] + k[ 3 ].*Cell::members[ v ] );
  }
  s.g = g * c.decay;
  return s;
}

int main()
{
  std::fill_n( constants[ 0 ].value, lanes, std::exp( -0.1 / 2.0 ) );
  std::fill_n( constants[ 1 ].value, lanes, std::exp( -0.05 / 2.0 ) );
  const double currents[ 8 ] = { 0.0, 200.0, 500.0, 650.0, 700.0, 750.0, 900.0, 1200.0 };
  Block mixed;
  for ( int l = 0; l < lanes; ++l )
  {
    mixed.I[ l ] = currents[ l % 8 ];
    mixed.weight[ l ] = l % 2 ? 10.0 : 0.0;
  }
  std::vector< Block > alone( lanes );
  std::vector< Cell::State > right( lanes );
  for ( int k = 0; k < lanes; ++k )
  {
    for ( int l = 0; l < lanes; ++l )
    {
      alone[ k ].I[ l ] = mixed.I[ k ];
      alone[ k ].weight[ l ] = mixed.weight[ k ];
    }
    right[ k ] = Cell::load_state( mixed.state, k );
  }
  long others = 0, spikes = 0, waiting = 0, moved = 0;
  long most = 0;
  double worst = 0.0;
  for ( int t = 0; t < 1000; ++t )
  {
    mixed.begin( t );
    if ( not queue.waiting.empty() ) Lanes::empty( queue );
    mixed.end();
    // these in one team
    std::vector< double > before;
    for ( Block& block : alone )
    {
      before.push_back( block.state[ 0 ][ 0 ] );
      block.begin( t );
    }
    most = std::max( most, static_cast< long >( queue.waiting.size() ) );
    if ( not queue.waiting.empty() ) Lanes::empty( queue );
    for ( int k = 0; k < lanes; ++k )
    {
      const bool waits = alone[ k ].state[ 5 ][ 0 ] > 1e-9;
      alone[ k ].end();
      waiting += waits;
      moved += waits and alone[ k ].state[ 0 ][ 0 ] != before[ k ];
      for ( int i = 0; i < Cell::n_states; ++i )
        for ( int l = 0; l < lanes; ++l ) others += alone[ k ].state[ i ][ l ] != mixed.state[ i ][ k ];
      right[ k ].g += t % 37 == 5 ? mixed.weight[ k ] : 0.0;
      right[ k ] = exact( right[ k ], mixed.I[ k ] );
      std::uint32_t n = 0;
      Cell::conditions( Cell::load_constants< 1 >( constants, 0 ), right[ k ], Cell::Input{ 0.0 }, n );
      worst = std::max( worst, std::abs( right[ k ].V - mixed.state[ 0 ][ k ] ) );
    }
  }
  for ( int l = 0; l < lanes; ++l ) spikes += mixed.n_spikes[ l ];
  std::printf( "others %ld\nspikes %ld\nworst %.6f\nwaiting %ld\nmoved %ld\nmost %ld\n", others, spikes, worst, waiting, moved, most );
}
