"""Events on their way reach their block in the right step, in the order of their arrival, whatever slices are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from network.codegen import targets, toolchain

pytestmark = pytest.mark.nestml

# Random events, slices of changing length, blocks of three sizes and cells that come and go, beside a list that is
# searched through. A third of the events are written by ways, or kept back until the next slice begins.
PROGRAM = r"""
#include <cstdio>
#include <map>
#include <random>
#include <utility>
#include <vector>
#include "lane_events.h"

static long present = 0;

struct Event { std::uint32_t slot; long row, step; double value; };

/* Keeps events back as rows do with spikes. */
struct Keeper
{
  bgnest::LaneEvents* events;
  std::vector< Event > kept;
};

static void let_go( void* const keeper )
{
  auto& [ events, kept ] = *static_cast< Keeper* >( keeper );
  for ( const auto& [ slot, row, step, value ] : kept ) events->add( slot, row, step, value );
  kept.clear();
}
using Key = std::pair< std::uint32_t, long >; // slot and row, and step

int main()
{
  std::mt19937_64 random( 7 );
  const auto below = [ & ]( const long n ) { return static_cast< long >( random() % n ); };
  bgnest::LaneEvents events( []() { return present; } );
  std::map< std::pair< long, long >, std::vector< double > > expected; // by step, and slot and row
  const long lengths[] = { 5, 1, 7, 100, 64, 3000 };
  Keeper keeper{ &events, {} };
  events.wait_for( let_go, &keeper );
  std::vector< std::pair< std::uint32_t, std::uint32_t > > blocks;
  for ( const std::uint32_t n : { 8, 8, 4, 16, 8, 4, 8, 16, 8 } ) blocks.push_back( { events.open_block( n ), n } );
  // a place that was given back is taken again
  events.close_block( blocks[ 5 ].first, 4 );
  const std::uint32_t again = events.open_block( 4 );
  long wrong = again != blocks[ 5 ].first, seen = 0, value = 0, by_ways = 0;
  const auto key = []( std::uint32_t slot, long row ) { return static_cast< long >( slot ) * 64 + row; };
  for ( const long length : lengths )
  {
    for ( int slice = 0; slice < 40; ++slice, present += length )
    {
      const bool frozen = slice % 11 == 3; // nobody asks in this slice
      if ( slice % 4 == 0 ) events.prepare( present, length ); // a run begins; lists also get on by themselves
      if ( slice == 20 )
      {
        const std::uint32_t slot = blocks[ 4 ].first + 3;
        events.leave( slot );
        events.join();
        std::erase_if( expected, [ & ]( const auto& item ) { return item.first.second / 64 == slot; } );
      }
      for ( int i = below( 300 ); i > 0; --i )
      {
        const auto [ first, n ] = blocks[ below( 9 ) ];
        const std::uint32_t slot = first + below( n );
        const long row = below( 6 );
        long step = present + below( i % 17 ? 30 : 70000 );
        const long shortest = below( 20 ), longest = shortest + below( 200 );
        const long lag = shortest + below( longest - shortest + 1 );
        const auto* const ways = i % 3 ? nullptr : events.ways( present + 5, shortest, longest );
        wrong += i % 3 == 0 and slice % 4 == 0 and ( ways == nullptr ) != ( 5 + shortest < length );
        if ( ways )
        {
          const auto& way = ways[ lag - shortest ];
          step = present + 5 + lag;
          ++by_ways;
          const std::uint32_t above = std::uint32_t( row ) << bgnest::LaneEvents::Event::step_bits;
          way.list->push( { static_cast< double >( ++value ), slot, way.step | above } );
        }
        else
        {
          events.add( slot, row, step, ++value );
        }
        expected[ { step, key( slot, row ) } ].push_back( value );
      }
      // each due at a time at which nothing else is, as it comes later than what was written after it
      for ( int i = below( 4 ); i > 0; --i )
      {
        const std::uint32_t slot = blocks[ below( 9 ) ].first;
        const long step = present + length + below( 30 );
        keeper.kept.push_back( { slot, 10 + i, step, static_cast< double >( ++value ) } );
        expected[ { step, key( slot, 10 + i ) } ].push_back( value );
      }
      const long cut = below( length + 1 ); // a slice may be done in two parts
      for ( const auto& [ from, to ] : { std::pair{ 0L, cut }, std::pair{ cut, length } } )
      {
        if ( frozen or from == to ) continue;
        events.advance( present );
        for ( const auto& [ block, n ] : blocks )
        {
          std::map< std::pair< long, long >, std::vector< double > > found;
          const auto look = [ &, from = from, to = to, block = block ]( long step, long row, int lane, double v ) {
            if ( step < from or step >= to ) return;
            found[ { present + step, key( block + lane, row ) } ].push_back( v );
          };
          events.each( block, n, look );
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
  for ( const auto& [ block, n ] : blocks ) events.close_block( block, n );
  std::printf( "%ld %ld %ld\n", seen, by_ways, wrong );
}
"""


def test_events_reach_their_block_in_their_step(tmp_path: Path):
    (tmp_path / "events.cpp").write_text(PROGRAM)
    compiler, target = toolchain.find_compiler(), targets.get("vectorised")
    program = tmp_path / "events"
    command = [*compiler.command, "-std=c++20", "-g", *target.include_flags(), "-fsanitize=address,undefined"]
    subprocess.run([*command, str(tmp_path / "events.cpp"), "-o", str(program)], check=True)
    answer = subprocess.run([str(program)], check=True, capture_output=True, text=True)
    seen, by_ways, wrong = map(int, answer.stdout.split())
    assert seen > 20_000 and by_ways > 5_000 and wrong == 0
