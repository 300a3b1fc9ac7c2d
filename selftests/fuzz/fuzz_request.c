// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer target: a VF that sends what it likes, judged by oracle.c.
 *
 * An input is the kind of VF, then messages one after the other. A message starts as one that is
 * in order for the VF as it is then, and has some of its bytes replaced: a fuzzer that had to find
 * whole messages by itself would test the door and nothing behind it. Now and then a command of the
 * card fails, or the host takes the VF down.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bitfield.h>

#include "oracle.h"

#define FUNC_PF		0
#define MESSAGES_MAX	64
#define BURST_BYTES	256
#define ITEM_BURST	0xc0	/* first byte of an item, from here on: many messages */
#define ITEM_RELEASE	0xf8	/* the host takes the VF down */

/* Bits of the second byte of an input */
#define OPEN_SMALL_CSR	0x01
#define OPEN_SESSION	0x02
#define OPEN_HALF	0x04
#define OPEN_RING	0x08
#define ONLY_THROTTLE	0xf0	/* all of these */

static const struct svff_qdma_csr csrs[] = {
	{
		.ring_size = { 2049, 65, 129, 193, 257, 385, 513, 769, 1025, 1537,
			       3073, 4097, 6145, 8193, 12289, 16385 },
		.buf_size = { 4096, 256, 512, 1024, 2048, 3968, 4096, 4096, 4096,
			      4096, 4096, 4096, 4096, 8192, 9018, 16384 },
		.timer_cnt = { 1, 2, 4, 5, 8, 10, 15, 20, 25, 30, 50, 75, 100, 125,
			       150, 200 },
		.cnt_th = { 2, 4, 8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144,
			    160, 176, 192 },
	},
	{ .ring_size = { 65, 0, 1, 65 }, .buf_size = { 65536, 0, 64 } },
};

static const struct svff_qdma_caps caps[] = {
	{ .num_queues = 2048, .num_pfs = 1, .mm_channels = 1, .mm = true, .st = true },
	{ .num_queues = 2048, .num_pfs = 4, .mm_channels = 1, .mm = true },
	{ .num_queues = 512, .num_pfs = 1, .st = true },
};

static const struct pf_session senders[] = {
	{ .func = 3, .vectors = 8, .base = 40, .quota = 8, .first_ring = 232, .more_rings = 7 },
	{ .func = 1, .vectors = 1, .base = 0, .quota = 1 },
	{ .func = 255, .vectors = 32, .base = 1792, .quota = 256, .first_ring = 1, .more_rings = 7 },
	{ .func = 9, .vectors = 0, .base = 65528, .quota = 8 },
	{ .func = 4, .vectors = 2, .base = SVFF_QDMA_NO_RANGE },
};

/* What run.sh wants to know: was everything tried? */
static struct {
	unsigned long messages, served, refused, failed;
	unsigned long cmd[PF_CMD_REGS + 1];
} count;

/* Bytes of the fuzzer, or, if @seed is not 0, bytes that follow from it. */
struct input {
	const u8 *p;
	size_t left;
	u32 seed;
};

static u8 next_byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	if (!in->seed)
		return *in->p++;
	in->seed = in->seed * 1664525 + 1013904223;
	return in->seed >> 24;
}

static void print_counts(void)
{
	unsigned int i;

	fprintf(stderr, "messages %lu\nserved %lu\nrefused %lu\nfailed %lu\ncommands",
		count.messages, count.served, count.refused, count.failed);
	for (i = 0; i <= PF_CMD_REGS; i++)
		fprintf(stderr, " %lu", count.cmd[i]);
	fputc('\n', stderr);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	atexit(print_counts);
	return 0;
}

static void make_qctxt_wrt(union svff_mbox_msg *m, const struct world *w)
{
	m->qctxt_wrt.cfg = cpu_to_le32(SVFF_MBOX_QCFG_IRQ_EN | SVFF_MBOX_QCFG_WBK_EN |
				      FIELD_PREP(SVFF_MBOX_QCFG_DESC_SZ,
						 w->card->caps->mm ? 2 : 1));
	m->qctxt_wrt.desc_base = cpu_to_le64(0x100000);
	m->qctxt_wrt.cmpt_base = cpu_to_le64(0x200040);
	m->qctxt_wrt.ring_size = cpu_to_le16(w->card->csr->ring_size[0] - 1);
	m->qctxt_wrt.cmpt_ring_size = m->qctxt_wrt.ring_size;
	m->qctxt_wrt.buf_size = cpu_to_le16(w->card->csr->buf_size[2]);
	m->qctxt_wrt.cnt_th = w->card->csr->cnt_th[0];
	m->qctxt_wrt.timer_cnt = w->card->csr->timer_cnt[0];
	if (w->rings[w->s->func])
		m->qctxt_wrt.intr = cpu_to_le16(SVFF_MBOX_QINTR_AGGR | w->s->func);
}

static void make_ring(union svff_mbox_msg *m, const struct world *w)
{
	m->intr_ctxt.num_rings = 1;
	m->intr_ctxt.ring_index = cpu_to_le32(w->s->func);
	m->intr_ctxt.base = cpu_to_le64(0x300000);
	m->intr_ctxt.valid = 1;
	m->intr_ctxt.color = 1;
	m->intr_ctxt.func = cpu_to_le16(w->s->func);
}

/* A request that is in order now. */
static void make_request(union svff_mbox_msg *m, const struct world *w, u8 op)
{
	memset(m, 0, sizeof(*m));
	m->hdr.op = op;
	m->hdr.src = cpu_to_le16(w->s->func);
	switch (op) {
	case SVFF_MBOX_OP_HELLO:
		m->range.qbase = cpu_to_le32(SVFF_MBOX_QBASE_ANY);
		return;
	case SVFF_MBOX_OP_QREQ:
		m->range.qbase = cpu_to_le32(SVFF_MBOX_QBASE_ANY);
		m->range.qmax = cpu_to_le32(w->s->quota);
		return;
	case SVFF_MBOX_OP_FMAP:
		m->range.qbase = cpu_to_le32(w->s->base);
		m->range.qmax = cpu_to_le32(w->granted);
		return;
	case SVFF_MBOX_OP_QNOTIFY_ADD:
	case SVFF_MBOX_OP_QNOTIFY_DEL:
		m->qnotify.qid_hw = cpu_to_le16(w->s->base);
		return;
	case SVFF_MBOX_OP_QCTXT_WRT:
		make_qctxt_wrt(m, w);
		/* fall through */
	case SVFF_MBOX_OP_QCTXT_RD:
	case SVFF_MBOX_OP_QCTXT_CLR:
	case SVFF_MBOX_OP_QCTXT_INV:
		m->qctxt_id.qid_hw = cpu_to_le16(w->s->base);
		m->qctxt_id.flags = w->card->caps->mm ? SVFF_MBOX_QCTXT_CMPT :
			SVFF_MBOX_QCTXT_CMPT | SVFF_MBOX_QCTXT_ST;
		return;
	case SVFF_MBOX_OP_INTR_CTXT_WRT:
	case SVFF_MBOX_OP_INTR_CTXT_RD:
	case SVFF_MBOX_OP_INTR_CTXT_CLR:
	case SVFF_MBOX_OP_INTR_CTXT_INV:
		make_ring(m, w);
		return;
	}
}

/*
 * HELLO with the extension, nothing but zeros, a little too many queues, a QCTXT request for a C2H
 * stream with its completion ring, an interrupt ring whether there is one or not, a second one.
 */
static void make_variant(union svff_mbox_msg *m, const struct world *w)
{
	if (m->hdr.op == SVFF_MBOX_OP_HELLO) {
		m->hello.ext.magic = cpu_to_le32(SVFF_MBOX_EXT_MAGIC);
		m->hello.ext.version = SVFF_MBOX_EXT_VERSION;
		m->hello.ext.caps = cpu_to_le32(SVFF_MBOX_EXT_ALL);
	}
	if (m->hdr.op == SVFF_MBOX_OP_VF_BYE)
		m->hdr.src = 0;
	if (m->hdr.op == SVFF_MBOX_OP_QREQ)
		m->range.qmax = cpu_to_le32(w->s->quota + 1);
	if (m->hdr.op == SVFF_MBOX_OP_FMAP)
		m->range.qmax = cpu_to_le32(w->s->quota);
	if (m->hdr.op >= SVFF_MBOX_OP_QCTXT_WRT && m->hdr.op <= SVFF_MBOX_OP_QCTXT_INV)
		m->qctxt_id.flags = SVFF_MBOX_QCTXT_ST | SVFF_MBOX_QCTXT_C2H |
				    FIELD_PREP(SVFF_MBOX_QCTXT_CMPT,
					       SVFF_MBOX_CMPT_WITH_ST);
	if (m->hdr.op >= SVFF_MBOX_OP_INTR_CTXT_WRT && m->hdr.op <= SVFF_MBOX_OP_INTR_CTXT_INV)
		m->intr_ctxt.ring_index = cpu_to_le32(w->s->first_ring);
	if (m->hdr.op != SVFF_MBOX_OP_QCTXT_WRT)
		return;
	m->qctxt_wrt.cfg &= cpu_to_le32(~SVFF_MBOX_QCFG_DESC_SZ);
	m->qctxt_wrt.intr = cpu_to_le16(SVFF_MBOX_QINTR_AGGR | w->s->func);
}

/* Numbers at which checks are off by one */
static u32 edge(const struct world *w, u8 which)
{
	const u32 edges[] = {
		0, 1, 2, 3, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7ff, 0x800, 0xffff,
		0x7fffffff, 0x80000000, 0xffffffff,
		w->s->base - 1, w->s->base + w->granted - 1, w->s->base + w->granted,
		w->s->base + w->s->quota, w->granted, w->granted + 1, w->s->quota,
		w->s->quota + 1, w->s->func - 1, w->s->func + 1, w->s->vectors - 1,
		w->s->vectors, SVFF_MBOX_QINTR_AGGR | w->s->func,
		SVFF_MBOX_QINTR_AGGR | (w->s->func + 1), w->s->first_ring,
		w->s->first_ring + 6, w->s->first_ring + 7, w->s->first_ring - 1,
		SVFF_MBOX_QINTR_AGGR | w->s->first_ring,
		SVFF_MBOX_QINTR_AGGR | (w->s->first_ring + 7),
	};

	return edges[which % (sizeof(edges) / sizeof(edges[0]))];
}

/* Where fields begin, in one message or another, and how wide they are */
static const struct {
	u8 where, width;
} fields[] = {
	{ 0, 1 }, { 1, 1 }, { 2, 2 }, { 4, 2 }, { 6, 2 }, { 8, 1 }, { 8, 4 }, { 9, 1 },
	{ 12, 4 }, { 15, 1 }, { 16, 4 }, { 24, 2 }, { 24, 4 }, { 26, 2 }, { 28, 1 },
	{ 29, 1 }, { 30, 1 }, { 31, 1 }, { 32, 1 }, { 32, 4 }, { 33, 1 }, { 34, 2 },
	{ 36, 2 }, { 36, 4 }, { 38, 1 }, { 39, 1 }, { 40, 1 }, { 40, 2 }, { 41, 1 },
	{ 42, 2 }, { 44, 2 }, { 46, 2 }, { 47, 1 }, { 48, 4 }, { 127, 1 },
};

#define FLIP_BITS	(48 * 8)	/* no request is longer than this */

enum { SPOIL_EDGE, SPOIL_FLIP, SPOIL_BYTE, SPOIL_ANY, SPOIL_KINDS };

/* Replaces one field: where, and with what, come from the input. */
static void spoil(union svff_mbox_msg *m, const struct world *w, struct input *in)
{
	u8 how = next_byte(in), where = next_byte(in), value = next_byte(in);
	u32 wide = edge(w, value), bit = (where << 8 | value) % FLIP_BITS;
	u8 *b = (u8 *)m;

	switch (how % SPOIL_KINDS) {
	case SPOIL_EDGE:
		where %= sizeof(fields) / sizeof(fields[0]);
		memcpy(b + fields[where].where, &wide, fields[where].width);
		return;
	case SPOIL_FLIP:
		b[bit / 8] ^= 1u << bit % 8;
		return;
	case SPOIL_BYTE:
		b[fields[where % (sizeof(fields) / sizeof(fields[0]))].where] = value;
		return;
	case SPOIL_ANY:
		b[where % sizeof(*m)] = value;
		return;
	}
}

static void serve(struct world *w, struct pf_session *s, const union svff_mbox_msg *msg,
		  bool card_fails)
{
	struct pf_verdict v;
	int i, done;

	memset(&v, 0xa5, sizeof(v));
	pf_request_decide(w->card, s, msg, &v);
	done = v.num_cmds && card_fails ? v.num_cmds - 1 : v.num_cmds;
	oracle_check(w, s, msg, &v, done);

	count.messages++;
	if (v.kind != PF_MSG_SERVE)
		return;
	for (i = 0; i < done; i++)
		count.cmd[v.cmd[i].op]++;
	if (v.status)
		count.refused++;
	else if (done < v.num_cmds)
		count.failed++;
	else
		count.served++;
	if (!v.status && done == v.num_cmds)
		*s = v.next;
}

static void release(struct world *w, struct pf_session *s)
{
	struct pf_verdict v;

	memset(&v, 0, sizeof(v));
	pf_request_release(s, &v);
	oracle_release(w, s, &v);
	*s = v.next;
	oracle_start(w, w->card, w->s);
}

/* The start of a session, so that an input gets behind HELLO at once. */
static void open_session(struct world *w, struct pf_session *s, u8 how)
{
	static const u8 opening[] = {
		SVFF_MBOX_OP_HELLO, SVFF_MBOX_OP_QREQ, SVFF_MBOX_OP_FMAP,
		SVFF_MBOX_OP_INTR_CTXT_WRT,
	};
	size_t i, n = how & OPEN_RING ? sizeof(opening) : sizeof(opening) - 1;
	union svff_mbox_msg msg;

	for (i = 0; i < n; i++) {
		make_request(&msg, w, opening[i]);
		if (opening[i] == SVFF_MBOX_OP_QREQ && (how & OPEN_HALF))
			msg.range.qmax = cpu_to_le32(w->s->quota / 2);
		serve(w, s, &msg, false);
	}
}

/* Some twice, since more can be wrong with them. */
static const u8 ops[] = {
	0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x08, 0x08, 0x08, 0x09,
	0x0a, 0x0b, 0x0c, 0x0c, 0x0d, 0x0e, 0x0f, 0x12, 0x14, 0x10, 0x15, 0x81, 0x93,
};

/* Who is not welcomed, or has no queues, is likely to see to that first. */
static u8 pick_op(const struct world *w, u8 what)
{
	if (what % 2 && !w->hello)
		return SVFF_MBOX_OP_HELLO;
	if (what % 2 && !w->granted)
		return SVFF_MBOX_OP_QREQ;
	return ops[what % sizeof(ops)];
}

static void one_message(struct world *w, struct pf_session *s, struct input *in, u8 what)
{
	u8 how = next_byte(in);
	union svff_mbox_msg msg;
	int spoilt;

	make_request(&msg, w, (how & 0xf0) == 0x80 ? what : pick_op(w, what));
	if (how & 0x08)
		make_variant(&msg, w);
	for (spoilt = how & 3; spoilt; spoilt--)
		spoil(&msg, w, in);
	serve(w, s, &msg, (how & 0x70) == 0x40);
}

static void burst(struct world *w, struct pf_session *s, struct input *in)
{
	struct input more = {
		.left = BURST_BYTES,
		.seed = next_byte(in) << 16 | next_byte(in) << 8 | 1,
	};

	while (more.left)
		one_message(w, s, &more, next_byte(&more));
}

/* An item is a message, many that follow from two bytes, or the host's doing. */
static void item(struct world *w, struct pf_session *s, struct input *in)
{
	u8 what = next_byte(in);

	if (what < ITEM_BURST)
		one_message(w, s, in, what);
	else if (what < ITEM_RELEASE)
		burst(w, s, in);
	else
		release(w, s);
}

#define NS_PER_S	1000000000ULL

/*
 * The throttle: rate and time come from the input. More than was saved up and
 * what has been earned since never passes; who is held back for long is muted,
 * and who is muted stays so until it was quiet.
 */
struct watch {
	struct pf_throttle t;
	u64 now, start, last;
	u64 passed;
	u32 held;
	bool muted;
};

static void watch_one(struct watch *w)
{
	enum pf_pass pass = pf_throttle_check(&w->t, w->now);
	bool passes = pass == PF_PASS || pass == PF_PASS_UNMUTED;

	if (passes && w->muted != (pass == PF_PASS_UNMUTED))
		abort();
	if (pass == PF_PASS_UNMUTED) {
		if (w->now - w->last < PF_THROTTLE_QUIET_NS)
			abort();
		w->passed = 0;	/* it starts with a full bucket */
		w->start = w->now;
	}
	w->muted = !passes && (w->muted || pass == PF_HOLD_MUTED);
	w->held = passes ? 0 : w->held + 1;
	if (!w->muted && w->held > PF_THROTTLE_MUTE(w->t.rate))
		abort();
	w->passed += passes;
	if (w->passed > PF_THROTTLE_BURST(w->t.rate) + 1 +
	    (w->now - w->start) / (NS_PER_S / w->t.rate))
		abort();
	w->last = w->now;
}

static void fuzz_throttle(struct input *in)
{
	static const u32 rates[] = { 1, 3, PF_THROTTLE_RATE, PF_THROTTLE_RATE_MAX };
	struct watch w = {};

	pf_throttle_reset(&w.t, rates[next_byte(in) % 4], 0);
	while (in->left) {
		u64 step = (u64)next_byte(in) << next_byte(in) % 24;
		unsigned int burst = 1u << next_byte(in) % 13;

		for (; burst; burst--, w.now += step)
			watch_one(&w);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { .p = data, .left = size };
	u8 kind = next_byte(&in), more = next_byte(&in);
	struct pf_card card = {
		.func = FUNC_PF,
		.caps = &caps[kind / 16 % (sizeof(caps) / sizeof(caps[0]))],
		.csr = &csrs[!!(more & OPEN_SMALL_CSR)],
	};
	struct pf_session s = senders[kind % (sizeof(senders) / sizeof(senders[0]))];
	const struct pf_session sender = s;
	struct world w;
	unsigned int i;

	if ((more & ONLY_THROTTLE) == ONLY_THROTTLE) {
		fuzz_throttle(&in);
		return 0;
	}
	oracle_start(&w, &card, &sender);
	if (more & OPEN_SESSION)
		open_session(&w, &s, more);
	for (i = 0; in.left && i < MESSAGES_MAX; i++)
		item(&w, &s, &in);
	release(&w, &s);
	return 0;
}
