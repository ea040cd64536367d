/*
 * trace_log.h - variables of chosen cells of a thread, written down as the steps are done
 *
 * NEST's multimeter asks each cell in every slice, which answers with an event per interval; of a large number of cells
 * this costs as much as their equations. Cells of this target can write their samples here instead; the engine takes them
 * from time to time (row_interface.h). Times are those at which a multimeter samples: multiples of the interval.
 */
#ifndef BGNEST_TRACE_LOG_H
#define BGNEST_TRACE_LOG_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace bgnest
{

class TraceLog
{
public:
  /* Samples of one cell for one trace: all variables of a time, then those of the next. */
  struct Series
  {
    std::int64_t trace;
    std::int64_t cell;     // id in NEST
    std::int64_t interval; // in steps, as the others
    std::int64_t first;    // time of the first sample, at the earliest
    std::int64_t last;
    std::vector< double > values;

    /* Whether there is a sample at the end of a step. */
    bool
    due( const std::int64_t step ) const
    {
      const std::int64_t time = step + 1;
      return time >= first and time <= last and time % interval == 0;
    }
  };

  static constexpr std::size_t max_threads = 4096;

  /* A request for data at this receptor type asks a cell to write into the newest series of its thread. */
  static constexpr std::size_t receptor = std::numeric_limits< std::size_t >::max() - 1;

  static TraceLog&
  of_thread( const std::size_t thread )
  {
    // never destroyed, as everything that cells refer to
    static auto* const logs = new std::array< TraceLog, max_threads >;
    return ( *logs )[ thread ];
  }

  // shared with the cells, which may live longer than what is asked of them
  alignas( 64 ) std::vector< std::shared_ptr< Series > > series;
};

} // namespace bgnest

#endif
