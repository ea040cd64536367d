/*
 * plain.h - what the plain target adds to the C++ that NESTML writes; included in front of every model
 */
#ifndef BGNEST_PLAIN_H
#define BGNEST_PLAIN_H

#include "solver.h"

/* NESTML writes pow( base, exponent ) for **. With an integer parameter as exponent this overload is
   chosen instead of the general one, which is ten times slower. */
inline double
pow( double base, long exponent )
{
  return bgnest::integer_power( base, exponent );
}

/* A literal as exponent, which would fit the one above as well as that of the C library. */
inline double
pow( double base, int exponent )
{
  return bgnest::integer_power( base, exponent );
}

namespace bgnest
{

/* A system (see solver.h) made of three lambdas. */
template < auto Numeric, class Rhs, class Event, class OnEvent >
struct LambdaSystem
{
  static constexpr int n = Numeric.size();
  static constexpr auto numeric = Numeric;
  Rhs rhs;
  Event event;
  OnEvent on_event;
};

template < auto Numeric, class Rhs, class Event, class OnEvent >
LambdaSystem< Numeric, Rhs, Event, OnEvent >
make_system( Rhs rhs, Event event, OnEvent on_event )
{
  return { rhs, event, on_event };
}

} // namespace bgnest

#endif
