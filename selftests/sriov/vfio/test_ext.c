// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mailbox extension: who asks for it gets it, who does not sees nothing of
 * it; sequence numbers; notices about quota and pauses, answered well and badly.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

#define SOME_QUEUES	2
#define QUIET_MS	200
#define PAUSE_MS	4000	/* the PF's patience, and a bit */
#define DROP_MS		1200	/* until the PF drops what is not taken, and a bit */
#define SEQ		0x1234
#define RING_ADDRESS	0x100000	/* of an interrupt ring that no queue uses */

/* In a session with the extension, with a few of the queues it may have. */
static int ext_session(uint32_t caps)
{
	struct mbox_msg rsp;
	int status = fresh(&vf_a);

	status = status ? status : vf_hello_ext(&vf_a, 1, caps, &rsp);
	return status ? status : vf_qreq(&vf_a, -1, SOME_QUEUES);
}

static bool ext_is_zero(const struct mbox_msg *rsp)
{
	static const uint8_t zero[M_EXT_LEN];

	return !memcmp(rsp->b + M_HELLO_RSP_EXT, zero, sizeof(zero));
}

static enum ktap_result vendor_sees_nothing(const void *arg)
{
	struct mbox_msg req, rsp;

	(void)arg;
	EXPECT_STATUS(ext_session(EXT_ALL), 0);
	mbox_request(&vf_a.mbox, &req, OP_HELLO);
	msg_put32(&req, M_QBASE, -1);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	KTAP_FAIL_ON(!ext_is_zero(&rsp), "the answer to HELLO tells of it");
	mbox_request(&vf_a.mbox, &req, OP_CSR);
	msg_put16(&req, M_DST, SEQ);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	KTAP_FAIL_ON(msg_get16(&rsp, M_SRC), "source is %u", msg_get16(&rsp, M_SRC));
	return KTAP_PASS;
}

static enum ktap_result negotiate(const void *arg)
{
	static const struct {
		uint8_t version;
		uint32_t asked, given;
	} cases[] = {
		{ 1, EXT_ALL, EXT_ALL }, { 1, 0, 0 }, { 1, EXT_QUOTA, EXT_QUOTA },
		{ 2, 0xFFFFFFFF, EXT_ALL }, { 255, 0x80000001, EXT_SEQ },
	};
	struct mbox_msg rsp;
	unsigned int i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_STATUS(vf_hello_ext(&vf_a, cases[i].version, cases[i].asked, &rsp), 0);
		KTAP_FAIL_ON(memcmp(rsp.b + M_HELLO_RSP_EXT, "SVFF", 4) ||
			     rsp.b[M_HELLO_RSP_EXT + M_EXT_VERSION] != 1 ||
			     msg_get32(&rsp, M_HELLO_RSP_EXT + M_EXT_CAPS) != cases[i].given,
			     "asked for 0x%x, version %u, got 0x%x", cases[i].asked,
			     cases[i].version,
			     msg_get32(&rsp, M_HELLO_RSP_EXT + M_EXT_CAPS));
	}
	return KTAP_PASS;
}

static int write_ring(uint32_t index)
{
	struct mbox_msg req, rsp;

	intr_request(&vf_a, &req, OP_INTR_WRT, RING_ADDRESS);
	msg_put32(&req, M_IC_INDEX, index);
	return vf_ask(&vf_a, &req, &rsp);
}

/* The rings that it was told of, and not those beside them; nor any without the extension. */
static enum ktap_result more_rings(const void *arg)
{
	unsigned int count, first, i;
	struct mbox_msg rsp;

	(void)arg;
	EXPECT_STATUS(fresh(&vf_a), 0);
	EXPECT_STATUS(vf_hello_ext(&vf_a, 1, EXT_RINGS, &rsp), 0);
	count = rsp.b[M_HELLO_RSP_EXT + M_EXT_RINGS];
	first = rsp.b[M_HELLO_RSP_EXT + M_EXT_FIRST_RING];
	KTAP_FAIL_ON(!count || first <= vf_b.mbox.fn, "%u rings from %u on", count, first);
	EXPECT_STATUS(write_ring(vf_a.mbox.fn), 0);
	for (i = 0; i < count; i++)
		EXPECT_STATUS(write_ring(first + i), 0);
	EXPECT_STATUS(write_ring(first - 1), ST_PARAM);
	EXPECT_STATUS(write_ring(first + count), ST_PARAM);
	EXPECT_STATUS(vf_hello_ext(&vf_a, 1, EXT_SEQ, &rsp), 0);
	KTAP_FAIL_ON(rsp.b[M_HELLO_RSP_EXT + M_EXT_RINGS], "told of rings unasked");
	EXPECT_STATUS(write_ring(first), ST_PARAM);
	return KTAP_PASS;
}

/* @arg: byte of HELLO and what it is set to */
static enum ktap_result bad_hello(const void *arg)
{
	const uint8_t *bad = arg;
	struct mbox_msg req, rsp;

	EXPECT_STATUS(fresh(&vf_a), 0);
	mbox_request(&vf_a.mbox, &req, OP_HELLO);
	memcpy(req.b + M_HELLO_EXT, "SVFF", 4);
	req.b[M_HELLO_EXT + M_EXT_VERSION] = 1;
	req.b[bad[0]] = bad[1];
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), ST_MSG);
	KTAP_FAIL_ON(!ext_is_zero(&rsp), "the refusal has more than a header");
	return KTAP_PASS;
}

static enum ktap_result sequence_numbers(const void *arg)
{
	static const uint16_t seq[] = { 1, SEQ, 0xFFFF, 7, 7 };
	struct mbox_msg req, rsp;
	unsigned int i;

	(void)arg;
	EXPECT_STATUS(ext_session(EXT_SEQ), 0);
	for (i = 0; i < ARRAY_SIZE(seq); i++) {
		/* a good one, a refused one and one that there is not */
		mbox_request(&vf_a.mbox, &req, i == 1 ? OP_FIRST_UNKNOWN :
			     i == 2 ? OP_QCTXT_RD : OP_CSR);
		msg_put16(&req, M_DST, seq[i]);
		KTAP_FAIL_ON(mbox_call(&vf_a.mbox, &req, &rsp), "no answer");
		KTAP_FAIL_ON(msg_get16(&rsp, M_SRC) != seq[i], "0x%x comes back as 0x%x",
			     seq[i], msg_get16(&rsp, M_SRC));
	}
	return KTAP_PASS;
}

/* Returns 0 or the errno of the write. */
static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

static int write_quota(const char *text)
{
	return -vf_attr_write(&vf_a, "queues", text);
}

static int expect_notice(uint8_t op, struct mbox_msg *msg)
{
	if (mbox_poll(&vf_a.mbox, msg, MBOX_REPLY_MS))
		return -ETIMEDOUT;
	return msg->b[M_OP] == op ? 0 : msg->b[M_OP];
}

static void answer(const struct mbox_msg *notice, uint16_t seq, int8_t status)
{
	struct mbox_msg rsp;

	mbox_request(&vf_a.mbox, &rsp, notice->b[M_OP] + MBOX_RSP);
	rsp.b[M_STATUS] = status;
	msg_put16(&rsp, M_DST, seq);
	mbox_send(&vf_a.mbox, &rsp);
}

static enum ktap_result quota_notice(const void *arg)
{
	struct mbox_msg msg;
	char old[16];
	int err;

	(void)arg;
	snprintf(old, sizeof(old), "%u", quota);
	EXPECT_STATUS(ext_session(EXT_ALL), 0);
	err = write_quota("3");
	KTAP_FAIL_ON(err, "write of 3: %s", strerror(err));
	EXPECT_STATUS(expect_notice(OP_EXT_QUOTA, &msg), 0);
	KTAP_FAIL_ON(msg_get32(&msg, M_EXT_QUOTA) != 3 || !msg_get16(&msg, M_SRC),
		     "%u queues, number %u", msg_get32(&msg, M_EXT_QUOTA),
		     msg_get16(&msg, M_SRC));
	answer(&msg, msg_get16(&msg, M_SRC), 0);
	KTAP_FAIL_ON(vf_attr(&vf_a, "queues") != 3, "sysfs shows %ld",
		     vf_attr(&vf_a, "queues"));
	EXPECT_STATUS(vf_qreq(&vf_a, -1, 4), ST_NUM_QUEUES);
	KTAP_FAIL_ON(write_quota("1") != EBUSY, "less than it has");
	KTAP_FAIL_ON(write_quota("0") != EBUSY, "nothing");
	KTAP_FAIL_ON(write_quota("257") != ERANGE, "more than a VF can have");
	KTAP_FAIL_ON(write_quota("200") != ENOSPC, "more than is free behind it");
	KTAP_FAIL_ON(!mbox_poll(&vf_a.mbox, &msg, QUIET_MS), "notice 0x%02x", msg.b[M_OP]);
	err = write_quota(old);
	KTAP_FAIL_ON(err, "write of %s: %s", old, strerror(err));
	EXPECT_STATUS(expect_notice(OP_EXT_QUOTA, &msg), 0);
	EXPECT_STATUS(vf_qreq(&vf_a, -1, quota), 0);
	EXPECT_STATUS(small_move(&vf_b, CARD_B), 0);
	return KTAP_PASS;
}

/* @arg: what is asked for, or NULL for a vendor's driver */
static enum ktap_result no_quota_notice(const void *arg)
{
	const uint32_t *caps = arg;
	struct mbox_msg msg;

	if (caps)
		EXPECT_STATUS(ext_session(*caps), 0);
	else
		EXPECT_STATUS(mapped(&vf_a), 0);
	KTAP_FAIL_ON(write_quota("4") != EBUSY, "taken");
	KTAP_FAIL_ON(!mbox_poll(&vf_a.mbox, &msg, QUIET_MS), "notice 0x%02x", msg.b[M_OP]);
	return KTAP_PASS;
}

struct pauser {
	pthread_t thread;
	char path[PATH_MAX];
	char vf[8];
	int err;
};

static void *write_it(void *arg)
{
	struct pauser *p = arg;

	p->err = write_file(p->path, p->vf);
	return NULL;
}

/* The write waits for our answer, so that another thread does it. */
static int write_start(struct pauser *p) { return -pthread_create(&p->thread, NULL, write_it, p); }

static int pause_start(struct pauser *p)
{
	char link[PATH_MAX], pf[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/physfn", vf_a.dev.bdf);
	len = readlink(link, pf, sizeof(pf) - 1);
	if (len < 0)
		return -errno;
	pf[len] = '\0';
	snprintf(p->path, sizeof(p->path), "/sys/kernel/debug/svff_pf/%s/pause",
		 strrchr(pf, '/') + 1);
	snprintf(p->vf, sizeof(p->vf), "%d", vf_number(&vf_a));
	return write_start(p);
}

static int pause_end(struct pauser *p)
{
	pthread_join(p->thread, NULL);
	return p->err;
}

static enum ktap_result pause_answered(const void *arg)
{
	struct mbox_msg msg;
	struct pauser p;

	(void)arg;
	EXPECT_STATUS(ext_session(EXT_ALL), 0);
	EXPECT_STATUS(pause_start(&p), 0);
	EXPECT_STATUS(expect_notice(OP_EXT_PAUSE, &msg), 0);
	KTAP_FAIL_ON(!msg_get32(&msg, M_EXT_IDLE_MS), "no time to become idle");
	/* not the number it was asked with, no question at all, and then the answer */
	answer(&msg, msg_get16(&msg, M_SRC) + 1, 0);
	msg.b[M_OP] = OP_EXT_RESUME;
	answer(&msg, msg_get16(&msg, M_SRC), 0);
	usleep(QUIET_MS * 1000);
	msg.b[M_OP] = OP_EXT_PAUSE;
	answer(&msg, msg_get16(&msg, M_SRC), ST_OK);
	KTAP_FAIL_ON(pause_end(&p), "write: %s", strerror(p.err));
	memcpy(strrchr(p.path, '/'), "/resume", sizeof("/resume"));
	KTAP_FAIL_ON(write_file(p.path, p.vf), "resume");
	EXPECT_STATUS(expect_notice(OP_EXT_RESUME, &msg), 0);
	return KTAP_PASS;
}

/* @arg: whether there is an answer at all; who is not idle is told to go on. */
static enum ktap_result pause_fails(const void *arg)
{
	int64_t start = now_ms();
	struct mbox_msg msg;
	struct pauser p;

	EXPECT_STATUS(ext_session(EXT_ALL), 0);
	EXPECT_STATUS(pause_start(&p), 0);
	EXPECT_STATUS(expect_notice(OP_EXT_PAUSE, &msg), 0);
	if (arg)
		answer(&msg, msg_get16(&msg, M_SRC), ST_BUSY);
	else
		answer(&msg, msg_get16(&msg, M_SRC) + 1, 0);
	KTAP_FAIL_ON(pause_end(&p) != ETIMEDOUT, "write: %s", strerror(p.err));
	KTAP_FAIL_ON(now_ms() - start > PAUSE_MS * (arg ? 1 : 2), "after %lld ms",
		     (long long)(now_ms() - start));
	EXPECT_STATUS(expect_notice(OP_EXT_RESUME, &msg), 0);
	return KTAP_PASS;
}

/* It slept through PAUSE and RESUME, of which its mailbox has room for one. */
static enum ktap_result pause_slept(const void *arg)
{
	struct mbox_msg msg;
	struct pauser p;
	int i;

	(void)arg;
	EXPECT_STATUS(ext_session(EXT_ALL), 0);
	EXPECT_STATUS(pause_start(&p), 0);
	KTAP_FAIL_ON(pause_end(&p) != ETIMEDOUT, "write: %s", strerror(p.err));
	usleep(DROP_MS * 1000);
	EXPECT_STATUS(expect_notice(OP_EXT_PAUSE, &msg), 0);
	answer(&msg, msg_get16(&msg, M_SRC), ST_OK);
	for (i = 0; i < 3; i++)
		EXPECT_STATUS(expect_notice(OP_EXT_RESUME, &msg), 0);
	answer(&msg, msg_get16(&msg, M_SRC), ST_OK);
	KTAP_FAIL_ON(!mbox_poll(&vf_a.mbox, &msg, DROP_MS), "notice 0x%02x", msg.b[M_OP]);
	return KTAP_PASS;
}

static int send_numbered(uint8_t op, uint16_t seq)
{
	struct mbox_msg req;

	mbox_request(&vf_a.mbox, &req, op);
	msg_put16(&req, M_DST, seq);
	return mbox_send(&vf_a.mbox, &req);
}

/* As a driver does whose user was killed: nobody waits for the first answer any more. */
static enum ktap_result pause_holds_last(const void *arg)
{
	struct pauser p = { .vf = "1" };
	struct mbox_msg msg;

	(void)arg;
	EXPECT_STATUS(ext_session(EXT_ALL), 0);
	EXPECT_STATUS(vf_attr_path(&vf_a, "pause", p.path, sizeof(p.path)), 0);
	EXPECT_STATUS(write_start(&p), 0);
	EXPECT_STATUS(expect_notice(OP_EXT_PAUSE, &msg), 0);
	answer(&msg, msg_get16(&msg, M_SRC), ST_OK);
	KTAP_FAIL_ON(pause_end(&p), "write: %s", strerror(p.err));
	KTAP_FAIL_ON(send_numbered(OP_CSR, SEQ) || send_numbered(OP_GET_QACTIVE_CNT, SEQ + 1), "not sent");
	KTAP_FAIL_ON(mbox_wait_taken(&vf_a.mbox), "not taken");
	KTAP_FAIL_ON(!mbox_poll(&vf_a.mbox, &msg, QUIET_MS), "message 0x%02x in a pause", msg.b[M_OP]);
	KTAP_FAIL_ON(write_file(p.path, "0"), "resume");
	EXPECT_STATUS(expect_notice(OP_EXT_RESUME, &msg), 0);
	answer(&msg, msg_get16(&msg, M_SRC), ST_OK);
	EXPECT_STATUS(expect_notice(OP_GET_QACTIVE_CNT + MBOX_RSP, &msg), 0);
	KTAP_FAIL_ON(msg_get16(&msg, M_SRC) != SEQ + 1, "answer to 0x%x", msg_get16(&msg, M_SRC));
	KTAP_FAIL_ON(!mbox_poll(&vf_a.mbox, &msg, QUIET_MS), "message 0x%02x more", msg.b[M_OP]);
	return KTAP_PASS;
}

/* @arg: OP_VF_BYE or OP_HELLO: either way nobody is there who could be idle. */
static enum ktap_result pause_and_leave(const void *arg)
{
	const uint8_t *op = arg;
	struct mbox_msg req, msg;
	struct pauser p;

	EXPECT_STATUS(ext_session(EXT_ALL), 0);
	EXPECT_STATUS(pause_start(&p), 0);
	EXPECT_STATUS(expect_notice(OP_EXT_PAUSE, &msg), 0);
	mbox_request(&vf_a.mbox, &req, *op);
	mbox_send(&vf_a.mbox, &req);
	KTAP_FAIL_ON(pause_end(&p) != ENODEV, "write: %s", strerror(p.err));
	usleep(QUIET_MS * 1000);
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

static enum ktap_result pause_unknown(const void *arg)
{
	struct mbox_msg msg;
	struct pauser p;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(pause_start(&p), 0);
	KTAP_FAIL_ON(pause_end(&p) != EOPNOTSUPP, "write: %s", strerror(p.err));
	KTAP_FAIL_ON(!mbox_poll(&vf_a.mbox, &msg, QUIET_MS), "notice 0x%02x", msg.b[M_OP]);
	return KTAP_PASS;
}

static const uint8_t bad_magic[] = { M_HELLO_EXT, 'X' };
static const uint8_t bad_version[] = { M_HELLO_EXT + M_EXT_VERSION, 0 };
static const uint8_t bad_pad[] = { M_HELLO_EXT + M_EXT_CAPS - 1, 1 };
static const uint8_t bad_tail[] = { M_HELLO_EXT + M_EXT_LEN, 1 };
static const uint8_t bye = OP_VF_BYE, again = OP_HELLO;
static const uint32_t seq_only = EXT_SEQ;

static const struct ktap_case cases[] = {
	{ "a VF that does not know it sees nothing", vendor_sees_nothing, NULL },
	{ "what both know is in force", negotiate, NULL },
	{ "HELLO with another magic number", bad_hello, bad_magic },
	{ "more interrupt rings", more_rings, NULL },
	{ "HELLO with version 0", bad_hello, bad_version },
	{ "HELLO with padding", bad_hello, bad_pad },
	{ "HELLO longer than it is", bad_hello, bad_tail },
	{ "answers have the numbers of their questions", sequence_numbers, NULL },
	{ "a new quota is told", quota_notice, NULL },
	{ "no new quota for who does not know the notice", no_quota_notice, &seq_only },
	{ "nor for a vendor's driver", no_quota_notice, NULL },
	{ "pause and resume", pause_answered, NULL },
	{ "a VF that does not become idle", pause_fails, "" },
	{ "a VF that does not answer", pause_fails, NULL },
	{ "a VF that slept is told again to go on", pause_slept, NULL },
	{ "of requests within a pause the last is answered", pause_holds_last, NULL },
	{ "a VF that leaves while it is paused", pause_and_leave, &bye },
	{ "a VF that starts anew while it is paused", pause_and_leave, &again },
	{ "a vendor's driver is not paused", pause_unknown, NULL },
};

const struct suite suite_ext = {
	.name = "ext", .cases = cases, .count = ARRAY_SIZE(cases), .two = true,
};
