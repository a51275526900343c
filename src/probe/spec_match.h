/* The names of functions, as users write them and as files have them; see probe_spec.h. */
#ifndef MEMTRACE_PROBE_SPEC_MATCH_H
#define MEMTRACE_PROBE_SPEC_MATCH_H

/* What every mangled name of the function spells out: its own name. NULL where nothing can be said
 * (an operator), or for want of memory. The caller frees it. */
char *probe_name__spelt_part(const char *function);

#endif
