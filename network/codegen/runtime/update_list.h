/*
 * update_list.h - the list of nodes that NEST goes through in every slice, without the cells that it does not update
 *
 * One cell of a model advances all that are on its thread (lane_registry.h); of the others most are frozen to NEST. To see
 * this, NEST looks at each of them in every slice, a line of memory each: at full scale a quarter of the time. While time
 * goes on, the entries of all but one cell of a model in NEST's list therefore point to one frozen cell of the thread.
 *
 * In that time nothing may look for a cell in the list: synapses that know their target by its place in it (NEST's
 * `_hpc` ones), or a user. So the engine hides cells before each run of NEST and shows them after it.
 */
#ifndef BGNEST_UPDATE_LIST_H
#define BGNEST_UPDATE_LIST_H

#include <algorithm>
#include <cstddef>
#include <set>
#include <vector>

#include "kernel_manager.h"
#include "node.h"
#include "sparse_node_array.h"

#include "lane_delivery.h"

namespace bgnest
{

/* Of one thread. */
class UpdateList
{
public:
  static UpdateList&
  of_thread( const std::size_t thread )
  {
    static std::vector< UpdateList > lists( LaneDelivery::max_threads );
    return lists[ thread ];
  }

  /* After NEST has prepared: note the cells of blocks. */
  void
  collect( const std::size_t thread )
  {
    cells_.clear();
    const nest::SparseNodeArray& nodes = nest::kernel().node_manager.get_local_nodes( thread );
    for ( auto it = nodes.begin(); it != nodes.end(); ++it )
    {
      if ( dynamic_cast< LaneCell* >( it->get_node() ) )
      {
        // the list is NEST's and not constant; it gives constant access to it only
        cells_.push_back( { const_cast< Entry* >( &*it ), it->get_node() } );
      }
    }
  }

  void
  clear()
  {
    cells_.clear();
  }

  void
  hide()
  {
    const auto frozen = []( const Cell& cell ) { return cell.node->is_frozen(); };
    const auto one = std::find_if( cells_.begin(), cells_.end(), frozen );
    std::set< int > models;
    for ( const Cell& cell : cells_ )
    {
      if ( one != cells_.end() and ( frozen( cell ) or not models.insert( cell.node->get_model_id() ).second ) )
      {
        *cell.entry = Entry( *one->node, cell.entry->get_node_id() );
      }
    }
  }

  void
  show()
  {
    for ( const Cell& cell : cells_ )
    {
      *cell.entry = Entry( *cell.node, cell.entry->get_node_id() );
    }
  }

private:
  using Entry = nest::SparseNodeArray::NodeEntry;

  struct Cell
  {
    Entry* entry;
    nest::Node* node;
  };

  std::vector< Cell > cells_;
};

} // namespace bgnest

#endif
