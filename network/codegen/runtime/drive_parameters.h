/*
 * drive_parameters.h - what a cell can be told about its internal Poisson drive
 *
 *   drive_rate          mean rate, spikes/s (0: no drive)
 *   drive_weight_PORT   weight for each spike port; all ports get the same spikes
 *   drive_seed          any integer >= 0; a train is fixed by it and the id of the cell in the network
 *   drive_delay         ms, shifts the train; nothing arrives before it
 *   drive_times, drive_values, drive_period   relative rate over time (ms; empty: constant)
 */
#ifndef BGNEST_DRIVE_PARAMETERS_H
#define BGNEST_DRIVE_PARAMETERS_H

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "dict_util.h"
#include "exceptions.h"
#include "nest_time.h"
#include "node.h"

#include "poisson_drive.h"

namespace bgnest
{

template < int N_PORTS >
class DriveParameters
{
public:
  DriveSpec spec;
  long seed = 0;
  double weights[ N_PORTS > 0 ? N_PORTS : 1 ] = {};

  void
  get_status( Dictionary& d, const char* const* const port_names ) const
  {
    d[ "drive_rate" ] = spec.rate;
    d[ "drive_seed" ] = seed;
    d[ "drive_delay" ] = nest::Time( nest::Time::step( spec.delay ) ).get_ms();
    d[ "drive_times" ] = spec.waveform ? spec.waveform->times : std::vector< double >();
    d[ "drive_values" ] = spec.waveform ? spec.waveform->values : std::vector< double >();
    d[ "drive_period" ] = spec.waveform ? spec.waveform->period : 0.0;
    for ( int p = 0; p < N_PORTS; ++p )
    {
      d[ std::string( "drive_weight_" ) + port_names[ p ] ] = weights[ p ];
    }
  }

  /* Called on a copy, which is thrown away when a value is refused. */
  void
  set_status( const Dictionary& d, const char* const* const port_names, nest::Node* const node )
  {
    for ( int p = 0; p < N_PORTS; ++p )
    {
      nest::update_value_param( d, std::string( "drive_weight_" ) + port_names[ p ], weights[ p ], node );
    }
    d.update_integer_value( "drive_seed", seed );
    if ( seed < 0 )
    {
      throw nest::BadProperty( "drive_seed must not be negative." );
    }
    DriveSpec drive = spec;
    nest::update_value_param( d, "drive_rate", drive.rate, node );
    if ( not( drive.rate >= 0.0 ) or not std::isfinite( drive.rate ) )
    {
      throw nest::BadProperty( "drive_rate must be finite and not negative." );
    }
    double delay = nest::Time( nest::Time::step( drive.delay ) ).get_ms();
    if ( nest::update_value_param( d, "drive_delay", delay, node ) )
    {
      if ( not( delay >= 0.0 ) or not std::isfinite( delay ) )
      {
        throw nest::BadProperty( "drive_delay must be finite and not negative." );
      }
      drive.delay = nest::Time( nest::Time::ms( delay ) ).get_steps();
    }

    Waveform waveform = drive.waveform ? *drive.waveform : Waveform();
    bool changed = set_vector_( d, "drive_times", waveform.times );
    changed = set_vector_( d, "drive_values", waveform.values ) or changed;
    changed = d.update_value( "drive_period", waveform.period ) or changed;
    if ( changed )
    {
      const std::string problem = waveform.problem();
      if ( not problem.empty() )
      {
        throw nest::BadProperty( problem + "." );
      }
      drive.waveform = waveform.times.empty() ? nullptr : std::make_shared< const Waveform >( waveform );
    }
    const double resolution = nest::Time::get_resolution().get_ms();
    const double largest = drive.rate * ( drive.waveform ? drive.waveform->largest() : 1.0 ) * 1e-3 * resolution;
    if ( largest > largest_drive_mean )
    {
      throw nest::BadProperty( "drive_rate gives more than 100 spikes per step; use a smaller resolution or rate." );
    }
    spec = drive;
  }

private:
  static bool
  set_vector_( const Dictionary& d, const char* const key, std::vector< double >& value )
  {
    if ( not d.known( key ) )
    {
      return false;
    }
    d.update_value( key, value );
    return true;
  }
};

} // namespace bgnest

#endif
