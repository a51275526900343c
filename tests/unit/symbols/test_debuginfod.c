/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug files from a server of the test's own, which may be slow or never answer. */
#include <arpa/inet.h>
#include <glob.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "scratch.h"
#include "symbols/debuginfod.h"
#include "test.h"

/* The first byte of a build ID determines how the server answers. */
enum { HAS_IT = 0xaa, HAS_NOT = 0xbb, IS_SLOW = 0xcc, HANGS = 0xdd };

#define SLOW_MS 1500

static int listener = -1;
static atomic_int requests;

static void answer(int fd)
{
	static const char has_not[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
				      "Connection: close\r\n\r\n";
	static const char has[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
				  "Connection: close\r\n\r\nfound";
	const char *text = has;
	char got[4096];
	ssize_t n = read(fd, got, sizeof(got) - 1);
	unsigned int first;

	got[n > 0 ? n : 0] = '\0';
	if (sscanf(got, "GET /buildid/%2x", &first) != 1)
		return;
	requests++;
	if (first == HAS_NOT)
		text = has_not;
	if (first == IS_SLOW)
		poll(NULL, 0, SLOW_MS);
	if (first == HANGS)
		poll(&(struct pollfd){ .fd = fd, .events = POLLRDHUP }, 1, 60000);
	else if (write(fd, text, strlen(text)) < 0)
		perror("write");
}

static void *serve(void *arg)
{
	(void)arg;
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return NULL;
		answer(fd);
		close(fd);
	}
}

/* A client of the server, which is started once; NULL: the library is missing. */
static struct debuginfod *client(double patience)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	struct debuginfod *d;
	pthread_t thread;
	char url[64];

	if (listener < 0) {
		listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		MUST(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		     listen(listener, 16) == 0 &&
		     getsockname(listener, (struct sockaddr *)&at, &len) == 0);
		snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(at.sin_port));
		MUST(setenv("DEBUGINFOD_URLS", url, 1) == 0 && setenv("no_proxy", "*", 1) == 0);
		MUST(setenv("DEBUGINFOD_CACHE_PATH", in_scratch("cache"), 1) == 0);
		MUST(pthread_create(&thread, NULL, serve, NULL) == 0);
	}
	requests = 0;
	d = debuginfod__new(patience);
	CHECK(d || errno == ELIBACC);
	return d;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int ask(struct debuginfod *d, uint8_t kind, uint8_t number)
{
	uint8_t id[20] = { kind, number, 3 };
	char text[16] = "";
	int fd = debuginfod__open(d, id, sizeof(id));

	if (fd < 0)
		return fd;
	CHECK_EQ(read(fd, text, sizeof(text) - 1), 5);
	CHECK_STR(text, "found");
	close(fd);
	return 0;
}

TEST(files_that_a_server_has_and_lacks)
{
	struct debuginfod *d = client(20);
	struct debuginfod_stats st;

	if (!d)
		SKIP("libdebuginfod is not installed");
	CHECK_EQ(ask(d, HAS_IT, 1), 0);
	CHECK_EQ(ask(d, HAS_NOT, 1), -ENOENT);
	CHECK_EQ(requests, 2);
	/* Each is asked for once, also in later reports. */
	debuginfod__new_report(d);
	CHECK_EQ(ask(d, HAS_IT, 1), 0);
	CHECK_EQ(ask(d, HAS_NOT, 1), -ENOENT);
	CHECK_EQ(requests, 2);
	CHECK_EQ(debuginfod__open(d, (const uint8_t *)"", 0), -ENOENT);
	CHECK_EQ(debuginfod__open(d, (const uint8_t *)"", 65), -ENOENT);
	debuginfod__stats(d, &st);
	CHECK_EQ(st.asked, 2);
	CHECK_EQ(st.found, 1);
	CHECK_EQ(st.failed, 1);
	debuginfod__free(d);
	debuginfod__free(NULL);
}

TEST(a_slow_server_is_not_waited_for)
{
	struct debuginfod *d = client(0.3);
	double began = seconds();

	if (!d)
		SKIP("libdebuginfod is not installed");
	CHECK_EQ(ask(d, IS_SLOW, 1), -EAGAIN);
	CHECK(seconds() - began >= 0.3 && seconds() - began < 10);
	began = seconds();
	CHECK_EQ(ask(d, IS_SLOW, 1), -EAGAIN);
	CHECK_EQ(ask(d, HAS_IT, 2), -EAGAIN);
	debuginfod__new_report(d); /* patience is used up until an answer arrives */
	CHECK_EQ(ask(d, IS_SLOW, 1), -EAGAIN);
	CHECK(seconds() - began < 1);
	/* The late answer has arrived. */
	for (int i = 0; i < 100 && ask(d, HAS_IT, 2) == -EAGAIN; i++)
		poll(NULL, 0, 100);
	CHECK_EQ(ask(d, IS_SLOW, 1), 0);
	CHECK_EQ(ask(d, HAS_IT, 2), 0);
	CHECK_EQ(requests, 2);
	debuginfod__free(d);
}

TEST(a_server_that_hangs_delays_nobody)
{
	struct debuginfod *d = client(0.3);
	double began = seconds();

	if (!d)
		SKIP("libdebuginfod is not installed");
	for (uint8_t i = 0; i < 50; i++) {
		CHECK_EQ(ask(d, HANGS, i), -EAGAIN);
		debuginfod__new_report(d);
	}
	CHECK(seconds() - began < 10);
	began = seconds();
	debuginfod__free(d);
	CHECK(seconds() - began < 10);
}

TEST(a_server_that_cannot_be_reached)
{
	struct debuginfod *d = client(20);

	if (!d)
		SKIP("libdebuginfod is not installed");
	debuginfod__free(d);
	/* Port 1 of this machine refuses at once. */
	MUST(setenv("DEBUGINFOD_URLS", "http://127.0.0.1:1", 1) == 0);
	d = debuginfod__new(20);
	MUST(d);
	CHECK_EQ(ask(d, HAS_IT, 9), -ENOENT);
	debuginfod__free(d);
}

TEST(no_server_is_configured)
{
	glob_t files;
	struct debuginfod *d = client(1);

	if (!d)
		SKIP("libdebuginfod is not installed");
	debuginfod__free(d);
	if (glob("/etc/debuginfod/*.urls", 0, NULL, &files) == 0) {
		globfree(&files);
		SKIP("servers are configured on this machine");
	}
	MUST(setenv("DEBUGINFOD_URLS", " ", 1) == 0);
	CHECK(!debuginfod__new(20));
	CHECK_EQ(errno, EDESTADDRREQ);
}
