/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that a kill of this process does not interrupt. The kernel puts breakpoints in and takes
 * them out in the thread that asks for it, and gives up where that thread has been killed: some
 * stay in the target for ever ("failed to unregister, leaking uprobe" in the kernel's log). So a
 * process of its own asks for it, which shares this one's memory and descriptors; when this process
 * is killed, it goes on to the end, and its own end closes the descriptors.
 */
#ifndef MEMTRACE_TRACE_APART_H
#define MEMTRACE_TRACE_APART_H

/*
 * Runs work(arg) and waits for its end; any thread may call it. work makes system calls only: after
 * a kill no other thread will release a lock that work waits for. Where no process can be started,
 * work runs here. It leaves its result in arg.
 */
void apart__run(void (*work)(void *arg), void *arg);

#endif
