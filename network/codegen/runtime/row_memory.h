/*
 * row_memory.h - large arrays on huge pages
 *
 * The synapses of a network are written in an order that has nothing to do with where they lie. With pages of 4 kB every
 * one of them would need an address translation that is in no cache, and the kernel would clear each page by itself.
 */
#ifndef BGNEST_ROW_MEMORY_H
#define BGNEST_ROW_MEMORY_H

#include <cstddef>
#include <cstdlib>
#include <new>
#include <type_traits>
#include <utility>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace bgnest
{

/* An array of plain numbers that begin with any value. */
template < class T >
class HugeArray
{
  static_assert( std::is_trivially_copyable_v< T > );

public:
  HugeArray() = default;

  explicit HugeArray( const std::size_t n )
    : size_( n )
  {
    if ( n == 0 )
    {
      return;
    }
    const std::size_t bytes = n * sizeof( T );
    const std::size_t page = bytes >= huge ? huge : 4096;
    data_ = static_cast< T* >( std::aligned_alloc( page, ( bytes + page - 1 ) / page * page ) );
    if ( not data_ )
    {
      throw std::bad_alloc();
    }
#ifdef __linux__
    if ( page == huge )
    {
      madvise( data_, bytes / huge * huge, MADV_HUGEPAGE ); // not the last piece, most of which would be empty
    }
#endif
  }

  HugeArray( HugeArray&& other ) noexcept
    : data_( std::exchange( other.data_, nullptr ) )
    , size_( std::exchange( other.size_, 0 ) )
  {
  }

  HugeArray&
  operator=( HugeArray&& other ) noexcept
  {
    std::swap( data_, other.data_ );
    std::swap( size_, other.size_ );
    return *this;
  }

  ~HugeArray()
  {
    std::free( data_ );
  }

  T*
  data() const
  {
    return data_;
  }

  std::size_t
  size() const
  {
    return size_;
  }

private:
  static constexpr std::size_t huge = std::size_t( 1 ) << 21;

  T* data_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace bgnest

#endif
