/*
 * graded_clock.h - before every slice: open probabilities of other processes come in, conductances are added up
 *
 * A node of NEST without a sign of its own to the network: NEST keeps one on every thread and updates it, as the first
 * that was created, before all cells. See lane_graded.h.
 */
#ifndef BGNEST_GRADED_CLOCK_H
#define BGNEST_GRADED_CLOCK_H

#include <string>
#include <vector>

#include "device_node.h"
#include "dict_util.h"
#include "kernel_manager.h"
#include "model_manager_impl.h"
#include "nest_time.h"

#include "lane_graded.h"

namespace bgnest
{

class GradedClock : public nest::DeviceNode
{
public:
  GradedClock() = default;
  GradedClock( const GradedClock& ) = default;

  bool
  has_proxies() const override
  {
    return false;
  }

  bool
  local_receiver() const override
  {
    return true;
  }

  void
  get_status( Dictionary& ) const override
  {
  }

  void
  set_status( const Dictionary& ) override
  {
  }

  void
  init_buffers_() override
  {
  }

  void
  pre_run_hook() override
  {
    GradedInput::of_thread( get_thread() ).prepare( nest::kernel().connection_manager.get_min_delay() );
  }

  void
  update( const nest::Time& origin, const long from, const long to ) override
  {
    GradedExchange& exchange = GradedExchange::here();
    const bool alone = nest::kernel().mpi_manager.get_num_processes() == 1;
    if ( get_thread() == 0 ) // the only one that may call MPI
    {
      share_( exchange, origin.get_steps() + from );
    }
    if ( not met_ or not alone )
    {
#pragma omp barrier
      met_ = true;
    }
    GradedInput::of_thread( get_thread() ).gather( exchange, origin.get_steps(), from, to );
  }

private:
  static void
  share_( GradedExchange& exchange, const long now )
  {
    if ( not exchange.begun )
    {
      gather_( exchange, 1, [ & ]( long ) { return exchange.initial.data(); } );
      exchange.fill();
      exchange.begun = true;
    }
    else
    {
      gather_( exchange, now - exchange.shared, [ & ]( const long step ) { return exchange.of( exchange.shared + step ); } );
    }
    exchange.shared = now;
  }

  /* Values of so many steps from all processes, at the same places in all of them. */
  template < class Of >
  static void
  gather_( const GradedExchange& exchange, const long n_steps, Of of )
  {
    auto& mpi = nest::kernel().mpi_manager;
    if ( mpi.get_num_processes() == 1 )
    {
      return;
    }
    const std::vector< std::uint32_t >& begin = exchange.rank_begin;
    const std::size_t rank = mpi.get_rank();
    std::vector< double > sent;
    for ( long step = 0; step < n_steps; ++step )
    {
      sent.insert( sent.end(), of( step ) + begin[ rank ], of( step ) + begin[ rank + 1 ] );
    }
    sent.push_back( 0.0 ); // NEST does not send nothing
    std::vector< double > received;
    std::vector< int > places;
    mpi.communicate( sent, received, places );
    for ( std::size_t other = 0; other < mpi.get_num_processes(); ++other )
    {
      const double* from = received.data() + places[ other ];
      const std::size_t n = begin[ other + 1 ] - begin[ other ];
      for ( long step = 0; step < n_steps; ++step, from += n )
      {
        std::copy( from, from + n, of( step ) + begin[ other ] );
      }
    }
  }

  bool met_ = false;
};

/* Make it known to NEST, unless another module has done so since the last ResetKernel. */
inline void
register_graded_clock( const std::string& name )
{
  try
  {
    nest::kernel().model_manager.get_node_model_id( name );
  }
  catch ( const nest::UnknownModelName& )
  {
    nest::kernel().model_manager.register_node_model< GradedClock >( name );
  }
}

} // namespace bgnest

#endif
