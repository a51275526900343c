/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/names_channel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/clock.h"

#define CHUNK 65536

struct header {
	uint32_t type, len;
};

void names_channel__init(struct names_channel *c, int fd, bool take_descriptors)
{
	*c = (struct names_channel){
		.fd = fd,
		.descriptor = -1,
		.take_descriptors = take_descriptors,
	};
}

void names_channel__done(struct names_channel *c)
{
	if (c->descriptor >= 0)
		close(c->descriptor);
	c->descriptor = -1;
	strbuf__free(&c->in);
	strbuf__free(&c->out);
}

int names_channel__add(struct names_channel *c, enum names_message type,
		       const struct strbuf *payload)
{
	struct header h = { .type = type, .len = (uint32_t)payload->len };

	if (payload->error || payload->len > NAMES_PAYLOAD_MAX)
		return -ENOMEM;
	strbuf__add(&c->out, &h, sizeof(h));
	if (payload->len)
		strbuf__add(&c->out, payload->data, payload->len);
	return c->out.error;
}

/* Waits until the socket can be read or written. The process needs no deadline: it waits for
 * memtrace, and its call waits for it. */
static int wait_for_socket(const struct names_channel *c, short events)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	uint64_t now;
	int n;

	if (!c->deadline)
		return 0;
	for (;;) {
		now = clock__now_ns();
		if (now >= c->deadline)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)((c->deadline - now) / 1000000 + 1));
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static void add_descriptor(struct msghdr *m, void *control, size_t size, int fd)
{
	struct cmsghdr *h;

	m->msg_control = control;
	m->msg_controllen = size;
	h = CMSG_FIRSTHDR(m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
}

int names_channel__send(struct names_channel *c, int descriptor)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	size_t done = 0;
	int err = 0;

	while (!err && done < c->out.len) {
		struct iovec part = { c->out.data + done, c->out.len - done };
		struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
		ssize_t n;

		if (descriptor >= 0 && !done)
			add_descriptor(&m, control, sizeof(control), descriptor);
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL | (c->deadline ? MSG_DONTWAIT : 0));
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN && c->deadline)
			err = wait_for_socket(c, POLLOUT);
		else if (errno == EPIPE)
			err = -ECONNRESET;
		else if (errno != EINTR)
			err = -errno;
	}
	strbuf__reset(&c->out);
	return err;
}

static void note_descriptors(struct names_channel *c, struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		if (c->descriptor >= 0)
			close(c->descriptor);
		memcpy(&c->descriptor, CMSG_DATA(h), sizeof(int));
	}
}

/* Reads what has come, at least one byte. */
static int read_more(struct names_channel *c)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char buf[CHUNK];
	struct iovec part = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;
	int err;

	if (c->at) {
		memmove(c->in.data, c->in.data + c->at, c->in.len - c->at);
		c->in.len -= c->at;
		c->at = 0;
	}
	if (c->take_descriptors) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
	}
	do {
		err = wait_for_socket(c, POLLIN);
		if (err)
			return err;
		n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC | (c->deadline ? MSG_DONTWAIT : 0));
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n <= 0)
		return n < 0 && errno != ECONNRESET ? -errno : -ECONNRESET;
	note_descriptors(c, &m);
	strbuf__add(&c->in, buf, (size_t)n);
	return c->in.error;
}

int names_channel__receive(struct names_channel *c, enum names_message *type,
			   struct cursor *payload)
{
	struct header h = { 0 };
	int err = 0;

	while (!err) {
		size_t left = c->in.len - c->at;

		if (left >= sizeof(h))
			memcpy(&h, c->in.data + c->at, sizeof(h));
		if (left >= sizeof(h) && h.len > NAMES_PAYLOAD_MAX)
			return -EPROTO;
		if (left >= sizeof(h) && left - sizeof(h) >= h.len)
			break;
		err = read_more(c);
	}
	if (err)
		return err;
	*type = (enum names_message)h.type;
	*payload = cursor__of(c->in.data + c->at + sizeof(h), h.len);
	c->at += sizeof(h) + h.len;
	return 0;
}
