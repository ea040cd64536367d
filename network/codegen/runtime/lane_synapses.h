/*
 * lane_synapses.h - static and Tsodyks synapses whose spikes take the short way to the cells of this target
 *
 *   static_synapse_lane    weight and delay, 16 bytes; means the same as NEST's static_synapse
 *   tsodyks_synapse_lane   short-term plasticity, 48 bytes; means the same as NEST's tsodyks_synapse, with U and the
 *                          time constants common to all synapses of a model (set them by CopyModel)
 *
 * The target has to be a cell of the target `vectorised`, the source any node that sends spikes. Not supported are
 * labels and the weight recorder; NEST's own synapses have these, and reach the same cells.
 *
 * Reference
 *   Tsodyks M, Uziel A, Markram H (2000) J Neurosci 20:RC50, DOI 10.1523/JNEUROSCI.20-01-j0003.2000
 */
#ifndef BGNEST_LANE_SYNAPSES_H
#define BGNEST_LANE_SYNAPSES_H

#include <cmath>
#include <cstdint>
#include <string>

#include "connection.h"
#include "connector_model.h"
#include "dict_util.h"
#include "event.h"
#include "exceptions.h"
#include "model_manager.h"
#include "model_manager_impl.h"
#include "nest_names.h"

#include "lane_delivery.h"
#include "spike_target.h"

namespace bgnest
{

/* A cell by its number on its thread, and the port: what a synapse knows of its target. */
class LaneTarget
{
public:
  void
  get_status( Dictionary& d ) const
  {
    // NEST adds the id of the target, for which one has to know the thread
    d[ nest::names::rport ] = static_cast< long >( port_ );
  }

  nest::Node*
  get_target_ptr( const std::size_t thread ) const
  {
    return LaneDelivery::of_thread( thread ).cell( number_ );
  }

  std::size_t
  get_rport() const
  {
    return port_;
  }

  std::uint32_t
  number() const
  {
    return number_;
  }

  void
  set( const std::uint32_t number, const std::uint32_t port )
  {
    number_ = number;
    port_ = port;
  }

private:
  std::uint32_t number_ : 26 = 0;
  std::uint32_t port_ : 6 = 0;
};

/* What both kinds of synapse do alike. */
template < class Properties >
class LaneSynapse : public nest::Connection< LaneTarget >
{
public:
  using CommonPropertiesType = Properties;
  static constexpr auto properties =
    nest::ConnectionModelProperties::HAS_DELAY | nest::ConnectionModelProperties::IS_PRIMARY;

  void
  check_connection( nest::Node& source, nest::Node& target, const std::size_t receptor_type, const Properties& )
  {
    LaneDelivery& delivery = LaneDelivery::of_thread( target.get_thread() );
    LaneDelivery::Ends& last = delivery.last;
    if ( &target != last.target or receptor_type != last.receptor_type or source.get_model_id() != last.source_model )
    {
      last = {};
      last = check_( delivery, source, target, receptor_type );
    }
    target_.set( last.number, last.port );
  }

  void
  get_status( Dictionary& d ) const
  {
    nest::Connection< LaneTarget >::get_status( d );
    d[ nest::names::weight ] = weight_;
  }

  void
  set_status( const Dictionary& d, nest::ConnectorModel& model )
  {
    nest::Connection< LaneTarget >::set_status( d, model );
    d.update_value( nest::names::weight, weight_ );
  }

  void
  set_weight( const double weight )
  {
    weight_ = weight;
  }

protected:
  void
  deliver_( const nest::Event& event, LaneDelivery& delivery, const double weight ) const
  {
    const auto& spike = static_cast< const nest::SpikeEvent& >( event );
    const long step = delivery.step_of( spike.get_stamp() ) - 1 + get_delay_steps();
    delivery.deliver( target_.number(), target_.get_rport(), step, weight * spike.get_multiplicity() );
  }

private:
  LaneDelivery::Ends
  check_( LaneDelivery& delivery, nest::Node& source, nest::Node& target, const std::size_t receptor_type )
  {
    if ( not dynamic_cast< LaneCell* >( &target ) )
    {
      throw nest::IllegalConnection(
        target.get_name() + " is no cell of the target vectorised; take NEST's synapse of the same name without _lane" );
    }
    SpikeTarget dummy;
    source.send_test_event( dummy, receptor_type, get_syn_id(), true );
    const std::size_t port = source.send_test_event( target, receptor_type, get_syn_id(), false );
    if ( not( source.sends_signal() & target.receives_signal() ) )
    {
      throw nest::IllegalConnection( "source and target do not use the same kind of signal" );
    }
    const std::size_t number = target.get_thread_lid();
    if ( number >= ( 1U << 26 ) )
    {
      throw nest::IllegalConnection( "a synapse of this kind can tell 67 million cells per thread from one another" );
    }
    delivery.know( &target, number );
    return { &target,
      receptor_type,
      static_cast< std::uint32_t >( number ),
      static_cast< std::uint32_t >( port ),
      source.get_model_id() };
  }

protected:
  double weight_ = 1.0;
};

class LaneSynapseProperties : public nest::CommonSynapseProperties
{
public:
  void
  set_status( const Dictionary& d, nest::ConnectorModel& )
  {
    if ( d.known( nest::names::weight_recorder ) )
    {
      throw nest::NotImplemented( "A synapse of the target vectorised has no weight recorder." );
    }
  }
};

/* CONNECTION: the way in which NEST wants a target to be stored; these synapses have a way of their own. */
template < class >
class StaticLaneSynapse : public LaneSynapse< LaneSynapseProperties >
{
public:
  bool
  send( nest::Event& event, const std::size_t thread, const CommonPropertiesType& )
  {
    deliver_( event, LaneDelivery::of_thread( thread ), weight_ );
    return true;
  }
};

/* Factors of the exact solution between two spikes. */
struct TsodyksDecay
{
  double time = -1.0;
  double u, xy, y, z;
};

class TsodyksLaneProperties : public LaneSynapseProperties
{
public:
  void
  get_status( Dictionary& d ) const
  {
    LaneSynapseProperties::get_status( d );
    d[ nest::names::U ] = U;
    d[ nest::names::tau_psc ] = tau_psc;
    d[ nest::names::tau_rec ] = tau_rec;
    d[ nest::names::tau_fac ] = tau_fac;
  }

  void
  set_status( const Dictionary& d, nest::ConnectorModel& model )
  {
    TsodyksLaneProperties tried = *this; // a refused value leaves all as they were
    d.update_value( nest::names::U, tried.U );
    d.update_value( nest::names::tau_psc, tried.tau_psc );
    d.update_value( nest::names::tau_rec, tried.tau_rec );
    d.update_value( nest::names::tau_fac, tried.tau_fac );
    // negated, so that NaN is refused, too
    if ( not( tried.U >= 0.0 and tried.U <= 1.0 ) )
    {
      throw nest::BadProperty( "U must lie between 0 and 1." );
    }
    if ( not( tried.tau_psc > 0.0 and tried.tau_rec > 0.0 and tried.tau_fac >= 0.0 ) )
    {
      throw nest::BadProperty( "tau_psc and tau_rec must be positive, tau_fac must not be negative." );
    }
    if ( tried.tau_psc == tried.tau_rec )
    {
      throw nest::BadProperty( "tau_psc and tau_rec must differ." );
    }
    LaneSynapseProperties::set_status( d, model );
    tried.last_ = {};
    *this = tried;
  }

  /*
   * The synapses of one source get a spike one after another and need the same factors: three exponentials once
   * instead of for every synapse. NEST has one object of this class per thread.
   */
  const TsodyksDecay&
  decay( const double time ) const
  {
    if ( time != last_.time )
    {
      last_.time = time;
      last_.u = tau_fac == 0.0 ? 0.0 : std::exp( -time / tau_fac );
      last_.y = std::exp( -time / tau_psc );
      last_.z = std::expm1( -time / tau_rec );
      last_.xy = ( last_.z * tau_rec - ( last_.y - 1.0 ) * tau_psc ) / ( tau_psc - tau_rec );
    }
    return last_;
  }

  double U = 0.5;
  double tau_psc = 3.0;
  double tau_rec = 800.0;
  double tau_fac = 0.0;

private:
  mutable TsodyksDecay last_;
};

template < class >
class TsodyksLaneSynapse : public LaneSynapse< TsodyksLaneProperties >
{
public:
  bool
  send( nest::Event& event, const std::size_t thread, const CommonPropertiesType& common )
  {
    const double now = event.get_stamp().get_ms();
    const TsodyksDecay& decay = common.decay( now - t_last_spike_ );
    const double inactive = 1.0 - x_ - y_;
    u_ *= decay.u;
    x_ += decay.xy * y_ - decay.z * inactive;
    y_ *= decay.y;
    u_ += common.U * ( 1.0 - u_ );
    const double released = u_ * x_;
    x_ -= released;
    y_ += released;
    t_last_spike_ = now;
    deliver_( event, LaneDelivery::of_thread( thread ), released * weight_ );
    return true;
  }

  void
  get_status( Dictionary& d ) const
  {
    LaneSynapse::get_status( d );
    d[ nest::names::x ] = x_;
    d[ nest::names::y ] = y_;
    d[ nest::names::u ] = u_;
  }

  void
  set_status( const Dictionary& d, nest::ConnectorModel& model )
  {
    double x = x_;
    double y = y_;
    double u = u_;
    d.update_value( nest::names::x, x );
    d.update_value( nest::names::y, y );
    d.update_value( nest::names::u, u );
    if ( not( x + y <= 1.0 ) )
    {
      throw nest::BadProperty( "x + y must be <= 1.0." );
    }
    if ( not( u >= 0.0 and u <= 1.0 ) )
    {
      throw nest::BadProperty( "u must lie between 0 and 1." );
    }
    LaneSynapse::set_status( d, model );
    x_ = x;
    y_ = y;
    u_ = u;
  }

private:
  double x_ = 1.0;
  double y_ = 0.0;
  double u_ = 0.0;
  double t_last_spike_ = 0.0;
};

/* Make a kind of synapse known to NEST, unless another module has done so since the last ResetKernel. */
template < template < class > class Synapse >
void
register_synapse( const std::string& name )
{
  try
  {
    nest::kernel().model_manager.get_synapse_model_id( name );
  }
  catch ( const nest::UnknownSynapseType& )
  {
    nest::kernel().model_manager.register_connection_model< Synapse >( name );
  }
}

} // namespace bgnest

#endif
