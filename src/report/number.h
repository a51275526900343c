/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as people read them. Each fills buf and returns it; 32 bytes are enough for any number,
 * 64 for a number with a noun. */
#ifndef MEMTRACE_REPORT_NUMBER_H
#define MEMTRACE_REPORT_NUMBER_H

#include <stddef.h>
#include <stdint.h>

char *number__count(char *buf, size_t cap, uint64_t n); /* "1,203,881" */
char *number__signed(char *buf, size_t cap, int64_t n); /* "+1,203", "-12", "0" */
/* "1 call stack", "1,203 blocks", "2 processes"; signed: "+1 block", "0 blocks". */
char *number__noun(char *buf, size_t cap, uint64_t n, const char *noun);
char *number__signed_noun(char *buf, size_t cap, int64_t n, const char *noun);
char *number__rate(char *buf, size_t cap, double per_s);    /* "0", "<0.1", "4.9", "18.2k" */
char *number__change(char *buf, size_t cap, int64_t bytes); /* "+1.9 MiB", "-12 B", "0 B" */
char *number__share(char *buf, size_t cap, double share);   /* "97%", "1.3%", "0.02%", "<0.01%" */
char *number__seconds(char *buf, size_t cap, double s);	    /* "4.2s", "9m58s", "2d04h" */
char *number__duration(char *buf, size_t cap, double s);    /* likewise, but "31ms", "<1ms" */
char *number__interval(char *buf, size_t cap, double s);    /* "0.5s", "30s", "10m00s" */

#endif
