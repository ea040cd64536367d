/*
 * lane_events.h - input on its way to the cells of a thread, in one list per future slice
 *
 * A cell of a large network is not in the cache when a spike reaches it, and few of its block's cells get one in a slice.
 * So a spike is written at the end of a list, of which there is one for each slice to come. When the first block of a
 * slice is updated the list of this slice is sorted by block, and each block takes its piece. No block is touched before
 * its turn, and no event is looked at twice.
 *
 * Events of one cell stay in the order of their arrival: sums of weights do not depend on what the list contains besides.
 *
 * Who has many events of one spike (row_table.h) asks once for the ways from delays to lists, which are in a table, and
 * writes every event by itself.
 */
#ifndef BGNEST_LANE_EVENTS_H
#define BGNEST_LANE_EVENTS_H

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "lane_math.h"

namespace bgnest
{

class LaneEvents
{
public:
  using Clock = long ( * )();

  /* now: first step of the present slice; asked where no cell has told so, as when all of them are frozen. */
  explicit LaneEvents( const Clock now )
    : now_( now )
  {
  }

  struct Event
  {
    static constexpr int step_bits = 26;

    double value;
    std::uint32_t slot; // of the cell
    std::uint32_t when; // step of its slice, and above it the row

    std::uint32_t
    step() const
    {
      return when & ( ( 1U << step_bits ) - 1 );
    }

    std::uint32_t
    row() const
    {
      return when >> step_bits;
    }
  };

  /* A vector whose fast path is a comparison and a store. */
  class List
  {
  public:
    BGNEST_INLINE void
    push( const Event& event )
    {
      if ( end_ == limit_ ) [[unlikely]]
      {
        grow_();
      }
      *end_++ = event;
    }

    const Event*
    begin() const
    {
      return events_.get();
    }

    const Event*
    end() const
    {
      return end_;
    }

    std::size_t
    size() const
    {
      return end_ - events_.get();
    }

    void
    clear()
    {
      end_ = events_.get();
    }

    template < class Condition >
    void
    forget_if( const Condition condition )
    {
      end_ = std::remove_if( events_.get(), end_, condition );
    }

  private:
    __attribute__( ( noinline ) ) void
    grow_()
    {
      const std::size_t n = size();
      const std::size_t capacity = std::max< std::size_t >( 64, 2 * n );
      auto larger = std::make_unique_for_overwrite< Event[] >( capacity );
      std::copy( begin(), end(), larger.get() );
      events_ = std::move( larger );
      end_ = events_.get() + n;
      limit_ = events_.get() + capacity;
    }

    Event* end_ = nullptr;
    Event* limit_ = nullptr;
    std::unique_ptr< Event[] > events_;
  };

  /* Where an event is written that is due at a certain step. */
  struct Way
  {
    List* list;
    std::uint32_t step; // of its slice
  };

  /*
   * Ways of events by their delays, counted from the shortest: what is due at step + shortest takes the first one. They
   * hold until anything else is called. Null if something may be due in the present slice, which add() looks after.
   */
  BGNEST_INLINE const Way*
  ways( const long step, const long shortest, const long longest )
  {
    if ( step - base_ + longest >= reach_ ) [[unlikely]]
    {
      reach_out_( step + longest );
    }
    const long after = step - base_ + shortest;
    return after < length_ ? nullptr : ways_.data() + current_ * length_ + after;
  }

  /* Someone keeps spikes back for a while, and lets them go before a slice begins. */
  void
  wait_for( void ( *const let_go )( void* ), void* const keeper )
  {
    let_go_ = let_go;
    keeper_ = keeper;
  }

  /* Before a run: the present slice, and the number of steps of each. Events stay; after time has been set back they go. */
  void
  prepare( const long slice_begin, const long slice_length )
  {
    hurry_();
    if ( slice_begin < base_ )
    {
      clear();
    }
    else if ( slice_length == length_ )
    {
      skip_to_( slice_begin );
    }
    if ( slice_length == length_ and slice_begin == base_ )
    {
      return;
    }
    const std::vector< List > before = std::move( lists_ );
    const long base_before = base_, length_before = length_;
    const std::size_t current_before = current_;
    lists_.clear();
    base_ = slice_begin;
    length_ = slice_length;
    current_ = 0;
    sorted_ = false;
    find_ways_();
    for ( std::size_t ahead = 0; ahead < before.size(); ++ahead )
    {
      for ( const Event& event : before[ ( current_before + ahead ) % before.size() ] )
      {
        add( event.slot, event.row(), base_before + static_cast< long >( ahead ) * length_before + event.step(), event.value );
      }
    }
  }

  /* An event that acts at the end of a step (counted from the start of the simulation). */
  BGNEST_INLINE void
  add( const std::uint32_t slot, const std::uint32_t row, const long step, const double value )
  {
    const long after = step - base_;
    if ( after < length_ or after >= reach_ ) [[unlikely]]
    {
      add_anywhere_( slot, row, step, value );
      return;
    }
    push_( ways_[ current_ * length_ + after ], slot, row, value );
  }

  /*
   * A slice begins for the cells; what was due in those before is forgotten. The lists may have got there before, with a
   * spike that a generator sends, or the first that has far to go: what is kept back has to come all the same.
   */
  void
  advance( const long slice_begin )
  {
    if ( begun_ != slice_begin )
    {
      begun_ = slice_begin;
      hurry_();
      skip_to_( slice_begin );
    }
  }

  /*
   * Calls with( step, row, lane, value ) for what is due at a block in the present slice; step: counted from the begin
   * of the slice.
   */
  template < class With >
  void
  each( const std::uint32_t first_slot, const std::uint32_t n_lanes, With&& with )
  {
    if ( not sorted_ )
    {
      sort_();
    }
    const std::uint32_t end = ends_[ ( first_slot + n_lanes ) >> grain_bits_ ];
    for ( std::uint32_t i = ends_[ first_slot >> grain_bits_ ]; i < end; ++i )
    {
      const Event& event = by_block_[ i ];
      with( event.step(), event.row(), event.slot - first_slot, event.value );
    }
  }

  /*
   * The first of the slots of a block, one for each lane (a power of two). One behind the other, so that in a population
   * slots differ from the numbers of the cells by the same amount; as few as possible, as one looks through all.
   */
  std::uint32_t
  open_block( const std::uint32_t n_lanes )
  {
    ++n_blocks_;
    sorted_ = false;
    grain_bits_ = std::min( grain_bits_, std::countr_zero( n_lanes ) );
    const auto same = std::find_if( free_.begin(), free_.end(), [ = ]( const Free& f ) { return f.n_lanes == n_lanes; } );
    if ( same != free_.end() )
    {
      const std::uint32_t first = same->first_slot;
      *same = free_.back();
      free_.pop_back();
      return first;
    }
    const std::uint32_t first = ( n_slots_ + n_lanes - 1 ) / n_lanes * n_lanes;
    n_slots_ = first + n_lanes;
    return first;
  }

  void
  close_block( const std::uint32_t first_slot, const std::uint32_t n_lanes )
  {
    free_.push_back( { first_slot, n_lanes } );
    if ( --n_blocks_ == 0 )
    {
      clear();
      free_.clear();
      n_slots_ = 0;
      grain_bits_ = most_grain_bits;
    }
  }

  /* A cell goes: who gets its place must not get its input. */
  void
  leave( const std::uint32_t slot )
  {
    hurry_();
    left_.push_back( slot );
  }

  /* A cell comes. */
  void
  join()
  {
    if ( left_.empty() )
    {
      return;
    }
    std::sort( left_.begin(), left_.end() );
    for ( auto& list : lists_ )
    {
      list.forget_if(
        [ this ]( const Event& event ) { return std::binary_search( left_.begin(), left_.end(), event.slot ); } );
    }
    left_.clear();
    sorted_ = false;
  }

  void
  clear()
  {
    for ( auto& list : lists_ )
    {
      list.clear();
    }
    left_.clear();
    sorted_ = false;
    base_ = 0;
    begun_ = -1;
    length_ = 1;
    current_ = 0;
    find_ways_();
  }

private:
  static constexpr int most_grain_bits = 5;

  struct Free
  {
    std::uint32_t first_slot;
    std::uint32_t n_lanes;
  };

  static BGNEST_INLINE void
  push_( const Way& way, const std::uint32_t slot, const std::uint32_t row, const double value )
  {
    way.list->push( { value, slot, way.step | row << Event::step_bits } );
  }

  void
  hurry_()
  {
    if ( let_go_ )
    {
      let_go_( keeper_ );
    }
  }

  void
  skip_to_( const long slice_begin )
  {
    for ( ; base_ < slice_begin; base_ += length_ )
    {
      sorted_ = false;
      if ( not lists_.empty() )
      {
        lists_[ current_ ].clear();
        current_ = current_ + 1 == lists_.size() ? 0 : current_ + 1;
      }
    }
  }

  /* The ring of lists twice, step by step, so that ways never turn round. */
  void
  find_ways_()
  {
    const std::size_t n = lists_.size();
    reach_ = static_cast< long >( n ) * length_;
    ways_.resize( 2 * reach_ );
    for ( long i = 0; i < 2 * reach_; ++i )
    {
      ways_[ i ] = { &lists_[ i / length_ % n ], static_cast< std::uint32_t >( i % length_ ) };
    }
  }

  /* Make lists up to that of a step. */
  __attribute__( ( noinline ) ) void
  reach_out_( const long step )
  {
    skip_to_( now_() );
    if ( step - base_ >= reach_ )
    {
      std::rotate( lists_.begin(), lists_.begin() + current_, lists_.end() );
      current_ = 0;
      lists_.resize( ( step - base_ ) / length_ + 2 );
      find_ways_();
    }
  }

  /* An event that is due in the present slice, or later than any before; or too late. */
  __attribute__( ( noinline ) ) void
  add_anywhere_( const std::uint32_t slot, const std::uint32_t row, const long step, const double value )
  {
    if ( step - base_ >= reach_ )
    {
      reach_out_( step );
    }
    if ( step >= base_ )
    {
      sorted_ = sorted_ and step - base_ >= length_;
      push_( ways_[ current_ * length_ + step - base_ ], slot, row, value );
    }
  }

  /* Stable, so that events of a block keep their order. */
  void
  sort_()
  {
    ends_.assign( ( n_slots_ >> grain_bits_ ) + 2, 0 );
    sorted_ = true;
    if ( lists_.empty() )
    {
      return;
    }
    const List& list = lists_[ current_ ];
    // ends_[ b + 1 ] is where the next event of block b goes, and at last where its piece ends
    for ( const Event& event : list )
    {
      ++ends_[ ( event.slot >> grain_bits_ ) + 1 ];
    }
    std::uint32_t sum = 0;
    for ( std::uint32_t& end : ends_ )
    {
      sum += end;
      end = sum - end;
    }
    if ( by_block_.size() < list.size() )
    {
      by_block_.resize( list.size() + list.size() / 2 );
    }
    for ( const Event& event : list )
    {
      by_block_[ ends_[ ( event.slot >> grain_bits_ ) + 1 ]++ ] = event;
    }
  }

  Clock now_;
  void ( *let_go_ )( void* ) = nullptr;
  void* keeper_ = nullptr;
  std::vector< List > lists_; // a ring; the present slice is at current_
  std::vector< Way > ways_;   // from the first step of the first list on
  std::size_t current_ = 0;
  long begun_ = -1; // slice that the cells are in
  long base_ = 0;   // first step of the present slice
  long length_ = 1; // of a slice
  long reach_ = 0;  // steps of all lists
  bool sorted_ = false;
  std::vector< Event > by_block_;
  std::vector< std::uint32_t > ends_;
  std::vector< std::uint32_t > left_; // slots whose cells have gone
  std::vector< Free > free_;
  std::uint32_t n_blocks_ = 0;
  std::uint32_t n_slots_ = 0;
  int grain_bits_ = most_grain_bits; // events are sorted by so many slots
};

} // namespace bgnest

#endif
