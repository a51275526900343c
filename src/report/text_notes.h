/* What the text report says of marks and suppressions, beside its figures. */
#ifndef MEMTRACE_ASIDES_H
#define MEMTRACE_ASIDES_H

#include "profile/profile.h"
#include "report/text_style.h"

/* When the mark was set and what came since: a line of the header, or nothing. */
void asides__mark(struct page *pg, const struct profile *p);
/* How much is suppressed: a line of the header, or nothing. */
void asides__suppressed(struct page *pg, const struct profile *p);
/* Which rules did it: a table at the end, or nothing. 0 or -ENOMEM. */
int asides__rules(struct page *pg, const struct profile *p);

#endif
