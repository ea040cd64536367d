/*
 * lane_math.h - elementary functions that a compiler can turn into vector code
 *
 * The functions of the C library are calls, and a loop with a call in it is not vectorised. These are
 * short, branch-free and inline, so that a loop over lanes that uses them becomes vector instructions of
 * whatever width the target CPU has. They keep the meaning of infinities and of NaN and need no fast-math.
 *
 * exp() is exact to about 1 ulp (tested against the C library). It differs from it at the ends only:
 * results below the smallest normal number are 0, and the overflow to infinity begins at 709.4, not 709.78.
 */
#ifndef BGNEST_LANE_MATH_H
#define BGNEST_LANE_MATH_H

#include <bit>
#include <cmath>
#include <cstdint>

#define BGNEST_INLINE inline __attribute__( ( always_inline ) )
#define BGNEST_INLINE_LAMBDA __attribute__( ( always_inline ) )

namespace bgnest::lane
{

BGNEST_INLINE double
min( const double a, const double b )
{
  return b < a ? b : a;
}

BGNEST_INLINE double
max( const double a, const double b )
{
  return a < b ? b : a;
}

BGNEST_INLINE double
abs( const double x )
{
  return __builtin_fabs( x );
}

/* To the next integer, halves away from zero. */
BGNEST_INLINE double
round( const double x )
{
  const double whole = __builtin_trunc( x );
  const double away = whole + __builtin_copysign( 1.0, x );
  return abs( x - whole ) >= 0.5 ? away : whole;
}

/* Of a division of integers, with the sign of the first, as in C++; NaN where it is one by zero. */
BGNEST_INLINE double
remainder( const double a, const double b )
{
  return a - b * __builtin_trunc( a / b );
}

BGNEST_INLINE float
abs_single( const float x )
{
  return __builtin_fabsf( x );
}

/* exp() in single precision, to 2 ulp; between -87 and 88, beyond which it keeps its value there. NaN stays. */
BGNEST_INLINE float
exp_single( const float given )
{
  constexpr float round = 0x1.8p23F;
  const float below = given > 88.0F ? 88.0F : given;
  const float x = below < -87.0F ? -87.0F : below;
  const float shifted = x * 1.44269504F + round;
  const float k = shifted - round;
  const float r = ( x - k * 0.693359375F ) + k * 2.12194440e-4F;
  // polynomial of S. Moshier's Cephes (expf)
  const float high = 8.3334519073e-3F + r * ( 1.3981999507e-3F + r * 1.9875691500e-4F );
  const float p = 5.0000001201e-1F + r * ( 1.6666665459e-1F + r * ( 4.1665795894e-2F + r * high ) );
  const float fraction = 1.0F + ( r + r * r * p );
  const auto bits = ( std::bit_cast< std::uint32_t >( shifted ) + 127 ) << 23;
  return fraction * std::bit_cast< float >( bits );
}

/*
 * exp(x) = 2^k exp(r), k the integer next to x / ln 2, |r| <= ln 2 / 2. exp(r) = 1 + r + r^2 p(r), p the
 * polynomial of degree 9 with the smallest largest relative error (3.6e-18, Remez). Adding 1.5 * 2^52
 * rounds to the nearest integer and leaves k in the low bits of the sum.
 */
BGNEST_INLINE double
exp( const double x )
{
  constexpr double upper = 709.4;
  constexpr double lower = -708.39;
  constexpr double round = 0x1.8p52;
  constexpr double ln2_high = 6.93147180369123816490e-01;
  constexpr double ln2_low = 1.90821492927058770002e-10;

  const double shifted = x * 1.44269504088896338700 + round;
  const double k = shifted - round;
  const double r = ( x - k * ln2_high ) - k * ln2_low;

  const double r2 = r * r;
  const double r4 = r2 * r2;
  const double p01 = 0x1.000000000000ap-1 + 0x1.55555555554f9p-3 * r;
  const double p23 = 0x1.555555555083fp-5 + 0x1.1111111127d12p-7 * r;
  const double p45 = 0x1.6c16c18438a9bp-10 + 0x1.a01a012a0decap-13 * r;
  const double p67 = 0x1.a01999e270a29p-16 + 0x1.71df25b62aae4p-19 * r;
  const double p89 = 0x1.28ad9b7ccc698p-22 + 0x1.ad7f39b879aebp-26 * r;
  const double low = p01 + p23 * r2;
  const double high = ( p45 + p67 * r2 ) + p89 * r4;
  const double p = low + high * r4;
  const double fraction = 1.0 + ( r + r2 * p );

  const auto bits = ( std::bit_cast< std::uint64_t >( shifted ) + 1023 ) << 52;
  const double result = fraction * std::bit_cast< double >( bits );
  // selections at the end do not lengthen the chain of operations, and let a NaN through
  const double bounded = x > upper ? __builtin_inf() : result;
  return x < lower ? 0.0 : bounded;
}

/*
 * Exponentials of a right-hand side that is evaluated several times within a step. The first evaluation
 * computes them; in the others, the same exponential K has an argument close by, and exp(x) is
 * exp(x0) exp(x - x0) with a polynomial for the second factor (relative error below 8e-8 up to reach, which
 * adds less than 1e-6 mV to a step). An argument further away, or not a number, makes the step one that is
 * refused and done again by other means.
 */
struct Exponentials
{
  template < int K >
  BGNEST_INLINE double
  exp( const double argument ) const
  {
    return lane::exp( argument );
  }
};

template < int N >
struct FirstExponentials
{
  double argument[ N > 0 ? N : 1 ];
  double value[ N > 0 ? N : 1 ];

  template < int K >
  BGNEST_INLINE double
  exp( const double x )
  {
    argument[ K ] = x;
    value[ K ] = lane::exp( x );
    return value[ K ];
  }
};

template < int N >
struct NearbyExponentials
{
  static constexpr double reach = 0.5;

  const FirstExponentials< N >& first;
  std::uint32_t far = 0;

  template < int K >
  BGNEST_INLINE double
  exp( const double x )
  {
    const double d = x - first.argument[ K ];
    // the negated comparison is true for NaN
    far |= not( abs( d ) <= reach ) ? 1 : 0;
    const double d2 = d * d;
    const double p01 = 0x1.000001a2463abp+0 + 0x1.0000006875b2ep-1 * d;
    const double p23 = 0x1.5551a865b5734p-3 + 0x1.55537f563c23ep-5 * d;
    const double p45 = 0x1.1383a9acf6002p-7 + 0x1.6e88dcb7d8092p-10 * d;
    const double p = p01 + d2 * ( p23 + d2 * p45 );
    return first.value[ K ] + ( first.value[ K ] * d ) * p;
  }
};

/* The same with twice the reach, and exact to 1.2e-8, for steps with stages that lie further apart. */
template < int N >
struct DistantExponentials
{
  static constexpr double reach = 1.0;

  const FirstExponentials< N >& first;
  std::uint32_t far = 0;

  template < int K >
  BGNEST_INLINE double
  exp( const double x )
  {
    const double d = x - first.argument[ K ];
    // the negated comparison is true for NaN
    far |= not( abs( d ) <= reach ) ? 1 : 0;
    const double d2 = d * d;
    const double p01 = 0x1.fffffe787b590p-1 + 0x1.000006c478a9fp-1 * d;
    const double p23 = 0x1.5555cf5357388p-3 + 0x1.5552d537431e0p-5 * d;
    const double p45 = 0x1.10f01a6c4e668p-7 + 0x1.6c9391b749fc0p-10 * d;
    const double p67 = 0x1.ac53698c30400p-13 + 0x1.95f1bcb22c000p-16 * d;
    const double p = ( p01 + d2 * p23 ) + ( d2 * d2 ) * ( p45 + d2 * p67 );
    return first.value[ K ] + ( first.value[ K ] * d ) * p;
  }
};

/*
 * The same where every stage is a loop over lanes of its own: arguments and values are in rows. The polynomial is exact
 * to 1e-6 within reach, and the better the closer the argument; far becomes the largest square of a distance. A NaN is
 * one in the result.
 */
template < int N, class Row >
struct ExponentialRows
{
  Row argument[ N > 0 ? N : 1 ];
  Row value[ N > 0 ? N : 1 ];
};

template < int N, class Row >
struct KeptExponentials
{
  ExponentialRows< N, Row >& rows;
  const int l;

  template < int K >
  BGNEST_INLINE double
  exp( const double x ) const
  {
    const double value = lane::exp( x );
    rows.argument[ K ][ l ] = x;
    rows.value[ K ][ l ] = value;
    return value;
  }
};

template < int N, class Row >
struct CloseExponentials
{
  static constexpr double reach = 1.0;

  const ExponentialRows< N, Row >& rows;
  const int l;
  double far = 0.0;

  template < int K >
  BGNEST_INLINE double
  exp( const double x )
  {
    const double value = rows.value[ K ][ l ];
    const double d = x - rows.argument[ K ][ l ];
    const double d2 = d * d;
    far = max( far, d2 );
    const double p01 = 1.0 + 0x1.00005ccf180d2p-1 * d;
    const double p23 = 0x1.55557e6fb9bfdp-3 + 0x1.5526fe2f213ebp-5 * d;
    const double p45 = 0x1.10fc89d23155fp-7 + 0x1.77a042915e0b7p-10 * d;
    const double p = ( p01 + d2 * p23 ) + ( d2 * d2 ) * ( p45 + d2 * 0x1.aa54b67277dcep-13 );
    return value + ( value * d ) * p;
  }
};

/*
 * Natural logarithm by x = 2^k m, sqrt(1/2) <= m < sqrt(2), and the series of atanh((m-1)/(m+1)), to about
 * 2 ulp. 0 gives -infinity, a negative number NaN; subnormal numbers count as 0.
 */
BGNEST_INLINE double
log( const double x )
{
  constexpr double ln2_high = 6.93147180369123816490e-01;
  constexpr double ln2_low = 1.90821492927058770002e-10;
  const auto bits = std::bit_cast< std::uint64_t >( x );
  // bits of sqrt(1/2): subtracting them before taking the exponent puts m in the wanted interval
  const std::uint64_t shifted = bits - 0x3fe6a09e667f3bcdULL;
  const std::uint64_t biased = ( shifted >> 52 ) ^ 0x800; // the exponent, made positive
  const double k = std::bit_cast< double >( biased | 0x4330000000000000ULL ) - ( 0x1p52 + 2048.0 );
  const double m = std::bit_cast< double >( ( shifted & 0x000fffffffffffffULL ) + 0x3fe6a09e667f3bcdULL );

  const double f = m - 1.0;
  const double s = f / ( m + 1.0 );
  const double z = s * s;
  double p = 2.0 / 23;
  p = p * z + 2.0 / 21;
  p = p * z + 2.0 / 19;
  p = p * z + 2.0 / 17;
  p = p * z + 2.0 / 15;
  p = p * z + 2.0 / 13;
  p = p * z + 2.0 / 11;
  p = p * z + 2.0 / 9;
  p = p * z + 2.0 / 7;
  p = p * z + 2.0 / 5;
  p = p * z + 2.0 / 3;
  // log(m) = 2 s + s z p and 2 s = f - s f
  const double result = k * ln2_high + ( f + ( s * ( z * p - f ) + k * ln2_low ) );
  const double finite = x < 0x1p-1022 ? ( x < 0.0 ? __builtin_nan( "" ) : -__builtin_inf() ) : result;
  return x < __builtin_inf() ? finite : x;
}

BGNEST_INLINE double
log10( const double x )
{
  return log( x ) * 0.43429448190325182765;
}

/* Hyperbolic functions; relative error about 2 ulp of the larger of |x| and 1. */
BGNEST_INLINE double
tanh( const double x )
{
  return 1.0 - 2.0 / ( exp( 2.0 * x ) + 1.0 );
}

BGNEST_INLINE double
cosh( const double x )
{
  const double e = exp( abs( x ) );
  return 0.5 * e + 0.5 / e;
}

BGNEST_INLINE double
sinh( const double x )
{
  const double e = exp( x );
  return 0.5 * e - 0.5 / e;
}

/* exp(x) - 1; a series near 0, where the difference would lose its digits. */
BGNEST_INLINE double
expm1( const double x )
{
  const double series = x * ( 1.0 + x * ( 1.0 / 2 + x * ( 1.0 / 6 + x * ( 1.0 / 24 + x * ( 1.0 / 120 + x * ( 1.0 / 720 ) ) ) ) ) );
  return abs( x ) < 1e-2 ? series : exp( x ) - 1.0;
}

/*
 * sin and cos of x + quarters * pi / 2: x = k pi / 2 + r, |r| <= pi / 4, pi / 2 in three parts (Cody and Waite), and the
 * polynomials of Cephes (S. Moshier). To about 2 ulp up to |x| = 1e5; beyond, an error of the argument grows as 1e-17 |x|.
 */
BGNEST_INLINE double
sin_quarters( const double x, const std::uint64_t quarters )
{
  constexpr double round = 0x1.8p52;
  const double shifted = x * 6.36619772367581343076e-01 + round;
  const double k = shifted - round;
  const std::uint64_t quadrant = std::bit_cast< std::uint64_t >( shifted ) + quarters;
  const double r = ( ( x - k * 0x1.921fb544p0 ) - k * 0x1.0b4611a6p-34 ) - k * 0x1.3198a2e037073p-69;
  const double z = r * r;
  double s = 1.58962301576546568060e-10;
  s = s * z - 2.50507477628578072866e-8;
  s = s * z + 2.75573136213857245213e-6;
  s = s * z - 1.98412698295895385996e-4;
  s = s * z + 8.33333333332211858878e-3;
  s = s * z - 1.66666666666666307295e-1;
  const double sine = r + r * z * s;
  double c = -1.13585365213876817300e-11;
  c = c * z + 2.08757008419747316778e-9;
  c = c * z - 2.75573141792967388112e-7;
  c = c * z + 2.48015872888517045348e-5;
  c = c * z - 1.38888888888730564116e-3;
  c = c * z + 4.16666666666665929218e-2;
  const double cosine = 1.0 - 0.5 * z + z * z * c;
  const double value = quadrant & 1 ? cosine : sine;
  return quadrant & 2 ? -value : value;
}

BGNEST_INLINE double
sin( const double x )
{
  return sin_quarters( x, 0 );
}

BGNEST_INLINE double
cos( const double x )
{
  return sin_quarters( x, 1 );
}

BGNEST_INLINE double
tan( const double x )
{
  return sin( x ) / cos( x );
}

/*
 * An integer parameter that a model uses as an exponent, held as a double like everything else in a lane.
 * LARGEST = 1 promises that it is 1, which is the common case and costs nothing; otherwise it lies
 * between 0 and LARGEST = 15.
 */
inline constexpr int largest_exponent = 15;

template < int LARGEST >
struct Exponent
{
  double value;

  BGNEST_INLINE
  operator double() const
  {
    return value;
  }
};

/*
 * Powers. Integer ones are products chosen by selection; others go through the logarithm, where a negative number has
 * whole powers only.
 */
template < int LARGEST >
BGNEST_INLINE double
pow( const double base, const Exponent< LARGEST > exponent )
{
  if constexpr ( LARGEST == 1 )
  {
    return base;
  }
  else
  {
    double n = exponent.value;
    const double base2 = base * base;
    const double base4 = base2 * base2;
    double result = n >= 8.0 ? base4 * base4 : 1.0;
    n = n >= 8.0 ? n - 8.0 : n;
    result = n >= 4.0 ? result * base4 : result;
    n = n >= 4.0 ? n - 4.0 : n;
    result = n >= 2.0 ? result * base2 : result;
    n = n >= 2.0 ? n - 2.0 : n;
    return n >= 1.0 ? result * base : result;
  }
}

BGNEST_INLINE double
pow( const double base, const double exponent )
{
  const double size = exp( exponent * log( abs( base ) ) );
  const double half = 0.5 * exponent;
  const double signed_size = __builtin_floor( half ) == half ? size : -size;
  const double whole = __builtin_floor( exponent ) == exponent ? signed_size : __builtin_nan( "" );
  const double result = base < 0.0 ? whole : size;
  return exponent == 0.0 ? 1.0 : result;
}

/* Powers with a literal exponent. A loop that multiplies would keep the loop over lanes around it from being vectorised. */
template < int EXPONENT >
BGNEST_INLINE double
power( const double base )
{
  if constexpr ( EXPONENT < 0 )
  {
    return 1.0 / power< -EXPONENT >( base );
  }
  else if constexpr ( EXPONENT == 0 )
  {
    return 1.0;
  }
  else if constexpr ( EXPONENT % 2 == 1 )
  {
    return base * power< EXPONENT / 2 >( base * base );
  }
  else
  {
    return power< EXPONENT / 2 >( base * base );
  }
}

} // namespace bgnest::lane

#endif
