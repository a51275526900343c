/* What the text report says of verdicts: one line in the header, and one for each call stack. */
#ifndef MEMTRACE_VERDICTS_H
#define MEMTRACE_VERDICTS_H

#include "profile/profile.h"
#include "report/text_style.h"

void verdicts__summary(struct page *pg, const struct profile *p);
/* Nothing where there is no verdict. */
void verdicts__site(struct page *pg, const struct profile_site *s);

#endif
