/*
 * lane_block.h - the cells of one model on one thread, advanced several at a time
 *
 * A block holds LANES cells of one model as a structure of arrays: row i of a table is variable i of all
 * lanes. A loop over the lanes of a row becomes vector instructions. The first cell of a block that NEST
 * updates in a slice advances all lanes over the whole slice; the others find the work done.
 *
 * What a block keeps, and why so little: at full scale the cells do not fit into the cache, so the bytes
 * that a slice touches decide the speed.
 *   state      two tables, read from one and written to the other in turn, so that a lane whose fast step
 *              is refused can be done again from its start
 *   constants  parameters and what is computed from them. Most are equal in all lanes and in nearly all
 *              blocks; equal ones live once per thread (SharedConstants), only rows that differ between the
 *              lanes are stored in the block. Before a slice they are laid out in one table per thread,
 *              where most blocks find everything but their own rows already in place.
 *   input      one ring buffer (time x port x lane) with a bit per slot and port that tells whether
 *              anything has arrived. It is as long as the longest delay that really occurs.
 *
 * Lanes that are empty, or whose cell is frozen, are computed along with the others and keep their state.
 * Lanes never influence one another.
 *
 * What a model has to offer (class Model) is written by the code generator from the template
 * templates/vectorised/@NEURON_NAME@.h.jinja2.
 */
#ifndef BGNEST_LANE_BLOCK_H
#define BGNEST_LANE_BLOCK_H

#include <algorithm>
#include <array>
#include <bit>
#include <bitset>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "huge_memory.h"
#include "lane_math.h"
#include "lane_solver.h"
#include "poisson_drive.h"
#include "solver.h"

#ifndef BGNEST_LANES
#define BGNEST_LANES 8
#endif

namespace bgnest
{

inline constexpr int lanes = BGNEST_LANES;
static_assert( lanes >= 2 and lanes <= 32 and std::has_single_bit( unsigned( lanes ) ) );

using LaneMask = std::uint32_t;

template < typename T >
struct alignas( 64 ) LaneRow
{
  T value[ lanes ];

  BGNEST_INLINE T&
  operator[]( const int lane )
  {
    return value[ lane ];
  }
  BGNEST_INLINE const T&
  operator[]( const int lane ) const
  {
    return value[ lane ];
  }
};

using Row = LaneRow< double >;

/*
 * Input of one slice: sums of weights per step, row and lane. One of these serves all blocks of a thread in
 * turn and stays in the cache; a bit per step and row tells whether anything has arrived.
 */
template < int ROWS >
class SliceInput
{
public:
  static_assert( ROWS <= 64, "a model of the vectorised target has at most 64 ports" );

  /* Make room for a slice of n steps. */
  void
  resize( const long n )
  {
    if ( n > static_cast< long >( slots_.size() ) )
    {
      slots_.resize( n );
      occupied_.resize( n, 0 );
    }
  }

  void
  add( const long lag, const std::uint32_t row, const std::uint32_t lane, const double value )
  {
    slots_[ lag ].row[ row ][ lane ] += value;
    occupied_[ lag ] |= std::uint64_t( 1 ) << row;
  }

  /* Bit r is set when row r of any lane has input in this step. */
  std::uint64_t
  occupied( const long lag ) const
  {
    return occupied_[ lag ];
  }

  const Row&
  row( const long lag, const int row ) const
  {
    return slots_[ lag ].row[ row ];
  }

  /* Forget the input of a step, for the next block. */
  void
  clear( const long lag )
  {
    for ( std::uint64_t bits = occupied_[ lag ]; bits; bits &= bits - 1 )
    {
      slots_[ lag ].row[ std::countr_zero( bits ) ] = Row{};
    }
    occupied_[ lag ] = 0;
  }

  void
  clear_all()
  {
    for ( std::size_t lag = 0; lag < occupied_.size(); ++lag )
    {
      clear( lag );
    }
  }

private:
  struct Slot
  {
    Row row[ ROWS > 0 ? ROWS : 1 ] = {};
  };

  std::vector< Slot > slots_;
  std::vector< std::uint64_t > occupied_;
};

/*
 * Events that have arrived at a block, in the order of their arrival. Few are on their way at a time (some
 * tens for eight cells of the Lindahl network), so that a list that is looked through once a slice takes
 * hundredths of the memory of a table with an entry for every future step, and stays in the cache.
 */
class PendingInput
{
public:
  std::size_t
  bytes() const
  {
    return events_.capacity() * sizeof( Event );
  }

  bool
  full() const
  {
    return events_.size() == events_.capacity();
  }

  void
  add( const long step, const int row, const int lane, const double value )
  {
    events_.push_back( { value, static_cast< std::uint32_t >( step ), static_cast< std::uint16_t >( row ), static_cast< std::uint16_t >( lane ) } );
  }

  /* Move what is due in the steps begin ... end - 1 to where the loop over steps reads it; forget what was due before. */
  template < int ROWS >
  void
  take( const long begin, const long end, SliceInput< ROWS >& slice )
  {
    static thread_local std::vector< Event > due;
    if ( due.size() < events_.size() )
    {
      due.resize( events_.capacity() );
    }
    // without branches: what is due is as good as random
    Event* kept = events_.data();
    Event* taken = due.data();
    for ( const Event& event : events_ )
    {
      const Event copy = event;
      const bool later = before_( end, copy ) >= 0;
      *kept = copy;
      *taken = copy;
      kept += later;
      taken += not later;
    }
    events_.resize( kept - events_.data() );
    for ( const Event* event = due.data(); event != taken; ++event )
    {
      if ( const std::int32_t lag = before_( begin, *event ); lag >= 0 )
      {
        slice.add( lag, event->row, event->lane, event->value );
      }
    }
  }

  void
  forget_before( const long now )
  {
    std::erase_if( events_, [ now ]( const Event& event ) { return before_( now, event ) < 0; } );
  }

  void
  forget_lane( const int lane )
  {
    std::erase_if( events_, [ lane ]( const Event& event ) { return event.lane == lane; } );
  }

  void
  clear()
  {
    events_.clear();
  }

  void
  fetch() const
  {
    const char* const begin = reinterpret_cast< const char* >( events_.data() );
    for ( std::size_t i = 0; i < events_.size() * sizeof( Event ); i += 64 )
    {
      __builtin_prefetch( begin + i );
    }
  }

private:
  struct Event
  {
    double value;
    std::uint32_t step; // modulo 2^32
    std::uint16_t row;
    std::uint16_t lane;
  };

  /* Steps from a given one to an event. */
  static std::int32_t
  before_( const long step, const Event& event )
  {
    return static_cast< std::int32_t >( event.step - static_cast< std::uint32_t >( step ) );
  }

  std::vector< Event > events_;
};

/* Constants that are equal in all lanes of a block, and a note of those that are not. */
template < int N >
struct SharedConstants
{
  std::bitset< N > differs; // rows that a block has of its own
  double value[ N ];        // the others
  bool unit_exponents;      // all integer exponents are 1

  bool
  operator==( const SharedConstants& other ) const
  {
    // bitwise, so that NaN equals NaN and 0 differs from -0
    return differs == other.differs and std::memcmp( value, other.value, sizeof value ) == 0;
  }

  std::size_t
  hash() const
  {
    std::size_t result = std::hash< std::bitset< N > >()( differs );
    for ( const double v : value )
    {
      result = mix64( result ^ std::bit_cast< std::uint64_t >( v ) );
    }
    return result;
  }
};

template < class Neuron, class Model >
class LaneBlock;

/* Everything that the blocks of one model on one thread have in common. */
template < class Neuron, class Model >
class LaneRegistry
{
public:
  using Block = LaneBlock< Neuron, Model >;
  using Shared = SharedConstants< Model::n_constants + Model::n_ports >;

  static LaneRegistry&
  of_thread( const std::size_t thread )
  {
    // never destroyed: cells may outlive the static objects of this module
    static auto* const registries = new std::vector< std::unique_ptr< LaneRegistry > >;
    static auto* const mutex = new std::mutex;
    const std::lock_guard< std::mutex > lock( *mutex );
    while ( registries->size() <= thread )
    {
      registries->push_back( std::make_unique< LaneRegistry >() );
    }
    return *( *registries )[ thread ];
  }

  /* A block with a free lane. */
  Block*
  open_block( const long now )
  {
    if ( not open_ or open_->full() )
    {
      open_ = new Block( *this, now );
      open_->follow( newest_ );
      newest_ = open_;
    }
    return open_;
  }

  void
  discard( Block* const block )
  {
    if ( open_ == block )
    {
      open_ = nullptr;
    }
    if ( newest_ == block )
    {
      newest_ = block->previous();
    }
    delete block;
  }

  std::shared_ptr< const Shared >
  share( const Shared& constants )
  {
    std::weak_ptr< const Shared >& known = shared_[ constants.hash() ];
    std::shared_ptr< const Shared > found = known.lock();
    if ( not found or not( *found == constants ) )
    {
      found = std::make_shared< const Shared >( constants );
      known = found;
    }
    return found;
  }

  std::shared_ptr< DriveTable< lanes > >
  share_drive( const DriveSpec ( &specs )[ lanes ], const double resolution )
  {
    for ( auto it = drives_.begin(); it != drives_.end(); )
    {
      auto found = it->lock();
      if ( not found )
      {
        it = drives_.erase( it );
        continue;
      }
      if ( found->matches( specs, resolution ) )
      {
        return found;
      }
      ++it;
      if ( it - drives_.begin() >= longest_search )
      {
        break; // every block has rates of its own: nothing to share
      }
    }
    auto made = std::make_shared< DriveTable< lanes > >( specs, resolution );
    drives_.insert( drives_.begin(), made );
    if ( drives_.size() > 2 * longest_search )
    {
      drives_.resize( longest_search );
    }
    return made;
  }

  /* The constants of the block that is being advanced, laid out for the loops over lanes. */
  Row constants[ Model::n_constants + Model::n_ports ];
  std::shared_ptr< const Shared > laid_out;
  std::vector< int > own_rows;
  /* Its input in this slice, and its state between two steps of the slice. */
  SliceInput< Model::n_ports + Model::n_currents > input;
  Row work[ 2 ][ Model::n_states ];

private:
  static constexpr long longest_search = 16;

  Block* open_ = nullptr;
  Block* newest_ = nullptr;
  std::unordered_map< std::size_t, std::weak_ptr< const Shared > > shared_;
  std::vector< std::weak_ptr< DriveTable< lanes > > > drives_;
};

template < class Neuron, class Model >
class alignas( 64 ) LaneBlock
{
public:
  using Registry = LaneRegistry< Neuron, Model >;
  using Shared = typename Registry::Shared;
  static constexpr int n_states = Model::n_states;
  static constexpr int n_constants = Model::n_constants + Model::n_ports;

  LaneBlock( Registry& registry, const long now )
    : registry_( registry )
    , clock_( now )
  {
  }

  ~LaneBlock()
  {
    if ( next_ )
    {
      next_->previous_ = previous_;
    }
    if ( previous_ )
    {
      previous_->next_ = next_;
    }
  }

  static void*
  operator new( const std::size_t size )
  {
    return HugeMemory::allocate( size );
  }

  static void
  operator delete( void* const block )
  {
    HugeMemory::release( block );
  }

  LaneBlock( const LaneBlock& ) = delete;
  LaneBlock& operator=( const LaneBlock& ) = delete;

  /* Blocks form a chain in the order in which NEST updates them. */
  void
  follow( LaneBlock* const block )
  {
    previous_ = block;
    if ( block )
    {
      block->next_ = this;
    }
  }

  LaneBlock*
  previous() const
  {
    return previous_;
  }

  bool
  full() const
  {
    return occupied_ == all_lanes;
  }

  /* Give a cell a lane; its state has to be written by the caller. */
  int
  join( Neuron* const node )
  {
    const int lane = std::countr_one( occupied_ );
    nodes_[ lane ] = node;
    occupied_ |= LaneMask( 1 ) << lane;
    pending_.forget_lane( lane );
    drive_count_[ lane ] = 0.0;
    for ( Row& row : current_ )
    {
      row[ lane ] = 0.0;
    }
    stale_ = true;
    return lane;
  }

  void
  leave( const int lane )
  {
    nodes_[ lane ] = nullptr;
    occupied_ &= ~( LaneMask( 1 ) << lane );
    stale_ = true;
    if ( occupied_ == 0 )
    {
      registry_.discard( this );
    }
  }

  double&
  state( const int variable, const int lane )
  {
    return state_[ variable ][ lane ];
  }

  double
  drive_count( const int lane ) const
  {
    return drive_count_[ lane ];
  }

  double
  current( const int port, const int lane ) const
  {
    return current_[ port ][ lane ];
  }

  /* Parameters, frozen flags or recorders of a cell have changed. */
  void
  mark_stale()
  {
    stale_ = true;
  }

  /* Before a run: now is the first step that will be done. */
  void
  prepare( const long now )
  {
    stale_ = true;
    slice_tics_ = -1;
    if ( now < clock_ )
    {
      // time has been set back; what was on its way is lost, as its date has no meaning any more
      pending_.clear();
      clock_ = now;
    }
    clock_ = std::max( clock_, now );
  }

  void
  add_spike( const long step, const int port, const int lane, const double weight )
  {
    add_( step, port, lane, weight );
  }

  void
  add_current( const long step, const int port, const int lane, const double value )
  {
    add_( step, Model::n_ports + port, lane, value );
  }

  /* Whether the part of a slice up to a step has been done. */
  bool
  done( const long slice_tics, const long to ) const
  {
    return slice_tics_ == slice_tics and done_to_ == to;
  }

  /* Advance all lanes over a part of the slice that begins at slice. */
  void
  update( const nest::Time& slice, const long from, const long to )
  {
    slice_tics_ = slice.get_tics();
    done_to_ = to;
    const long slice_origin = slice.get_steps();
    const long begin = slice_origin + from;
    const long end = slice_origin + to;
    clock_ = begin;
    if ( stale_ )
    {
      gather_();
    }
    fetch_ahead_();
    lay_out_();
    registry_.input.resize( end - begin );
    pending_.take( begin, end, registry_.input );
    if ( shared_->unit_exponents )
    {
      advance_< 1 >( end, slice_origin );
    }
    else
    {
      advance_< lane::largest_exponent >( end, slice_origin );
    }
  }

  std::size_t
  bytes() const
  {
    return sizeof( *this ) + pending_.bytes() + own_.capacity() * sizeof( Row );
  }

private:
  static constexpr LaneMask all_lanes = lanes == 32 ? ~LaneMask( 0 ) : ( LaneMask( 1 ) << lanes ) - 1;
  static constexpr int n_current_rows = Model::n_currents > 0 ? Model::n_currents : 1;

  void
  add_( const long step, const int row, const int lane, const double value )
  {
    if ( pending_.full() )
    {
      // a block whose cells are all frozen is not updated, and must not collect input for ever
      const auto& manager = nest::kernel().simulation_manager;
      pending_.forget_before( manager.get_slice_origin().get_steps() + manager.get_from_step() );
    }
    pending_.add( step, row, lane, value );
  }

  /* Collect constants, masks and drives from the cells. */
  void
  gather_()
  {
    const double resolution = nest::Time::get_resolution().get_ms();
    const int first = std::countr_zero( occupied_ );
    auto columns = std::make_unique< Row[] >( n_constants );
    DriveSpec drives[ lanes ];
    active_ = 0;
    recorded_ = 0;
    driven_ports_ = 0;
    bool driven = false;
    for ( int l = 0; l < lanes; ++l )
    {
      // An empty lane computes the same as the first cell, so that no strange numbers come up in it.
      const bool used = occupied_ >> l & 1;
      const Neuron& node = *nodes_[ used ? l : first ];
      double constants[ n_constants ];
      Model::constants( node.parameters_, resolution, constants );
      std::copy( node.drive_weights_, node.drive_weights_ + Model::n_ports, constants + Model::n_constants );
      for ( int i = 0; i < n_constants; ++i )
      {
        columns[ i ][ l ] = constants[ i ];
      }
      if ( not used )
      {
        for ( int i = 0; i < n_states; ++i )
        {
          state_[ i ][ l ] = state_[ i ][ first ];
        }
        continue;
      }
      if ( not node.is_frozen() )
      {
        active_ |= LaneMask( 1 ) << l;
      }
      if ( node.recorded_ )
      {
        recorded_ |= LaneMask( 1 ) << l;
      }
      drives[ l ] = node.drive_;
      const std::uint64_t key = drive_key( node.drive_seed_, node.get_node_id() );
      drive_key_low_[ l ] = static_cast< std::uint32_t >( key );
      drive_key_high_[ l ] = static_cast< std::uint32_t >( key >> 32 );
      drive_delay_[ l ] = static_cast< std::uint32_t >( node.drive_.delay );
      driven = driven or node.drive_.rate > 0.0;
      for ( int p = 0; p < Model::n_ports; ++p )
      {
        if ( node.drive_.rate > 0.0 and node.drive_weights_[ p ] != 0.0 )
        {
          driven_ports_ |= std::uint64_t( 1 ) << p;
        }
      }
    }

    Shared shared{};
    own_.clear();
    for ( int i = 0; i < n_constants; ++i )
    {
      for ( int l = 1; l < lanes; ++l )
      {
        if ( std::memcmp( &columns[ i ][ 0 ], &columns[ i ][ l ], sizeof( double ) ) != 0 )
        {
          shared.differs.set( i );
        }
      }
      if ( shared.differs[ i ] )
      {
        own_.push_back( columns[ i ] );
      }
      else
      {
        shared.value[ i ] = columns[ i ][ 0 ];
      }
    }
    own_.shrink_to_fit();
    shared.unit_exponents = true;
    for ( const int i : Model::exponents )
    {
      for ( int l = 0; l < lanes; ++l )
      {
        shared.unit_exponents = shared.unit_exponents and columns[ i ][ l ] == 1.0;
      }
    }
    shared_ = registry_.share( shared );
    drive_ = driven ? registry_.share_drive( drives, resolution ) : nullptr;
    resolution_ = resolution;
    stale_ = false;
  }

  /* Start loading what the blocks behind this one will need. */
  void
  fetch_ahead_() const
  {
    if ( not next_ )
    {
      return;
    }
    for ( const Row& row : next_->own_ )
    {
      __builtin_prefetch( &row );
    }
    next_->pending_.fetch();
    for ( const Neuron* const node : next_->nodes_ )
    {
      if ( node )
      {
        node->fetch_();
      }
    }
    if ( next_->next_ )
    {
      const char* const begin = reinterpret_cast< const char* >( next_->next_ );
      for ( std::size_t i = 0; i < sizeof( LaneBlock ); i += 64 )
      {
        __builtin_prefetch( begin + i );
      }
    }
  }

  /* Put the constants of this block into the table of the thread. */
  void
  lay_out_()
  {
    if ( registry_.laid_out != shared_ )
    {
      for ( int i = 0; i < n_constants; ++i )
      {
        for ( int l = 0; l < lanes; ++l )
        {
          registry_.constants[ i ][ l ] = shared_->value[ i ];
        }
      }
      registry_.laid_out = shared_;
      registry_.own_rows.clear();
      for ( int i = 0; i < n_constants; ++i )
      {
        if ( shared_->differs[ i ] )
        {
          registry_.own_rows.push_back( i );
        }
      }
    }
    const Row* own = own_.data();
    for ( const int i : registry_.own_rows )
    {
      registry_.constants[ i ] = *own++;
    }
  }

  /* All steps up to end. EXPONENT: see lane::Exponent. */
  template < int EXPONENT >
  __attribute__( ( noinline ) ) void
  advance_( const long end, const long slice_origin )
  {
    const Row* const constants = registry_.constants;
    const double h = resolution_;
    if ( drive_ )
    {
      drive_->prepare( clock_, end - clock_ );
    }

    const long n = end - clock_;
    const Row* from = state_;
    for ( long lag = 0; lag < n; ++lag, ++clock_ )
    {
      // the last step writes to where the first one has read
      Row* const to = n > 1 and lag == n - 1 ? state_ : registry_.work[ lag & 1 ];
      LaneRow< std::uint32_t > refused;

      [[maybe_unused]] const bool any = step_< EXPONENT >( constants, from, current_, to, refused.value, h );
      if constexpr ( Model::n_numeric > 0 )
      {
        for ( int l = 0; any and l < lanes; ++l )
        {
          if ( refused[ l ] and ( active_ >> l & 1 ) )
          {
            redo_< EXPONENT >( l, from, to, slice_origin );
          }
        }
      }

      const std::uint64_t occupied = registry_.input.occupied( lag );
      if ( occupied )
      {
        receive_spikes_< EXPONENT >( constants, to, lag, occupied );
      }
      if ( drive_ )
      {
        receive_drive_< EXPONENT >( constants, to );
      }
      if ( active_ != all_lanes )
      {
        for ( LaneMask idle = ~active_ & all_lanes; idle; idle &= idle - 1 )
        {
          const int l = std::countr_zero( idle );
          for ( int i = 0; i < n_states; ++i )
          {
            to[ i ][ l ] = from[ i ][ l ];
          }
        }
      }
      if constexpr ( Model::has_late_events )
      {
        late_events_< EXPONENT >( constants, to, slice_origin );
      }
      if constexpr ( Model::n_currents > 0 )
      {
        receive_currents_( lag, occupied );
      }
      if ( occupied )
      {
        registry_.input.clear( lag );
      }
      if ( n == 1 or ( recorded_ & active_ ) )
      {
        std::copy( to, to + n_states, state_ );
      }
      for ( LaneMask recorded = recorded_ & active_; recorded; recorded &= recorded - 1 )
      {
        nodes_[ std::countr_zero( recorded ) ]->record_( clock_ );
      }
      from = to;
    }
  }

  using State = typename Model::State;

  template < int I >
  static BGNEST_INLINE double
  get( const State& s )
  {
    return s.*Model::members[ I ];
  }

  template < int I >
  static BGNEST_INLINE void
  set( State& s, const double value )
  {
    s.*Model::members[ I ] = value;
  }

  /*
   * One step of one lane by the first part of solver.h; the analytic states at half the step come from
   * their exact solution, too. Not zero if it is refused: error too large, not finite, or an event.
   */
  template < int EXPONENT >
  static BGNEST_INLINE std::uint32_t
  step_lane_( const Row* const constants, const Row* const from, const Row* const current, Row* const to, const int l, const double h )
  {
    const auto c = Model::template load_constants< EXPONENT >( constants, l );
    const auto in = Model::load_input( current, l );
    const State y0 = Model::load_state( from, l );
    State y1 = y0;
    std::uint32_t bad = 0;
    Model::propagate( c, y0, in, y1 );
    if constexpr ( Model::n_numeric > 0 )
    {
      State half = y0;
      Model::propagate_half( c, y0, in, half );
      State k1 = y0;
      State k2 = y0;
      State k3 = y0;
      lane::FirstExponentials< Model::n_exponentials > exponentials;
      Model::rates( c, y0, in, exponentials, k1 );
      lane::NearbyExponentials< Model::n_exponentials > nearby{ exponentials };
      State trial = y1;
      Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { set< i >( trial, get< i >( y0 ) + h * get< i >( k1 ) ); } );
      Model::rates( c, trial, in, nearby, k2 );
      trial = half;
      Model::each_numeric( [ & ]( const auto i ) BGNEST_INLINE_LAMBDA { set< i >( trial, get< i >( y0 ) + 0.25 * h * ( get< i >( k1 ) + get< i >( k2 ) ) ); } );
      Model::rates( c, trial, in, nearby, k3 );
      bad |= nearby.far;
      Model::each_numeric(
        [ & ]( const auto i ) BGNEST_INLINE_LAMBDA
        {
          const double heun = get< i >( k1 ) + get< i >( k2 );
          set< i >( y1, get< i >( y0 ) + h / 6.0 * ( heun + 4.0 * get< i >( k3 ) ) );
          const double growth = ( get< i >( k2 ) - get< i >( k1 ) ) * get< i >( k1 );
          const double tolerance = growth > 0.0 ? step_control.growing_tolerance : step_control.fixed_tolerance;
          // the negated comparison is true for NaN
          bad |= not( lane::abs( h / 3.0 * ( 2.0 * get< i >( k3 ) - heun ) ) <= tolerance ) ? 1 : 0;
        } );
    }
    bad |= Model::event( c, y1, in ) ? 1 : 0;
    Model::store_state( to, l, y1 );
    return bad;
  }

  /*
   * One step of all lanes; true if any is refused. What a lane does is a function of its own: variables
   * declared in the body of an omp simd loop are made arrays before they can be kept in registers.
   */
  template < int EXPONENT >
  static BGNEST_INLINE bool
  step_( const Row* const constants, const Row* const from, const Row* const current, Row* const to, std::uint32_t* const refused, const double h )
  {
    std::uint32_t any = 0;
#pragma omp simd reduction( | : any )
    for ( int l = 0; l < lanes; ++l )
    {
      refused[ l ] = step_lane_< EXPONENT >( constants, from, current, to, l, h );
      any |= refused[ l ];
    }
    return any != 0;
  }

  /*
   * One cell as lane_solver.h wants it. Only the numerically solved variables are integrated. The others are
   * known at the start, in the middle and at the end of the step; the parabola through these values is
   * exact to 1e-6 for a time constant of 2 ms and a step of 0.1 ms.
   */
  template < int EXPONENT >
  struct System
  {
    static_assert( sizeof( State ) == n_states * sizeof( double ) );
    static constexpr int n = Model::n_numeric;

    const LaneBlock& block;
    const int l;
    typename Model::template Constants< EXPONENT > c;
    typename Model::Input in;
    State start;
    double analytic[ Model::n_analytic > 0 ? Model::n_analytic : 1 ][ 3 ]; // coefficients of the parabolas
    int spikes = 0;

    System( const LaneBlock& block, const int l, const Row* const from, const Row* const to )
      : block( block )
      , l( l )
      , c( Model::template load_constants< EXPONENT >( block.registry_.constants, l ) )
      , in( Model::load_input( block.current_, l ) )
      , start( Model::load_state( from, l ) )
    {
      State middle = start;
      Model::propagate_half( c, start, in, middle );
      const double h = block.resolution_;
      for ( int i = 0; i < Model::n_analytic; ++i )
      {
        const auto member = Model::members[ n + i ];
        const double a = start.*member;
        const double b = middle.*member - a;
        const double d = to[ n + i ][ l ] - a;
        analytic[ i ][ 0 ] = a;
        analytic[ i ][ 1 ] = ( 4.0 * b - d ) / h;
        analytic[ i ][ 2 ] = ( 2.0 * d - 4.0 * b ) / ( h * h );
      }
    }

    /* y: numerically solved variables, and the time since the start of the step */
    BGNEST_INLINE State
    unpack( const double* const y ) const
    {
      double values[ n_states ];
      std::memcpy( values, &start, sizeof values );
      std::copy( y, y + n, values );
      for ( int i = 0; i < Model::n_analytic; ++i )
      {
        values[ n + i ] = analytic[ i ][ 0 ] + y[ n ] * ( analytic[ i ][ 1 ] + y[ n ] * analytic[ i ][ 2 ] );
      }
      State s;
      std::memcpy( &s, values, sizeof values );
      return s;
    }

    BGNEST_INLINE void
    rhs( const double* const y, double* const f ) const
    {
      State rate;
      lane::Exponentials exponentials;
      Model::rates( c, unpack( y ), in, exponentials, rate );
      std::memcpy( f, &rate, n * sizeof( double ) );
    }

    BGNEST_INLINE bool
    event( const double* const y ) const
    {
      return Model::event( c, unpack( y ), in );
    }

    void
    on_event( double* const y )
    {
      State s = unpack( y );
      Model::on_event( Model::cell( block.nodes_[ l ]->parameters_, block.resolution_ ), s, in, spikes );
      std::memcpy( y, &s, n * sizeof( double ) );
      start = s; // for the variables that no equation governs
    }
  };

  void
  send_( const int l, const int spikes, const long slice_origin )
  {
    for ( int i = 0; i < spikes; ++i )
    {
      nodes_[ l ]->send_spike_( clock_, clock_ - slice_origin );
    }
  }

  /* The step of one cell again; the fast step has already put the exact values of the others in place. */
  template < int EXPONENT >
  __attribute__( ( noinline ) ) void
  redo_( const int l, const Row* const from, Row* const to, const long slice_origin )
  {
    System< EXPONENT > system( *this, l, from, to );
    double y[ Model::n_numeric ];
    std::memcpy( y, &system.start, sizeof y );
    if ( not LaneSolver< System< EXPONENT > >( system, resolution_ ).step( y ) )
    {
      registry_.input.clear_all();
      throw nest::NumericalInstability( nodes_[ l ]->get_name() );
    }
    for ( int i = 0; i < Model::n_numeric; ++i )
    {
      to[ i ][ l ] = y[ i ];
    }
    for ( int i = Model::n_numeric + Model::n_analytic; i < n_states; ++i )
    {
      to[ i ][ l ] = system.start.*Model::members[ i ];
    }
    send_( l, system.spikes, slice_origin );
  }

  /* Conditions that are tested at the end of a step. */
  template < int EXPONENT >
  void
  late_events_( const Row* const constants, Row* const to, const long slice_origin )
  {
    LaneRow< std::uint64_t > due;
    std::uint64_t any = 0;
#pragma omp simd reduction( | : any )
    for ( int l = 0; l < lanes; ++l )
    {
      const auto c = Model::template load_constants< EXPONENT >( constants, l );
      due[ l ] = Model::event_late( c, Model::load_state( to, l ), Model::load_input( current_, l ) ) ? 1 : 0;
      any |= due[ l ];
    }
    for ( int l = 0; any and l < lanes; ++l )
    {
      if ( due[ l ] and ( active_ >> l & 1 ) )
      {
        State s = Model::load_state( to, l );
        int spikes = 0;
        Model::on_event_late( Model::cell( nodes_[ l ]->parameters_, resolution_ ), s, Model::load_input( current_, l ), spikes );
        Model::store_state( to, l, s );
        send_( l, spikes, slice_origin );
      }
    }
  }

  template < int EXPONENT >
  void
  receive_spikes_( const Row* const constants, Row* const to, const long lag, const std::uint64_t occupied )
  {
    Model::each_port(
      [ & ]( const auto port ) BGNEST_INLINE_LAMBDA
      {
        if ( occupied >> port & 1 )
        {
          const Row& input = registry_.input.row( lag, port );
#pragma omp simd
          for ( int l = 0; l < lanes; ++l )
          {
            Model::template receive< port, EXPONENT >( constants, to, l, input[ l ] );
          }
        }
      } );
  }

  template < int EXPONENT >
  BGNEST_INLINE void
  receive_drive_( const Row* const constants, Row* const to )
  {
    LaneRow< std::int32_t > uniform;
    LaneRow< std::int32_t > count;
    const auto step = static_cast< std::uint32_t >( clock_ );
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      const std::uint32_t u = drive_uniform( step - drive_delay_[ l ], drive_key_low_[ l ], drive_key_high_[ l ] );
      uniform[ l ] = static_cast< std::int32_t >( u ^ 0x80000000U );
      count[ l ] = 0;
    }
    const std::int32_t* t = drive_->thresholds( clock_ );
    const std::int32_t* const t_end = t + drive_->count() * lanes;
    static_assert( DriveTable< lanes >::group == 4 );
    for ( ; t != t_end; t += 4 * lanes )
    {
#pragma omp simd
      for ( int l = 0; l < lanes; ++l )
      {
        const std::int32_t u = uniform[ l ];
        const std::int32_t n0 = u > t[ l ] ? 1 : 0;
        const std::int32_t n1 = u > t[ lanes + l ] ? 1 : 0;
        const std::int32_t n2 = u > t[ 2 * lanes + l ] ? 1 : 0;
        const std::int32_t n3 = u > t[ 3 * lanes + l ] ? 1 : 0;
        count[ l ] += ( n0 + n1 ) + ( n2 + n3 );
      }
    }
    Row number;
#pragma omp simd
    for ( int l = 0; l < lanes; ++l )
    {
      number[ l ] = count[ l ];
      drive_count_[ l ] += number[ l ];
    }
    Model::each_port(
      [ & ]( const auto port ) BGNEST_INLINE_LAMBDA
      {
        if ( driven_ports_ >> port & 1 )
        {
          const Row& weight = constants[ Model::n_constants + port ];
#pragma omp simd
          for ( int l = 0; l < lanes; ++l )
          {
            Model::template receive< port, EXPONENT >( constants, to, l, number[ l ] * weight[ l ] );
          }
        }
      } );
  }

  /* The current that arrives in this step acts during the next one. */
  void
  receive_currents_( const long lag, const std::uint64_t occupied )
  {
    for ( int p = 0; p < Model::n_currents; ++p )
    {
      const int row = Model::n_ports + p;
      current_[ p ] = occupied >> row & 1 ? registry_.input.row( lag, row ) : Row{};
    }
  }

  Registry& registry_;
  LaneBlock* next_ = nullptr;
  LaneBlock* previous_ = nullptr;
  long clock_;            // first step that is not done yet
  long slice_tics_ = -1; // start of the slice that was done last
  long done_to_ = 0;     // ... up to this step of it
  Neuron* nodes_[ lanes ] = {};
  LaneMask occupied_ = 0; // lanes with a cell
  LaneMask active_ = 0;   // ... that is not frozen
  LaneMask recorded_ = 0; // ... that a multimeter asks
  bool stale_ = true;
  double resolution_ = 0.0;

  std::shared_ptr< const Shared > shared_;
  std::vector< Row > own_;
  std::shared_ptr< DriveTable< lanes > > drive_;
  std::uint64_t driven_ports_ = 0;
  PendingInput pending_;

  LaneRow< std::uint32_t > drive_key_low_ = {};
  LaneRow< std::uint32_t > drive_key_high_ = {};
  LaneRow< std::uint32_t > drive_delay_ = {};
  Row drive_count_ = {};
  Row current_[ n_current_rows ] = {};
  Row state_[ n_states ] = {};
};

} // namespace bgnest

#endif
