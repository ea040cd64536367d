/*
 * lane_parameters.h - the parameters of a model in one cell: read and set by name, each with its type
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
      const ParameterInfo& info = Model::parameters[ i ];
      switch ( info.type )
      {
      case ParameterType::real:
        d[ info.name ] = values[ i ];
        break;
      case ParameterType::boolean:
        d[ info.name ] = values[ i ] != 0.0;
        break;
      default:
        d[ info.name ] = static_cast< long >( values[ i ] );
      }
    }
  }

  /* Called on a copy, which is thrown away when a value is refused. */
  void
  set_status( const Dictionary& d, nest::Node* const node )
  {
    for ( int i = 0; i < n; ++i )
    {
      values[ i ] = set_( d, Model::parameters[ i ], values[ i ], node );
    }
  }

private:
  static double
  set_( const Dictionary& d, const ParameterInfo& info, double value, nest::Node* const node )
  {
    switch ( info.type )
    {
    case ParameterType::real:
      nest::update_value_param( d, info.name, value, node );
      return value;
    case ParameterType::boolean:
    {
      bool flag = value != 0.0;
      d.update_value( info.name, flag );
      return flag ? 1.0 : 0.0;
    }
    default:
    {
      long number = static_cast< long >( value );
      nest::update_value_param( d, info.name, number, node );
      if ( info.type == ParameterType::exponent and ( number < 0 or number > lane::largest_exponent ) )
      {
        throw nest::BadProperty(
          std::string( info.name ) + " is an exponent and must lie between 0 and 15; use the target plain for others." );
      }
      return static_cast< double >( number );
    }
    }
  }
};

} // namespace bgnest

#endif
