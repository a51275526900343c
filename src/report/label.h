/* The names that the readable formats share, escaped for a terminal. */
#ifndef MEMTRACE_REPORT_LABEL_H
#define MEMTRACE_REPORT_LABEL_H

#include "profile/profile.h"
#include "util/strbuf.h"

const char *label__basename(const char *path);
/* "session_new"; unknown: "libfoo.so+0x11b2", or the address where there is no module either. */
void label__frame(struct strbuf *sb, const struct profile_frame *f);
/* "malloc", "mmap (thread stack)", "mmap /path/of/file". */
void label__api(struct strbuf *sb, const struct profile_site *s);
/* "orderd[4242]" */
void label__process(struct strbuf *sb, const char *comm, uint32_t pid);
/* Whose a site is: the same, or where several have it "orderd (12 processes)"; with `container`,
 * behind the name of its container: "web/orderd[4242]". */
void label__owner(struct strbuf *sb, const struct profile_site *s, bool container);

#endif
