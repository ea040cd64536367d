/*
 * lane_slice.h - all steps of a slice for one block, or for some together: equations, input, drive, spikes, recordings
 *
 * Between the steps, the memory of the next blocks is fetched.
 */
#ifndef BGNEST_LANE_SLICE_H
#define BGNEST_LANE_SLICE_H

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "exceptions.h"
#include "nest_time.h"

#include "lane_drive.h"
#include "lane_input.h"
#include "lane_math.h"
#include "lane_program.h"
#include "lane_random.h"
#include "lane_row.h"
#include "lane_solver.h"
#include "lane_step.h"
#include "lane_work.h"

namespace bgnest
{

template < class Neuron, class Model >
class LaneBlock;

/* EXPONENT: see lane::Exponent. */
template < class Neuron, class Model, int EXPONENT >
class LaneSlice
{
public:
  using Block = LaneBlock< Neuron, Model >;
  using Program = LaneProgram< Model, EXPONENT >;

  /* All steps up to end, of some blocks together. */
  static __attribute__( ( noinline ) ) void
  advance( Block* const* const team, const int n_blocks, const long end, const long slice_origin )
  {
    const long n = end - team[ 0 ]->clock_;
    Present present[ Block::Registry::n_places ];
    for ( int b = 0; b < n_blocks; ++b )
    {
      Block& block = *team[ b ];
      if ( block.drive_ )
      {
        block.drive_.prepare( block.clock_, n );
      }
      present[ b ].from = block.state_;
    }
    for ( long lag = 0; lag < n; ++lag )
    {
      for ( int b = 0; b < n_blocks; ++b )
      {
        begin_step_( *team[ b ], present[ b ], lag, n, slice_origin );
      }
      if constexpr ( has_substeps< Model >() )
      {
        auto& queue = team[ 0 ]->registry_.substeps;
        if ( not queue.waiting.empty() )
        {
          Program::empty( queue );
        }
      }
      for ( int b = 0; b < n_blocks; ++b )
      {
        end_step_( *team[ b ], present[ b ], lag, n, slice_origin );
      }
    }
  }

private:
  /* A block in the present step. */
  struct Present
  {
    const Row* from;
    Row* to;
    std::uint64_t occupied; // ports at which spikes arrive
    const Row* number;      // spikes of the drive, if there are any
    LaneRow< std::uint32_t > refused;
    LaneRow< std::uint32_t > spikes;
    BlockStep step;
  };

  /* The equations or the update block. */
  static BGNEST_INLINE void
  begin_step_( Block& block, Present& now, const long lag, const long n, const long slice_origin )
  {
    const Row* const constants = block.work_->constants.rows;
    if ( Block::Registry::n_places == 1 and lag < std::min( n, 4L ) )
    {
      fetch_ahead_( block, lag, std::min( n, 4L ) );
    }
    // the last step writes to where the first one has read
    now.to = n > 1 and lag == n - 1 ? block.state_ : block.work_->state[ lag & 1 ];
    now.occupied = block.work_->input.occupied( lag );
    DrawnSteps& drawn = block.work_->drawn;
    const long drawn_lag = lag % DrawnSteps::most;
    if ( block.drive_ and drawn_lag == 0 )
    {
      const long n_drawn = std::min( n - lag, DrawnSteps::most );
      block.drive_.draw( block.clock_, n_drawn, drawn );
      drawn.spread( n_drawn );
    }
    now.number = block.drive_ and drawn.any[ drawn_lag ] ? &drawn.number[ drawn_lag ] : nullptr;
    if constexpr ( Model::n_conductances > 0 )
    {
      block.graded_.open( const_cast< Row* >( now.from ), block.clock_ - slice_origin );
    }
    if constexpr ( Model::n_inputs > Model::n_currents )
    {
      prepare_inputs_( block, constants, lag, now.occupied, now.number );
    }
    if constexpr ( Model::is_program )
    {
      now.step = { constants, now.from, block.current_, now.to, now.refused.value, now.spikes.value, block.resolution_ };
      Program::update( now.step, block.active_, block.registry_.substeps );
    }
    else
    {
      advance_( block, constants, now.from, now.to, now.refused, slice_origin );
    }
  }

  /* What comes after the equations of a step. */
  static BGNEST_INLINE void
  end_step_( Block& block, Present& now, const long lag, const long n, const long slice_origin )
  {
    const Row* const constants = block.work_->constants.rows;
    const Row* const from = now.from;
    Row* const to = now.to;
    [[maybe_unused]] bool any_spikes = false;
    if constexpr ( Model::is_program )
    {
      if ( Model::n_numeric > 0 and any_lane( now.refused ) )
      {
        update_carefully_( block, now.step );
      }
    }
    if constexpr ( Model::has_on_receive )
    {
      on_receive_( block, constants, from, to, lag, now.occupied, now.number, slice_origin );
    }
    if ( now.occupied )
    {
      receive_spikes_( block, constants, to, lag, now.occupied );
    }
    if ( now.number )
    {
      receive_drive_( block, constants, to, *now.number );
    }
    if constexpr ( Model::is_program )
    {
      any_spikes = Program::conditions( constants, block.current_, to, now.step.spikes );
    }
    if constexpr ( Model::n_gates > 0 )
    {
      block.graded_.template move< EXPONENT >( constants, block.current_, from, to, block.resolution_ );
    }
    if ( block.active_ != Block::all_lanes )
    {
      for ( LaneMask idle = ~block.active_ & Block::all_lanes; idle; idle &= idle - 1 )
      {
        const int l = std::countr_zero( idle );
        for ( int i = 0; i < Model::n_states; ++i )
        {
          to[ i ][ l ] = from[ i ][ l ];
        }
      }
    }
    if constexpr ( Model::is_program )
    {
      for ( int l = 0; any_spikes and l < lanes; ++l )
      {
        if ( block.active_ >> l & 1 )
        {
          send_( block, l, now.spikes[ l ], slice_origin );
        }
      }
    }
    if constexpr ( Model::has_late_events )
    {
      late_events_( block, constants, to, slice_origin );
    }
    if constexpr ( Model::n_currents > 0 )
    {
      receive_currents_( block, lag, now.occupied );
    }
    if ( now.occupied )
    {
      block.work_->input.clear( lag );
    }
    if constexpr ( Model::n_gates > 0 )
    {
      block.graded_.publish( block.clock_, block.active_, to );
    }
    if ( n == 1 or ( block.recorded_ & block.active_ ) )
    {
      std::copy( to, to + Model::n_states, block.state_ );
    }
    if ( now.number )
    {
      block.drive_.count_up( block.work_->drawn.counts[ lag % DrawnSteps::most ] );
    }
    for ( LaneMask recorded = block.recorded_ & block.active_; recorded; recorded &= recorded - 1 )
    {
      block.nodes_[ std::countr_zero( recorded ) ]->record_( block.clock_ );
    }
    ++block.clock_;
    now.from = to;
  }

  template < class, class >
  friend class LaneExpansion;

  /*
   * Start loading what the next blocks will need: one of several parts of it. All at once would be more than a
   * core can wait for at a time, and the loads of this block would stand in line behind it.
   */
  static void
  fetch_ahead_( Block& block, const long part, const long n_parts )
  {
    if ( not block.next_ )
    {
      return;
    }
    if ( part == 0 )
    {
      block.next_->constants_.fetch();
    }
    if ( block.next_->next_ )
    {
      const char* const begin = reinterpret_cast< const char* >( block.next_->next_ );
      const char* const end = reinterpret_cast< const char* >( block.next_->next_->nodes_ ); // which a slice hardly needs
      const long n_lines = ( end - begin + 63 ) / 64;
      for ( long i = n_lines * part / n_parts; i < n_lines * ( part + 1 ) / n_parts; ++i )
      {
        __builtin_prefetch( begin + 64 * i );
      }
    }
  }

  static void
  send_( Block& block, const int l, const int spikes, const long slice_origin )
  {
    for ( int i = 0; i < spikes; ++i )
    {
      block.nodes_[ l ]->send_spike_( block.clock_ - slice_origin );
    }
  }

  /* A state is not finite. The text is read by whoever looks up the cell's population (engine/nest/engine.py). */
  [[noreturn]] static __attribute__( ( noinline ) ) void
  give_up_( Block& block, const int l )
  {
    block.registry_.forget_input();
    const double begin = nest::Time( nest::Time::step( block.clock_ ) ).get_ms();
    throw nest::NumericalInstability( block.nodes_[ l ]->get_name() + ", node " + std::to_string( block.nodes_[ l ]->get_node_id() )
      + ", in the step after " + std::to_string( begin ) + " ms" );
  }

  /* A step of the equations, with events inside it. */
  static BGNEST_INLINE void
  advance_( Block& block, const Row* const constants, const Row* const from, Row* const to, LaneRow< std::uint32_t >& refused, [[maybe_unused]] const long slice_origin )
  {
    [[maybe_unused]] const bool any = LaneStep< Model, EXPONENT >::advance( constants, from, block.current_, to, refused.value, block.resolution_ );
    if constexpr ( Model::n_numeric > 0 )
    {
      for ( int l = 0; any and l < lanes; ++l )
      {
        if ( refused[ l ] and ( block.active_ >> l & 1 ) )
        {
          redo_( block, l, from, to, slice_origin );
        }
      }
    }
  }

  /* The update block again, in the lanes whose fast step is refused. */
  static __attribute__( ( noinline ) ) void
  update_carefully_( Block& block, const BlockStep& step )
  {
    for ( int l = 0; l < lanes; ++l )
    {
      if ( step.refused[ l ] and ( block.active_ >> l & 1 ) and not Program::update_carefully( step, l ) )
      {
        give_up_( block, l );
      }
    }
  }

  /* The step of one cell again; the fast step has already put the exact values of the others in place. */
  static __attribute__( ( noinline ) ) void
  redo_( Block& block, const int l, const Row* const from, Row* const to, const long slice_origin )
  {
    using System = LaneSystem< Model, EXPONENT >;
    System system( block.nodes_[ l ]->parameters(), block.work_->constants.rows, block.current_, from, to, l, block.resolution_ );
    double y[ Model::n_numeric ];
    std::memcpy( y, &system.start, sizeof y );
    if ( not LaneSolver< System >( system, block.resolution_ ).step( y ) )
    {
      give_up_( block, l );
    }
    for ( int i = 0; i < Model::n_numeric; ++i )
    {
      to[ i ][ l ] = y[ i ];
    }
    for ( int i = Model::n_numeric + Model::n_analytic; i < Model::n_states; ++i )
    {
      to[ i ][ l ] = system.start.*Model::members[ i ];
    }
    send_( block, l, system.spikes, slice_origin );
  }

  /* Conditions that are tested at the end of a step. */
  static void
  late_events_( Block& block, const Row* const constants, Row* const to, const long slice_origin )
  {
    LaneRow< std::uint64_t > due;
    const bool any = LaneStep< Model, EXPONENT >::late_event( constants, to, block.current_, due.value );
    for ( int l = 0; any and l < lanes; ++l )
    {
      if ( due[ l ] and ( block.active_ >> l & 1 ) )
      {
        auto s = Model::load_state( to, l );
        int spikes = 0;
        Model::on_event_late( Model::cell( block.nodes_[ l ]->parameters(), block.resolution_ ), s, Model::load_input( block.current_, l ), spikes );
        Model::store_state( to, l, s );
        send_( block, l, spikes, slice_origin );
      }
    }
  }

  static void
  receive_spikes_( Block& block, const Row* const constants, Row* const to, const long lag, const std::uint64_t occupied )
  {
    const auto weight = [ & ]( const int port, const int l ) BGNEST_INLINE_LAMBDA
    {
      return block.work_->input.row( lag, port )[ l ];
    };
    LaneStep< Model, EXPONENT >::receive( constants, to, occupied, weight );
  }

  static BGNEST_INLINE void
  receive_drive_( Block& block, const Row* const constants, Row* const to, const Row& number )
  {
    const auto weight = [ & ]( const int port, const int l ) BGNEST_INLINE_LAMBDA
    {
      return number[ l ] * constants[ Model::n_constants + port ][ l ];
    };
    LaneStep< Model, EXPONENT >::receive( constants, to, block.driven_ports_, weight );
  }

  /* What statements read besides currents: sums of weights, the time at the end of the step, random numbers. */
  static void
  prepare_inputs_( Block& block, [[maybe_unused]] const Row* const constants, [[maybe_unused]] const long lag, [[maybe_unused]] const std::uint64_t occupied, [[maybe_unused]] const Row* const number )
  {
    Model::each_read_port(
      [ & ]( const auto row, const auto port )
      {
        Row& sum = block.current_[ row ];
        sum = occupied >> port & 1 ? block.work_->input.row( lag, port ) : Row{};
        if ( number and ( block.driven_ports_ >> port & 1 ) )
        {
          for ( int l = 0; l < lanes; ++l )
          {
            sum[ l ] += ( *number )[ l ] * constants[ Model::n_constants + port ][ l ];
          }
        }
      } );
    [[maybe_unused]] int row = Model::n_currents + Model::n_read_ports;
    if constexpr ( Model::uses_time )
    {
      const double now = nest::Time( nest::Time::step( block.clock_ + 1 ) ).get_ms();
      std::fill( block.current_[ row ].value, block.current_[ row ].value + lanes, now );
      ++row;
    }
    if constexpr ( Model::uses_random )
    {
      for ( int l = 0; l < lanes; ++l )
      {
        block.current_[ row ][ l ] = lane::Random::of_step( block.current_[ Model::n_inputs ][ l ], block.clock_ );
      }
    }
  }

  /* Statements of the lanes in which spikes arrive. */
  static void
  on_receive_( Block& block, const Row* const constants, const Row* const from, Row* const to, const long lag, const std::uint64_t occupied, const Row* const number, const long slice_origin )
  {
    Model::each_on_receive(
      [ & ]( const auto index, const auto port )
      {
        const LaneMask listed = occupied >> port & 1 ? block.work_->input.arrived( lag, port ) : 0;
        const bool driven = number and ( block.driven_ports_ >> port & 1 );
        LaneRow< std::uint64_t > arrived;
        bool any = false;
        for ( int l = 0; l < lanes; ++l )
        {
          const bool drawn = driven and ( *number )[ l ] != 0.0 and constants[ Model::n_constants + port ][ l ] != 0.0;
          arrived[ l ] = ( listed >> l & 1 ) or drawn ? 1 : 0;
          any = any or arrived[ l ];
        }
        LaneRow< std::uint32_t > spikes;
        if ( any and LaneStep< Model, EXPONENT >::template on_receive< index >( constants, from, block.current_, to, arrived.value, spikes.value ) )
        {
          for ( int l = 0; l < lanes; ++l )
          {
            if ( block.active_ >> l & 1 )
            {
              send_( block, l, spikes[ l ], slice_origin );
            }
          }
        }
      } );
  }

  /* The current that arrives in this step acts during the next one. */
  static void
  receive_currents_( Block& block, const long lag, const std::uint64_t occupied )
  {
    for ( int p = 0; p < Model::n_currents; ++p )
    {
      const int row = Model::n_ports + p;
      block.current_[ p ] = occupied >> row & 1 ? block.work_->input.row( lag, row ) : Row{};
    }
  }
};

} // namespace bgnest

#endif
