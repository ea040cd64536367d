/*
 * spike_target.h - a node that takes spikes and nothing else: a synapse asks its source to send it one, for a trial
 */
#ifndef BGNEST_SPIKE_TARGET_H
#define BGNEST_SPIKE_TARGET_H

#include "connection.h"
#include "event.h"

namespace bgnest
{

class SpikeTarget : public nest::ConnTestDummyNodeBase
{
public:
  using nest::ConnTestDummyNodeBase::handles_test_event;

  std::size_t
  handles_test_event( nest::SpikeEvent&, std::size_t ) override
  {
    return nest::invalid_port;
  }
};

} // namespace bgnest

#endif
