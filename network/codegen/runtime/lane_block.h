/*
 * lane_block.h - the cells of one model on one thread, advanced several at a time
 *
 * A block holds LANES cells of one model as a structure of arrays: row i of a table is variable i of all
 * lanes. A loop over the lanes of a row becomes vector instructions. Of each block NEST updates one cell in every
 * slice; the first that it comes to advances all blocks of the model on its thread over the whole of it.
 *
 * What a block keeps, and why so little: at full scale the cells do not fit into the cache, so the bytes
 * that a slice touches decide the speed.
 *   state      one table; between the steps of a slice two others, of the working memory (lane_work.h), take turns, so
 *              that a lane whose fast step is refused can be done again from its start
 *   constants  rows that differ between its lanes (lane_constants.h)
 *   input      is in lists of the thread (lane_events.h); what is due in a slice is added up in a table
 *              (step x port x lane) of the working memory, with a bit per step and port that tells whether anything has
 *              arrived
 *
 * Lanes that are empty, or whose cell is frozen, are computed along with the others and keep their state.
 * Lanes never influence one another.
 *
 * What a model has to offer (class Model) is written by the code generator from the template
 * templates/vectorised/@NEURON_NAME@.h.jinja2.
 */
#ifndef BGNEST_LANE_BLOCK_H
#define BGNEST_LANE_BLOCK_H

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "huge_memory.h"
#include "lane_constants.h"
#include "lane_drive.h"
#include "lane_expansion.h"
#include "lane_graded.h"
#include "lane_input.h"
#include "lane_math.h"
#include "lane_random.h"
#include "lane_registry.h"
#include "lane_row.h"
#include "lane_slice.h"
#include "poisson_drive.h"

namespace bgnest
{

template < class Neuron, class Model >
class alignas( 64 ) LaneBlock
{
public:
  using Registry = LaneRegistry< Neuron, Model >;
  using Work = LaneWork< Model >;
  static constexpr int n_states = Model::n_states;
  static constexpr int n_constants = Model::n_constants + Model::n_ports;

  LaneBlock( Registry& registry, const long now )
    : registry_( registry )
    , clock_( now )
    , first_slot_( registry.delivery.events.open_block( lanes ) )
  {
  }

  ~LaneBlock()
  {
    registry_.delivery.events.close_block( first_slot_, lanes );
    if ( next_ )
    {
      next_->previous_ = previous_;
    }
    if ( previous_ )
    {
      previous_->next_ = next_;
    }
  }

  static void*
  operator new( const std::size_t size )
  {
    return HugeMemory::allocate( size, alignof( LaneBlock ) );
  }

  static void
  operator delete( void* const block )
  {
    HugeMemory::release( block );
  }

  LaneBlock( const LaneBlock& ) = delete;
  LaneBlock& operator=( const LaneBlock& ) = delete;

  /* Blocks form a chain in the order in which NEST updates them. */
  void
  follow( LaneBlock* const block )
  {
    previous_ = block;
    if ( block )
    {
      block->next_ = this;
    }
  }

  Registry&
  registry()
  {
    return registry_;
  }

  LaneBlock*
  previous() const
  {
    return previous_;
  }

  LaneBlock*
  next() const
  {
    return next_;
  }

  /* Whether it has cells that are not frozen. */
  bool
  awake() const
  {
    return awake_;
  }

  bool
  full() const
  {
    return occupied_ == all_lanes;
  }

  /* Give a cell a lane; its state has to be written by the caller. */
  int
  join( Neuron* const node )
  {
    const int lane = std::countr_one( occupied_ );
    registry_.delivery.events.join();
    nodes_[ lane ] = node;
    occupied_ |= LaneMask( 1 ) << lane;
    drive_.reset_count( lane );
    for ( Row& row : current_ )
    {
      row[ lane ] = 0.0;
    }
    stale_ = true;
    return lane;
  }

  void
  leave( const int lane )
  {
    registry_.delivery.events.leave( slot( lane ) );
    nodes_[ lane ] = nullptr;
    occupied_ &= ~( LaneMask( 1 ) << lane );
    stale_ = true;
    elect();
    if ( occupied_ == 0 )
    {
      registry_.discard( this );
    }
  }

  /* Where input of a cell is written down. */
  std::uint32_t
  slot( const int lane ) const
  {
    return first_slot_ + lane;
  }

  double&
  state( const int variable, const int lane )
  {
    return state_[ variable ][ lane ];
  }

  double
  drive_count( const int lane ) const
  {
    return drive_.count( lane );
  }

  /* A row of the input of the present step. */
  double
  input( const int row, const int lane ) const
  {
    return current_[ row ][ lane ];
  }

  /* Parameters, frozen flags or recorders of a cell have changed. */
  void
  mark_stale()
  {
    stale_ = true;
  }

  /* Let NEST update one cell: the first that is not frozen. */
  void
  elect()
  {
    bool found = false;
    for ( Neuron* const node : nodes_ )
    {
      if ( node )
      {
        node->speak( not found and not node->frozen() );
        found = found or not node->frozen();
      }
    }
    awake_ = found;
  }

  /* Before a run: now is the first step that will be done, in a slice that begins at one and is so long. */
  void
  prepare( const long now, const long slice_begin, const long slice_length )
  {
    registry_.delivery.events.prepare( slice_begin, slice_length );
    stale_ = true;
    clock_ = now;
    registry_.prepare();
  }

  void
  add_spike( const long step, const int port, const int lane, const double weight )
  {
    registry_.delivery.events.add( slot( lane ), port, step, weight );
  }

  void
  add_current( const long step, const int port, const int lane, const double value )
  {
    registry_.delivery.events.add( slot( lane ), Model::n_ports + port, step, value );
  }

  /* How the steps of a slice are done. */
  enum class Scheme
  {
    expansion,
    unit_exponents, // a model without exponents is compiled for one kind of them only
    any_exponents
  };

  Scheme
  scheme() const
  {
    return scheme_;
  }

  /* Lay out all that a part of the slice that begins at slice needs. */
  void
  open( Work& work, const nest::Time& slice, const long from, const long to )
  {
    const long slice_origin = slice.get_steps();
    work_ = &work;
    clock_ = slice_origin + from;
    if ( stale_ )
    {
      gather_();
    }
    constants_.lay_out( work.constants );
    take_( slice_origin, from, to );
    scheme_ = Model::exponents.empty() or constants_.unit_exponents() ? Scheme::unit_exponents : Scheme::any_exponents;
    if constexpr ( Model::has_expansion )
    {
      // a lane with other exponents is refused there; what the others get must not depend on it
      if ( to - from > 1 and resolution_ <= longest_expanded_step and not constants_.odd_exponents() )
      {
        scheme_ = Scheme::expansion;
      }
    }
  }

  /* Advance all lanes of n blocks that have been opened and have one scheme, up to a step of the slice. */
  static void
  advance( LaneBlock* const* const team, const int n, const nest::Time& slice, const long to )
  {
    const long slice_origin = slice.get_steps();
    const long end = slice_origin + to;
    const Scheme scheme = team[ 0 ]->scheme_;
    if constexpr ( Model::has_expansion )
    {
      if ( scheme == Scheme::expansion )
      {
        LaneExpansion< Neuron, Model >::advance( *team[ 0 ], end, slice_origin );
        return;
      }
    }
    if ( scheme == Scheme::unit_exponents )
    {
      LaneSlice< Neuron, Model, 1 >::advance( team, n, end, slice_origin );
    }
    else if constexpr ( not Model::exponents.empty() )
    {
      LaneSlice< Neuron, Model, lane::largest_exponent >::advance( team, n, end, slice_origin );
    }
  }

  std::size_t
  bytes() const
  {
    return sizeof( *this ) + constants_.bytes();
  }

private:
  template < class, class, int >
  friend class LaneSlice;
  template < class, class >
  friend class LaneExpansion;

  static constexpr LaneMask all_lanes = lanes == 32 ? ~LaneMask( 0 ) : ( LaneMask( 1 ) << lanes ) - 1;
  static constexpr bool is_graded = Model::n_gates + Model::n_conductances > 0;
  static constexpr int n_input_rows = Model::n_inputs + Model::uses_random > 0 ? Model::n_inputs + Model::uses_random : 1;

  /* From receptor types to ports. */
  static BGNEST_INLINE void
  route_( [[maybe_unused]] std::uint32_t& row, [[maybe_unused]] double& value )
  {
    if constexpr ( Model::n_receptors < Model::n_ports )
    {
      if ( row < Model::n_receptors )
      {
        const auto [ positive, negative ] = Model::receptors[ row ];
        const bool other = positive != negative and value < 0.0;
        row = other ? negative : positive;
        value = other ? -value : value;
      }
    }
  }

  /* Add up the input of the steps from ... to - 1 of a slice. */
  void
  take_( const long slice_begin, const long from, const long to )
  {
    work_->input.resize( to - from );
    LaneEvents& events = registry_.delivery.events;
    events.advance( slice_begin );
    events.each( first_slot_,
      lanes,
      [ & ]( const long step, std::uint32_t row, const std::uint32_t lane, double value )
      {
        if ( step >= from and step < to )
        {
          route_( row, value );
          work_->input.add( step - from, row, lane, value );
        }
      } );
  }

  /* Collect constants, masks and drives from the cells. */
  void
  gather_()
  {
    resolution_ = nest::Time::get_resolution().get_ms();
    const int first = std::countr_zero( occupied_ );
    auto columns = std::make_unique< Row[] >( n_constants );
    DriveSpec drives[ lanes ];
    active_ = 0;
    recorded_ = 0;
    driven_ports_ = 0;
    for ( int l = 0; l < lanes; ++l )
    {
      // An empty lane computes the same as the first cell, so that no strange numbers come up in it.
      const bool used = occupied_ >> l & 1;
      if constexpr ( is_graded )
      {
        graded_.find( l, used ? nodes_[ l ] : nullptr );
      }
      const Neuron& node = *nodes_[ used ? l : first ];
      double constants[ n_constants ];
      Model::constants( node.parameters(), resolution_, constants );
      for ( int p = 0; p < Model::n_ports; ++p )
      {
        // ports that share a receptor type get the amount of a weight; its sign would tell which one is meant
        const auto [ positive, negative ] = Model::receptors[ Model::receptor_of_port[ p ] ];
        const double weight = node.drive().weights[ p ];
        constants[ Model::n_constants + p ] = positive == negative ? weight : lane::abs( weight );
      }
      for ( int i = 0; i < n_constants; ++i )
      {
        columns[ i ][ l ] = constants[ i ];
      }
      if ( not used )
      {
        for ( int i = 0; i < n_states; ++i )
        {
          state_[ i ][ l ] = state_[ i ][ first ];
        }
        continue;
      }
      active_ |= LaneMask( not node.frozen() ) << l;
      recorded_ |= LaneMask( node.recorded() ) << l;
      drives[ l ] = node.drive().spec;
      drive_.set_key( l, drive_key( node.drive().seed, node.get_node_id() ) );
      if constexpr ( Model::uses_random )
      {
        current_[ Model::n_inputs ][ l ] = lane::Random::key( kernel_seed(), node.get_node_id() );
      }
      for ( int p = 0; p < Model::n_ports; ++p )
      {
        const bool reached = node.drive().spec.rate > 0.0 and node.drive().weights[ p ] != 0.0;
        driven_ports_ |= std::uint64_t( reached ) << p;
      }
    }
    constants_.collect( columns.get(), Model::exponents, registry_.constants );
    drive_.set( drives, resolution_, registry_.drives );
    stale_ = false;
  }

  Registry& registry_;
  Work* work_ = nullptr; // while it is advanced
  LaneBlock* next_ = nullptr;
  LaneBlock* previous_ = nullptr;
  long clock_;               // first step that is not done yet
  std::uint32_t first_slot_; // of its lanes in the lists of events
  LaneMask occupied_ = 0; // lanes with a cell
  LaneMask active_ = 0;   // ... that is not frozen
  LaneMask recorded_ = 0; // ... of which variables are recorded
  bool stale_ = true;
  bool awake_ = false;
  Scheme scheme_ = Scheme::unit_exponents;
  double resolution_ = 0.0;

  BlockConstants< n_constants > constants_;
  BlockDrive drive_;
  std::uint64_t driven_ports_ = 0;

  // input of the present step: currents first; see Model::Input
  // ... and behind it what the random numbers of each cell come from
  Row current_[ n_input_rows ] = {};
  Row state_[ n_states ] = {};
  [[no_unique_address]] BlockGraded< Model > graded_;
  Neuron* nodes_[ lanes ] = {};
};

} // namespace bgnest

#endif
