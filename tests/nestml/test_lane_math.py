"""Elementary functions of the vectorised target against the C library, with its compiler flags and for three CPUs."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import numpy as np
import pytest

from network.codegen import targets, toolchain

pytestmark = pytest.mark.nestml

X86 = platform.machine() in ("x86_64", "AMD64")
CPUS = ["native", "x86-64", "x86-64-v3"] if X86 else ["native"]

# Every loop is one that the compiler may vectorise, as in the blocks of cells.
PROGRAM = r"""
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>
#include "lane_math.h"
namespace lane = bgnest::lane;

template < class F, class G >
double largest_error( const double from, const double to, F f, G reference )
{
  const int n = 1 << 20;
  std::vector< double > x( n ), y( n );
  for ( int i = 0; i < n; ++i ) x[ i ] = from + ( to - from ) * i / ( n - 1 );
#pragma omp simd
  for ( int i = 0; i < n; ++i ) y[ i ] = f( x[ i ] );
  double worst = 0.0;
  for ( int i = 0; i < n; ++i )
  {
    const long double exact = reference( static_cast< long double >( x[ i ] ) );
    const double size = std::abs( static_cast< double >( exact ) );
    const double ulp = std::nextafter( size, INFINITY ) - size;
    worst = std::max( worst, static_cast< double >( std::abs( ( y[ i ] - exact ) / ulp ) ) );
  }
  return worst;
}

#define CHECK( label, name, from, to )                       \
  std::printf( "%s %g\n", label, largest_error( from, to,    \
    []( double x ) { return lane::name( x ); },               \
    []( long double x ) { return std::name( x ); } ) )

int main()
{
  CHECK( "exp", exp, -708.0, 709.0 );
  CHECK( "exp_small", exp, -1.0, 1.0 );
  CHECK( "log", log, 1e-3, 1e3 );
  CHECK( "expm1", expm1, 0.01, 5.0 );
  CHECK( "sin", sin, -1e4, 1e5 );
  CHECK( "cos", cos, -1e4, 1e5 );
  CHECK( "round", round, -9.0, 9.0 );

  // what happens at the ends, in a vector with ordinary numbers beside
  const double inf = std::numeric_limits< double >::infinity();
  double x[] = { inf, -inf, NAN, 709.0, 710.0, -708.0, -709.0, 0.0 };
  double y[ 8 ];
#pragma omp simd
  for ( int i = 0; i < 8; ++i ) y[ i ] = lane::exp( x[ i ] );
  std::printf( "ends" );
  for ( const double v : y ) std::printf( " %g", v );
  std::printf( "\n" );

  // powers of numbers of either sign, remainders
  double base[] = { -2.0, -2.0, -2.0, 2.0, 0.0, 0.0, -1.5, 3.0 };
  double exponent[] = { 3.0, 2.0, 0.5, -2.0, 2.0, 0.0, -1.0, 0.5 };
#pragma omp simd
  for ( int i = 0; i < 8; ++i ) y[ i ] = lane::pow( base[ i ], exponent[ i ] );
  std::printf( "powers" );
  for ( const double v : y ) std::printf( " %.12g", v );
  std::printf( "\nremainders" );
  for ( const double a : { 7.0, -7.0 } ) std::printf( " %g", lane::remainder( a, 3.0 ) );
  std::printf( "\n" );

  std::printf( "literal_powers %g %g", lane::power< 0 >( 3.0 ), lane::power< 1 >( 3.0 ) );
  std::printf( " %g %g\n", lane::power< 5 >( -2.0 ), lane::power< -6 >( 2.0 ) );

  // exponentials that follow from one nearby
  double worst = 0.0;
  double worst_distant = 0.0;
  double worst_close = 0.0;
  double worst_closer = 0.0;
  int wrong_flags = 0;
  for ( const double at : { -80.0, -1.0, 0.0, 3.0, 400.0 } )
  {
    for ( int i = -1000; i <= 1000; ++i )
    {
      const double d = i / 1000.0;
      lane::FirstExponentials< 1 > first;
      first.exp< 0 >( at );
      lane::NearbyExponentials< 1 > nearby{ first };
      const double value = nearby.exp< 0 >( at + d );
      const bool inside = std::abs( ( at + d ) - at ) <= 0.5;
      wrong_flags += inside != ( nearby.far == 0 );
      lane::DistantExponentials< 1 > distant{ first };
      const double there = at + 0.999 * d;
      worst_distant = std::max( worst_distant, std::abs( distant.exp< 0 >( there ) / std::exp( there ) - 1.0 ) );
      wrong_flags += distant.far != 0;
      lane::ExponentialRows< 1, double[ 1 ] > rows;
      lane::KeptExponentials< 1, double[ 1 ] >{ rows, 0 }.exp< 0 >( at );
      lane::CloseExponentials< 1, double[ 1 ] > close{ rows, 0 };
      worst_close = std::max( worst_close, std::abs( close.exp< 0 >( there ) / std::exp( there ) - 1.0 ) );
      const double here = at + 0.01 * d;
      worst_closer = std::max( worst_closer, std::abs( close.exp< 0 >( here ) / std::exp( here ) - 1.0 ) );
      wrong_flags += not( std::abs( close.far - ( there - at ) * ( there - at ) ) <= 1e-9 );
      wrong_flags += not std::isnan( close.exp< 0 >( NAN ) );
      if ( inside ) worst = std::max( worst, std::abs( value / std::exp( at + d ) - 1.0 ) );
    }
  }
  lane::FirstExponentials< 1 > first;
  first.exp< 0 >( 1.0 );
  lane::NearbyExponentials< 1 > nearby{ first };
  nearby.exp< 0 >( NAN );
  std::printf( "distant %g\n", worst_distant );
  std::printf( "close %g %g\n", worst_close, worst_closer );
  std::printf( "nearby %g flags %d nan %u\n", worst, wrong_flags, nearby.far );
}
"""


@pytest.fixture(scope="module", params=CPUS)
def printed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the program prints: name of a line and its words."""
    if request.param == "x86-64-v3" and "avx2" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this CPU has no AVX2")
    target = targets.get("vectorised")
    folder = tmp_path_factory.mktemp("lane_math")
    (folder / "program.cpp").write_text(PROGRAM)
    compiler = toolchain.find_compiler()
    flags = ["-std=c++20", "-fopenmp-simd", f"-march={request.param}", *target.flags, *target.include_flags()]
    command = [*compiler.command, *flags, "program.cpp", "-o", "program"]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    lines = subprocess.run([folder / "program"], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines}


def test_error_in_units_of_the_last_place(printed: dict[str, list[str]]) -> None:
    assert float(printed["exp"][0]) < 1.5
    assert float(printed["exp_small"][0]) < 1.5
    assert float(printed["log"][0]) < 3.0
    assert float(printed["expm1"][0]) < 200.0  # loses two digits just above its series


def test_trigonometric_functions_and_rounding(printed: dict[str, list[str]]) -> None:
    """To about 2 units of the last place where the phases of an oscillation lie; halves are rounded away from zero."""
    assert float(printed["sin"][0]) < 2.5
    assert float(printed["cos"][0]) < 2.5
    assert float(printed["round"][0]) == 0.0


def test_powers_and_remainders(printed: dict[str, list[str]]) -> None:
    """A negative number has whole powers, others are NaN; a remainder has the sign of the dividend."""
    powers = [float(word) for word in printed["powers"]]
    np.testing.assert_allclose(powers, [-8.0, 4.0, np.nan, 0.25, 0.0, 1.0, -1 / 1.5, 3**0.5], rtol=1e-11)
    assert printed["remainders"] == ["1", "-1"]
    assert [float(word) for word in printed["literal_powers"]] == [1.0, 3.0, -32.0, 1 / 64]


def test_infinities_and_nan(printed: dict[str, list[str]]) -> None:
    """NaN stays NaN in its lane and touches no other; overflow is infinity, underflow 0."""
    ends = printed["ends"]
    assert ends[:3] == ["inf", "0", "nan"] or ends[:3] == ["inf", "0", "-nan"]
    assert float(ends[3]) == pytest.approx(8.218407461554972e307)
    assert float(ends[4]) == float("inf")
    assert float(ends[5]) == pytest.approx(3.307553003638408e-308)
    assert float(ends[6]) == 0.0
    assert float(ends[7]) == 1.0


def test_exponentials_nearby(printed: dict[str, list[str]]) -> None:
    """Within reach exact to 8e-8, 1.2e-8 or 1e-6; what is further away, or NaN, is reported: the step is done again."""
    assert float(printed["close"][0]) < 1e-6
    assert float(printed["close"][1]) < 1e-7
    assert float(printed["distant"][0]) < 1.3e-8
    error, _, wrong_flags, _, nan = printed["nearby"]
    assert float(error) < 8e-8
    assert int(wrong_flags) == 0
    assert int(nan) == 1
