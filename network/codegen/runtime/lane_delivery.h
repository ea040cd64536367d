/*
 * lane_delivery.h - the way of a spike from a synapse to the block of its target
 *
 * A cell of a large network is not in the cache when a spike reaches it. NEST's own way needs three accesses to
 * memory that wait for one another: from the synapse to the cell, from there to its functions and to its block.
 * Here a synapse keeps the number that its target has on its thread; a table of eight bytes per cell, which the
 * cache holds, leads from there to the block's list of input. The lists are not touched at once: their
 * loading is started, and a few dozen spikes later all of them are written to.
 *
 * There is one LaneDelivery per thread; only this thread works with it while a simulation is running.
 */
#ifndef BGNEST_LANE_DELIVERY_H
#define BGNEST_LANE_DELIVERY_H

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "exceptions.h"
#include "kernel_manager.h"
#include "node.h"

#include "lane_input.h"

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
      inputs_.resize( number + 1, 0 );
    }
    cells_[ number ] = cell;
  }

  /* The cell has got a lane. */
  void
  settle( nest::Node* const cell, const std::size_t number, PendingInput& input, const int lane )
  {
    static_assert( alignof( PendingInput ) > max_lanes );
    know( cell, number );
    inputs_[ number ] = reinterpret_cast< std::uintptr_t >( &input ) + lane;
  }

  /* The cell is going. */
  void
  forget( const nest::Node* const cell, const std::size_t number )
  {
    flush();
    last = {};
    if ( number < cells_.size() and cells_[ number ] == cell )
    {
      cells_[ number ] = nullptr;
      inputs_[ number ] = 0;
    }
  }

  nest::Node*
  cell( const std::size_t number ) const
  {
    return cells_[ number ];
  }

  /* A spike for a cell, to act at the end of a step (counted from the start of the simulation). */
  void
  deliver( const std::uint32_t number, const std::uint32_t port, const long step, const double weight )
  {
    const std::uintptr_t place = inputs_[ number ];
    auto* const input = reinterpret_cast< PendingInput* >( place & ~( max_lanes - 1 ) );
    __builtin_prefetch( input, 1 );
    const auto lane = static_cast< std::uint16_t >( place & ( max_lanes - 1 ) );
    waiting_[ n_waiting_++ ] = {
      input, weight, static_cast< std::uint32_t >( step ), static_cast< std::uint16_t >( port ), lane
    };
    if ( n_waiting_ == waiting_.size() )
    {
      flush();
    }
  }

  /* Put all spikes into the lists of their blocks: before anybody reads these, or a block goes. */
  void
  flush()
  {
    for ( std::uint32_t i = 0; i < n_waiting_; ++i )
    {
      waiting_[ i ].input->fetch_end();
    }
    for ( std::uint32_t i = 0; i < n_waiting_; ++i )
    {
      const Spike& spike = waiting_[ i ];
      if ( spike.input->full() )
      {
        make_room( *spike.input );
      }
      spike.input->add( spike.step, spike.port, spike.lane, spike.weight );
    }
    n_waiting_ = 0;
  }

  /* A block whose cells are all frozen is not updated, and must not collect input for ever. */
  static void
  make_room( PendingInput& input )
  {
    const auto& manager = nest::kernel().simulation_manager;
    input.forget_before( manager.get_slice_origin().get_steps() + manager.get_from_step() );
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

private:
  static constexpr std::uintptr_t max_lanes = 32;

  struct Spike
  {
    PendingInput* input;
    double weight;
    std::uint32_t step;
    std::uint16_t port;
    std::uint16_t lane;
  };

  LaneDelivery() = default;
  ~LaneDelivery() = default;

  std::vector< nest::Node* > cells_;     // by their number on this thread
  std::vector< std::uintptr_t > inputs_; // address of the list of input, plus the lane
  std::array< Spike, 64 > waiting_;
  std::uint32_t n_waiting_ = 0;
  long last_tics_ = -1;
  long last_step_ = 0;
};

} // namespace bgnest

#endif
