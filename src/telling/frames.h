/* One site's call stack in the text report, leaf first. */
#ifndef MEMTRACE_FRAMES_H
#define MEMTRACE_FRAMES_H

#include "facts/profile.h"
#include "telling/page.h"

int frames__print(struct page *pg, const struct profile_run *run, const struct profile_site *s);

#endif
