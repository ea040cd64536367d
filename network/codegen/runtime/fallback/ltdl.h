/* Stands in for libtool's ltdl.h where that is not installed.
 *
 * NEST's module_manager.h includes it and uses this one type, as a member of a class that modules only ever see by
 * reference; nothing of libltdl is called. On the include path after everything else, so that a real one is preferred.
 */
#ifndef BGNEST_FALLBACK_LTDL_H
#define BGNEST_FALLBACK_LTDL_H

typedef struct lt__handle* lt_dlhandle;

#endif
