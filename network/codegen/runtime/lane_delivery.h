/*
 * lane_delivery.h - the way of a spike from a synapse to the block of its target
 *
 * NEST's own way needs three accesses to memory that wait for one another: from the synapse to the cell, from there to
 * its functions and to its block. Here a synapse keeps the number that its target has on its thread; a table of four
 * bytes per cell leads from there to the slot of the cell in the lists of events (lane_events.h). Who has many targets
 * in one population does without the table: there, slot and number differ by the same amount.
 *
 * There is one LaneDelivery per thread; only this thread works with it while a simulation is running.
 */
#ifndef BGNEST_LANE_DELIVERY_H
#define BGNEST_LANE_DELIVERY_H

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

#include "exceptions.h"
#include "kernel_manager.h"
#include "node.h"

#include "lane_events.h"

namespace bgnest
{

/* What every cell of this target has, whatever its model: the way to its block. */
class LaneCell
{
protected:
  std::uintptr_t place_ = 0; // address of the block, plus the lane; 0: none yet
};

class LaneDelivery
{
public:
  static constexpr std::size_t max_threads = 4096;

  static LaneDelivery&
  of_thread( const std::size_t thread )
  {
    // never destroyed: cells may outlive the static objects of this module
    static std::array< std::atomic< LaneDelivery* >, max_threads > deliveries{};
    if ( thread >= max_threads )
    {
      throw nest::KernelException( "the target vectorised has room for 4096 threads per process" );
    }
    LaneDelivery* found = deliveries[ thread ].load( std::memory_order_acquire );
    if ( not found )
    {
      auto* const made = new LaneDelivery;
      if ( deliveries[ thread ].compare_exchange_strong( found, made ) )
      {
        return *made;
      }
      delete made;
    }
    return *found;
  }

  LaneDelivery( const LaneDelivery& ) = delete;
  LaneDelivery& operator=( const LaneDelivery& ) = delete;

  /* A synapse ends at a cell. */
  void
  know( nest::Node* const cell, const std::size_t number )
  {
    if ( number >= cells_.size() )
    {
      cells_.resize( number + 1, nullptr );
      slots_.resize( number + 1, nowhere );
    }
    cells_[ number ] = cell;
  }

  /* The cell has got a lane. */
  void
  settle( nest::Node* const cell, const std::size_t number, const std::uint32_t slot )
  {
    know( cell, number );
    slots_[ number ] = slot;
    ++version_;
  }

  /* The cell is going. */
  void
  forget( const nest::Node* const cell, const std::size_t number )
  {
    last = {};
    if ( number < cells_.size() and cells_[ number ] == cell )
    {
      cells_[ number ] = nullptr;
      slots_[ number ] = nowhere;
      ++version_;
    }
  }

  nest::Node*
  cell( const std::size_t number ) const
  {
    return cells_[ number ];
  }

  /* By how much slots are ahead of numbers, and whether it is as much for all of them, and since when. */
  struct Shift
  {
    std::uint32_t amount = 0;
    bool same = false;
    std::uint64_t version = 0;
  };

  /* Of the cells from first to last; to be asked again when it is no longer current. */
  Shift
  shift( const std::uint32_t first, const std::uint32_t last ) const
  {
    Shift found{ slots_[ first ] - first, true, version_ };
    for ( std::uint32_t number = first; number <= last; ++number )
    {
      found.same = found.same and slots_[ number ] == number + found.amount;
    }
    return found;
  }

  bool
  current( const Shift& shift ) const
  {
    return shift.version == version_;
  }

  const std::uint32_t*
  slots() const
  {
    return slots_.data();
  }

  /* A spike for a cell, to act at the end of a step (counted from the start of the simulation). */
  BGNEST_INLINE void
  deliver( const std::uint32_t number, const std::uint32_t port, const long step, const double weight )
  {
    events.add( slots_[ number ], port, step, weight );
  }

  /* Step of a time, which NEST counts in tics; spikes of a slice share a handful of times. */
  long
  step_of( const nest::Time& time )
  {
    if ( time.get_tics() != last_tics_ )
    {
      last_tics_ = time.get_tics();
      last_step_ = time.get_steps();
    }
    return last_step_;
  }

  // what the synapse that was made last has found out about its cells; the next one often has the same
  struct Ends
  {
    const nest::Node* target = nullptr;
    std::size_t receptor_type = 0;
    std::uint32_t number = 0;
    std::uint32_t port = 0;
    int source_model = -1;
  };
  Ends last;

  LaneEvents events{ []() -> long { return nest::kernel().simulation_manager.get_slice_origin().get_steps(); } };

private:
  static constexpr std::uint32_t nowhere = std::numeric_limits< std::uint32_t >::max();

  LaneDelivery() = default;
  ~LaneDelivery() = default;

  std::vector< nest::Node* > cells_;   // by their number on this thread
  std::vector< std::uint32_t > slots_; // see LaneEvents::open_block
  std::uint64_t version_ = 1;          // of the slots
  long last_tics_ = -1;
  long last_step_ = 0;
};

} // namespace bgnest

#endif
