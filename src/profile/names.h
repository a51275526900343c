/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words for a profile's enums, as JSON, the other formats and the command line spell them. They
 * are part of the JSON contract.
 */
#ifndef MEMTRACE_PROFILE_NAMES_H
#define MEMTRACE_PROFILE_NAMES_H

#include "profile/profile.h"

const char *profile_names__verdict(enum verdict verdict);
const char *profile_names__doubt(enum doubt doubt); /* NULL: none */
const char *profile_names__kind(enum api_kind kind);
const char *profile_names__mapping(enum mapped_kind kind); /* NULL: not a mapping */
/* NULL past the end, so that the command line can list them. */
const char *profile_names__sort(enum sort_key key);
const char *profile_names__by(enum merge_by by);
const char *profile_names__stack_mode(enum stack_mode mode);

/* "SIGSEGV"; NULL for one without a name. */
const char *profile_names__signal(int number);

#endif
