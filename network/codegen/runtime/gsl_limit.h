/*
 * gsl_limit.h - steps of GSL's solver come to an end
 *
 * Code that NESTML generates lets GSL make steps as long as a step of the simulation is not over. Where equations
 * diverge GSL makes its steps shorter and shorter, so that this takes hours, or for ever. The linker puts this function in
 * place of GSL's (targets/reference.py): after too many of its steps within one of the simulation it refuses, as GSL does
 * where it fails by itself, and the generated code then gives up. Nothing else differs.
 */
#ifndef BGNEST_GSL_LIMIT_H
#define BGNEST_GSL_LIMIT_H

#include <cstddef>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv.h>

#include "guard_interface.h"

extern "C" {

int __real_gsl_odeiv_evolve_apply( gsl_odeiv_evolve*,
  gsl_odeiv_control*,
  gsl_odeiv_step*,
  const gsl_odeiv_system*,
  double*,
  double,
  double*,
  double[] );

int
__wrap_gsl_odeiv_evolve_apply( gsl_odeiv_evolve* const evolve,
  gsl_odeiv_control* const control,
  gsl_odeiv_step* const step,
  const gsl_odeiv_system* const system,
  double* const t,
  const double end,
  double* const h,
  double y[] )
{
  constexpr long most = 100'000; // a step of a spike's upstroke takes some tens
  static thread_local const gsl_odeiv_evolve* last = nullptr;
  static thread_local long count = 0;
  if ( evolve != last )
  {
    last = evolve;
    count = 0;
  }
  const int status = __real_gsl_odeiv_evolve_apply( evolve, control, step, system, t, end, h, y );
  if ( *t >= end )
  {
    count = 0;
  }
  return ++count > most ? GSL_EMAXITER : status;
}
}

#endif
