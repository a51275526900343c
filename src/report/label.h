/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names as the text-based formats print them, escaped for a terminal. */
#ifndef MEMTRACE_REPORT_LABEL_H
#define MEMTRACE_REPORT_LABEL_H

#include "profile/profile.h"
#include "util/strbuf.h"

/* "session_new"; without a name "libfoo.so+0x11b2", or the address if there is no module either. */
void label__frame(struct strbuf *sb, const struct profile_frame *f);
/* "malloc", "mmap (thread stack)", "mmap /path/of/file". */
void label__api(struct strbuf *sb, const struct profile_site *s);
/* "orderd[4242]" */
void label__process(struct strbuf *sb, const char *comm, uint32_t pid); /* 0: several */
/* The owner of a site: the same, or "orderd (12 processes)" if several share it; with `container`,
 * prefixed with its container's name: "web/orderd[4242]". */
void label__owner(struct strbuf *sb, const struct profile_site *s, bool container);

#endif
