/*
 * guard_interface.h - what the engine calls in a module of any target: guard of the cells, and what they have thrown
 *
 * Plain C functions for Python's ctypes (network/engine/nest/guarded.py). Included by the source of the module alone.
 */
#ifndef BGNEST_GUARD_INTERFACE_H
#define BGNEST_GUARD_INTERFACE_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <omp.h>

#include "kernel_manager.h"
#include "nest_time.h"

#include "update_guard.h"

extern "C" {

/* Before (1) and after (0) NEST runs. What was noted in the run before is forgotten before. */
void
bgnest_guard_cells( const std::int32_t on )
{
  if ( on )
  {
    bgnest::Failures::here().forget();
  }
#pragma omp parallel num_threads( static_cast< int >( nest::kernel().vp_manager.get_num_threads() ) )
  {
    const std::size_t thread = omp_get_thread_num();
    bgnest::UpdateGuard& guard = bgnest::UpdateGuard::of_thread( thread );
    on ? guard.stand( thread ) : guard.leave();
  }
}

/* What cells of this process have thrown: a line for each, with begin of the slice (ms), number of the cell, text. */
const char*
bgnest_failures()
{
  static std::string lines;
  lines.clear();
  for ( const auto& failure : bgnest::Failures::here().noted() )
  {
    std::string text = failure.text;
    std::replace( text.begin(), text.end(), '\n', ' ' );
    const double begin = nest::Time( nest::Time::step( failure.step ) ).get_ms();
    lines += std::to_string( begin ) + " " + std::to_string( failure.node ) + " " + text + "\n";
  }
  return lines.c_str();
}

/* Texts of all processes, one behind the other, in all of them. All have to call this. */
const char*
bgnest_share( const char* const text )
{
  static std::string all;
  const std::string own = text;
  std::vector< double > sent( own.begin(), own.end() ); // NEST's own function for texts needs them to be of equal length
  std::vector< double > received;
  std::vector< int > places;
  nest::kernel().mpi_manager.communicate( sent, received, places );
  all.clear();
  for ( const double letter : received )
  {
    all.push_back( static_cast< char >( letter ) );
  }
  return all.c_str();
}
}

#endif
