/*
 * lane_registry.h - what the blocks of one model on one thread have in common
 *
 * Blocks with free lanes, constants and drives that many blocks share, and the working memory of the blocks that
 * are being advanced.
 */
#ifndef BGNEST_LANE_REGISTRY_H
#define BGNEST_LANE_REGISTRY_H

#include <array>
#include <memory>
#include <mutex>
#include <vector>

#include "nest_time.h"

#include "lane_constants.h"
#include "lane_delivery.h"
#include "lane_drive.h"
#include "lane_work.h"

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
    Block* team[ n_places ];
    int n = 0;
    int place = 0;
    for ( Block* block = oldest_; block; block = block->next() )
    {
      if ( not block->awake() )
      {
        continue;
      }
      if ( n == n_places )
      {
        Block::advance( team, n, slice, to );
        n = 0;
      }
      block->open( work[ place ], slice, from, to );
      place = ( place + 1 ) % n_places;
      if ( n > 0 and block->scheme() != team[ 0 ]->scheme() )
      {
        Block::advance( team, n, slice, to );
        n = 0;
      }
      team[ n++ ] = block;
    }
    if ( n > 0 )
    {
      Block::advance( team, n, slice, to );
    }
  }

  /* After an error in the middle of a slice. */
  void
  forget_input()
  {
    for ( LaneWork< Model >& place : work )
    {
      place.input.clear_all();
    }
    substeps.waiting.clear();
  }

  static constexpr int n_places = team_size< Model >();

  LaneDelivery& delivery; // shared by the blocks of all models on this thread
  ConstantsStore< LaneWork< Model >::n_constants > constants;
  DriveTables drives;
  std::array< LaneWork< Model >, n_places > work;
  [[no_unique_address]] std::conditional_t< has_substeps< Model >(), SubstepQueue< Model >, NoSubsteps > substeps;

private:
  Block* open_ = nullptr;
  Block* oldest_ = nullptr;
  Block* newest_ = nullptr;
  long slice_tics_ = -1; // start of the slice that was done last
  long done_to_ = 0;     // ... up to this step of it
};

} // namespace bgnest

#endif
