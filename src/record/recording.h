/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The format of a recording. All numbers of fixed size are little-endian.
 *
 *	file	head, chunks
 *	head	8 bytes magic, u32 version, u32 CRC-32 of these 12 bytes
 *	chunk	u8 type, u8 flags, u16 CRC of the lengths (the low half of the CRC-32 of type,
 *		flags and both lengths), u32 stored bytes, u32 bytes when inflated, u32 CRC-32 of
 *		the 12 bytes before and of the stored bytes; then the stored bytes
 *
 * Each chunk stands alone. A chunk of events or of state holds packed events (event_codec.h) and
 * records, in any order; a record is the byte EVENT_PACKED_NONE, its kind, its length, its bytes
 * (records.h), with numbers and strings as codec.h writes them.
 *
 * A recording holds everything that reports are made from, so that they can be made again without
 * the processes, their files, or this machine: the events as the collector got them, and whatever
 * else it learnt, at the point where it learnt it: stacks resolved to files and offsets, names of
 * processes, where allocators' code is. What only reports need follows once a second: the names of
 * code, and with each report what it asked the system.
 *
 * Compatibility: fields are only added at the ends of records, and a reader skips kinds of records
 * and types of chunks that it does not know. Numbers of kinds and types never change.
 */
#ifndef MEMTRACE_RECORD_RECORDING_H
#define MEMTRACE_RECORD_RECORDING_H

#define RECORDING_MAGIC "\211memtrc\n" /* 8 bytes */
#define RECORDING_VERSION 2
#define RECORDING_HEAD 16
#define CHUNK_HEAD 16
#define CHUNK_BYTES_MAX (64u << 20) /* a larger chunk means damage: none is ever written */

enum chunk_type {
	CHUNK_EVENTS = 1,
	CHUNK_STATE,	 /* stands for everything before the first event of a compacted file */
	CHUNK_STATE_END, /* the end of the state */
	CHUNK_END,	 /* the recording was ended, not cut off */
};

#define CHUNK_F_PLAIN 1 /* not deflated */

enum record_kind {
	RECORD_EVENT,	/* a struct of event.h that is not packed */
	RECORD_RUN,	/* struct record_run: always before the first tick */
	RECORD_API,	/* struct record_api: an allocation function's name, by row of its table */
	RECORD_PROCESS, /* struct record_process */
	RECORD_MODULE,	/* struct record_module: before anything that is in it */
	RECORD_ALLOCATOR, /* struct record_allocator */
	RECORD_STACK,	  /* struct record_stack */
	RECORD_CODE,	  /* struct record_code: names of a place in a module */
	RECORD_JIT,	  /* struct record_jit: the name of code that is in no file */
	RECORD_MAPPED,	  /* struct record_mapped: the file behind a mapping */
	RECORD_TICK,	  /* struct record_tick: a report was made here … */
	RECORD_RSS,	  /* struct record_rss: … and this is what it asked the system */
	RECORD_MARK,	  /* struct record_mark: growth since here can be reported */
	RECORD_STATE,	  /* a piece of a collector's state (collector__save) */
	RECORD_COMPACTED, /* struct record_compacted: what is missing before it */
	RECORD_KINDS
};

#endif
