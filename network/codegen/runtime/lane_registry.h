/*
 * lane_registry.h - what the blocks of one model on one thread have in common
 *
 * Blocks with free lanes, constants and drives that many blocks share, and the working memory of the block that
 * is being advanced, which stays in the cache.
 */
#ifndef BGNEST_LANE_REGISTRY_H
#define BGNEST_LANE_REGISTRY_H

#include <memory>
#include <mutex>
#include <type_traits>
#include <vector>

#include "nest_time.h"

#include "lane_constants.h"
#include "lane_delivery.h"
#include "lane_drive.h"
#include "lane_expansion.h"
#include "lane_input.h"
#include "lane_row.h"

namespace bgnest
{

template < class Neuron, class Model >
class LaneBlock;

/* Everything that the blocks of one model on one thread have in common. */
template < class Neuron, class Model >
class LaneRegistry
{
public:
  using Block = LaneBlock< Neuron, Model >;

  explicit LaneRegistry( const std::size_t thread )
    : delivery( LaneDelivery::of_thread( thread ) )
  {
  }

  static LaneRegistry&
  of_thread( const std::size_t thread )
  {
    // never destroyed: cells may outlive the static objects of this module
    static auto* const registries = new std::vector< std::unique_ptr< LaneRegistry > >;
    static auto* const mutex = new std::mutex;
    const std::lock_guard< std::mutex > lock( *mutex );
    while ( registries->size() <= thread )
    {
      registries->push_back( std::make_unique< LaneRegistry >( registries->size() ) );
    }
    return *( *registries )[ thread ];
  }

  /* A block with a free lane. */
  Block*
  open_block( const long now )
  {
    if ( not open_ or open_->full() )
    {
      open_ = new Block( *this, now );
      open_->follow( newest_ );
      newest_ = open_;
      oldest_ = oldest_ ? oldest_ : open_;
    }
    return open_;
  }

  void
  discard( Block* const block )
  {
    if ( open_ == block )
    {
      open_ = nullptr;
    }
    if ( newest_ == block )
    {
      newest_ = block->previous();
    }
    if ( oldest_ == block )
    {
      oldest_ = block->next();
    }
    delete block;
  }

  /* Before a run. */
  void
  prepare()
  {
    slice_tics_ = -1;
  }

  /* Advance all blocks over a part of the slice that begins at slice, once: every cell that NEST updates asks for it. */
  void
  advance( const nest::Time& slice, const long from, const long to )
  {
    if ( slice_tics_ == slice.get_tics() and done_to_ == to )
    {
      return;
    }
    slice_tics_ = slice.get_tics();
    done_to_ = to;
    for ( Block* block = oldest_; block; block = block->next() )
    {
      if ( block->awake() )
      {
        block->update( slice, from, to );
      }
    }
  }

  LaneDelivery& delivery; // shared by the blocks of all models on this thread
  // shared by all blocks, or the working memory of the block that is being advanced
  ConstantsTable< Model::n_constants + Model::n_ports, Model::has_expansion > constants;
  DriveTables drives;
  DrawnSteps drawn;
  SliceInput< Model::n_ports + Model::n_currents, Model::has_on_receive > input;
  Row work[ 2 ][ Model::n_states ]; // the state between two steps of a slice
  [[no_unique_address]] std::conditional_t< Model::has_expansion, ExpandedSlice< Model >, NoExpansion > expanded;

private:
  Block* open_ = nullptr;
  Block* oldest_ = nullptr;
  Block* newest_ = nullptr;
  long slice_tics_ = -1; // start of the slice that was done last
  long done_to_ = 0;     // ... up to this step of it
};

} // namespace bgnest

#endif
