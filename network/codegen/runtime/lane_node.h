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
 * The parent class is StructuralPlasticityNode, not ArchivingNode: synapses with spike-timing dependent
 * plasticity are refused by NEST, and every cell is 0.6 kB smaller. The target `plain` accepts them.
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
#include "recordables_map.h"
#include "structural_plasticity_node.h"
#include "universal_data_logger.h"
#include "universal_data_logger_impl.h"

#include "drive_parameters.h"
#include "lane_block.h"

namespace bgnest
{

enum class ParameterType
{
  real,
  integer,
  exponent, // an integer that is used as an exponent
  boolean
};

struct ParameterInfo
{
  const char* name;
  ParameterType type;
};

/*
 * What update() and handle() need of a cell. As the first base that has virtual functions it stands in front of
 * NEST's part, in the same cache line as the pointer to NEST's virtual functions: a spike that arrives at a
 * cell that is not in the cache then costs one access to memory, not two.
 */
template < class Neuron, class Model >
class LaneHead
{
protected:
  virtual ~LaneHead() = default;

  LaneBlock< Neuron, Model >* block_ = nullptr;
  int lane_ = 0;
  bool recorded_ = false;
};

template < class Neuron, class Model >
class LaneNode : public LaneHead< Neuron, Model >, public nest::StructuralPlasticityNode
{
  using LaneHead< Neuron, Model >::block_;
  using LaneHead< Neuron, Model >::lane_;
  using LaneHead< Neuron, Model >::recorded_;

public:
  using nest::Node::handle;
  using nest::Node::handles_test_event;

  LaneNode()
    : logger_( static_cast< Neuron& >( *this ) )
  {
    Model::default_parameters( parameters_, nest::Time::get_resolution().get_ms() );
    Model::initial_state( parameters_, nest::Time::get_resolution().get_ms(), own_state_ );
  }

  LaneNode( const LaneNode& other )
    : LaneHead< Neuron, Model >()
    , nest::StructuralPlasticityNode( other )
    , drive_( other.drive_ )
    , logger_( static_cast< Neuron& >( *this ) )
  {
    std::copy( other.parameters_, other.parameters_ + n_parameters, parameters_ );
    for ( int i = 0; i < Model::n_states; ++i )
    {
      own_state_[ i ] = other.state_( i );
    }
  }

  LaneNode& operator=( const LaneNode& ) = delete;

  static void*
  operator new( const std::size_t size )
  {
    return HugeMemory::allocate( size );
  }

  static void
  operator delete( void* const node )
  {
    HugeMemory::release( node );
  }

  ~LaneNode() override
  {
    if ( block_ )
    {
      block_->leave( lane_ );
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
    constexpr std::size_t first = n_ports > 1 ? 1 : 0;
    if ( receptor_type < first or receptor_type >= first + n_ports )
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
    if ( receptor_type != 0 )
    {
      throw nest::UnknownReceptorType( receptor_type, get_name() );
    }
    recorded_ = true;
    if ( block_ )
    {
      block_->mark_stale();
    }
    return logger_.connect_logging_device( request, Neuron::recordablesMap_ );
  }

  void
  handle( nest::SpikeEvent& event ) override
  {
    block_->add_spike( due_( event ), event.get_rport(), lane_, event.get_weight() * event.get_multiplicity() );
  }

  void
  handle( nest::CurrentEvent& event ) override
  {
    if constexpr ( Model::n_currents > 0 )
    {
      block_->add_current( due_( event ), event.get_rport(), lane_, event.get_weight() * event.get_current() );
    }
    else
    {
      throw nest::UnexpectedEvent();
    }
  }

  void
  handle( nest::DataLoggingRequest& request ) override
  {
    logger_.handle( request );
  }

  void
  get_status( Dictionary& d ) const override
  {
    nest::StructuralPlasticityNode::get_status( d );
    for ( int i = 0; i < n_parameters; ++i )
    {
      const ParameterInfo& info = Model::parameters[ i ];
      switch ( info.type )
      {
      case ParameterType::real:
        d[ info.name ] = parameters_[ i ];
        break;
      case ParameterType::boolean:
        d[ info.name ] = parameters_[ i ] != 0.0;
        break;
      default:
        d[ info.name ] = static_cast< long >( parameters_[ i ] );
      }
    }
    for ( int i = 0; i < Model::n_states; ++i )
    {
      d[ Model::state_names[ i ] ] = state_( i );
    }

    drive_.get_status( d, Model::port_names );
    d[ "drive_count" ] = drive_count();

    Dictionary receptors;
    for ( int p = 0; p < n_ports; ++p )
    {
      receptors[ Model::receptor_names[ p ] ] = static_cast< long >( n_ports > 1 ? p + 1 : 0 );
    }
    d[ "receptor_types" ] = receptors;
    d[ nest::names::recordables ] = Neuron::recordablesMap_.get_list();
    d[ "lanes" ] = static_cast< long >( lanes );
    d[ "block_bytes" ] = static_cast< long >( block_ ? block_->bytes() : 0 );
    d[ "node_bytes" ] = static_cast< long >( sizeof( Neuron ) );
  }

  void
  set_status( const Dictionary& d ) override
  {
    // everything is tried on copies first, so that a refused value leaves the cell as it was
    double parameters[ n_parameters ];
    for ( int i = 0; i < n_parameters; ++i )
    {
      parameters[ i ] = set_parameter_( d, Model::parameters[ i ], parameters_[ i ] );
    }
    double state[ Model::n_states ];
    for ( int i = 0; i < Model::n_states; ++i )
    {
      state[ i ] = state_( i );
      nest::update_value_param( d, Model::state_names[ i ], state[ i ], this );
    }
    DriveParameters< n_ports > drive = drive_;
    drive.set_status( d, Model::port_names, this );

    nest::StructuralPlasticityNode::set_status( d );

    std::copy( parameters, parameters + n_parameters, parameters_ );
    for ( int i = 0; i < Model::n_states; ++i )
    {
      state_( i ) = state[ i ];
    }
    drive_ = drive;
    if ( block_ )
    {
      block_->mark_stale();
    }
  }

  double
  drive_count() const
  {
    return block_ ? block_->drive_count( lane_ ) : 0.0;
  }

  /* Value of a state, as the recordables ask for it. */
  template < int VARIABLE >
  double
  get_state() const
  {
    return state_( VARIABLE );
  }

  static constexpr int n_parameters = Model::n_parameters;
  static constexpr int n_ports = Model::n_ports;

  void
  init_buffers_() override
  {
    logger_.reset();
  }

  void
  calibrate_time( const nest::TimeConverter& converter ) override
  {
    // called for prototypes when the resolution changes: defaults that depend on it are made anew
    drive_.spec.delay = converter.from_old_steps( drive_.spec.delay ).get_steps();
    Model::default_parameters( parameters_, nest::Time::get_resolution().get_ms() );
    Model::initial_state( parameters_, nest::Time::get_resolution().get_ms(), own_state_ );
  }

  void
  pre_run_hook() override
  {
    logger_.init();
    const auto& manager = nest::kernel().simulation_manager;
    const long now = manager.get_slice_origin().get_steps() + manager.get_from_step();
    if ( not block_ )
    {
      block_ = LaneRegistry< Neuron, Model >::of_thread( get_thread() ).open_block( now );
      lane_ = block_->join( static_cast< Neuron* >( this ) );
      for ( int i = 0; i < Model::n_states; ++i )
      {
        block_->state( i, lane_ ) = own_state_[ i ];
      }
    }
    block_->prepare( now );
  }

  void
  update( const nest::Time& origin, const long from, const long to ) override
  {
    if ( not block_->done( origin.get_tics(), to ) )
    {
      block_->update( origin, from, to );
    }
  }

protected:
  friend class LaneBlock< Neuron, Model >;

  typename Model::Cell
  cell_() const
  {
    return Model::cell( parameters_, nest::Time::get_resolution().get_ms() );
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
    Row rows[ Model::n_currents > 0 ? Model::n_currents : 1 ] = {};
    for ( int p = 0; p < Model::n_currents; ++p )
    {
      rows[ p ][ 0 ] = block_ ? block_->current( p, lane_ ) : 0.0;
    }
    return Model::load_input( rows, 0 );
  }

private:
  double&
  state_( const int i )
  {
    return block_ ? block_->state( i, lane_ ) : own_state_[ i ];
  }

  double
  state_( const int i ) const
  {
    return block_ ? block_->state( i, lane_ ) : own_state_[ i ];
  }

  /* The step at whose end an event acts, counted from the start of the simulation. */
  template < class Event >
  static long
  due_( const Event& event )
  {
    return event.get_stamp().get_steps() - 1 + event.get_delay_steps();
  }

  double
  set_parameter_( const Dictionary& d, const ParameterInfo& info, double value )
  {
    switch ( info.type )
    {
    case ParameterType::real:
      nest::update_value_param( d, info.name, value, this );
      return value;
    case ParameterType::boolean:
    {
      bool flag = value != 0.0;
      d.update_value( info.name, flag );
      return flag ? 1.0 : 0.0;
    }
    default:
    {
      long number = static_cast< long >( value );
      nest::update_value_param( d, info.name, number, this );
      if ( info.type == ParameterType::exponent and ( number < 0 or number > lane::largest_exponent ) )
      {
        throw nest::BadProperty(
          std::string( info.name ) + " is an exponent and must lie between 0 and 15; use the target plain for others." );
      }
      return static_cast< double >( number );
    }
    }
  }

  void
  send_spike_( const long step, const long lag )
  {
    set_spiketime( nest::Time::step( step + 1 ) );
    nest::SpikeEvent event;
    nest::kernel().event_delivery_manager.send( *this, event, lag );
  }

  void
  record_( const long step )
  {
    logger_.record_data( step );
  }

  /* Start loading what NEST and update() need of this cell. */
  void
  fetch_() const
  {
    // head and pointer to the virtual functions; flags of NEST's part, which NEST reads before every update
    const char* const begin = reinterpret_cast< const char* >( this );
    __builtin_prefetch( begin );
    __builtin_prefetch( begin + 64 );
  }

  double parameters_[ n_parameters > 0 ? n_parameters : 1 ];
  double own_state_[ Model::n_states ];
  DriveParameters< n_ports > drive_;
  nest::UniversalDataLogger< Neuron > logger_;
};

} // namespace bgnest

#endif
