"""Events on their way reach their block in the right step, in the order of their arrival, whatever slices are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from network.codegen import targets, toolchain

pytestmark = pytest.mark.nestml

# Random events, slices of changing length and cells that come and go, beside a list that is searched through.
PROGRAM = r"""
#include <cstdio>
#include <map>
#include <random>
#include <utility>
#include <vector>
#include "lane_events.h"

static long present = 0;
using Key = std::pair< std::uint32_t, long >; // slot and row, and step

int main()
{
  std::mt19937_64 random( 7 );
  const auto below = [ & ]( const long n ) { return static_cast< long >( random() % n ); };
  bgnest::LaneEvents events( []() { return present; } );
  std::map< std::pair< long, long >, std::vector< double > > expected; // by step, and slot and row
  const long lengths[] = { 5, 1, 7, 100, 64, 3000 };
  std::vector< std::uint32_t > blocks;
  for ( int i = 0; i < 9; ++i ) blocks.push_back( events.open_block() );
  long wrong = 0, seen = 0, value = 0;
  const auto key = []( std::uint32_t slot, long row ) { return static_cast< long >( slot ) * 64 + row; };
  for ( const long length : lengths )
  {
    for ( int slice = 0; slice < 40; ++slice, present += length )
    {
      const bool frozen = slice % 11 == 3; // nobody asks in this slice
      events.prepare( present, length );
      if ( slice == 20 )
      {
        const std::uint32_t slot = bgnest::LaneEvents::slot( blocks[ 4 ], 3 );
        events.leave( slot );
        events.join();
        std::erase_if( expected, [ & ]( const auto& item ) { return item.first.second / 64 == slot; } );
      }
      for ( int i = below( 300 ); i > 0; --i )
      {
        const std::uint32_t slot = bgnest::LaneEvents::slot( blocks[ below( 9 ) ], below( 8 ) );
        const long row = below( 6 );
        const long step = present + below( i % 17 ? 30 : 70000 );
        events.add( slot, row, step, ++value );
        expected[ { step, key( slot, row ) } ].push_back( value );
      }
      const long cut = below( length + 1 ); // a slice may be done in two parts
      for ( const auto& [ from, to ] : { std::pair{ 0L, cut }, std::pair{ cut, length } } )
      {
        if ( frozen or from == to ) continue;
        events.advance( present );
        for ( const std::uint32_t block : blocks )
        {
          std::map< std::pair< long, long >, std::vector< double > > found;
          events.each( block, [ &, from = from, to = to ]( long step, long row, std::uint32_t lane, double v ) {
            if ( step < from or step >= to ) return;
            found[ { present + step, key( bgnest::LaneEvents::slot( block, lane ), row ) } ].push_back( v );
          } );
          for ( const auto& [ at, values ] : found )
          {
            seen += values.size();
            wrong += not expected.contains( at ) or expected[ at ] != values;
            expected.erase( at );
          }
        }
      }
      // what was due must have been found, unless nobody asked
      for ( auto item = expected.begin(); item != expected.end() and item->first.first < present + length; )
      {
        wrong += not frozen;
        item = expected.erase( item );
      }
    }
  }
  for ( const std::uint32_t block : blocks ) events.close_block( block );
  std::printf( "%ld %ld\n", seen, wrong );
}
"""


def test_events_reach_their_block_in_their_step(tmp_path: Path):
    (tmp_path / "events.cpp").write_text(PROGRAM)
    compiler, target = toolchain.find_compiler(), targets.get("vectorised")
    program = tmp_path / "events"
    command = [*compiler.command, "-std=c++20", "-g", *target.include_flags(), "-fsanitize=address,undefined"]
    subprocess.run([*command, str(tmp_path / "events.cpp"), "-o", str(program)], check=True)
    answer = subprocess.run([str(program)], check=True, capture_output=True, text=True)
    seen, wrong = map(int, answer.stdout.split())
    assert seen > 20_000 and wrong == 0
