"""The solver for steps with a spike (lane_solver.h) against closed solutions, along V_m and in time alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from network.codegen import targets, toolchain

pytestmark = pytest.mark.nestml

# V' = (Delta / tau) exp(V / Delta) runs to infinity in finite time; a spike at V_peak, reset to V_reset. Beyond the
# peak the right-hand side stays as it is there, as in the models.
PROGRAM = r"""
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include "lane_solver.h"

constexpr double h = 0.1, tau = 0.3, V_peak = 20.0, V_reset = -5.0;

template < int RUNNER >
struct Upstroke
{
  static constexpr int n = 2;
  static constexpr int runner = RUNNER;
  double Delta;
  bool is_due;
  int spikes = 0;
  double at = 0.0;
  mutable int evaluations = 0;

  void rhs( const double* y, double* f ) const
  {
    ++evaluations;
    f[ 0 ] = Delta / tau * std::exp( std::min( y[ 0 ], V_peak ) / Delta );
    f[ 1 ] = 3.0 - y[ 1 ]; // a slow second variable
  }
  bool event( const double* y ) const { return y[ 0 ] >= V_peak; }
  double threshold() const { return V_peak; }
  bool due() const { return is_due; }
  void on_event( double* y ) { y[ 0 ] = V_reset; ++spikes; at = y[ n ]; }
};

template < int RUNNER >
void upstroke( const char* label )
{
  double moment = 0.0, V = 0.0, second = 0.0;
  int wrong = 0, evaluations = 0, spikes = 0;
  for ( const double Delta : { 0.5, 1.7, 16.2 } )
  {
    for ( double until = 0.003; until < 0.2; until += 0.0043 ) // ms to the peak
    {
      const double start = -Delta * std::log( std::exp( -V_peak / Delta ) + until / tau );
      double y[] = { start, 1.0 };
      Upstroke< RUNNER > system{ Delta, until < h };
      wrong += not bgnest::LaneSolver< Upstroke< RUNNER > >( system, h ).step( y );
      wrong += system.spikes != ( until < h );
      const double left = until < h ? h - until : h;
      const double from = until < h ? V_reset : start;
      const double exact = -Delta * std::log( std::exp( -from / Delta ) - left / tau );
      const double speed = Delta / tau * std::exp( exact / Delta );
      if ( system.spikes ) moment = std::max( moment, std::abs( system.at - until ) );
      V = std::max( V, std::abs( y[ 0 ] - exact ) / ( 1.0 + 0.01 * speed ) );
      second = std::max( second, std::abs( y[ 1 ] - ( 3.0 - 2.0 * std::exp( -h ) ) ) );
      if ( system.spikes ) evaluations += system.evaluations, ++spikes;
    }
  }
  std::printf( "%s moment %g V %g second %g wrong %d", label, moment, V, second, wrong );
  std::printf( " evaluations %g\n", double( evaluations ) / spikes );
}

// fast at first, but turns round at 0.05 ms, below the peak: due() has promised too much
struct Turning
{
  static constexpr int n = 1;
  static constexpr int runner = 0;
  double scale;
  int spikes = 0;

  void rhs( const double* y, double* f ) const { f[ 0 ] = scale * ( 1.0 - y[ n ] / 0.05 ); }
  bool event( const double* y ) const { return y[ 0 ] >= V_peak; }
  double threshold() const { return V_peak; }
  bool due() const { return true; }
  void on_event( double* y ) { y[ 0 ] = V_reset; ++spikes; }
};

int main()
{
  upstroke< 0 >( "along" );
  upstroke< -1 >( "in_time" );

  double y[] = { 18.0 };
  Turning turning{ 60.0 };
  const bool good = bgnest::LaneSolver< Turning >( turning, h ).step( y );
  std::printf( "turning good %d error %g spikes %d\n", good, std::abs( y[ 0 ] - 18.0 ), turning.spikes );

  for ( const double start : { std::nan( "" ), std::numeric_limits< double >::infinity() } )
  {
    double z[] = { start };
    Turning broken{ start };
    std::printf( "broken good %d\n", bgnest::LaneSolver< Turning >( broken, h ).step( z ) );
  }
}
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """What the program prints: first word of a line, then names and numbers."""
    target = targets.get("vectorised")
    folder: Path = tmp_path_factory.mktemp("lane_solver")
    (folder / "program.cpp").write_text(PROGRAM)
    flags = ["-std=c++20", "-fopenmp-simd", "-march=native", *target.flags, *target.include_flags()]
    command = [*toolchain.find_compiler().command, *flags, "program.cpp", "-o", "program"]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    lines = subprocess.run([folder / "program"], capture_output=True, text=True, check=True).stdout.splitlines()
    return {
        words[0]: {name: float(value) for name, value in zip(words[1::2], words[2::2], strict=True)}
        for words in map(str.split, lines)
    }


@pytest.mark.parametrize("way", ["along", "in_time"])
def test_upstroke(printed: dict[str, dict[str, float]], way: str) -> None:
    """Spikes of gentle and of very steep upstrokes happen when they should, and what follows them is right."""
    result = printed[way]
    assert result["wrong"] == 0
    assert result["moment"] < 1e-4  # ms
    assert result["V"] < 5e-3  # mV where V_m is slow, in proportion to its speed in an upstroke
    assert result["second"] < 2e-5


def test_going_along_saves_evaluations(printed: dict[str, dict[str, float]]) -> None:
    assert printed["along"]["evaluations"] < 0.6 * printed["in_time"]["evaluations"]


def test_turn_below_the_peak(printed: dict[str, dict[str, float]]) -> None:
    """A variable that turns round cannot take the place of time; the solver notices."""
    assert printed["turning"]["good"] == 1
    assert printed["turning"]["spikes"] == 0
    assert printed["turning"]["error"] < 1e-3


def test_not_a_number_is_reported(printed: dict[str, dict[str, float]]) -> None:
    assert printed["broken"]["good"] == 0
