/*
 * huge_memory.h - memory for cells and blocks on large pages
 *
 * A slice touches every cell and every block once, in order. With pages of 4 kB each of them would need an
 * address translation of its own that is in no cache. Here objects are put one behind the other into chunks
 * of 2 MB, for which Linux is asked to use huge pages (madvise; where it has none nothing is lost). Every
 * thread fills chunks of its own, so that its cells lie together and in the memory next to it.
 *
 * Single objects are not reused: a chunk is given back when everything in it has been freed, as by
 * ResetKernel.
 */
#ifndef BGNEST_HUGE_MEMORY_H
#define BGNEST_HUGE_MEMORY_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace bgnest
{

class HugeMemory
{
public:
  static constexpr std::size_t chunk_size = std::size_t( 1 ) << 21;
  static constexpr std::size_t line = 64;

  /* Memory for one object; an alignment is a power of two, 64 at most. */
  static void*
  allocate( const std::size_t size, const std::size_t alignment )
  {
    static thread_local HugeMemory of_thread;
    return of_thread.take_( size, alignment );
  }

  static void
  release( void* const object )
  {
    if ( object )
    {
      drop_( reinterpret_cast< Chunk* >( reinterpret_cast< std::uintptr_t >( object ) & ~( chunk_size - 1 ) ) );
    }
  }

private:
  struct Chunk
  {
    std::atomic< long > users; // objects in it, and the thread that fills it
  };

  HugeMemory() = default;

  ~HugeMemory()
  {
    if ( chunk_ )
    {
      drop_( chunk_ );
    }
  }

  void*
  take_( const std::size_t size, const std::size_t alignment )
  {
    used_ = ( used_ + alignment - 1 ) & ~( alignment - 1 );
    if ( size > chunk_size - line )
    {
      throw std::bad_alloc();
    }
    if ( not chunk_ or used_ + size > chunk_size )
    {
      void* const memory = std::aligned_alloc( chunk_size, chunk_size );
      if ( not memory )
      {
        throw std::bad_alloc();
      }
#ifdef __linux__
      madvise( memory, chunk_size, MADV_HUGEPAGE );
#endif
      if ( chunk_ )
      {
        drop_( chunk_ );
      }
      chunk_ = new ( memory ) Chunk{ 1 };
      used_ = line;
    }
    ++chunk_->users;
    void* const object = reinterpret_cast< char* >( chunk_ ) + used_;
    used_ += size;
    return object;
  }

  static void
  drop_( Chunk* const chunk )
  {
    if ( --chunk->users == 0 )
    {
      std::free( chunk );
    }
  }

  Chunk* chunk_ = nullptr;
  std::size_t used_ = 0;
};

/* For containers whose size hardly ever changes. */
template < class T >
struct HugeAllocator
{
  using value_type = T;

  HugeAllocator() = default;

  template < class Other >
  HugeAllocator( const HugeAllocator< Other >& )
  {
  }

  T*
  allocate( const std::size_t n )
  {
    return static_cast< T* >( HugeMemory::allocate( n * sizeof( T ), alignof( T ) ) );
  }

  void
  deallocate( T* const memory, std::size_t )
  {
    HugeMemory::release( memory );
  }

  bool operator==( const HugeAllocator& ) const = default;
};

} // namespace bgnest

#endif
