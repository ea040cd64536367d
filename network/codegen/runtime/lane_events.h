/*
 * lane_events.h - input on its way to the cells of a thread, in one list per future slice
 *
 * A cell of a large network is not in the cache when a spike reaches it, and few of its block's cells get one in a slice.
 * So a spike is written at the end of a list, of which there is one for each slice to come. When the first block of a
 * slice is updated the list of this slice is sorted by block, and each block takes its piece. No block is touched before
 * its turn, and no event is looked at twice.
 *
 * Events of one block stay in the order of their arrival: sums of weights do not depend on what the list contains besides.
 */
#ifndef BGNEST_LANE_EVENTS_H
#define BGNEST_LANE_EVENTS_H

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "lane_math.h"

namespace bgnest
{

class LaneEvents
{
public:
  static constexpr std::uint32_t max_lanes = 32;
  using Clock = long ( * )();

  /* now: first step of the present slice; asked where no cell has told so, as when all of them are frozen. */
  explicit LaneEvents( const Clock now )
    : now_( now )
  {
  }

  /* Where a lane of a block is: its events have this number. */
  static std::uint32_t
  slot( const std::uint32_t block, const int lane )
  {
    return block * max_lanes + lane;
  }

  /* Before a run: the present slice, and the number of steps of each. Events stay; after time has been set back they go. */
  void
  prepare( const long slice_begin, const long slice_length )
  {
    if ( slice_begin < base_ )
    {
      clear();
    }
    else if ( slice_length == length_ )
    {
      advance( slice_begin );
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
    set_length_( slice_length );
    current_ = 0;
    sorted_ = false;
    for ( std::size_t ahead = 0; ahead < before.size(); ++ahead )
    {
      for ( const Event& event : before[ ( current_before + ahead ) % before.size() ] )
      {
        const long step = base_before + static_cast< long >( ahead ) * length_before + event.step;
        if ( step >= slice_begin )
        {
          add( event.slot, event.row, step, event.value );
        }
      }
    }
  }

  /* An event that acts at the end of a step (counted from the start of the simulation). */
  BGNEST_INLINE void
  add( const std::uint32_t slot, const std::uint32_t row, const long step, const double value )
  {
    const long after = step - base_;
    const std::size_t ahead = slices_( after );
    if ( ahead >= lists_.size() or ahead == 0 ) [[unlikely]]
    {
      add_anywhere_( slot, row, step, value );
      return;
    }
    const std::size_t which = current_ + ahead;
    lists_[ which < lists_.size() ? which : which - lists_.size() ].push(
      { value, slot, static_cast< std::uint32_t >( after - static_cast< long >( ahead ) * length_ ), row } );
  }

  /* A slice begins; what was due in those before is forgotten. */
  void
  advance( const long slice_begin )
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

  /*
   * Calls with( step, row, lane, value ) for what is due at a block in the present slice; step: counted from the begin
   * of the slice.
   */
  template < class With >
  void
  each( const std::uint32_t block, With&& with )
  {
    if ( not sorted_ )
    {
      sort_();
    }
    for ( std::uint32_t i = ends_[ block ]; i < ends_[ block + 1 ]; ++i )
    {
      const Event& event = by_block_[ i ];
      with( event.step, event.row, event.slot % max_lanes, event.value );
    }
  }

  /* Numbers of blocks: as small as possible, as one looks through all. */
  std::uint32_t
  open_block()
  {
    if ( free_.empty() )
    {
      return n_blocks_++;
    }
    const std::uint32_t number = free_.back();
    free_.pop_back();
    return number;
  }

  void
  close_block( const std::uint32_t number )
  {
    free_.push_back( number );
    if ( free_.size() == n_blocks_ )
    {
      clear();
      free_.clear();
      n_blocks_ = 0;
    }
  }

  /* A cell goes: who gets its place must not get its input. */
  void
  leave( const std::uint32_t slot )
  {
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
    set_length_( 1 );
  }

private:
  struct Event
  {
    double value;
    std::uint32_t slot;
    std::uint32_t step : 26; // of its slice
    std::uint32_t row : 6;
  };

  /* A vector whose fast path is two comparisons and a store. */
  class List
  {
  public:
    BGNEST_INLINE void
    push( const Event& event )
    {
      if ( size_ == capacity_ ) [[unlikely]]
      {
        grow_();
      }
      events_[ size_++ ] = event;
    }

    const Event*
    begin() const
    {
      return events_.get();
    }

    const Event*
    end() const
    {
      return events_.get() + size_;
    }

    std::size_t
    size() const
    {
      return size_;
    }

    void
    clear()
    {
      size_ = 0;
    }

    template < class Condition >
    void
    forget_if( const Condition condition )
    {
      size_ = std::remove_if( events_.get(), events_.get() + size_, condition ) - events_.get();
    }

  private:
    __attribute__( ( noinline ) ) void
    grow_()
    {
      capacity_ = std::max< std::size_t >( 64, 2 * capacity_ );
      auto larger = std::make_unique_for_overwrite< Event[] >( capacity_ );
      std::copy( begin(), end(), larger.get() );
      events_ = std::move( larger );
    }

    std::unique_ptr< Event[] > events_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
  };

  void
  set_length_( const long length )
  {
    length_ = length;
    inverse_ = ( std::uint64_t( 1 ) << 32 ) / length + 1;
    max_quick_ = ( std::int64_t( 1 ) << 31 ) / length;
  }

  /* Whole slices in a number of steps. */
  std::size_t
  slices_( const long steps ) const
  {
    // exact as long as steps times length is below 2^32
    return steps < max_quick_ ? steps * inverse_ >> 32 : steps / length_;
  }

  /* An event that is due in the present slice, or later than any before. */
  __attribute__( ( noinline ) ) void
  add_anywhere_( const std::uint32_t slot, const std::uint32_t row, const long step, const double value )
  {
    if ( slices_( step - base_ ) >= lists_.size() )
    {
      advance( now_() );
    }
    const std::size_t ahead = slices_( step - base_ );
    if ( ahead >= lists_.size() )
    {
      std::rotate( lists_.begin(), lists_.begin() + current_, lists_.end() );
      current_ = 0;
      lists_.resize( ahead + 2 );
    }
    sorted_ = sorted_ and ahead > 0;
    const long begin = base_ + static_cast< long >( ahead ) * length_;
    lists_[ ( current_ + ahead ) % lists_.size() ].push( { value, slot, static_cast< std::uint32_t >( step - begin ), row } );
  }

  /* Stable, so that events of a block keep their order. */
  void
  sort_()
  {
    ends_.assign( n_blocks_ + 1, 0 );
    sorted_ = true;
    if ( lists_.empty() )
    {
      return;
    }
    const List& list = lists_[ current_ ];
    // ends_[ b + 1 ] is where the next event of block b goes, and at last where its piece ends
    for ( const Event& event : list )
    {
      ++ends_[ event.slot / max_lanes + 1 ];
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
      by_block_[ ends_[ event.slot / max_lanes + 1 ]++ ] = event;
    }
  }

  Clock now_;
  std::vector< List > lists_; // a ring; the present slice is at current_
  std::size_t current_ = 0;
  long base_ = 0; // first step of the present slice
  long length_ = 1;
  std::uint64_t inverse_ = ( std::uint64_t( 1 ) << 32 ) + 1; // 2^32 / length, rounded up
  long max_quick_ = 1L << 31;
  bool sorted_ = false;
  std::vector< Event > by_block_;
  std::vector< std::uint32_t > ends_;
  std::vector< std::uint32_t > left_; // slots whose cells have gone
  std::vector< std::uint32_t > free_;
  std::uint32_t n_blocks_ = 0;
};

} // namespace bgnest

#endif
