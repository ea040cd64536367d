/*
 * lane_node.h - a cell of the vectorised target as NEST sees it
 *
 * The cell owns its parameters and, until its first run, its state. At the start of its first run it takes
 * a lane of a block (lane_block.h) and its state moves there; reading and setting single cells goes on
 * working at any time. Everything per cell is exact: parameters, state, spikes, recordings, frozen flag.
 *
 * Besides the parameters of the model each cell has those of its internal Poisson drive (drive_parameters.h) and the
 * recordable drive_count, the number of spikes drawn so far.
 *
 * NEST asks every cell in every slice whether it is frozen, and calls its update(). So that this costs little, only the
 * cell that speaks for a block is updated: to NEST the others are frozen, and whether a user has frozen a cell is known
 * here. And a cell is NEST's Node, the way to its block and a pointer to everything else, and the
 * cells lie one behind the other. The price: as the parent class is not ArchivingNode, NEST refuses synapses with
 * spike-timing dependent plasticity, and there is no structural plasticity. The target `plain` has both.
 */
#ifndef BGNEST_LANE_NODE_H
#define BGNEST_LANE_NODE_H

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "dict_util.h"
#include "event.h"
#include "event_delivery_manager.h"
#include "event_delivery_manager_impl.h"
#include "exceptions.h"
#include "kernel_manager.h"
#include "nest_time.h"
#include "node.h"
#include "recordables_map.h"
#include "universal_data_logger.h"
#include "universal_data_logger_impl.h"

#include "drive_parameters.h"
#include "lane_block.h"
#include "lane_delivery.h"
#include "lane_graded.h"
#include "lane_parameters.h"
#include "spike_log.h"
#include "trace_log.h"

namespace bgnest
{

template < class Neuron, class Model >
class LaneNode : public nest::Node, public LaneCell
{
public:
  using nest::Node::handle;
  using nest::Node::handles_test_event;

  LaneNode()
    : own_( std::make_unique< Own >( static_cast< Neuron& >( *this ) ) )
  {
    set_defaults_();
  }

  LaneNode( const LaneNode& other )
    : nest::Node( other )
    , LaneCell()
    , own_( std::make_unique< Own >( static_cast< Neuron& >( *this ) ) )
  {
    own_->drive = other.own_->drive;
    own_->frozen = other.own_->frozen;
    own_->parameters = other.own_->parameters;
    for ( int i = 0; i < Model::n_states; ++i )
    {
      own_->state[ i ] = other.state_( i );
    }
  }

  LaneNode& operator=( const LaneNode& ) = delete;

  static void*
  operator new( const std::size_t size )
  {
    return HugeMemory::allocate( size, alignof( LaneNode ) );
  }

  static void
  operator delete( void* const node )
  {
    HugeMemory::release( node );
  }

  ~LaneNode() override
  {
    if ( get_node_id() > 0 ) // no prototype
    {
      LaneDelivery::of_thread( get_thread() ).forget( this, get_thread_lid() );
    }
    if ( place_ )
    {
      block_()->leave( lane_() );
    }
  }

  std::size_t
  send_test_event( nest::Node& target, const std::size_t receptor_type, nest::synindex, bool ) override
  {
    nest::SpikeEvent event;
    event.set_sender( *this );
    return target.handles_test_event( event, receptor_type );
  }

  std::size_t
  handles_test_event( nest::SpikeEvent&, const std::size_t receptor_type ) override
  {
    constexpr std::size_t first = Model::first_receptor;
    if ( receptor_type < first or receptor_type >= first + Model::n_receptors )
    {
      throw nest::UnknownReceptorType( receptor_type, get_name() );
    }
    return receptor_type - first;
  }

  std::size_t
  handles_test_event( nest::CurrentEvent&, const std::size_t receptor_type ) override
  {
    if ( receptor_type >= static_cast< std::size_t >( Model::n_currents ) )
    {
      throw nest::UnknownReceptorType( receptor_type, get_name() );
    }
    return receptor_type;
  }

  std::size_t
  handles_test_event( nest::DataLoggingRequest& request, const std::size_t receptor_type ) override
  {
    const bool asks_for_trace = receptor_type == TraceLog::receptor;
    if ( receptor_type != 0 and not asks_for_trace )
    {
      throw nest::UnknownReceptorType( receptor_type, get_name() );
    }
    own_->recorded = true;
    if ( place_ )
    {
      block_()->mark_stale();
    }
    if ( asks_for_trace )
    {
      own_->traced.push_back( trace_( request.record_from() ) );
      return 0;
    }
    return own_->logger.connect_logging_device( request, Neuron::recordablesMap_ );
  }

  void
  handle( nest::SpikeEvent& event ) override
  {
    block_()->add_spike( due_( event ), event.get_rport(), lane_(), event.get_weight() * event.get_multiplicity() );
  }

  void
  handle( nest::CurrentEvent& event ) override
  {
    if constexpr ( Model::n_currents > 0 )
    {
      block_()->add_current( due_( event ), event.get_rport(), lane_(), event.get_weight() * event.get_current() );
    }
    else
    {
      throw nest::UnexpectedEvent();
    }
  }

  void
  handle( nest::DataLoggingRequest& request ) override
  {
    own_->logger.handle( request );
  }

  void
  get_status( Dictionary& d ) const override
  {
    own_->parameters.get_status( d );
    for ( int i = 0; i < Model::n_states; ++i )
    {
      get_typed( d, Model::state_names[ i ], Model::state_types[ i ], state_( i ) );
    }

    own_->drive.get_status( d, Model::port_names );
    d[ "drive_count" ] = drive_count();

    Dictionary receptors;
    for ( int p = 0; p < n_ports; ++p )
    {
      receptors[ Model::receptor_names[ p ] ] = static_cast< long >( Model::first_receptor + Model::receptor_of_port[ p ] );
    }
    d[ "receptor_types" ] = receptors;
    if constexpr ( Model::n_currents > 1 )
    {
      Dictionary currents;
      for ( int p = 0; p < Model::n_currents; ++p )
      {
        currents[ Model::current_names[ p ] ] = static_cast< long >( p );
      }
      d[ "continuous_inputs" ] = currents;
    }
    d[ nest::names::frozen ] = own_->frozen;
    d[ nest::names::recordables ] = Neuron::recordablesMap_.get_list();
    d[ "lanes" ] = static_cast< long >( lanes );
    d[ "block_bytes" ] = static_cast< long >( place_ ? block_()->bytes() : 0 );
    d[ "node_bytes" ] = static_cast< long >( sizeof( Neuron ) );
  }

  void
  set_status( const Dictionary& d ) override
  {
    // everything is tried on copies first, so that a refused value leaves the cell as it was
    LaneParameters< Model > parameters = own_->parameters;
    parameters.set_status( d, this );
    double state[ Model::n_states ];
    for ( int i = 0; i < Model::n_states; ++i )
    {
      state[ i ] = set_typed( d, Model::state_names[ i ], Model::state_types[ i ], state_( i ), this );
    }
    DriveParameters< n_ports > drive = own_->drive;
    drive.set_status( d, Model::port_names, this );

    bool frozen = own_->frozen;
    nest::update_value_param( d, nest::names::frozen, frozen, this );

    own_->parameters = parameters;
    for ( int i = 0; i < Model::n_states; ++i )
    {
      state_( i ) = state[ i ];
    }
    own_->drive = drive;
    own_->frozen = frozen;
    if ( place_ )
    {
      block_()->mark_stale(); // after this, NEST writes its own flag of this cell
      block_()->elect();
    }
  }

  double
  drive_count() const
  {
    return place_ ? block_()->drive_count( lane_() ) : 0.0;
  }

  /* Value of a state, as the recordables ask for it. */
  template < int VARIABLE >
  double
  get_state() const
  {
    return state_( VARIABLE );
  }

  static constexpr int n_ports = Model::n_ports;

  void
  init_buffers_() override
  {
    own_->logger.reset();
  }

  void
  calibrate_time( const nest::TimeConverter& converter ) override
  {
    // called for prototypes when the resolution changes: defaults that depend on it are made anew
    own_->drive.spec.delay = converter.from_old_steps( own_->drive.spec.delay ).get_steps();
    set_defaults_();
  }

  void
  pre_run_hook() override
  {
    own_->logger.init();
    const auto& manager = nest::kernel().simulation_manager;
    const long slice = manager.get_slice_origin().get_steps();
    const long now = slice + manager.get_from_step();
    if ( not place_ )
    {
      auto& block = *LaneRegistry< Neuron, Model >::of_thread( get_thread() ).open_block( now );
      const int lane = block.join( static_cast< Neuron* >( this ) );
      for ( int i = 0; i < Model::n_states; ++i )
      {
        block.state( i, lane ) = own_->state[ i ];
      }
      begin_gates_();
      place_ = reinterpret_cast< std::uintptr_t >( &block ) + lane;
      LaneDelivery::of_thread( get_thread() ).settle( this, get_thread_lid(), block.slot( lane ) );
    }
    block_()->prepare( now, slice, nest::kernel().connection_manager.get_min_delay() );
    block_()->elect();
  }

  void
  update( const nest::Time& origin, const long from, const long to ) override
  {
    block_()->registry().advance( origin, from, to );
  }

protected:
  friend class LaneBlock< Neuron, Model >;
  template < class, class >
  friend class LaneExpansion;
  template < class, class, int >
  friend class LaneSlice;

  const double*
  parameters() const
  {
    return own_->parameters.values;
  }

  const DriveParameters< n_ports >&
  drive() const
  {
    return own_->drive;
  }

  /* Whether a user has frozen this cell. */
  bool
  frozen() const
  {
    return own_->frozen;
  }

  /* Whether NEST is to update this cell. */
  void
  speak( const bool speaks )
  {
    this->set_frozen_( not speaks );
  }

  bool
  recorded() const
  {
    return own_->recorded;
  }

  typename Model::Cell
  cell_() const
  {
    return Model::cell( own_->parameters.values, nest::Time::get_resolution().get_ms() );
  }

  typename Model::State
  all_states_() const
  {
    typename Model::State s;
    for ( int i = 0; i < Model::n_states; ++i )
    {
      s.*Model::members[ i ] = state_( i );
    }
    return s;
  }

  typename Model::Input
  input_() const
  {
    Row rows[ Model::n_inputs > 0 ? Model::n_inputs : 1 ] = {};
    for ( int i = 0; i < Model::n_inputs; ++i )
    {
      rows[ i ][ 0 ] = place_ ? block_()->input( i, lane_() ) : 0.0;
    }
    return Model::load_input( rows, 0 );
  }

private:
  /* A trace that this cell writes. */
  struct Traced
  {
    std::shared_ptr< TraceLog::Series > series;
    std::vector< double ( Neuron::* )() const > read;
  };

  /* What neither NEST nor a block needs in every slice. */
  struct Own
  {
    explicit Own( Neuron& node )
      : logger( node )
    {
    }

    LaneParameters< Model > parameters;
    double state[ Model::n_states ];
    DriveParameters< n_ports > drive;
    nest::UniversalDataLogger< Neuron > logger;
    bool frozen = false;
    bool recorded = false; // a multimeter asks for this cell, or it writes a trace
    std::vector< Traced > traced;
  };

  /* Where to write what. */
  Traced
  trace_( const std::vector< std::string >& variables ) const
  {
    Traced traced{ TraceLog::of_thread( get_thread() ).series.back(), {} };
    for ( const std::string& name : variables )
    {
      const auto found = Neuron::recordablesMap_.find( name );
      if ( found == Neuron::recordablesMap_.end() )
      {
        throw nest::IllegalConnection( get_name() + " cannot record " + name );
      }
      traced.read.push_back( found->second );
    }
    return traced;
  }

  void
  set_defaults_()
  {
    const double resolution = nest::Time::get_resolution().get_ms();
    Model::default_parameters( own_->parameters.values, resolution );
    Model::initial_state( own_->parameters.values, resolution, own_->state );
  }

  /* Tell those who listen to the gates of this cell what these have been before the first step. */
  void
  begin_gates_() const
  {
    if constexpr ( Model::n_gates > 0 )
    {
      GradedExchange& exchange = GradedExchange::here();
      for ( const int i : Model::gates )
      {
        const std::uint32_t slot = exchange.slot( get_node_id(), Model::state_names[ i ] );
        if ( slot != GradedExchange::nobody )
        {
          exchange.initial[ slot ] = own_->state[ i ];
        }
      }
    }
  }

  LaneBlock< Neuron, Model >*
  block_() const
  {
    return reinterpret_cast< LaneBlock< Neuron, Model >* >( place_ & ~std::uintptr_t( lane_mask ) );
  }

  int
  lane_() const
  {
    return place_ & lane_mask;
  }

  double&
  state_( const int i )
  {
    return place_ ? block_()->state( i, lane_() ) : own_->state[ i ];
  }

  double
  state_( const int i ) const
  {
    return place_ ? block_()->state( i, lane_() ) : own_->state[ i ];
  }

  /* The step at whose end an event acts, counted from the start of the simulation. */
  template < class Event >
  static long
  due_( const Event& event )
  {
    return event.get_stamp().get_steps() - 1 + event.get_delay_steps();
  }

  void
  send_spike_( const long lag )
  {
    SpikeLog& log = SpikeLog::of_thread( get_thread() );
    if ( log.on )
    {
      const long slice = nest::kernel().simulation_manager.get_slice_origin().get_steps();
      log.spikes.push_back( { slice + lag + 1, static_cast< std::int64_t >( get_node_id() ) } );
    }
    nest::SpikeEvent event;
    nest::kernel().event_delivery_manager.send( *this, event, lag );
  }

  void
  record_( const long step )
  {
    own_->logger.record_data( step );
    for ( const Traced& traced : own_->traced )
    {
      if ( traced.series->due( step ) )
      {
        for ( const auto read : traced.read )
        {
          traced.series->values.push_back( ( static_cast< const Neuron& >( *this ).*read )() );
        }
      }
    }
  }

  static constexpr std::uintptr_t lane_mask = 31;
  std::unique_ptr< Own > own_;
};

} // namespace bgnest

#endif
