/*
 * spike_log.h - the spikes of the cells of a thread, written down as they are sent
 *
 * NEST's recorders need a connection per cell, with 8 to 30 kB of memory each. Cells of this target can note their spikes
 * here instead; the engine takes them from time to time (row_interface.h). Nothing is written while the log is off.
 */
#ifndef BGNEST_SPIKE_LOG_H
#define BGNEST_SPIKE_LOG_H

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

namespace bgnest
{

class SpikeLog
{
public:
  struct Spike
  {
    std::int64_t step; // at whose end it was sent, counted from the start of the simulation
    std::int64_t cell; // id in NEST
  };

  static constexpr std::size_t max_threads = 4096;

  static SpikeLog&
  of_thread( const std::size_t thread )
  {
    // never destroyed, as everything that cells refer to
    static auto* const logs = new std::array< SpikeLog, max_threads >;
    return ( *logs )[ thread ];
  }

  alignas( 64 ) bool on = false;
  std::vector< Spike > spikes;
};

} // namespace bgnest

#endif
