// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of driver/pf/request.c: a message and a session in, a decision out.
 */
#include "request.h"

#include <errno.h>
#include <linux/bitfield.h>
#include <linux/kernel.h>
#include <stdlib.h>
#include "tests.h"

#define FUNC	3
#define BASE	40
#define QUOTA	8
#define GRANTED	4
#define MORE		200	/* interrupt rings kept for it */
#define VECTORS	8

static const struct svff_qdma_caps caps = {
	.num_queues = 2048, .num_pfs = 1, .mm_channels = 1,
	.mm = true, .st = true, .mailbox = true, .flr = true,
};

static const struct svff_qdma_caps caps_mm_only = {
	.num_queues = 2048, .num_pfs = 1, .mm_channels = 1,
	.mm = true, .mailbox = true,
};

static const struct svff_qdma_csr csr = {
	.ring_size = { 2049, 65, 129, 193, 257, 385, 513, 769, 1025, 1537, 3073,
		       4097, 6145, 8193, 12289, 16385 },
	.buf_size = { 4096, 256, 512, 1024, 2048, 3968, 4096, 4096, 4096, 4096,
		      4096, 4096, 4096, 8192, 9018, 16384 },
	.timer_cnt = { 1, 2, 4, 5, 8, 10, 15, 20, 25, 30, 50, 75, 100, 125, 150, 200 },
	.cnt_th = { 2, 4, 8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192 },
};

static const struct pf_card card = { .func = 0, .caps = &caps, .csr = &csr };
static const struct pf_card card_mm = { .func = 0, .caps = &caps_mm_only, .csr = &csr };

/* A VF that has said HELLO and got half of its quota. */
static struct pf_session session(void)
{
	struct pf_session s = {
		.func = FUNC, .vectors = VECTORS, .base = BASE, .told = BASE, .quota = QUOTA,
		.granted = GRANTED, .hello = true, .mapped = true,
	};

	return s;
}

static union svff_mbox_msg request(u8 op)
{
	union svff_mbox_msg m = { .hdr = { .op = op, .src = cpu_to_le16(77) } };

	return m;
}

static union svff_mbox_msg range(u8 op, u32 base, u32 count)
{
	union svff_mbox_msg m = request(op);

	m.range.qbase = cpu_to_le32(base);
	m.range.qmax = cpu_to_le32(count);
	return m;
}

static union svff_mbox_msg queue(u8 op, u16 qid)
{
	union svff_mbox_msg m = request(op);

	m.qctxt_id.qid_hw = cpu_to_le16(qid);
	m.qctxt_id.flags = SVFF_MBOX_QCTXT_CMPT;	/* none */
	return m;
}

/* What svff_vf sends for an MM queue in direct mode. */
static union svff_mbox_msg mm_write(u16 qid)
{
	union svff_mbox_msg m = queue(SVFF_MBOX_OP_QCTXT_WRT, qid);

	m.qctxt_wrt.desc_base = cpu_to_le64(0x12345000);
	m.qctxt_wrt.cfg = cpu_to_le32(SVFF_MBOX_QCFG_IRQ_EN | SVFF_MBOX_QCFG_IRQ_ARM |
				      SVFF_MBOX_QCFG_WBK_EN |
				      FIELD_PREP(SVFF_MBOX_QCFG_DESC_SZ, 2));
	m.qctxt_wrt.func = cpu_to_le16(99);
	m.qctxt_wrt.intr = cpu_to_le16(2);
	m.qctxt_wrt.ring_size = cpu_to_le16(1024);
	return m;
}

static union svff_mbox_msg st_write(u16 qid)
{
	union svff_mbox_msg m = mm_write(qid);

	m.qctxt_id.flags = SVFF_MBOX_QCTXT_ST | SVFF_MBOX_QCTXT_C2H |
			   FIELD_PREP(SVFF_MBOX_QCTXT_CMPT, SVFF_MBOX_CMPT_WITH_ST);
	m.qctxt_wrt.cfg &= ~cpu_to_le32(SVFF_MBOX_QCFG_DESC_SZ);
	m.qctxt_wrt.cmpt_base = cpu_to_le64(0x777000);
	m.qctxt_wrt.buf_size = cpu_to_le16(2048);
	m.qctxt_wrt.cnt_th = 16;
	m.qctxt_wrt.timer_cnt = 100;
	m.qctxt_wrt.cmpt_ring_size = cpu_to_le16(4096);
	return m;
}

static union svff_mbox_msg ring(u8 op)
{
	union svff_mbox_msg m = request(op);

	m.intr_ctxt.num_rings = 1;
	m.intr_ctxt.ring_index = cpu_to_le32(FUNC);
	m.intr_ctxt.base = cpu_to_le64(0x5000);
	m.intr_ctxt.vec = cpu_to_le16(2);
	m.intr_ctxt.valid = 1;
	m.intr_ctxt.color = 1;
	m.intr_ctxt.func = cpu_to_le16(200);
	return m;
}

static struct pf_verdict decide(const struct pf_session *s, union svff_mbox_msg m)
{
	struct pf_verdict v;

	memset(&v, 0xa5, sizeof(v));
	pf_request_decide(&card, s, &m, &v);
	return v;
}

#define EXPECT(cond) KTAP_FAIL_ON(!(cond), "line %d: %s", __LINE__, #cond)

/* A refusal says why, does nothing and changes nothing. */
#define REFUSED(v, s, st) do {						\
	EXPECT((v).kind == PF_MSG_SERVE);				\
	KTAP_FAIL_ON((v).status != (st), "line %d: status %d, not %d",	\
		     __LINE__, (v).status, (st));			\
	EXPECT((v).rsp.hdr.status == -(st));				\
	EXPECT(!(v).num_cmds);						\
	EXPECT(!memcmp(&(v).next, &(s), sizeof(s)));			\
} while (0)

static enum ktap_result test_header(const void *arg)
{
	struct pf_session s = session();
	struct pf_verdict v = decide(&s, request(SVFF_MBOX_OP_CSR));

	EXPECT(v.kind == PF_MSG_SERVE && !v.status && !v.silent);
	EXPECT(v.rsp.hdr.op == 0x83);
	EXPECT(v.rsp.hdr.status == 0);
	EXPECT(le16_to_cpu(v.rsp.hdr.src) == 0);
	EXPECT(le16_to_cpu(v.rsp.hdr.dst) == FUNC);
	return KTAP_PASS;
}

static enum ktap_result test_drop(const void *arg)
{
	struct pf_session s = session();
	union svff_mbox_msg zero = {};
	int op;

	EXPECT(decide(&s, zero).kind == PF_MSG_DROP);
	for (op = 0x80; op < 256; op++) {
		enum pf_kind kind = decide(&s, request(op)).kind;
		bool reply = op == 0x90 || op == 0x91 || op == 0x93;

		KTAP_FAIL_ON(kind != (reply ? PF_MSG_REPLY : PF_MSG_DROP),
			     "opcode 0x%02x: kind %d", op, kind);
	}
	return KTAP_PASS;
}

static enum ktap_result test_unknown(const void *arg)
{
	struct pf_session s = session();
	int op;

	for (op = 0; op < 0x80; op++) {
		bool known = op <= SVFF_MBOX_OP_INTR_CTXT_INV ||
			     op == SVFF_MBOX_OP_REG_LIST_READ ||
			     op == SVFF_MBOX_OP_PF_RESET_VF_BYE;
		struct pf_verdict v = decide(&s, request(op));

		if (known) {
			KTAP_FAIL_ON(v.status == SVFF_MBOX_ERR_INVALID_MSG,
				     "opcode 0x%02x", op);
			continue;
		}
		REFUSED(v, s, SVFF_MBOX_ERR_INVALID_MSG);
		EXPECT(v.rsp.hdr.op == (op | SVFF_MBOX_RSP) && !v.silent);
	}
	return KTAP_PASS;
}

static enum ktap_result test_reserved(const void *arg)
{
	static const u8 ops[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
				  0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x12, 0x14 };
	struct pf_session s = session();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		union svff_mbox_msg m = request(ops[i]);
		struct pf_verdict v;

		m.words[31] = cpu_to_le32(0x01000000);	/* last byte */
		v = decide(&s, m);
		REFUSED(v, s, SVFF_MBOX_ERR_INVALID_MSG);
		m = request(ops[i]);
		m.hdr.status = -1;
		v = decide(&s, m);
		REFUSED(v, s, SVFF_MBOX_ERR_INVALID_MSG);
	}
	return KTAP_PASS;
}

static enum ktap_result test_pads(const void *arg)
{
	struct pf_session s = session();
	union svff_mbox_msg m = range(SVFF_MBOX_OP_QREQ, SVFF_MBOX_QBASE_ANY, 1);
	struct pf_verdict v;
	unsigned int i;

	m.range.pad[1] = 1;
	v = decide(&s, m);
	REFUSED(v, s, SVFF_MBOX_ERR_INVALID_MSG);
	m = mm_write(BASE);
	m.qctxt_id.pad[6] = 1;
	v = decide(&s, m);
	REFUSED(v, s, SVFF_MBOX_ERR_INVALID_MSG);
	m = mm_write(BASE);
	m.qctxt_id.flags |= 0x10;
	v = decide(&s, m);
	REFUSED(v, s, SVFF_MBOX_ERR_INVALID_MSG);
	m = mm_write(BASE);
	m.qctxt_wrt.cfg |= cpu_to_le32(0x800000);
	v = decide(&s, m);
	REFUSED(v, s, SVFF_MBOX_ERR_INVALID_MSG);
	m = mm_write(BASE);
	m.qctxt_wrt.intr |= cpu_to_le16(0x1000);
	v = decide(&s, m);
	REFUSED(v, s, SVFF_MBOX_ERR_INVALID_MSG);
	for (i = 0; i < sizeof(m.intr_ctxt); i++) {
		static const u8 pads[] = { 6, 7, 9, 10, 11, 34, 35, 41, 44, 47 };

		if (i >= sizeof(pads))
			break;
		m = ring(SVFF_MBOX_OP_INTR_CTXT_CLR);
		((u8 *)&m)[pads[i]] = 1;
		v = decide(&s, m);
		REFUSED(v, s, SVFF_MBOX_ERR_INVALID_MSG);
	}
	return KTAP_PASS;
}

static enum ktap_result test_needs_hello(const void *arg)
{
	struct pf_session s = session();
	u8 op;

	s.hello = false;
	for (op = SVFF_MBOX_OP_FMAP; op <= SVFF_MBOX_OP_REG_LIST_READ; op++) {
		struct pf_verdict v;

		if (op == SVFF_MBOX_OP_RESET_PREPARE || op == SVFF_MBOX_OP_RESET_DONE)
			continue;
		v = decide(&s, request(op));
		REFUSED(v, s, SVFF_MBOX_ERR_NO_DEVICE);
	}
	return KTAP_PASS;
}

static enum ktap_result test_hello(const void *arg)
{
	struct pf_session s = session();
	struct pf_verdict v;

	s.hello = false;
	s.granted = 0;
	v = decide(&s, range(SVFF_MBOX_OP_HELLO, SVFF_MBOX_QBASE_ANY, 0));
	EXPECT(!v.status && v.next.hello && !v.next.granted);
	EXPECT(le32_to_cpu(v.rsp.hello_rsp.qbase) == SVFF_MBOX_QBASE_ANY);
	EXPECT(le32_to_cpu(v.rsp.hello_rsp.qmax) == QUOTA);
	EXPECT(v.rsp.hello_rsp.num_pfs == 1);
	EXPECT(le16_to_cpu(v.rsp.hello_rsp.num_qs) == 2048);
	EXPECT(v.rsp.hello_rsp.caps0 == 0x17);
	/* A VF that was clean has its doorbells unmapped and nothing else. */
	EXPECT(v.num_cmds == 1 && v.cmd[0].op == PF_CMD_FMAP && !v.cmd[0].range.count);
	return KTAP_PASS;
}

static enum ktap_result test_hello_again(const void *arg)
{
	struct pf_session s = session();
	struct pf_verdict v;

	s.mapped = true;
	s.rings = 0x81;
	s.first_ring = MORE;
	s.more_rings = 7;
	s.dirty = true;
	__assign_bit(1, s.live[0], true);
	__assign_bit(1, s.announced[0], true);
	v = decide(&s, range(SVFF_MBOX_OP_HELLO, SVFF_MBOX_QBASE_ANY, 0));
	EXPECT(!v.status && v.num_cmds == 4);
	EXPECT(v.cmd[0].op == PF_CMD_FMAP && !v.cmd[0].range.count);
	EXPECT(v.cmd[1].op == PF_CMD_WIPE && v.cmd[1].range.base == BASE &&
	       v.cmd[1].range.count == QUOTA);
	EXPECT(v.cmd[2].op == PF_CMD_RING_CLEAR && v.cmd[2].ring.index == FUNC);
	EXPECT(v.cmd[3].op == PF_CMD_RING_CLEAR && v.cmd[3].ring.index == MORE + 6);
	EXPECT(v.next.hello && !v.next.granted && !v.next.mapped && !v.next.rings &&
	       !v.next.dirty && !pf_session_active(&v.next));
	EXPECT(v.next.quota == QUOTA && v.next.base == BASE && v.next.func == FUNC &&
	       v.next.vectors == VECTORS && v.next.first_ring == MORE && v.next.more_rings == 7);
	return KTAP_PASS;
}

static union svff_mbox_msg hello_ext(u8 version, u32 caps)
{
	union svff_mbox_msg m = range(SVFF_MBOX_OP_HELLO, SVFF_MBOX_QBASE_ANY, 0);

	m.hello.ext.magic = cpu_to_le32(SVFF_MBOX_EXT_MAGIC);
	m.hello.ext.version = version;
	m.hello.ext.caps = cpu_to_le32(caps);
	return m;
}

static enum ktap_result test_ext(const void *arg)
{
	static const struct svff_mbox_ext none;
	struct pf_session s = session();
	struct pf_verdict v = decide(&s, range(SVFF_MBOX_OP_HELLO, SVFF_MBOX_QBASE_ANY, 0));
	union svff_mbox_msg m;

	EXPECT(!v.status && !v.next.ext);
	EXPECT(!memcmp(&v.rsp.hello_rsp.ext, &none, sizeof(none)));
	v = decide(&s, hello_ext(9, 0xffffffff));
	EXPECT(!v.status && v.next.ext == SVFF_MBOX_EXT_ALL);
	EXPECT(le32_to_cpu(v.rsp.hello_rsp.ext.magic) == SVFF_MBOX_EXT_MAGIC);
	EXPECT(v.rsp.hello_rsp.ext.version == SVFF_MBOX_EXT_VERSION);
	EXPECT(le32_to_cpu(v.rsp.hello_rsp.ext.caps) == SVFF_MBOX_EXT_ALL);
	EXPECT(!v.rsp.hello_rsp.ext.rings && !v.rsp.hello_rsp.ext.first_ring);
	EXPECT(!v.rsp.hdr.src);
	v = decide(&s, hello_ext(0, SVFF_MBOX_EXT_SEQ));
	REFUSED(v, s, SVFF_MBOX_ERR_INVALID_MSG);
	m = hello_ext(1, SVFF_MBOX_EXT_SEQ);
	m.hello.ext.magic ^= cpu_to_le32(1);
	v = decide(&s, m);
	REFUSED(v, s, SVFF_MBOX_ERR_INVALID_MSG);
	m = hello_ext(1, SVFF_MBOX_EXT_SEQ);
	m.hello.ext.pad = 1;
	v = decide(&s, m);
	REFUSED(v, s, SVFF_MBOX_ERR_INVALID_MSG);
	return KTAP_PASS;
}

/* Numbers come back, whatever the answer; a leave ends it all. */
static enum ktap_result test_ext_seq(const void *arg)
{
	struct pf_session s = session();
	union svff_mbox_msg m = request(SVFF_MBOX_OP_CSR);
	struct pf_verdict v;

	m.hdr.dst = cpu_to_le16(0xbeef);
	EXPECT(!decide(&s, m).rsp.hdr.src);
	s.ext = SVFF_MBOX_EXT_QUOTA;
	EXPECT(!decide(&s, m).rsp.hdr.src);
	s.ext = SVFF_MBOX_EXT_SEQ;
	EXPECT(le16_to_cpu(decide(&s, m).rsp.hdr.src) == 0xbeef);
	m.hdr.op = 0x33;
	v = decide(&s, m);
	EXPECT(v.status && le16_to_cpu(v.rsp.hdr.src) == 0xbeef);
	m = range(SVFF_MBOX_OP_HELLO, SVFF_MBOX_QBASE_ANY, 0);
	m.hdr.dst = cpu_to_le16(0xbeef);
	v = decide(&s, m);
	EXPECT(!v.rsp.hdr.src && !v.next.ext);
	/* A session that the PF has lost, as after a reset of the card. */
	s.hello = false;
	s.ext = 0;
	m = request(SVFF_MBOX_OP_CSR);
	m.hdr.dst = cpu_to_le16(7);
	v = decide(&s, m);
	EXPECT(v.status == SVFF_MBOX_ERR_NO_DEVICE && le16_to_cpu(v.rsp.hdr.src) == 7);
	s = session();
	EXPECT(!decide(&s, request(SVFF_MBOX_OP_VF_BYE)).next.ext);
	return KTAP_PASS;
}

/* Answers to notices are expected of those alone who know the notices. */
static enum ktap_result test_ext_answers(const void *arg)
{
	struct pf_session s = session();

	s.ext = SVFF_MBOX_EXT_SEQ | SVFF_MBOX_EXT_QUOTA;
	EXPECT(decide(&s, request(0xc0)).kind == PF_MSG_REPLY);
	EXPECT(decide(&s, request(0xc1)).kind == PF_MSG_DROP);
	EXPECT(decide(&s, request(0xc2)).kind == PF_MSG_DROP);
	s.ext = SVFF_MBOX_EXT_PAUSE;
	EXPECT(decide(&s, request(0xc0)).kind == PF_MSG_DROP);
	EXPECT(decide(&s, request(0xc1)).kind == PF_MSG_REPLY);
	EXPECT(decide(&s, request(0xc2)).kind == PF_MSG_REPLY);
	/* The notices themselves are no requests of a VF. */
	EXPECT(decide(&s, request(0x41)).status == SVFF_MBOX_ERR_INVALID_MSG);
	return KTAP_PASS;
}

static enum ktap_result test_bye(const void *arg)
{
	struct pf_session s = session();
	struct pf_verdict v;

	s.mapped = true;
	v = decide(&s, request(SVFF_MBOX_OP_VF_BYE));
	EXPECT(v.kind == PF_MSG_SERVE && v.silent && !v.status);
	EXPECT(!v.next.hello && !v.next.mapped && !v.next.granted);
	EXPECT(v.num_cmds == 1 && v.cmd[0].op == PF_CMD_FMAP);
	v = decide(&s, request(SVFF_MBOX_OP_PF_RESET_VF_BYE));
	EXPECT(!v.silent && v.rsp.hdr.op == 0x94 && !v.next.hello);
	return KTAP_PASS;
}

static enum ktap_result test_qreq(const void *arg)
{
	struct pf_session s = session();
	struct pf_verdict v;

	s.mapped = true;
	v = decide(&s, range(SVFF_MBOX_OP_QREQ, SVFF_MBOX_QBASE_ANY, QUOTA));
	EXPECT(!v.status && v.next.granted == QUOTA && !v.next.mapped);
	EXPECT(le32_to_cpu(v.rsp.range.qbase) == BASE);
	EXPECT(le32_to_cpu(v.rsp.range.qmax) == QUOTA);
	EXPECT(v.num_cmds == 1 && v.cmd[0].op == PF_CMD_FMAP && !v.cmd[0].range.count);
	/* A wish for somebody else's base is not followed. */
	v = decide(&s, range(SVFF_MBOX_OP_QREQ, 0, 2));
	EXPECT(!v.status && le32_to_cpu(v.rsp.range.qbase) == BASE);
	v = decide(&s, range(SVFF_MBOX_OP_QREQ, BASE, 0));
	EXPECT(!v.status && !v.next.granted);
	v = decide(&s, range(SVFF_MBOX_OP_QREQ, SVFF_MBOX_QBASE_ANY, QUOTA + 1));
	REFUSED(v, s, SVFF_MBOX_ERR_NUM_QUEUES);
	v = decide(&s, range(SVFF_MBOX_OP_QREQ, SVFF_MBOX_QBASE_ANY, 0xffffffff));
	REFUSED(v, s, SVFF_MBOX_ERR_NUM_QUEUES);
	__assign_bit(0, s.announced[2], true);
	v = decide(&s, range(SVFF_MBOX_OP_QREQ, SVFF_MBOX_QBASE_ANY, 1));
	REFUSED(v, s, SVFF_MBOX_ERR_NUM_QUEUES);
	s = session();
	__assign_bit(0, s.live[1], true);
	v = decide(&s, range(SVFF_MBOX_OP_QREQ, SVFF_MBOX_QBASE_ANY, 1));
	REFUSED(v, s, SVFF_MBOX_ERR_NUM_QUEUES);
	return KTAP_PASS;
}

static enum ktap_result test_fmap(const void *arg)
{
	static const u32 wrong[][2] = {
		{ 0, 2048 }, { 0, GRANTED }, { BASE, QUOTA }, { BASE, GRANTED + 1 },
		{ BASE + 1, GRANTED }, { BASE + 1, GRANTED - 1 }, { BASE, 1 },
		{ 0xffffffff, 0xffffffff }, { 0xffffffff, GRANTED },
	};
	struct pf_session s = session();
	struct pf_verdict v = decide(&s, range(SVFF_MBOX_OP_FMAP, BASE, GRANTED));
	unsigned int i;

	EXPECT(!v.status && v.next.mapped && v.num_cmds == 1);
	EXPECT(v.cmd[0].op == PF_CMD_FMAP && v.cmd[0].range.base == BASE &&
	       v.cmd[0].range.count == GRANTED);
	s.mapped = true;
	v = decide(&s, range(SVFF_MBOX_OP_FMAP, 5, 0));
	EXPECT(!v.status && !v.next.mapped && !v.cmd[0].range.base &&
	       !v.cmd[0].range.count);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		v = decide(&s, range(SVFF_MBOX_OP_FMAP, wrong[i][0], wrong[i][1]));
		REFUSED(v, s, SVFF_MBOX_ERR_FMAP);
	}
	return KTAP_PASS;
}

/* A reset of the VF clears what is mapped: nothing else may run. */
static enum ktap_result test_unmapped(const void *arg)
{
	struct pf_session s = session();
	struct pf_verdict v;

	v = decide(&s, mm_write(BASE + 1));
	s = v.next;
	v = decide(&s, range(SVFF_MBOX_OP_FMAP, 0, 0));
	EXPECT(!v.status && v.num_cmds == 2 && v.cmd[1].op == PF_CMD_FMAP && !v.cmd[1].range.count);
	EXPECT(v.cmd[0].op == PF_CMD_WIPE && v.cmd[0].range.base == BASE && v.cmd[0].range.count == QUOTA);
	EXPECT(!v.next.mapped && !pf_session_active(&v.next) && v.next.dirty);
	s = v.next;
	v = decide(&s, mm_write(BASE + 1));
	REFUSED(v, s, SVFF_MBOX_ERR_FMAP);
	v = decide(&s, st_write(BASE));
	REFUSED(v, s, SVFF_MBOX_ERR_FMAP);
	return KTAP_PASS;
}

static enum ktap_result test_qnotify(const void *arg)
{
	struct pf_session s = session();
	union svff_mbox_msg m = request(SVFF_MBOX_OP_QNOTIFY_ADD);
	struct pf_verdict v;

	m.qnotify.qid_hw = cpu_to_le16(BASE + GRANTED - 1);
	m.qnotify.qtype = cpu_to_le32(SVFF_MBOX_Q_CMPT);
	v = decide(&s, m);
	EXPECT(!v.status && test_bit(GRANTED - 1, v.next.announced[SVFF_MBOX_Q_CMPT]));
	s = v.next;
	v = decide(&s, request(SVFF_MBOX_OP_QACTIVE_CNT));
	EXPECT(!v.status && !v.rsp.qactive_rsp.h2c && !v.rsp.qactive_rsp.c2h &&
	       le32_to_cpu(v.rsp.qactive_rsp.cmpt) == 1);
	m.hdr.op = SVFF_MBOX_OP_QNOTIFY_DEL;
	v = decide(&s, m);
	EXPECT(!v.status && !test_bit(GRANTED - 1, v.next.announced[SVFF_MBOX_Q_CMPT]));
	/* Once more than there is to take back is no error and no underflow. */
	s = v.next;
	v = decide(&s, m);
	EXPECT(!v.status);
	m.qnotify.qtype = cpu_to_le32(3);
	v = decide(&s, m);
	REFUSED(v, s, SVFF_MBOX_ERR_INVALID_PARAM);
	m.qnotify.qtype = cpu_to_le32(0xffffffff);
	v = decide(&s, m);
	REFUSED(v, s, SVFF_MBOX_ERR_INVALID_PARAM);
	m.qnotify.qid_hw = cpu_to_le16(BASE + GRANTED);
	v = decide(&s, m);
	REFUSED(v, s, SVFF_MBOX_ERR_QID);
	m.qnotify.qid_hw = cpu_to_le16(BASE - 1);
	v = decide(&s, m);
	REFUSED(v, s, SVFF_MBOX_ERR_QID);
	return KTAP_PASS;
}

/* It was told BASE, and was resumed elsewhere. */
static enum ktap_result test_moved(const void *arg)
{
	struct pf_session s = session();
	union svff_mbox_msg m = request(SVFF_MBOX_OP_QNOTIFY_ADD);
	struct pf_verdict v;

	s.base = 1000;
	v = decide(&s, mm_write(BASE + 1));
	EXPECT(!v.status && v.cmd[1].queue.qid == 1001 && test_bit(1, v.next.live[SVFF_MBOX_Q_H2C]));
	s = v.next;
	v = decide(&s, queue(SVFF_MBOX_OP_QCTXT_INV, BASE + 1));
	EXPECT(!v.status && v.cmd[0].queue.qid == 1001 && !pf_session_active(&v.next));
	v = decide(&s, mm_write(1001));
	REFUSED(v, s, SVFF_MBOX_ERR_QID);
	v = decide(&s, mm_write(BASE + GRANTED));
	REFUSED(v, s, SVFF_MBOX_ERR_QID);
	m.qnotify.qid_hw = cpu_to_le16(BASE);
	v = decide(&s, m);
	EXPECT(!v.status && test_bit(0, v.next.announced[SVFF_MBOX_Q_H2C]));
	v = decide(&s, range(SVFF_MBOX_OP_FMAP, BASE, GRANTED));
	EXPECT(!v.status && v.cmd[0].range.base == 1000 && v.cmd[0].range.count == GRANTED);
	v = decide(&s, range(SVFF_MBOX_OP_FMAP, 1000, GRANTED));
	REFUSED(v, s, SVFF_MBOX_ERR_FMAP);
	/* Who starts anew is told where it is. */
	v = decide(&s, request(SVFF_MBOX_OP_HELLO));
	EXPECT(!v.status && v.next.told == 1000);
	s.live[SVFF_MBOX_Q_H2C][0] = 0;
	v = decide(&s, range(SVFF_MBOX_OP_QREQ, SVFF_MBOX_QBASE_ANY, 2));
	EXPECT(!v.status && le32_to_cpu(v.rsp.range.qbase) == 1000 && v.next.told == 1000);
	return KTAP_PASS;
}

static enum ktap_result test_qctxt_mm(const void *arg)
{
	struct pf_session s = session();
	struct pf_verdict v = decide(&s, mm_write(BASE + 1));
	const struct svff_qdma_hwq *q = &v.cmd[1].queue;

	/* What the next reset of the VF is to clear is mapped, whatever the last one did. */
	EXPECT(!v.status && v.num_cmds == 2 && v.cmd[0].op == PF_CMD_FMAP && v.cmd[1].op == PF_CMD_QUEUE_START);
	EXPECT(v.cmd[0].range.base == BASE && v.cmd[0].range.count == GRANTED);
	EXPECT(q->qid == BASE + 1 && q->func == FUNC && q->dir == SVFF_QDMA_H2C);
	EXPECT(!q->st && !q->cmpt && q->base == 0x12345000 && q->vec == 2);
	EXPECT(q->ring_ix == 8 && q->desc_sz == 2);
	EXPECT(q->irq_en && q->irq_arm && q->wbk_en && !q->irq_aggr && !q->wbi_chk);
	EXPECT(v.next.dirty && test_bit(1, v.next.live[SVFF_MBOX_Q_H2C]));
	EXPECT(pf_session_active(&v.next) == 1);
	/* The same again: stopped before it is written anew. */
	s = v.next;
	v = decide(&s, mm_write(BASE + 1));
	EXPECT(!v.status && v.num_cmds == 3 && v.cmd[1].op == PF_CMD_QUEUE_STOP &&
	       v.cmd[2].op == PF_CMD_QUEUE_START);
	v = decide(&s, queue(SVFF_MBOX_OP_QCTXT_INV, BASE + 1));
	EXPECT(!v.status && v.num_cmds == 1 && v.cmd[0].op == PF_CMD_QUEUE_STOP);
	EXPECT(!pf_session_active(&v.next) && v.next.dirty);
	v = decide(&s, queue(SVFF_MBOX_OP_QCTXT_CLR, BASE + 1));
	EXPECT(!v.status && v.num_cmds == 1 && v.cmd[0].op == PF_CMD_QUEUE_CLEAR);
	v = decide(&s, queue(SVFF_MBOX_OP_QCTXT_RD, BASE + 1));
	EXPECT(!v.status && v.num_cmds == 1 && v.cmd[0].op == PF_CMD_QUEUE_DUMP);
	EXPECT(v.rsp.hdr.op == 0x89 && le16_to_cpu(v.rsp.qctxt_id.qid_hw) == BASE + 1);
	return KTAP_PASS;
}

static enum ktap_result test_qctxt_st(const void *arg)
{
	struct pf_session s = session();
	struct pf_verdict v = decide(&s, st_write(BASE));
	const struct svff_qdma_hwq *q = &v.cmd[1].queue;

	EXPECT(!v.status && q->st && q->cmpt && q->dir == SVFF_QDMA_C2H);
	EXPECT(q->buf_ix == 4 && q->cnt_ix == 3 && q->timer_ix == 12 &&
	       q->cmpt_ring_ix == 11 && q->cmpt_base == 0x777000);
	EXPECT(test_bit(0, v.next.live[SVFF_MBOX_Q_C2H]) &&
	       test_bit(0, v.next.live[SVFF_MBOX_Q_CMPT]));
	return KTAP_PASS;
}

/* A receiving stream that is said to be an MM queue: what is cleared, or set up anew, has no completion ring. */
static enum ktap_result test_qctxt_other_kind(const void *arg)
{
	struct pf_session s = session();
	union svff_mbox_msg m = mm_write(BASE);
	struct pf_verdict v;

	s = decide(&s, st_write(BASE)).next;
	m.qctxt_id.flags |= SVFF_MBOX_QCTXT_C2H;
	v = decide(&s, m);
	EXPECT(!v.status && test_bit(0, v.next.live[SVFF_MBOX_Q_C2H]) && !test_bit(0, v.next.live[SVFF_MBOX_Q_CMPT]));
	m = queue(SVFF_MBOX_OP_QCTXT_CLR, BASE);
	m.qctxt_id.flags |= SVFF_MBOX_QCTXT_C2H;
	v = decide(&s, m);
	EXPECT(!v.status && !test_bit(0, v.next.live[SVFF_MBOX_Q_C2H]) && !test_bit(0, v.next.live[SVFF_MBOX_Q_CMPT]));
	m.hdr.op = SVFF_MBOX_OP_QCTXT_INV;
	v = decide(&s, m);
	EXPECT(!v.status && !test_bit(0, v.next.live[SVFF_MBOX_Q_C2H]) && test_bit(0, v.next.live[SVFF_MBOX_Q_CMPT]));
	return KTAP_PASS;
}

/* Every QCTXT request, also those that the vendor's PF lets through. */
static enum ktap_result test_qctxt_range(const void *arg)
{
	static const u16 wrong[] = { 0, BASE - 1, BASE + GRANTED, BASE + QUOTA, 2047, 65535 };
	static const u8 cmpt[] = { SVFF_MBOX_CMPT_ONLY, SVFF_MBOX_CMPT_WITH_MM,
				   SVFF_MBOX_CMPT_NONE };
	struct pf_session s = session();
	unsigned int i, c;
	u8 op;

	for (op = SVFF_MBOX_OP_QCTXT_WRT; op <= SVFF_MBOX_OP_QCTXT_INV; op++)
		for (i = 0; i < ARRAY_SIZE(wrong); i++)
			for (c = 0; c < ARRAY_SIZE(cmpt); c++) {
				union svff_mbox_msg m = queue(op, wrong[i]);
				struct pf_verdict v;

				m.qctxt_id.flags = FIELD_PREP(SVFF_MBOX_QCTXT_CMPT, cmpt[c]);
				v = decide(&s, m);
				REFUSED(v, s, SVFF_MBOX_ERR_QID);
			}
	return KTAP_PASS;
}

#define WRT(field, value, st) do {					\
	union svff_mbox_msg m_ = st_write(BASE);			\
	struct pf_verdict v_;						\
									\
	m_.qctxt_wrt.field = (value);					\
	v_ = decide(&s, m_);						\
	REFUSED(v_, s, st);						\
} while (0)

static enum ktap_result test_qctxt_values(const void *arg)
{
	struct pf_session s = session();
	u32 cfg = le32_to_cpu(st_write(BASE).qctxt_wrt.cfg);

	WRT(ring_size, cpu_to_le16(1025), SVFF_MBOX_ERR_RING_SIZE);
	WRT(ring_size, cpu_to_le16(0), SVFF_MBOX_ERR_RING_SIZE);
	WRT(ring_size, cpu_to_le16(0xffff), SVFF_MBOX_ERR_RING_SIZE);
	WRT(cmpt_ring_size, cpu_to_le16(7), SVFF_MBOX_ERR_RING_SIZE);
	WRT(buf_size, cpu_to_le16(4095), SVFF_MBOX_ERR_BUF_SIZE);
	WRT(cnt_th, 3, SVFF_MBOX_ERR_CNT_TH);
	WRT(timer_cnt, 3, SVFF_MBOX_ERR_TIMER_TH);
	WRT(desc_base, cpu_to_le64(0x12345010), SVFF_MBOX_ERR_INVALID_PARAM);
	WRT(cmpt_base, cpu_to_le64(0x777020), SVFF_MBOX_ERR_INVALID_PARAM);
	WRT(cfg, cpu_to_le32(cfg | SVFF_MBOX_QCFG_AT), SVFF_MBOX_ERR_NOT_SUPPORTED);
	WRT(cfg, cpu_to_le32(cfg | SVFF_MBOX_QCFG_CMPT_AT), SVFF_MBOX_ERR_NOT_SUPPORTED);
	WRT(cfg, cpu_to_le32(cfg | FIELD_PREP(SVFF_MBOX_QCFG_TRIG_MODE, 6)),
	    SVFF_MBOX_ERR_INVALID_PARAM);
	WRT(cfg, cpu_to_le32(cfg | FIELD_PREP(SVFF_MBOX_QCFG_TRIG_MODE, 7)),
	    SVFF_MBOX_ERR_INVALID_PARAM);
	WRT(cfg, cpu_to_le32(cfg | FIELD_PREP(SVFF_MBOX_QCFG_DESC_SZ, 1)),
	    SVFF_MBOX_ERR_INVALID_PARAM);
	WRT(cfg, cpu_to_le32(cfg | FIELD_PREP(SVFF_MBOX_QCFG_DESC_SZ, 3)),
	    SVFF_MBOX_ERR_INVALID_PARAM);
	WRT(intr, cpu_to_le16(VECTORS), SVFF_MBOX_ERR_INVALID_PARAM);
	/* Not its ring; its ring, but not set up. */
	WRT(intr, cpu_to_le16(SVFF_MBOX_QINTR_AGGR | (FUNC + 1)), SVFF_MBOX_ERR_INVALID_PARAM);
	WRT(intr, cpu_to_le16(SVFF_MBOX_QINTR_AGGR | FUNC), SVFF_MBOX_ERR_INVALID_PARAM);
	return KTAP_PASS;
}

/* Each kind of queue has one size of its own, and 64 bytes with a bypass. */
static enum ktap_result test_qctxt_desc_size(const void *arg)
{
	static const struct {
		u8 flags;
		u8 size;
	} kinds[] = {
		{ SVFF_MBOX_CMPT_NONE << 2, 2 },
		{ SVFF_MBOX_QCTXT_C2H | SVFF_MBOX_CMPT_NONE << 2, 2 },
		{ SVFF_MBOX_QCTXT_ST | SVFF_MBOX_CMPT_NONE << 2, 1 },
		{ SVFF_MBOX_QCTXT_ST | SVFF_MBOX_QCTXT_C2H | SVFF_MBOX_CMPT_WITH_ST << 2, 0 },
	};
	struct pf_session s = session();
	unsigned int i, size;

	for (i = 0; i < 2 * ARRAY_SIZE(kinds); i++) {
		for (size = 0; size < 4; size++) {
			bool bypass = i % 2;
			union svff_mbox_msg m = st_write(BASE);
			u32 cfg = FIELD_PREP(SVFF_MBOX_QCFG_DESC_SZ, size);
			struct pf_verdict v;

			m.qctxt_id.flags = kinds[i / 2].flags;
			m.qctxt_wrt.cfg = cpu_to_le32(cfg | (bypass ? SVFF_MBOX_QCFG_BYPASS : 0));
			v = decide(&s, m);
			if (size == kinds[i / 2].size || (bypass && size == 3)) {
				EXPECT(!v.status && v.cmd[1].queue.desc_sz == size);
				continue;
			}
			REFUSED(v, s, SVFF_MBOX_ERR_INVALID_PARAM);
		}
	}
	return KTAP_PASS;
}

static enum ktap_result test_qctxt_kinds(const void *arg)
{
	static const u8 wrong[] = {
		/* ST H2C with a completion ring, ST C2H without, MM with. */
		SVFF_MBOX_QCTXT_ST | (SVFF_MBOX_CMPT_WITH_ST << 2),
		SVFF_MBOX_QCTXT_ST | SVFF_MBOX_QCTXT_C2H | (SVFF_MBOX_CMPT_NONE << 2),
		SVFF_MBOX_CMPT_WITH_ST << 2,
	};
	struct pf_session s = session();
	union svff_mbox_msg m;
	struct pf_verdict v;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		m = st_write(BASE);
		m.qctxt_id.flags = wrong[i];
		v = decide(&s, m);
		REFUSED(v, s, SVFF_MBOX_ERR_INVALID_PARAM);
	}
	for (i = SVFF_MBOX_CMPT_ONLY; i <= SVFF_MBOX_CMPT_WITH_MM; i++) {
		m = queue(SVFF_MBOX_OP_QCTXT_CLR, BASE);
		m.qctxt_id.flags = i << 2;
		v = decide(&s, m);
		REFUSED(v, s, SVFF_MBOX_ERR_NOT_SUPPORTED);
	}
	m = st_write(BASE);
	pf_request_decide(&card_mm, &s, &m, &v);
	REFUSED(v, s, SVFF_MBOX_ERR_NOT_SUPPORTED);
	return KTAP_PASS;
}

static enum ktap_result test_no_interrupt(const void *arg)
{
	struct pf_session s = session();
	union svff_mbox_msg m = mm_write(BASE);
	struct pf_verdict v;

	/* A driver that polls may leave anything there; it must not get through. */
	m.qctxt_wrt.cfg = cpu_to_le32(FIELD_PREP(SVFF_MBOX_QCFG_DESC_SZ, 2));
	m.qctxt_wrt.intr = cpu_to_le16(SVFF_MBOX_QINTR_AGGR | 0x7ff);
	v = decide(&s, m);
	EXPECT(!v.status && !v.cmd[1].queue.vec && !v.cmd[1].queue.irq_aggr);
	return KTAP_PASS;
}

static enum ktap_result test_irq_ring(const void *arg)
{
	struct pf_session s = session();
	struct pf_verdict v = decide(&s, ring(SVFF_MBOX_OP_INTR_CTXT_WRT));
	union svff_mbox_msg m;

	EXPECT(!v.status && v.num_cmds == 1 && v.cmd[0].op == PF_CMD_RING_WRITE);
	EXPECT(v.cmd[0].ring.index == FUNC && v.cmd[0].ring.func == FUNC &&
	       v.cmd[0].ring.vec == 2 && v.cmd[0].ring.base == 0x5000 &&
	       v.cmd[0].ring.pages == 1 && v.next.rings == 1);
	s = v.next;
	m = mm_write(BASE);
	m.qctxt_wrt.intr = cpu_to_le16(SVFF_MBOX_QINTR_AGGR | FUNC);
	v = decide(&s, m);
	EXPECT(!v.status && v.cmd[1].queue.irq_aggr && v.cmd[1].queue.vec == FUNC);
	v = decide(&s, ring(SVFF_MBOX_OP_INTR_CTXT_RD));
	EXPECT(!v.status && v.cmd[0].op == PF_CMD_RING_DUMP && v.cmd[0].ring.index == FUNC);
	v = decide(&s, ring(SVFF_MBOX_OP_INTR_CTXT_INV));
	EXPECT(!v.status && v.cmd[0].op == PF_CMD_RING_INV && v.next.rings == 1);
	v = decide(&s, ring(SVFF_MBOX_OP_INTR_CTXT_CLR));
	EXPECT(!v.status && v.cmd[0].op == PF_CMD_RING_CLEAR && !v.next.rings);
	return KTAP_PASS;
}

static union svff_mbox_msg ring_at(u8 op, u32 index)
{
	union svff_mbox_msg m = ring(op);

	m.intr_ctxt.ring_index = cpu_to_le32(index);
	return m;
}

static union svff_mbox_msg write_through(u32 index)
{
	union svff_mbox_msg m = mm_write(BASE);

	m.qctxt_wrt.intr = cpu_to_le16(SVFF_MBOX_QINTR_AGGR | index);
	return m;
}

/* Those that are kept for it, of which it knows, one by one; and no other. */
static enum ktap_result test_more_rings(const void *arg)
{
	struct pf_session s = session();
	struct pf_verdict v;
	u32 i;

	s.first_ring = MORE;
	s.more_rings = 3;
	v = decide(&s, ring_at(SVFF_MBOX_OP_INTR_CTXT_WRT, MORE));
	REFUSED(v, s, SVFF_MBOX_ERR_INVALID_PARAM);
	v = decide(&s, hello_ext(1, SVFF_MBOX_EXT_RINGS));
	EXPECT(v.rsp.hello_rsp.ext.rings == 3 && v.rsp.hello_rsp.ext.first_ring == MORE);
	v = decide(&s, hello_ext(1, SVFF_MBOX_EXT_SEQ));
	EXPECT(!v.rsp.hello_rsp.ext.rings && !v.rsp.hello_rsp.ext.first_ring);

	s.ext = SVFF_MBOX_EXT_RINGS;
	for (i = 0; i < 512; i++) {
		v = decide(&s, ring_at(SVFF_MBOX_OP_INTR_CTXT_WRT, i));
		if (i == FUNC || (i >= MORE && i < MORE + 3)) {
			EXPECT(!v.status && v.num_cmds == 1 && v.cmd[0].ring.index == i);
			EXPECT(v.next.rings == (i == FUNC ? 1 : 2 << (i - MORE)));
		} else {
			REFUSED(v, s, SVFF_MBOX_ERR_INVALID_PARAM);
		}
	}
	s = decide(&s, ring_at(SVFF_MBOX_OP_INTR_CTXT_WRT, MORE + 1)).next;
	for (i = 0; i < 512; i++) {
		v = decide(&s, write_through(i));
		if (i == MORE + 1)
			EXPECT(!v.status && v.cmd[1].queue.irq_aggr && v.cmd[1].queue.vec == i);
		else
			REFUSED(v, s, SVFF_MBOX_ERR_INVALID_PARAM);
	}
	s = decide(&s, write_through(MORE + 1)).next;
	v = decide(&s, ring_at(SVFF_MBOX_OP_INTR_CTXT_CLR, MORE + 1));
	EXPECT(!v.status && v.cmd[0].ring.index == MORE + 1 && !v.next.rings);
	/* The queue still names it. */
	EXPECT(v.next.named == 4);
	EXPECT(!decide(&s, request(SVFF_MBOX_OP_VF_BYE)).next.named);
	v = decide(&s, ring_at(SVFF_MBOX_OP_INTR_CTXT_CLR, MORE + 3));
	REFUSED(v, s, SVFF_MBOX_ERR_INVALID_PARAM);
	return KTAP_PASS;
}

/* Whatever the number of VFs, no ring is kept for two of them, or is a VF's own. */
static enum ktap_result test_keep_rings(const void *arg)
{
	static const u32 cards[][2] = { { 1, 252 }, { 4, 252 }, { 1, 1 }, { 1, 16 }, { 130, 126 } };
	unsigned int c, n, num, i;

	for (c = 0; c < ARRAY_SIZE(cards); c++) {
		u32 first = cards[c][0], total = cards[c][1];

		for (num = 1; num <= total; num++) {
			struct pf_session s = session();
			u8 owner[PF_RING_INDICES] = { 0 };

			for (n = 1; n <= num; n++)
				owner[first + n - 1] = 1;
			for (n = 1; n <= num; n++) {
				pf_session_keep_rings(&s, n, first, total, num);
				EXPECT(s.more_rings < PF_RINGS_MAX);
				for (i = s.first_ring; i < s.first_ring + s.more_rings; i++) {
					EXPECT(i >= first && i < first + total && !owner[i]);
					owner[i] = 1;
				}
			}
		}
	}
	return KTAP_PASS;
}

/* The same rings before and after others came; none if there are too many, or none to be had. */
static enum ktap_result test_keep_rings_fixed(const void *arg)
{
	struct pf_session few = session(), many = session();

	pf_session_keep_rings(&few, 2, 1, 252, 2);
	pf_session_keep_rings(&many, 2, 1, 252, 238);
	EXPECT(few.more_rings == 7 && few.first_ring == 239);
	EXPECT(many.more_rings == 7 && many.first_ring == 239);
	pf_session_keep_rings(&many, 2, 1, 252, 239);
	EXPECT(!many.more_rings);
	pf_session_keep_rings(&many, 1, 4, 253, 1);
	EXPECT(!many.more_rings);
	return KTAP_PASS;
}

#define RING(field, value, st) do {					\
	union svff_mbox_msg m_ = ring(SVFF_MBOX_OP_INTR_CTXT_WRT);	\
	struct pf_verdict v_;						\
									\
	m_.intr_ctxt.field = (value);					\
	v_ = decide(&s, m_);						\
	REFUSED(v_, s, st);						\
} while (0)

static enum ktap_result test_irq_ring_values(const void *arg)
{
	struct pf_session s = session();
	u8 op;

	RING(vec, cpu_to_le16(VECTORS), SVFF_MBOX_ERR_INVALID_PARAM);
	RING(base, cpu_to_le64(0x5008), SVFF_MBOX_ERR_INVALID_PARAM);
	RING(page_size, 8, SVFF_MBOX_ERR_INVALID_PARAM);
	RING(page_size, 255, SVFF_MBOX_ERR_INVALID_PARAM);
	RING(valid, 0, SVFF_MBOX_ERR_INVALID_PARAM);
	RING(at, 1, SVFF_MBOX_ERR_NOT_SUPPORTED);
	RING(host_id, 1, SVFF_MBOX_ERR_NOT_SUPPORTED);
	RING(pasid, cpu_to_le32(1), SVFF_MBOX_ERR_NOT_SUPPORTED);
	RING(pasid_en, 1, SVFF_MBOX_ERR_NOT_SUPPORTED);
	for (op = SVFF_MBOX_OP_INTR_CTXT_WRT; op <= SVFF_MBOX_OP_INTR_CTXT_INV; op++) {
		static const u32 index[] = { 0, FUNC - 1, FUNC + 1, 256, 0x80000003 };
		union svff_mbox_msg m;
		struct pf_verdict v;
		unsigned int i;

		for (i = 0; i < ARRAY_SIZE(index); i++) {
			m = ring(op);
			m.intr_ctxt.ring_index = cpu_to_le32(index[i]);
			v = decide(&s, m);
			REFUSED(v, s, SVFF_MBOX_ERR_INVALID_PARAM);
		}
		for (i = 0; i < 256; i += 2) {
			m = ring(op);
			m.intr_ctxt.num_rings = i;
			v = decide(&s, m);
			REFUSED(v, s, SVFF_MBOX_ERR_INVALID_PARAM);
		}
	}
	return KTAP_PASS;
}

static enum ktap_result test_csr(const void *arg)
{
	struct pf_session s = session();
	struct pf_verdict v = decide(&s, request(SVFF_MBOX_OP_CSR));

	EXPECT(le16_to_cpu(v.rsp.csr_rsp.ring_size[15]) == 16385);
	EXPECT(le16_to_cpu(v.rsp.csr_rsp.buf_size[14]) == 9018);
	EXPECT(v.rsp.csr_rsp.timer_cnt[15] == 200 && v.rsp.csr_rsp.cnt_th[0] == 2);
	return KTAP_PASS;
}

static enum ktap_result test_reg_list(const void *arg)
{
	static const u8 counts[] = { 14, 14, 13 };
	struct pf_session s = session();
	union svff_mbox_msg m = request(SVFF_MBOX_OP_REG_LIST_READ);
	struct pf_verdict v;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		m.reg_list.group = cpu_to_le16(i);
		v = decide(&s, m);
		EXPECT(!v.status && v.num_cmds == 1 && v.cmd[0].op == PF_CMD_REGS);
		EXPECT(le16_to_cpu(v.rsp.reg_list.count) == counts[i]);
		EXPECT(v.rsp.reg_list.reg[counts[i] - 1].addr);
	}
	m.reg_list.group = cpu_to_le16(3);
	v = decide(&s, m);
	REFUSED(v, s, SVFF_MBOX_ERR_REG_READ);
	m.reg_list.group = cpu_to_le16(0xffff);
	v = decide(&s, m);
	REFUSED(v, s, SVFF_MBOX_ERR_REG_READ);
	return KTAP_PASS;
}

/* What a command that failed half-way has left is taken back with the session. */
static enum ktap_result test_fail(const void *arg)
{
	struct pf_session s = session();
	struct pf_verdict v = decide(&s, mm_write(BASE + 1));

	pf_request_fail(&v, &s);
	EXPECT(s.dirty && !pf_session_active(&s) && !s.rings);
	v = decide(&s, ring(SVFF_MBOX_OP_INTR_CTXT_WRT));
	EXPECT(!v.status);
	pf_request_fail(&v, &s);
	EXPECT(s.rings == 1);
	memset(&v, 0, sizeof(v));
	pf_request_release(&s, &v);
	EXPECT(v.num_cmds == 3 && v.cmd[1].op == PF_CMD_WIPE && v.cmd[2].op == PF_CMD_RING_CLEAR);
	/* A release that failed leaves all to be taken back. */
	pf_request_fail(&v, &s);
	EXPECT(s.dirty && s.rings == 1 && s.hello);
	return KTAP_PASS;
}

static enum ktap_result test_errno(const void *arg)
{
	EXPECT(pf_request_status(-ETIMEDOUT, 1) == SVFF_MBOX_ERR_BUSY_TIMEOUT);
	EXPECT(pf_request_status(-EBUSY, 1) == SVFF_MBOX_ERR_BUSY_TIMEOUT);
	EXPECT(pf_request_status(-ENODEV, 1) == SVFF_MBOX_ERR_BUSY_TIMEOUT);
	EXPECT(pf_request_status(-EINVAL, SVFF_MBOX_ERR_FMAP) == SVFF_MBOX_ERR_FMAP);
	return KTAP_PASS;
}

static bool is_ring_of(const struct pf_session *s, u32 index)
{
	return index == s->func || (s->ext & SVFF_MBOX_EXT_RINGS && index >= s->first_ring &&
				    index < (u32)s->first_ring + s->more_rings);
}

static bool cmd_is_safe(const struct pf_session *s, const struct pf_cmd *c)
{
	switch (c->op) {
	case PF_CMD_FMAP:
		return !c->range.count || (c->range.base == s->base &&
					   c->range.count == s->granted);
	case PF_CMD_WIPE:
		return c->range.base == s->base && c->range.count == s->quota;
	case PF_CMD_QUEUE_START:
		if (c->queue.irq_aggr ? !is_ring_of(s, c->queue.vec) :
					c->queue.vec >= s->vectors)
			return false;
		/* fall through */
	case PF_CMD_QUEUE_STOP:
	case PF_CMD_QUEUE_CLEAR:
	case PF_CMD_QUEUE_DUMP:
		return c->queue.func == s->func && c->queue.qid >= s->base &&
		       c->queue.qid < s->base + s->granted;
	case PF_CMD_RING_WRITE:
		if (c->ring.func != s->func || c->ring.vec >= s->vectors ||
		    c->ring.pages < 1 || c->ring.pages > 8 || c->ring.base % 4096)
			return false;
		/* fall through */
	case PF_CMD_RING_INV:
	case PF_CMD_RING_CLEAR:
	case PF_CMD_RING_DUMP:
		return is_ring_of(s, c->ring.index);
	case PF_CMD_REGS:
		return true;
	}
	return false;
}

/* Starts from a message that passes, so that one wrong byte is what is seen. */
static union svff_mbox_msg random_msg(unsigned int *seed)
{
	union svff_mbox_msg seeds[] = {
		range(SVFF_MBOX_OP_HELLO, SVFF_MBOX_QBASE_ANY, 0),
		range(SVFF_MBOX_OP_QREQ, SVFF_MBOX_QBASE_ANY, GRANTED),
		range(SVFF_MBOX_OP_FMAP, BASE, GRANTED),
		mm_write(BASE), st_write(BASE + 1), mm_write(BASE + 2),
		queue(SVFF_MBOX_OP_QCTXT_RD, BASE), queue(SVFF_MBOX_OP_QCTXT_INV, BASE),
		ring(SVFF_MBOX_OP_INTR_CTXT_WRT), ring(SVFF_MBOX_OP_INTR_CTXT_RD),
		request(SVFF_MBOX_OP_VF_BYE), request(SVFF_MBOX_OP_REG_LIST_READ),
	};
	union svff_mbox_msg m = seeds[rand_r(seed) % ARRAY_SIZE(seeds)];
	u8 *bytes = (u8 *)&m;
	int i, flips = rand_r(seed) % 4;

	for (i = 0; i < flips; i++)
		bytes[rand_r(seed) % 56] = rand_r(seed) % 3 ? rand_r(seed) : BASE + rand_r(seed) % 8;
	if (!(rand_r(seed) % 16))
		for (i = 0; i < (int)sizeof(m); i++)
			bytes[i] = rand_r(seed);
	return m;
}

/* Whatever comes, no command leaves what the VF was granted. */
static enum ktap_result test_fuzz(const void *arg)
{
	struct pf_session s = session();
	unsigned int seed = 1, i, served = 0;
	int c;

	for (i = 0; i < 1000000; i++) {
		union svff_mbox_msg m = random_msg(&seed);
		struct pf_verdict v = decide(&s, m);
		static const union svff_mbox_msg zero;

		if (v.kind != PF_MSG_SERVE) {
			EXPECT(!v.num_cmds && !memcmp(&s, &v.next, sizeof(s)));
			continue;
		}
		EXPECT(v.num_cmds <= PF_CMDS_MAX);
		EXPECT(memcmp(&v.rsp, &zero, sizeof(zero)));
		EXPECT(v.rsp.hdr.op == (m.hdr.op | SVFF_MBOX_RSP));
		EXPECT(!v.status || !v.num_cmds);
		for (c = 0; c < v.num_cmds; c++)
			KTAP_FAIL_ON(!cmd_is_safe(&s, &v.cmd[c]),
				     "message %u, opcode 0x%02x: command %d", i,
				     m.hdr.op, v.cmd[c].op);
		EXPECT(v.next.granted <= v.next.quota && v.next.func == FUNC &&
		       v.next.base == BASE && v.next.quota == QUOTA);
		served += !v.status;
		s = v.next;
	}
	/* A fuzzer whose messages are all refused at the door tests the door. */
	KTAP_FAIL_ON(served < 100000, "only %u messages were served", served);
	return KTAP_PASS;
}

#define MS	1000000ULL

static enum ktap_result test_throttle_job(const void *arg)
{
	struct pf_throttle t;
	u64 now = 5;
	int i;

	pf_throttle_reset(&t, PF_THROTTLE_RATE, now);
	/* 256 queues up and down, as fast as a mailbox goes. */
	for (i = 0; i < 2200; i++)
		EXPECT(pf_throttle_check(&t, now += 10000) == PF_PASS);
	/* A driver that is bound and unbound for ever, at a human's pace. */
	for (i = 0; i < 100000; i++)
		EXPECT(pf_throttle_check(&t, now += MS) == PF_PASS);
	return KTAP_PASS;
}

static enum ktap_result test_throttle_flood(const void *arg)
{
	struct pf_throttle t;
	u64 now = 0;
	int i, muted = 0, passed = 0;

	pf_throttle_reset(&t, PF_THROTTLE_RATE, now);
	for (i = 0; i < 200000; i++) {
		enum pf_pass p = pf_throttle_check(&t, now += 50000);

		muted += p == PF_HOLD_MUTED;
		passed += p == PF_PASS;
		EXPECT(p != PF_PASS_UNMUTED);
	}
	KTAP_FAIL_ON(muted != 1, "muted %d times", muted);
	KTAP_FAIL_ON(passed > 2 * PF_THROTTLE_BURST(PF_THROTTLE_RATE), "%d passed", passed);
	EXPECT(pf_throttle_check(&t, now += PF_THROTTLE_QUIET_NS - 1) == PF_HOLD);
	EXPECT(pf_throttle_check(&t, now += PF_THROTTLE_QUIET_NS) == PF_PASS_UNMUTED);
	EXPECT(pf_throttle_check(&t, now += 1) == PF_PASS);
	return KTAP_PASS;
}

/* The administrator's rate counts, at both of its ends. */
static enum ktap_result test_throttle_rates(const void *arg)
{
	static const u32 rates[] = { 1, 2, 100, PF_THROTTLE_RATE_MAX };
	unsigned int r, i;

	for (r = 0; r < ARRAY_SIZE(rates); r++) {
		u32 rate = rates[r];
		struct pf_throttle t;

		pf_throttle_reset(&t, rate, 0);
		for (i = 0; i < PF_THROTTLE_BURST(rate); i++)
			EXPECT(pf_throttle_check(&t, 0) == PF_PASS);
		for (i = 1; i < PF_THROTTLE_MUTE(rate); i++)
			EXPECT(pf_throttle_check(&t, 0) == PF_HOLD);
		EXPECT(pf_throttle_check(&t, 0) == PF_HOLD_MUTED);
		EXPECT(pf_throttle_check(&t, 1) == PF_HOLD);
		pf_throttle_reset(&t, rate, 1);
		EXPECT(pf_throttle_check(&t, 1) == PF_PASS);
	}
	return KTAP_PASS;
}

static const struct ktap_case cases[] = {
	{ "response header", test_header },
	{ "zero messages and stray responses are dropped", test_drop },
	{ "unknown requests are refused", test_unknown },
	{ "bytes beyond the request and a status are refused", test_reserved },
	{ "padding and reserved bits are refused", test_pads },
	{ "requests before HELLO are refused", test_needs_hello },
	{ "HELLO", test_hello },
	{ "HELLO again takes everything back", test_hello_again },
	{ "the extension is for those who ask for it", test_ext },
	{ "sequence numbers come back", test_ext_seq },
	{ "answers to notices of the extension", test_ext_answers },
	{ "BYE takes everything back", test_bye },
	{ "QREQ grants up to the quota", test_qreq },
	{ "FMAP maps the grant and nothing else", test_fmap },
	{ "nothing runs unmapped", test_unmapped },
	{ "QNOTIFY and the active count", test_qnotify },
	{ "a VF that moved calls its queues as before", test_moved },
	{ "QCTXT of an MM queue", test_qctxt_mm },
	{ "QCTXT of an ST queue", test_qctxt_st },
	{ "a queue said to be of another kind", test_qctxt_other_kind },
	{ "QCTXT beyond the grant is refused", test_qctxt_range },
	{ "QCTXT values", test_qctxt_values },
	{ "QCTXT descriptor sizes", test_qctxt_desc_size },
	{ "QCTXT kinds of queues", test_qctxt_kinds },
	{ "QCTXT without interrupts", test_no_interrupt },
	{ "interrupt ring", test_irq_ring },
	{ "interrupt ring values", test_irq_ring_values },
	{ "more interrupt rings", test_more_rings },
	{ "interrupt rings are kept for one VF each", test_keep_rings },
	{ "and are the same for any number of VFs", test_keep_rings_fixed },
	{ "CSR tables", test_csr },
	{ "register lists", test_reg_list },
	{ "what a request that failed has left", test_fail },
	{ "errno to status", test_errno },
	{ "a million mutated messages stay within the grant", test_fuzz },
	{ "throttle lets a busy driver pass", test_throttle_job },
	{ "throttle mutes a flood and hears it again", test_throttle_flood },
	{ "throttle at other rates", test_throttle_rates },
	{ "image: it comes back as it was", test_image_round },
	{ "image: bytes on the wire", test_image_golden },
	{ "image: too short, too long", test_image_length },
	{ "image: damaged", test_image_corrupt },
	{ "image: wrong values", test_image_values },
	{ "image: where it fits", test_image_fits },
	{ "image: anything", test_image_fuzz },
};

int main(int argc, char **argv)
{
	return ktap_main(cases, ARRAY_SIZE(cases), argc > 1 ? argv[1] : NULL);
}
