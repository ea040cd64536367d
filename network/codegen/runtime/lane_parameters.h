/*
 * lane_parameters.h - parameters and states of a model in one cell: read and set by name, each with its type
 */
#ifndef BGNEST_LANE_PARAMETERS_H
#define BGNEST_LANE_PARAMETERS_H

#include <string>

#include "dict_util.h"
#include "exceptions.h"
#include "node.h"

#include "lane_math.h"

namespace bgnest
{

enum class ParameterType
{
  real,
  integer,
  exponent, // an integer that is used as an exponent
  boolean
};

struct ParameterInfo
{
  const char* name;
  ParameterType type;
};

/* Put a number into a dictionary with its type. */
inline void
get_typed( Dictionary& d, const char* const name, const ParameterType type, const double value )
{
  switch ( type )
  {
  case ParameterType::real:
    d[ name ] = value;
    break;
  case ParameterType::boolean:
    d[ name ] = value != 0.0;
    break;
  default:
    d[ name ] = static_cast< long >( value );
  }
}

/* A number from a dictionary if it is there, else the value it has. */
inline double
set_typed( const Dictionary& d, const char* const name, const ParameterType type, double value, nest::Node* const node )
{
  switch ( type )
  {
  case ParameterType::real:
    nest::update_value_param( d, name, value, node );
    return value;
  case ParameterType::boolean:
  {
    bool flag = value != 0.0;
    d.update_value( name, flag );
    return flag ? 1.0 : 0.0;
  }
  default:
  {
    long number = static_cast< long >( value );
    nest::update_value_param( d, name, number, node );
    if ( type == ParameterType::exponent and ( number < 0 or number > lane::largest_exponent ) )
    {
      throw nest::BadProperty(
        std::string( name ) + " is an exponent and must lie between 0 and 15; use the target plain for others." );
    }
    return static_cast< double >( number );
  }
  }
}

template < class Model >
class LaneParameters
{
public:
  static constexpr int n = Model::n_parameters;

  double values[ n > 0 ? n : 1 ];

  void
  get_status( Dictionary& d ) const
  {
    for ( int i = 0; i < n; ++i )
    {
      get_typed( d, Model::parameters[ i ].name, Model::parameters[ i ].type, values[ i ] );
    }
  }

  /* Called on a copy, which is thrown away when a value is refused. */
  void
  set_status( const Dictionary& d, nest::Node* const node )
  {
    for ( int i = 0; i < n; ++i )
    {
      values[ i ] = set_typed( d, Model::parameters[ i ].name, Model::parameters[ i ].type, values[ i ], node );
    }
    if ( const char* const condition = Model::violated( values ) )
    {
      throw nest::BadProperty( std::string( "The constraint '" ) + condition + "' is violated!" );
    }
  }
};

} // namespace bgnest

#endif
