/* What the text report says of marks and suppressions, beside its figures. */
#ifndef MEMTRACE_REPORT_TEXT_NOTES_H
#define MEMTRACE_REPORT_TEXT_NOTES_H

#include "profile/profile.h"
#include "report/text_style.h"

/* When the mark was set and what came since: a line of the header, or nothing. */
void text_notes__mark(struct text_style *ts, const struct profile *p);
/* How much is suppressed: a line of the header, or nothing. */
void text_notes__suppressed(struct text_style *ts, const struct profile *p);
/* Which rules did it: a table at the end, or nothing. 0 or -ENOMEM. */
int text_notes__rules(struct text_style *ts, const struct profile *p);

#endif
