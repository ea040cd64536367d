/*
 * lane_graded.h - graded synapses: open probabilities of the cells of all threads, and conductances that they make
 *
 * A cell that acts by its potential has gates: states whose equations read its own potential (s of a receptor that it
 * opens elsewhere). After every step its block publishes the mean of each over the step in a ring that all threads of
 * the process share. A cell with graded receptors gathers, for every step, the sum of weight x open probability over its
 * synapses, each as many steps ago as its delay says. It adds them up in an order of its own, so that the sum is the same
 * for any number of threads and processes. As no delay is shorter than a slice, all that is gathered in a slice has been
 * published in those before; graded_clock.h brings it to other processes in between.
 *
 * Models without gates and conductances have nothing of this.
 */
#ifndef BGNEST_LANE_GRADED_H
#define BGNEST_LANE_GRADED_H

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "exceptions.h"

#include "lane_delivery.h"
#include "lane_row.h"

namespace bgnest
{

/* Open probabilities that somebody listens to, of all cells and steps that are still needed. */
class GradedExchange
{
public:
  static constexpr std::uint32_t nobody = std::numeric_limits< std::uint32_t >::max();

  /* A gate of a population. */
  struct Group
  {
    std::int64_t first; // ids of cells in NEST
    std::int64_t n;
    std::string gate;
    std::vector< std::uint32_t > begin; // slot of the first cell on every virtual process
  };

  static GradedExchange&
  here()
  {
    // never destroyed, as everything that cells refer to
    static auto* const exchange = new GradedExchange;
    return *exchange;
  }

  /*
   * Slots of all gates: those of a process lie together, and in it those of a thread. Virtual process v is on process
   * v modulo their number; longest: delay in steps.
   */
  void
  open( std::vector< Group > groups, const std::int64_t n_vps, const std::int64_t n_ranks, const long longest, const long slice )
  {
    groups_ = std::move( groups );
    n_vps_ = n_vps;
    rank_begin.assign( 1, 0 );
    std::uint32_t next = 0;
    for ( std::int64_t rank = 0; rank < n_ranks; ++rank )
    {
      for ( std::int64_t vp = rank; vp < n_vps; vp += n_ranks )
      {
        for ( Group& group : groups_ )
        {
          group.begin.resize( n_vps );
          group.begin[ vp ] = next;
          const std::int64_t first = first_on_( group, vp );
          next += first < group.n ? ( group.n - first - 1 ) / n_vps + 1 : 0;
        }
      }
      rank_begin.push_back( next );
    }
    stride_ = next;
    mask_ = std::bit_ceil( static_cast< std::uint64_t >( longest + slice ) ) - 1;
    initial.assign( stride_, 0.0 );
    ring_ = {};
    begun = false;
  }

  void
  close()
  {
    groups_.clear();
    rank_begin.clear();
    initial = {};
    ring_ = {};
    stride_ = 0;
    begun = false;
  }

  /* Where the gate of a cell is published. */
  std::uint32_t
  slot( const std::int64_t cell, const std::string& gate ) const
  {
    for ( const Group& group : groups_ )
    {
      const std::int64_t number = cell - group.first;
      if ( number >= 0 and number < group.n and group.gate == gate )
      {
        const std::int64_t vp = cell % n_vps_;
        return group.begin[ vp ] + static_cast< std::uint32_t >( ( number - first_on_( group, vp ) ) / n_vps_ );
      }
    }
    return nobody;
  }

  /* The values that all gates had before the first step. */
  void
  fill()
  {
    ring_.resize( ( mask_ + 1 ) * stride_ );
    for ( std::uint64_t step = 0; step <= mask_; ++step )
    {
      std::copy( initial.begin(), initial.end(), of( step ) );
    }
  }

  /* Values of a step, by slot. */
  BGNEST_INLINE double*
  of( const std::uint64_t step )
  {
    return ring_.data() + ( step & mask_ ) * stride_;
  }

  std::size_t
  bytes() const
  {
    return ring_.size() * sizeof( double );
  }

  std::vector< double > initial;           // by slot
  std::vector< std::uint32_t > rank_begin; // first slot of every process, and the end
  bool begun = false;                      // the ring is filled
  long shared = 0;                         // steps before this one are known to all processes

private:
  GradedExchange() = default;

  /* Number of the first cell of a population that is on a virtual process. */
  std::int64_t
  first_on_( const Group& group, const std::int64_t vp ) const
  {
    return ( ( vp - group.first ) % n_vps_ + n_vps_ ) % n_vps_;
  }

  std::vector< Group > groups_;
  std::int64_t n_vps_ = 1;
  std::uint64_t stride_ = 0;
  std::uint64_t mask_ = 0;
  std::vector< double > ring_;
};

/* Graded synapses onto the cells of a thread. */
class GradedInput
{
public:
  struct Synapse
  {
    std::uint32_t slot;
    std::uint32_t delay; // steps
    double weight;
  };

  static GradedInput&
  of_thread( const std::size_t thread )
  {
    // never destroyed, as everything that cells refer to
    static auto* const inputs = new std::array< std::atomic< GradedInput* >, LaneDelivery::max_threads >{};
    if ( thread >= inputs->size() )
    {
      throw nest::KernelException( "graded synapses have room for 4096 threads per process" );
    }
    GradedInput* found = ( *inputs )[ thread ].load( std::memory_order_acquire );
    if ( not found )
    {
      found = new GradedInput;
      ( *inputs )[ thread ].store( found, std::memory_order_release ); // a thread asks for its own alone
    }
    return *found;
  }

  void
  clear()
  {
    synapses_ = {};
    ends_ = {};
    conductances_ = {};
    numbers_.clear();
  }

  /* Synapses that open a conductance of a cell, in the order in which they are added up. */
  void
  add( const std::string& conductance, const std::uint32_t cell, const std::vector< Synapse >& synapses )
  {
    numbers_[ { conductance, cell } ] = static_cast< std::uint32_t >( ends_.size() );
    synapses_.insert( synapses_.end(), synapses.begin(), synapses.end() );
    ends_.push_back( synapses_.size() );
  }

  /* Before a run with slices of so many steps. */
  void
  prepare( const long slice )
  {
    slice_ = slice;
    conductances_.resize( ends_.size() * slice );
  }

  /* Conductances of a cell in the steps of the present slice; a null pointer if there are no synapses. */
  const double*
  of( const std::string& conductance, const std::uint32_t cell ) const
  {
    const auto found = numbers_.find( { conductance, cell } );
    return found == numbers_.end() ? nullptr : conductances_.data() + found->second * slice_;
  }

  /* Add up what acts in the steps from ... to - 1 of a slice that begins at a step. */
  void
  gather( GradedExchange& exchange, const long begin, const long from, const long to )
  {
    std::size_t first = 0;
    double* conductance = conductances_.data();
    for ( const std::size_t end : ends_ )
    {
      for ( long lag = from; lag < to; ++lag )
      {
        double sum = 0.0;
        for ( std::size_t i = first; i < end; ++i )
        {
          const Synapse& synapse = synapses_[ i ];
          sum += synapse.weight * exchange.of( begin + lag - static_cast< long >( synapse.delay ) )[ synapse.slot ];
        }
        conductance[ lag ] = sum;
      }
      conductance += slice_;
      first = end;
    }
  }

private:
  std::vector< Synapse > synapses_;
  std::vector< std::size_t > ends_;
  std::vector< double > conductances_; // by step, of one conductance after the other
  std::map< std::pair< std::string, std::uint32_t >, std::uint32_t > numbers_;
  long slice_ = 1;
};

/* What a block of cells knows of all this: nothing if its model has neither gates nor conductances. */
template < class Model, bool = ( Model::n_gates + Model::n_conductances > 0 ) >
struct BlockGraded
{
};

template < class Model >
struct BlockGraded< Model, true >
{
  std::uint32_t slots[ Model::n_gates + 1 ][ lanes ];
  Row means[ Model::n_gates + 1 ]; // of the gates over the last step
  const double* conductances[ Model::n_conductances + 1 ][ lanes ];

  /* The cell of a lane, or none. */
  template < class Neuron >
  void
  find( const int l, const Neuron* const node )
  {
    for ( int i = 0; i < Model::n_gates; ++i )
    {
      const char* const gate = Model::state_names[ Model::gates[ i ] ];
      slots[ i ][ l ] = node ? GradedExchange::here().slot( node->get_node_id(), gate ) : GradedExchange::nobody;
    }
    for ( int i = 0; i < Model::n_conductances; ++i )
    {
      const char* const name = Model::state_names[ Model::conductances[ i ] ];
      conductances[ i ][ l ] = node ? GradedInput::of_thread( node->get_thread() ).of( name, node->get_thread_lid() ) : nullptr;
    }
  }

  /* The conductances of a step, constant during the step. */
  void
  open( Row* const state, const long lag ) const
  {
    for ( int i = 0; i < Model::n_conductances; ++i )
    {
      for ( int l = 0; l < lanes; ++l )
      {
        state[ Model::conductances[ i ] ][ l ] = conductances[ i ][ l ] ? conductances[ i ][ l ][ lag ] : 0.0;
      }
    }
  }

  /*
   * Gates after a step, and their means over it. Their equations are linear in themselves; with the mean of the potential
   * at both ends of the step both are exact (exponential Euler), whatever the step: a receptor that opens faster than a
   * step takes has not been half open on average.
   */
  template < int EXPONENT >
  void
  move( const Row* const constants, const Row* const input, const Row* const from, Row* const to, const double h )
  {
    if constexpr ( Model::n_gates > 0 )
    {
#pragma omp simd
      for ( int l = 0; l < lanes; ++l )
      {
        const auto c = Model::template load_constants< EXPONENT >( constants, l );
        const auto in = Model::load_input( input, l );
        typename Model::State shut = Model::load_state( from, l );
        shut.*Model::voltage = 0.5 * ( from[ Model::voltage_row ][ l ] + to[ Model::voltage_row ][ l ] );
        typename Model::State open = shut;
        Model::set_gates( shut, 0.0 );
        Model::set_gates( open, 1.0 );
        typename Model::State of_shut;
        typename Model::State of_open;
        Model::gate_rates( c, shut, in, of_shut );
        Model::gate_rates( c, open, in, of_open );
        for ( int i = 0; i < Model::n_gates; ++i )
        {
          const double s = from[ Model::gates[ i ] ][ l ];
          const double rise = of_shut.*Model::members[ Model::gates[ i ] ];
          const double slope = of_open.*Model::members[ Model::gates[ i ] ] - rise;
          const double z = slope * h;
          // (exp(z) - 1) / z, and (exp(z) - 1 - z) / z^2: its mean over the step by the step
          const bool small = z < 1e-3 and z > -1e-3;
          const double per_z = 1.0 / ( small ? 1.0 : z );
          const double part = small ? 1.0 + z * ( 1.0 / 2 + z * ( 1.0 / 6 + z / 24 ) ) : ( lane::exp( z ) - 1.0 ) * per_z;
          const double half = small ? 1.0 / 2 + z * ( 1.0 / 6 + z * ( 1.0 / 24 + z / 120 ) ) : ( part - 1.0 ) * per_z;
          const double begin = h * ( rise + slope * s );
          to[ Model::gates[ i ] ][ l ] = s + begin * part;
          means[ i ][ l ] = s + begin * half;
        }
      }
    }
  }

  /* Let others know the means of the gates over a step; those of cells that do not move are their values. */
  void
  publish( const long step, const LaneMask active, const Row* const state ) const
  {
    if constexpr ( Model::n_gates > 0 )
    {
      double* const ring = GradedExchange::here().of( step );
      for ( int i = 0; i < Model::n_gates; ++i )
      {
        for ( int l = 0; l < lanes; ++l )
        {
          if ( slots[ i ][ l ] != GradedExchange::nobody )
          {
            ring[ slots[ i ][ l ] ] = active >> l & 1 ? means[ i ][ l ] : state[ Model::gates[ i ] ][ l ];
          }
        }
      }
    }
  }
};

} // namespace bgnest

#endif
