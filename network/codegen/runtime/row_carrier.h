/*
 * row_carrier.h - the synapse by which NEST hands the spikes of a cell to its rows
 *
 * NEST has one of these per source and thread. It carries the number of the source among those of the thread, which is
 * told as its weight; its own delay means nothing and its target is any cell of the thread. NEST's GetConnections shows
 * carriers alone: the synapses are read from the rows (row_interface.h).
 */
#ifndef BGNEST_ROW_CARRIER_H
#define BGNEST_ROW_CARRIER_H

#include <cstdint>

#include "common_synapse_properties.h"
#include "connection.h"
#include "connector_model.h"
#include "dict_util.h"
#include "event.h"
#include "nest_names.h"

#include "lane_delivery.h"
#include "row_table.h"
#include "spike_target.h"

namespace bgnest
{

/* The first cell of a thread; devices, of which there may be some before it, get spikes in another way. */
inline nest::Node*
first_cell( const std::size_t thread )
{
  const auto& nodes = nest::kernel().node_manager.get_local_nodes( thread );
  std::size_t index = 0;
  while ( index + 1 < nodes.size() and not nodes.get_node_by_index( index )->has_proxies() )
  {
    ++index;
  }
  return nodes.get_node_by_index( index );
}

/* In place of NEST's pointer to the target. */
class CarrierTarget
{
public:
  void
  get_status( Dictionary& d ) const
  {
    d[ nest::names::rport ] = 0L;
  }

  nest::Node*
  get_target_ptr( const std::size_t thread ) const
  {
    return first_cell( thread );
  }

  std::size_t
  get_rport() const
  {
    return 0;
  }

  std::uint32_t row = 0;
};

/* CONNECTION: the way in which NEST wants a target to be stored. */
template < class >
class RowCarrier : public nest::Connection< CarrierTarget >
{
public:
  using CommonPropertiesType = nest::CommonSynapseProperties;
  static constexpr auto properties =
    nest::ConnectionModelProperties::HAS_DELAY | nest::ConnectionModelProperties::IS_PRIMARY;

  void
  check_connection( nest::Node& source, nest::Node&, const std::size_t receptor_type, const CommonPropertiesType& )
  {
    SpikeTarget dummy;
    source.send_test_event( dummy, receptor_type, get_syn_id(), true );
  }

  void
  get_status( Dictionary& d ) const
  {
    nest::Connection< CarrierTarget >::get_status( d );
    d[ nest::names::weight ] = static_cast< double >( target_.row );
  }

  void
  set_status( const Dictionary& d, nest::ConnectorModel& model )
  {
    nest::Connection< CarrierTarget >::set_status( d, model );
  }

  void
  set_weight( const double row )
  {
    target_.row = static_cast< std::uint32_t >( row );
  }

  bool
  send( nest::Event& event, const std::size_t thread, const CommonPropertiesType& )
  {
    const auto& spike = static_cast< const nest::SpikeEvent& >( event );
    LaneDelivery& delivery = LaneDelivery::of_thread( thread );
    const long step = delivery.step_of( spike.get_stamp() ) - 1;
    const double now = spike.get_stamp().get_ms();
    RowTable::of_thread( thread ).deliver( target_.row, step, now, spike.get_multiplicity() );
    return true;
  }
};

} // namespace bgnest

#endif
