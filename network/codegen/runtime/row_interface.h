/*
 * row_interface.h - what the engine calls in a module: wiring by rows, parameters of many cells, what was recorded
 *
 * Plain C functions for Python's ctypes (network/engine/nest/runtime.py). Each returns 0, or 1 with a message in
 * bgnest_error(). Included by the source of the module alone.
 */
#ifndef BGNEST_ROW_INTERFACE_H
#define BGNEST_ROW_INTERFACE_H

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <omp.h>

#include "kernel_manager.h"
#include "model_manager_impl.h"
#include "nest_time.h"
#include "vp_manager_impl.h"

#include "graded_clock.h"
#include "graded_wiring.h"
#include "guard_interface.h"
#include "row_carrier.h"
#include "row_drawing.h"
#include "row_table.h"
#include "spike_log.h"
#include "trace_log.h"
#include "update_list.h"

namespace bgnest
{

inline std::string&
last_error()
{
  static std::string message;
  return message;
}

/* Do something, and turn an exception into a message. */
inline int
guarded( const std::function< void() >& work )
{
  try
  {
    work();
    return 0;
  }
  catch ( const std::exception& error )
  {
    last_error() = error.what();
  }
  catch ( ... )
  {
    last_error() = "unknown error";
  }
  return 1;
}

/* Do something on every thread of NEST, with its number; the first exception is thrown afterwards. */
inline void
on_all_threads( const std::function< void( std::size_t ) >& work )
{
  std::exception_ptr problem;
  std::mutex mutex;
#pragma omp parallel num_threads( static_cast< int >( nest::kernel().vp_manager.get_num_threads() ) )
  {
    try
    {
      work( omp_get_thread_num() );
    }
    catch ( ... )
    {
      const std::lock_guard< std::mutex > lock( mutex );
      problem = problem ? problem : std::current_exception();
    }
  }
  if ( problem )
  {
    std::rethrow_exception( problem );
  }
}

inline std::size_t
threads_here()
{
  return nest::kernel().vp_manager.get_num_threads();
}

/* Synapses of a projection on this process. */
inline std::int64_t
count_rows( const std::size_t projection )
{
  std::int64_t count = 0;
  for ( std::size_t t = 0; t < threads_here(); ++t )
  {
    const auto& rows = RowTable::of_thread( t ).rows;
    count += projection < rows.size() and rows[ projection ] ? rows[ projection ]->size() : 0;
  }
  return count;
}

/* A source with targets on a thread. */
struct Carried
{
  std::int64_t id;
  std::uint32_t number; // in the table of rows
};

/* Sources of a thread that have targets there, with the projections of each. */
inline void
group_sources( RowTable& table, std::vector< Carried >& carried )
{
  std::map< std::pair< std::int64_t, std::uint32_t >, std::vector< std::uint32_t > > populations;
  for ( std::uint32_t number = 0; number < table.rows.size(); ++number )
  {
    if ( const Rows* const rows = table.rows[ number ].get(); rows and not rows->graded )
    {
      populations[ { rows->source_first, rows->n_sources } ].push_back( number );
    }
  }
  table.groups.clear();
  carried.clear();
  std::uint64_t first = 0;
  for ( const auto& [ population, numbers ] : populations )
  {
    const auto& [ first_id, n_sources ] = population;
    table.groups.push_back( { static_cast< std::uint32_t >( first ), numbers } );
    for ( std::uint32_t source = 0; source < n_sources; ++source )
    {
      const auto has_row = [ & ]( const std::uint32_t number ) { return not table.rows[ number ]->empty( source ); };
      if ( std::any_of( numbers.begin(), numbers.end(), has_row ) )
      {
        carried.push_back( { first_id + source, static_cast< std::uint32_t >( first + source ) } );
      }
    }
    first += n_sources;
    if ( first > std::numeric_limits< std::uint32_t >::max() )
    {
      throw nest::KernelException( "compact wiring has room for 4.29e9 sources" );
    }
  }
}

} // namespace bgnest

extern "C" {

const char*
bgnest_error()
{
  return bgnest::last_error().c_str();
}

/* Forget all rows, spikes and traces, as after ResetKernel. */
void
bgnest_clear()
{
  for ( std::size_t t = 0; t < bgnest::threads_here(); ++t )
  {
    bgnest::RowTable::of_thread( t ).clear();
    bgnest::GradedInput::of_thread( t ).clear();
    bgnest::SpikeLog& log = bgnest::SpikeLog::of_thread( t );
    log.on = false;
    log.spikes = {};
    bgnest::TraceLog::of_thread( t ).series = {};
    bgnest::UpdateList::of_thread( t ).clear();
  }
  bgnest::GradedExchange::here().close();
}

/* After NEST has prepared: find the cells that can be hidden. */
int
bgnest_list_cells()
{
  return bgnest::guarded( [] { bgnest::on_all_threads( []( const std::size_t thread ) { bgnest::UpdateList::of_thread( thread ).collect( thread ); } ); } );
}

/* Before and after NEST runs: hide (1) or show (0) cells that NEST does not update; see update_list.h. */
int
bgnest_hide_cells( const std::int32_t hide )
{
  return bgnest::guarded(
    [ & ]
    {
      bgnest::on_all_threads(
        [ & ]( const std::size_t thread )
        {
          bgnest::UpdateList& list = bgnest::UpdateList::of_thread( thread );
          hide ? list.hide() : list.show();
        } );
    } );
}

/* Draw the synapses of a projection; number: where it is kept, from 0. */
int
bgnest_wire( const bgnest::RowProjection* const projection, const std::int64_t number, std::int64_t* const made )
{
  return bgnest::guarded(
    [ & ]
    {
      if ( not nest::kernel().node_manager.thread_local_data_is_up_to_date() )
      {
        nest::kernel().node_manager.update_thread_local_node_data(); // cells have no number on their thread before
      }
      bgnest::on_all_threads(
        [ & ]( const std::size_t thread )
        {
          auto& rows = bgnest::RowTable::of_thread( thread ).rows;
          if ( static_cast< std::int64_t >( rows.size() ) <= number )
          {
            rows.resize( number + 1 );
          }
          rows[ number ] = bgnest::RowDrawing( *projection, thread ).make();
        } );
      *made = bgnest::count_rows( number );
    } );
}

/*
 * Give the synapses of a projection that has been wired from a list of pairs a weight each, in the order of the list
 * (which has those onto cells of other processes, too).
 */
int
bgnest_give_weights( const bgnest::RowProjection* const projection, const std::int64_t number, const double* const weight )
{
  return bgnest::guarded(
    [ & ]
    {
      const std::int64_t n_vps = nest::kernel().vp_manager.get_num_virtual_processes();
      bgnest::on_all_threads(
        [ & ]( const std::size_t thread )
        {
          auto& all = bgnest::RowTable::of_thread( thread ).rows;
          if ( number >= static_cast< std::int64_t >( all.size() ) or not all[ number ] )
          {
            return;
          }
          bgnest::Rows& rows = *all[ number ];
          const std::int64_t vp = nest::kernel().vp_manager.thread_to_vp( thread );
          // within a row the synapses lie in the order in which they were listed
          std::vector< std::uint32_t > next( rows.begin.get(), rows.begin.get() + rows.n_sources );
          rows.with_layout(
            [ & ]( auto layout )
            {
              for ( std::int64_t i = 0; i < projection->n_pairs; ++i )
              {
                if ( ( projection->target_first + projection->pair_target[ i ] ) % n_vps != vp )
                {
                  continue;
                }
                unsigned char* const at = rows.synapses.data() + layout.bytes * next[ projection->pair_source[ i ] ]++;
                const auto given = static_cast< float >( bgnest::on_grid( weight[ i ], rows.quantum ) );
                layout.write( at, layout.target( at ), given, layout.delay( at, rows.delay ) );
              }
            } );
        } );
    } );
}

/* Connect all sources to their rows; synapse: name of the carrier. */
int
bgnest_connect_carriers( const char* const synapse, std::int64_t* const made )
{
  return bgnest::guarded(
    [ & ]
    {
      auto& connections = nest::kernel().connection_manager;
      const auto model = nest::kernel().model_manager.get_synapse_model_id( synapse );
      const double delay = connections.get_delay_checker().get_min_delay().get_ms();
      std::vector< std::int64_t > count( bgnest::threads_here(), 0 );
      bgnest::on_all_threads(
        [ & ]( const std::size_t thread )
        {
          bgnest::RowTable& table = bgnest::RowTable::of_thread( thread );
          table.forget_work();
          table.deliver_to( bgnest::LaneDelivery::of_thread( thread ) );
          std::vector< bgnest::Carried > carried;
          bgnest::group_sources( table, carried );
          if ( carried.empty() )
          {
            return;
          }
          nest::Node* const any = bgnest::first_cell( thread );
          const Dictionary nothing;
          for ( const auto& [ id, number ] : carried )
          {
            connections.connect( id, any, thread, model, nothing, delay, static_cast< double >( number ) );
          }
          count[ thread ] = carried.size();
        } );
      connections.set_connections_have_changed();
      *made = 0;
      for ( const std::int64_t one : count )
      {
        *made += one;
      }
    } );
}

/* Let the targets of graded synapses, whose rows are there, listen to their sources; longest: delay in steps. */
int
bgnest_connect_graded( const bgnest::GradedProjection* const projections, const std::int64_t n, const std::int64_t longest, const std::int64_t slice )
{
  return bgnest::guarded(
    [ & ]
    {
      const std::int64_t n_vps = nest::kernel().vp_manager.get_num_virtual_processes();
      const std::int64_t n_ranks = nest::kernel().mpi_manager.get_num_processes();
      bgnest::GradedExchange::here().open( bgnest::graded_groups( projections, n ), n_vps, n_ranks, longest, slice );
      bgnest::on_all_threads( [ & ]( const std::size_t thread ) { bgnest::gather_rows( projections, n, thread ); } );
    } );
}

/* Port of the targets of a projection; -1 if it has no synapses here. */
std::int64_t
bgnest_port( const std::int64_t number )
{
  for ( std::size_t t = 0; t < bgnest::threads_here(); ++t )
  {
    const auto& rows = bgnest::RowTable::of_thread( t ).rows;
    if ( number < static_cast< std::int64_t >( rows.size() ) and rows[ number ] )
    {
      return rows[ number ]->port;
    }
  }
  return -1;
}

/* Synapses of a projection on this process. */
std::int64_t
bgnest_count( const std::int64_t number )
{
  return bgnest::count_rows( number );
}

/*
 * Constants with which the rows of a projection on a thread release: 1 if they are plastic, U, tau_psc, tau_rec, tau_fac.
 * Returns 1, or 0 if there are no rows on that thread.
 */
std::int32_t
bgnest_plasticity( const std::int64_t number, const std::int64_t thread, double* const values )
{
  const auto& rows = bgnest::RowTable::of_thread( thread ).rows;
  if ( number >= static_cast< std::int64_t >( rows.size() ) or not rows[ number ] )
  {
    return 0;
  }
  const bgnest::Rows& found = *rows[ number ];
  const bgnest::RowPlasticity& its = found.plasticity;
  const double held[] = { found.plastic ? 1.0 : 0.0, its.U, its.tau_psc, its.tau_rec, its.tau_fac };
  std::copy( std::begin( held ), std::end( held ), values );
  return 1;
}

/*
 * Synapses of a projection on this process, or those onto targets up to the one with number last: numbers of source and
 * target within their populations, weight, delay in steps. Arrays have room for so many; found says how many there are.
 */
int
bgnest_read( const std::int64_t number,
  const std::int64_t last,
  const std::int64_t room,
  std::uint32_t* const source,
  std::uint32_t* const target,
  double* const weight,
  std::uint32_t* const delay,
  std::int64_t* const found )
{
  return bgnest::guarded(
    [ & ]
    {
      std::int64_t n = 0;
      for ( std::size_t t = 0; t < bgnest::threads_here(); ++t )
      {
        const auto& all = bgnest::RowTable::of_thread( t ).rows;
        if ( number >= static_cast< std::int64_t >( all.size() ) or not all[ number ] )
        {
          continue;
        }
        const bgnest::Rows& rows = *all[ number ];
        if ( rows.size() == 0 )
        {
          continue;
        }
        const bgnest::LaneDelivery& cells = bgnest::LaneDelivery::of_thread( t );
        const auto id = [ & ]( const std::uint32_t cell ) { return static_cast< std::int64_t >( cells.cell( cell )->get_node_id() ) - rows.target_first; };
        // cells of a thread have their numbers in the order of their ids, so a look at the number is enough
        std::uint32_t end = rows.first_target;
        while ( end <= rows.last_target and id( end ) <= last )
        {
          ++end;
        }
        for ( std::uint32_t one = 0; one < rows.n_sources; ++one )
        {
          rows.each( one,
            [ & ]( const std::uint32_t cell, const double its_weight, const std::uint32_t its_delay )
            {
              if ( cell >= end )
              {
                return;
              }
              if ( n < room )
              {
                source[ n ] = one;
                target[ n ] = static_cast< std::uint32_t >( id( cell ) );
                weight[ n ] = its_weight;
                delay[ n ] = its_delay;
              }
              ++n;
            } );
        }
      }
      *found = n;
    } );
}

/*
 * Set parameters of cells first, first + step, ... below stop (ids in NEST). For each name values has, by its shape: -1
 * a value for each of these cells, whether they are on this process or not; 0 one value for all; n > 0 a vector of
 * so many numbers, the same for all. whole: the parameter is an integer.
 */
int
bgnest_set( const std::int64_t first,
  const std::int64_t stop,
  const std::int64_t step,
  const std::int64_t n_names,
  const char* const* const names,
  const double* const* const values,
  const std::int32_t* const shapes,
  const std::int32_t* const whole )
{
  return bgnest::guarded(
    [ & ]
    {
      bgnest::on_all_threads(
        [ & ]( const std::size_t thread )
        {
          const auto& nodes = nest::kernel().node_manager.get_local_nodes( thread );
          const std::int64_t n_vps = nest::kernel().vp_manager.get_num_virtual_processes();
          const std::int64_t vp = nest::kernel().vp_manager.thread_to_vp( thread );
          std::int64_t at = 0;
          for ( std::int64_t id = first; id < stop; id += step, ++at )
          {
            if ( id % n_vps != vp )
            {
              continue;
            }
            Dictionary d;
            for ( std::int64_t i = 0; i < n_names; ++i )
            {
              if ( shapes[ i ] > 0 )
              {
                d[ names[ i ] ] = std::vector< double >( values[ i ], values[ i ] + shapes[ i ] );
                continue;
              }
              const double value = values[ i ][ shapes[ i ] < 0 ? at : 0 ];
              if ( whole[ i ] )
              {
                d[ names[ i ] ] = static_cast< long >( value );
              }
              else
              {
                d[ names[ i ] ] = value;
              }
            }
            nodes.get_node_by_node_id( id )->set_status( d );
          }
        } );
    } );
}

/* Begin or end to note spikes. */
void
bgnest_log_spikes( const std::int32_t on )
{
  for ( std::size_t t = 0; t < bgnest::threads_here(); ++t )
  {
    bgnest::SpikeLog::of_thread( t ).on = on != 0;
  }
}

/* Spikes that have been noted and not been taken. */
std::int64_t
bgnest_count_spikes()
{
  std::int64_t count = 0;
  for ( std::size_t t = 0; t < bgnest::threads_here(); ++t )
  {
    count += bgnest::SpikeLog::of_thread( t ).spikes.size();
  }
  return count;
}

/* Take them: steps at whose end they were sent, and ids of the cells. */
void
bgnest_take_spikes( std::int64_t* step, std::int64_t* cell )
{
  for ( std::size_t t = 0; t < bgnest::threads_here(); ++t )
  {
    auto& spikes = bgnest::SpikeLog::of_thread( t ).spikes;
    for ( const auto& spike : spikes )
    {
      *step++ = spike.step;
      *cell++ = spike.cell;
    }
    spikes.clear();
  }
}

/*
 * Cells (ids in NEST) begin to write down variables at the end of every so many steps, from time first to time last (in
 * steps, multiples of the interval). number: of the trace, by which it is taken.
 */
int
bgnest_trace( const std::int64_t* const cells,
  const std::int64_t n_cells,
  const char* const* const names,
  const std::int64_t n_names,
  const std::int64_t interval,
  const std::int64_t first,
  const std::int64_t last,
  std::int64_t* const number )
{
  static std::int64_t n_traces = 0;
  *number = n_traces++;
  return bgnest::guarded(
    [ & ]
    {
      const std::vector< std::string > variables( names, names + n_names );
      nest::DataLoggingRequest request( nest::Time( nest::Time::step( interval ) ), variables );
      for ( std::int64_t i = 0; i < n_cells; ++i )
      {
        const auto vp = nest::kernel().vp_manager.node_id_to_vp( cells[ i ] );
        if ( not nest::kernel().vp_manager.is_local_vp( vp ) )
        {
          continue;
        }
        const auto thread = nest::kernel().vp_manager.vp_to_thread( vp );
        nest::Node* const node = nest::kernel().node_manager.get_local_nodes( thread ).get_node_by_node_id( cells[ i ] );
        if ( not dynamic_cast< bgnest::LaneCell* >( node ) )
        {
          throw nest::IllegalConnection( "only cells of the target vectorised write traces" );
        }
        bgnest::TraceLog::of_thread( thread ).series.push_back( std::make_shared< bgnest::TraceLog::Series >(
          bgnest::TraceLog::Series{ *number, cells[ i ], interval, first, last, {} } ) );
        node->handles_test_event( request, bgnest::TraceLog::receptor );
      }
    } );
}

/* Values of a trace on this process that have been written down and not been taken. */
std::int64_t
bgnest_count_values( const std::int64_t number )
{
  std::int64_t count = 0;
  for ( std::size_t t = 0; t < bgnest::threads_here(); ++t )
  {
    for ( const auto& series : bgnest::TraceLog::of_thread( t ).series )
    {
      count += series->trace == number ? series->values.size() : 0;
    }
  }
  return count;
}

/* Take them: for every cell of this process its id and its number of values; the values of all, one cell after the other. */
void
bgnest_take_trace( const std::int64_t number, std::int64_t* cell, std::int64_t* n_values, double* value )
{
  for ( std::size_t t = 0; t < bgnest::threads_here(); ++t )
  {
    for ( const auto& series : bgnest::TraceLog::of_thread( t ).series )
    {
      if ( series->trace == number )
      {
        *cell++ = series->cell;
        *n_values++ = series->values.size();
        value = std::copy( series->values.begin(), series->values.end(), value );
        series->values.clear();
      }
    }
  }
}
}

#endif
