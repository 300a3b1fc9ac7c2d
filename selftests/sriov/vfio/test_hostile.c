// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VF that does its worst, beside one that moves checked data all the time. The
 * other one may become slower, because they share a host and a card, but not by
 * more than SLOWER_MAX, and no byte of it may be wrong.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mm.h"
#include "test.h"

#define SLOWER_MAX	8
#define ROUND_BYTES	16384
#define ATTEMPTS	3
#define QUIET_MS	300	/* in which an answer comes, if one does */
#define START_MS	10000
#define ALONE_MS	1000
#define ATTACK_MS	1500
#define NOWHERE		0x7F00000000ull	/* never mapped; within 39 bits */
#define FLOOD_LEN	1500
#define BURST		16
#define RATE_ATTR	"../vf_message_rate"
#define RATE_MAX	"1000000"
#define RATE_DEFAULT	"2048"

/*
 * The bystander: a process of its own, as another guest is, with one queue pair,
 * set up once, data there and back.
 */
static struct bystander {
	volatile bool ready;
	volatile bool stop;
	volatile unsigned int rounds;
	volatile int longest_ms;	/* round */
	volatile int ret;
	uint64_t iova;		/* of its data */
	uint32_t qbase;
	uint16_t fn;
} *by;	/* shared */

static pid_t by_pid;

static int move_once(struct mm_queue q[2], struct dma_buf buf[2], uint64_t seed)
{
	int ret;

	fill_random(buf[0].va, ROUND_BYTES, seed);
	ret = mm_move(&q[0], buf[0].iova, CARD_B, ROUND_BYTES);
	if (!ret)
		ret = mm_move(&q[1], buf[1].iova, CARD_B, ROUND_BYTES);
	if (!ret && memcmp(buf[0].va, buf[1].va, ROUND_BYTES))
		ret = -EBADMSG;
	return ret;
}

static int move_on(struct mm_queue q[2], struct dma_buf buf[2])
{
	int64_t start;
	int ret, took;

	by->ready = true;
	do {
		start = now_ms();
		ret = move_once(q, buf, by->rounds + 1);
		took = now_ms() - start;
		if (took > by->longest_ms)
			by->longest_ms = took;
		by->rounds++;
	} while (!ret && !by->stop);
	return ret;
}

/* In the child. Its copy of the other VF is closed: only the parent has that open. */
static int stand_by(void)
{
	struct dma_buf buf[2] = { };
	struct mm_queue q[2];
	int i, ret;

	vf_close(&vf_a);
	ret = vf_open(&vf_b, bdf_b);
	if (!ret)
		ret = mapped(&vf_b);
	for (i = 0; !ret && i < 2; i++) {
		ret = dma_alloc(&vf_b.dev, ROUND_BYTES, &buf[i]);
		if (!ret)
			ret = mm_open(&q[i], &vf_b, 0, i, MODE_POLL, TABLE_64);
	}
	if (ret)
		return ret;
	by->iova = buf[0].iova;
	by->qbase = vf_b.qbase;
	by->fn = vf_b.mbox.fn;
	ret = move_on(q, buf);
	for (i = 0; i < 2; i++)
		mm_close(&q[i]);
	vf_close(&vf_b);
	return ret;
}

static int bystander_stop(void)
{
	by->stop = true;
	waitpid(by_pid, NULL, 0);
	return by->ret;
}

static int bystander_start(void)
{
	int64_t end = now_ms() + START_MS;

	if (!by)
		by = mmap(NULL, sizeof(*by), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (by == MAP_FAILED)
		return -ENOMEM;
	memset(by, 0, sizeof(*by));
	by->ret = -ECHILD;	/* unless it says something else */
	vf_close(&vf_b);
	by_pid = fork();
	if (!by_pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		by->ret = stand_by();
		_exit(0);
	}
	if (by_pid < 0)
		return -errno;
	while (!by->ready && now_ms() < end && waitpid(by_pid, NULL, WNOHANG) != by_pid)
		usleep(1000);
	if (by->ready)
		return 0;
	kill(by_pid, SIGKILL);
	waitpid(by_pid, NULL, 0);
	return by->ret;
}

static double rate_since(unsigned int rounds, int64_t start)
{
	int64_t ms = now_ms() - start;

	return (by->rounds - rounds) * 1000.0 / (ms ? ms : 1);
}

/* Takes what came, and answers nothing. */
static void drain(void)
{
	struct mbox_msg msg;

	while (mbox_recv(&vf_a.mbox, &msg))
		;
}

static int send(const struct mbox_msg *msg)
{
	drain();
	return mbox_send(&vf_a.mbox, msg);
}

static int requests_without_end(int64_t end)
{
	static const uint8_t ops[] = { OP_CSR, OP_FIRST_UNKNOWN, OP_HELLO, OP_VF_BYE, 0x81 };
	struct mbox_msg req;
	unsigned int i;

	for (i = 0; now_ms() < end; i++) {
		mbox_request(&vf_a.mbox, &req, ops[i / BURST % ARRAY_SIZE(ops)]);
		send(&req);
	}
	return 0;
}

static int answers_never_taken(int64_t end)
{
	struct mbox_msg req;

	mbox_request(&vf_a.mbox, &req, OP_CSR);
	while (now_ms() < end)
		mbox_send(&vf_a.mbox, &req);
	drain();
	return 0;
}

/* Well formed, for the first queue of the range. */
static void good_request(struct mbox_msg *req, uint8_t op)
{
	switch (op) {
	case OP_QCTXT_WRT:
		qctxt_mm(&vf_a, req, vf_a.qbase, false, vf_a.dev.next_iova, TABLE_64 - 1);
		return;
	case OP_QCTXT_RD:
	case OP_QCTXT_CLR:
	case OP_QCTXT_INV:
		qctxt_request(&vf_a, req, op, vf_a.qbase, false);
		return;
	case OP_INTR_WRT:
	case OP_INTR_RD:
	case OP_INTR_CLR:
	case OP_INTR_INV:
		intr_request(&vf_a, req, op, vf_a.dev.next_iova);
		return;
	}
	mbox_request(&vf_a.mbox, req, op);
	if (op == OP_QREQ || op == OP_FMAP || op == OP_HELLO) {
		msg_put32(req, M_QBASE, op == OP_FMAP ? vf_a.qbase : 0xFFFFFFFF);
		msg_put32(req, M_QMAX, op == OP_HELLO ? 0 : quota);
	} else if (op == OP_QNOTIFY_ADD || op == OP_QNOTIFY_DEL) {
		msg_put16(req, M_QN_QID, vf_a.qbase);
	}
}

/* A session as it was recorded, again and again, then in any order. */
static int replay(int64_t end)
{
	static const uint8_t ops[] = {
		OP_HELLO, OP_QREQ, OP_CSR, OP_FMAP, OP_QNOTIFY_ADD, OP_QCTXT_WRT,
		OP_QCTXT_RD, OP_INTR_WRT, OP_INTR_RD, OP_QCTXT_INV, OP_QNOTIFY_DEL,
		OP_INTR_CLR, OP_QREQ, OP_VF_BYE, OP_PF_RESET_VF_BYE,
	};
	struct mbox_msg tape[ARRAY_SIZE(ops)];
	unsigned int i, seed = 1;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		good_request(&tape[i], ops[i]);
	for (i = 0; now_ms() < end; i++)
		send(&tape[(i / ARRAY_SIZE(ops) % 2 ? (unsigned int)rand_r(&seed) : i) %
			   ARRAY_SIZE(ops)]);
	return 0;
}

static const struct {
	uint8_t where, width;
} fields[] = {
	{ 0, 1 }, { 1, 1 }, { 2, 2 }, { 4, 2 }, { 6, 2 }, { 8, 1 }, { 8, 4 }, { 9, 1 },
	{ 12, 4 }, { 16, 4 }, { 20, 4 }, { 24, 2 }, { 24, 4 }, { 26, 2 }, { 28, 1 },
	{ 30, 1 }, { 31, 1 }, { 32, 1 }, { 32, 4 }, { 33, 1 }, { 36, 2 }, { 36, 4 },
	{ 38, 1 }, { 39, 1 }, { 40, 2 }, { 42, 2 }, { 44, 2 }, { 46, 2 }, { 127, 1 },
};

static unsigned int boundaries(uint32_t value[])
{
	static const uint32_t fixed[] = {
		0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FF, 0x800, 0x7FFF, 0x8000,
		0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
	};
	const uint32_t own[] = {
		vf_a.qbase - 1, vf_a.qbase + quota - 1, vf_a.qbase + quota, quota + 1,
		by->qbase, by->fn, by->fn | QC_INTR_AGGR, vf_a.mbox.fn - 1,
		VF_VECTORS - 1, VF_VECTORS,
	};

	memcpy(value, fixed, sizeof(fixed));
	memcpy(value + ARRAY_SIZE(fixed), own, sizeof(own));
	return ARRAY_SIZE(fixed) + ARRAY_SIZE(own);
}

/* What the PF has to answer, be it with an error: all but nothing, and answers that nobody wants. */
static bool is_request(const struct mbox_msg *msg)
{
	uint32_t any = 0;
	unsigned int i;

	for (i = 0; i < MBOX_WORDS; i++)
		any |= msg->w[i];
	return any && !(msg->b[M_OP] & MBOX_RSP);
}

/* Sends one, and counts it if it has to be served. */
static int send_counted(const struct mbox_msg *msg, long *requests)
{
	*requests += is_request(msg);
	return send(msg);
}

/* Opcode by opcode, field by field; counts what has to be served. */
static int send_every_value(long *requests)
{
	unsigned int op, f, i, n;
	struct mbox_msg req;
	uint32_t value[64];
	int ret = 0;

	n = boundaries(value);
	for (op = OP_VF_BYE; op <= OP_FIRST_UNKNOWN; op++) {
		for (f = 0; f < ARRAY_SIZE(fields); f++) {
			/* back in a session, whatever the last ones did */
			good_request(&req, OP_HELLO);
			ret = ret ?: send_counted(&req, requests);
			good_request(&req, OP_QREQ);
			ret = ret ?: send_counted(&req, requests);
			for (i = 0; !ret && i < n; i++) {
				good_request(&req, op);
				memcpy(req.b + fields[f].where, &value[i], fields[f].width);
				ret = send_counted(&req, requests);
			}
		}
	}
	return ret;
}

/* The last message may have been taken and not be counted yet. */
static long requests_since(long before, long want)
{
	int64_t end = now_ms() + MBOX_REPLY_MS;
	long n;

	do {
		drain();
		n = vf_attr(&vf_a, "stats/requests") - before;
	} while (n < want && now_ms() < end);
	return n;
}

/* All of them, however long it takes, and each has to be heard: at this rate nobody is muted. */
static int every_value(int64_t end)
{
	long before, want = 0, got;
	int ret;

	(void)end;
	ret = vf_attr_write(&vf_a, RATE_ATTR, RATE_MAX);
	if (ret)
		return ret;
	before = vf_attr(&vf_a, "stats/requests");
	ret = send_every_value(&want);
	got = requests_since(before, want);
	if (!ret && (got != want || vf_attr(&vf_a, "muted") || !want)) {
		printf("# %ld requests were sent, %ld were heard\n", want, got);
		ret = -ECOMM;
	}
	return vf_attr_write(&vf_a, RATE_ATTR, RATE_DEFAULT) ?: ret;
}

/* All that is in the doorbell window and behind it, but for the mailbox */
static int all_doorbells(int64_t end)
{
	static const uint32_t values[] = { 0, 1, 63, 0xFFFF, VF_DB_ARM | 1, 0xFFFFFFFF };
	uint32_t off;
	unsigned int i;

	for (i = 0; now_ms() < end; i++)
		for (off = 0; off < vf_a.dev.bar0_size; off += 4)
			if (off < VF_MBOX || off >= VF_MBOX + 0x1000)
				bar_write(&vf_a.dev, off, values[i % ARRAY_SIZE(values)]);
	return 0;
}

static int foreign_memory(int64_t end)
{
	struct mm_queue q;
	unsigned int i;
	int ret;

	for (i = 0; now_ms() < end; i++) {
		ret = mapped(&vf_a) ?: mm_open(&q, &vf_a, 0, i & 1, MODE_POLL, TABLE_64);
		if (ret)
			return ret;
		mm_post(&q, i & 2 ? by->iova + 0x40000000 : NOWHERE, CARD_A, 4096);
		mm_doorbell(&q);
		ret = mm_wait(&q, MM_WAIT_MS);
		mm_close(&q);
		if (!ret)
			return -ENOTRECOVERABLE;	/* it has reached what is not its own */
	}
	return 0;
}

static int reset_in_requests(int64_t end)
{
	struct mbox_msg req;
	unsigned int i;

	for (i = 0; now_ms() < end; i++) {
		good_request(&req, i % OP_FIRST_UNKNOWN);
		mbox_send(&vf_a.mbox, &req);
		vfio_reset(&vf_a.dev);
		mbox_init(&vf_a.mbox, &vf_a.dev);
	}
	return 0;
}

/* With queues at work and a request on its way. */
static int close_in_requests(int64_t end)
{
	struct mm_queue q;
	struct mbox_msg req;
	int ret;

	while (now_ms() < end) {
		ret = mapped(&vf_a) ?: mm_open(&q, &vf_a, 0, false, MODE_POLL, TABLE_64);
		if (ret)
			return ret;
		mm_post(&q, q.ring.iova, CARD_A, 2048);
		mm_doorbell(&q);
		good_request(&req, OP_QCTXT_RD);
		mbox_send(&vf_a.mbox, &req);
		vf_close(&vf_a);
		ret = vf_open(&vf_a, bdf_a);
		if (ret)
			return ret;
	}
	return 0;
}

/* Returns 0, or why it could not be made as it was meant. */
struct attack {
	int (*run)(int64_t end);
};

/* How many times slower the other one is beside an attack than just before. @ret: what the attack says. */
static double slowdown(const struct attack *a, int *ret)
{
	unsigned int rounds = by->rounds;
	int64_t start = now_ms();
	double alone, beside;

	usleep(ALONE_MS * 1000);
	alone = rate_since(rounds, start);
	start = now_ms();
	rounds = by->rounds;
	by->longest_ms = 0;
	*ret = a->run(start + ATTACK_MS);
	beside = rate_since(rounds, start);
	printf("# the other VF: %.1f rounds/s alone, %.1f beside this, the longest took %d ms\n",
	       alone, beside, by->longest_ms);
	return beside ? alone / beside : HUGE_VAL;
}

/* It may have harmed itself, its own vectors for example: as a new guest has it. */
static enum ktap_result start_anew(void)
{
	vf_close(&vf_a);
	usleep(1200 * 1000);	/* who was muted is heard after a second */
	KTAP_FAIL_ON(vf_open(&vf_a, bdf_a), "it cannot be opened again");
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

/*
 * What an attack causes it causes each time. A machine that has other work to
 * do was seen to move 29 times less in one second than in another, with no
 * attack at all.
 */
static enum ktap_result attack(const void *arg)
{
	enum ktap_result r;
	double slower;
	int i = 0, made, ret;

	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(bystander_start(), 0);
	do {
		slower = slowdown(arg, &made);
		r = start_anew();
	} while (r == KTAP_PASS && !made && slower > SLOWER_MAX && ++i < ATTEMPTS);
	ret = bystander_stop();
	KTAP_FAIL_ON(made, "the attack was not made as it was meant: %d", made);
	KTAP_FAIL_ON(ret, "the other VF failed in round %u: %d", by->rounds, ret);
	KTAP_FAIL_ON(slower > SLOWER_MAX, "the other VF is %.1f times slower, each of %d times", slower, ATTEMPTS);
	return r;
}

/* Floods until it is muted, and one message more. Sets whether that is answered. */
static enum ktap_result flood_and_ask(bool *answered)
{
	struct mbox_msg req, rsp;
	int i;

	mbox_request(&vf_a.mbox, &req, OP_CSR);
	for (i = 0; i < FLOOD_LEN && vf_attr(&vf_a, "muted") != 1; i++)
		send(&req);
	KTAP_FAIL_ON(i == FLOOD_LEN, "%d messages, and not muted", i);
	/* answers from before */
	while (!mbox_poll(&vf_a.mbox, &rsp, QUIET_MS))
		;
	KTAP_FAIL_ON(mbox_send(&vf_a.mbox, &req), "message not taken");
	*answered = !mbox_poll(&vf_a.mbox, &rsp, QUIET_MS);
	return KTAP_PASS;
}

/*
 * Floods until the PF hears nothing more: the messages are taken all the same. On
 * a busy machine an old answer may come late, or that message after the second in
 * which nothing comes and that ends it.
 */
static enum ktap_result muted(const void *arg)
{
	enum ktap_result r;
	bool answered;
	int i = 0;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	do
		r = flood_and_ask(&answered);
	while (r == KTAP_PASS && answered && ++i < ATTEMPTS);
	if (r != KTAP_PASS)
		return r;
	KTAP_FAIL_ON(answered, "muted, but answered, each of %d times", ATTEMPTS);
	EXPECT_STATUS(small_move(&vf_b, CARD_B), 0);
	KTAP_FAIL_ON(vf_attr(&vf_a, "muted") != 1, "heard again too early");
	usleep(1200 * 1000);
	EXPECT_STATUS(vf_csr(&vf_a, NULL), 0);
	KTAP_FAIL_ON(vf_attr(&vf_a, "muted"), "heard, but shown as muted");
	return KTAP_PASS;
}

#define ATTACK(name, fn)	{ name, attack, &(const struct attack){ fn } }

static const struct ktap_case attacks[] = {
	ATTACK("requests without end", requests_without_end),
	ATTACK("requests whose answers are never taken", answers_never_taken),
	ATTACK("a session replayed", replay),
	ATTACK("all doorbells", all_doorbells),
	ATTACK("memory that it was not given", foreign_memory),
	ATTACK("resets within requests", reset_in_requests),
	ATTACK("the device closed within requests", close_in_requests),
	ATTACK("every opcode, every field, every boundary value", every_value),
};

static const struct ktap_case muting[] = {
	{ "a flood mutes a VF until it is quiet", muted, NULL },
};

const struct suite suite_hostile = {
	.name = "hostile", .cases = attacks, .count = ARRAY_SIZE(attacks), .two = true,
};

const struct suite suite_muted = {
	.name = "muted", .cases = muting, .count = ARRAY_SIZE(muting), .two = true,
};
