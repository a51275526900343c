/* One site's call stack in the text report, leaf first. */
#ifndef MEMTRACE_FRAMES_H
#define MEMTRACE_FRAMES_H

#include "profile/profile.h"
#include "report/text_style.h"

/* What the stack is called: a line above it; nothing for a site without a stack. 0 or -ENOMEM. */
int frames__title(struct page *pg, const struct profile_site *s);
int frames__print(struct page *pg, const struct profile_run *run, const struct profile_site *s);

#endif
