/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interface of libpool.so: pools, and handles. */
#ifndef POOL_LIBRARY_H
#define POOL_LIBRARY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pool;

struct pool *pool_make(void);
void *pool_alloc(struct pool *p, size_t size);
void *pool_resize(struct pool *p, void *block, size_t size);
int pool_get(void **block, struct pool *p, size_t size); /* 0, or -1 */
void *pool_node(struct pool *p);			 /* 48 bytes */
void pool_free(struct pool *p, void *block);
void pool_drop(struct pool *p); /* with all its blocks */

int handle_open(size_t size); /* 1 or more; -1 if size is 0 */
void handle_close(int handle);

#ifdef __cplusplus
}
#endif
#endif
