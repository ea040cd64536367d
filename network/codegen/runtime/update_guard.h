/*
 * update_guard.h - what a cell throws while NEST updates it is noted here, and does not reach NEST
 *
 * NEST lets a thread in which a node throws leave the simulation; its other threads, and all other processes, then wait
 * for it at the end of the slice, for ever. So while time goes on, the entries of all cells in NEST's list of nodes point
 * to a node that stands in front of the cell: it passes on what NEST asks of it, and catches what the cell throws.
 *
 * After that nothing is updated on this thread any more, and from the next slice on nothing in this process. NEST comes to
 * the end of the time for which it was asked to run, and the engine asks for what has been noted (guard_interface.h).
 * Everything that was recorded later than the begin of that slice is to be forgotten.
 */
#ifndef BGNEST_UPDATE_GUARD_H
#define BGNEST_UPDATE_GUARD_H

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "event.h"
#include "kernel_manager.h"
#include "nest_time.h"
#include "node.h"
#include "sparse_node_array.h"

namespace bgnest
{

/* What cells of this process have thrown since time went on. */
class Failures
{
public:
  struct Failure
  {
    long step; // first one of the slice, or of the part of it, in which it happened
    std::size_t node;
    std::string text;
  };

  static Failures&
  here()
  {
    static auto* const failures = new Failures;
    return *failures;
  }

  void
  forget()
  {
    noted_.clear();
    first_ = none;
  }

  void
  note( const long step, const std::size_t node, const char* const text )
  {
    const std::lock_guard< std::mutex > lock( mutex_ );
    noted_.push_back( { step, node, text } );
    first_ = std::min( first_.load(), step );
  }

  /* Whether something has happened in a slice before the one that begins at a step. */
  bool
  before( const long step ) const
  {
    return first_.load( std::memory_order_relaxed ) < step;
  }

  const std::vector< Failure >&
  noted() const
  {
    return noted_;
  }

private:
  static constexpr long none = std::numeric_limits< long >::max();

  std::vector< Failure > noted_;
  std::atomic< long > first_ = none;
  std::mutex mutex_;
};

/* Stands in front of a cell. */
class GuardedNode : public nest::Node
{
public:
  using nest::Node::handle;

  GuardedNode( nest::Node* const cell, bool& failed )
    : cell_( cell )
    , failed_( failed )
  {
  }

  void
  update( const nest::Time& origin, const long from, const long to ) override
  {
    const long step = origin.get_steps() + from;
    if ( failed_ or Failures::here().before( step ) )
    {
      return;
    }
    try
    {
      cell_->update( origin, from, to );
    }
    catch ( const std::exception& error )
    {
      failed_ = true;
      Failures::here().note( step, cell_->get_node_id(), error.what() );
    }
    catch ( ... )
    {
      failed_ = true;
      Failures::here().note( step, cell_->get_node_id(), "unknown error" );
    }
  }

  // synapses that know a cell by its place in the list (NEST's `_hpc` ones) find this node there
  void
  handle( nest::SpikeEvent& event ) override
  {
    cell_->handle( event );
  }

  void
  handle( nest::CurrentEvent& event ) override
  {
    cell_->handle( event );
  }

  void
  handle( nest::ConductanceEvent& event ) override
  {
    cell_->handle( event );
  }

  void
  handle( nest::DoubleDataEvent& event ) override
  {
    cell_->handle( event );
  }

  void
  handle( nest::DataLoggingRequest& request ) override
  {
    cell_->handle( request );
  }

  // nothing else is asked while time goes on
  void
  pre_run_hook() override
  {
  }

  void
  set_status( const Dictionary& ) override
  {
  }

  void
  get_status( Dictionary& ) const override
  {
  }

private:
  nest::Node* cell_;
  bool& failed_; // a cell of this thread has thrown something
};

/* Of one thread. */
class UpdateGuard
{
public:
  static constexpr std::size_t max_threads = 4096;

  static UpdateGuard&
  of_thread( const std::size_t thread )
  {
    static auto* const guards = new std::vector< UpdateGuard >( max_threads );
    return ( *guards )[ thread ];
  }

  /* Before NEST runs: stand in front of all cells that it is going to update. */
  void
  stand( const std::size_t thread )
  {
    failed_ = false;
    const nest::SparseNodeArray& nodes = nest::kernel().node_manager.get_local_nodes( thread );
    for ( auto it = nodes.begin(); it != nodes.end(); ++it )
    {
      nest::Node* const cell = it->get_node();
      if ( not cell->is_frozen() and cell->has_proxies() )
      {
        // the list is NEST's and not constant; it gives constant access to it only
        auto* const entry = const_cast< Entry* >( &*it );
        guarded_.push_back( std::make_unique< GuardedNode >( cell, failed_ ) );
        places_.push_back( { entry, cell } );
        *entry = Entry( *guarded_.back(), entry->get_node_id() );
      }
    }
  }

  /* After it. */
  void
  leave()
  {
    for ( const Place& place : places_ )
    {
      *place.entry = Entry( *place.cell, place.entry->get_node_id() );
    }
    places_.clear();
    guarded_.clear();
  }

private:
  using Entry = nest::SparseNodeArray::NodeEntry;

  struct Place
  {
    Entry* entry;
    nest::Node* cell;
  };

  std::vector< std::unique_ptr< GuardedNode > > guarded_;
  std::vector< Place > places_;
  bool failed_ = false;
};

} // namespace bgnest

#endif
