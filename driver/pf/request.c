// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: What a VF may ask for
 *
 * A message and what is known of its sender go in; a status, a list of commands
 * for the hardware and the sender's next state come out. Nothing in a message
 * is believed: the sender is the session's function id, which came from the
 * hardware, and every queue must lie in what that sender was granted. The
 * order of the checks is: known opcode, reserved bits and bytes, session,
 * then opcode by opcode range and values. A request that is not known is
 * answered too, as malformed, so that its sender need not wait for a time-out.
 * What is no request (a response that nobody asked for, a message of zeros) is
 * not answered.
 *
 * Where the vendor's PF driver trusts (function map, interrupt ring index and
 * function, reads and completion-only requests beyond the range) this one
 * refuses. Where it sends a wrong status (a queue that is out of range) this
 * one sends the right one.
 */
#include "decision.h"

#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#define PF_MORE_RINGS		(PF_RINGS_MAX - 1)

static bool any_bit(const unsigned long map[PF_QUEUE_TYPES][BITS_TO_LONGS(PF_VF_QUEUES_MAX)])
{
	int t;

	for (t = 0; t < PF_QUEUE_TYPES; t++)
		if (!bitmap_empty(map[t], PF_VF_QUEUES_MAX))
			return true;
	return false;
}

/**
 * pf_session_active() - how many queue directions are set up
 * @s: session
 *
 * Context: any.
 * Return: the number, completion rings not counted.
 */
u32 pf_session_active(const struct pf_session *s)
{
	return bitmap_weight(s->live[SVFF_MBOX_Q_H2C], PF_VF_QUEUES_MAX) +
	       bitmap_weight(s->live[SVFF_MBOX_Q_C2H], PF_VF_QUEUES_MAX);
}

/**
 * pf_session_ring() - index of an interrupt ring of a VF
 * @s: session
 * @i: number: 0 is the one with its function id, which all have
 *
 * Context: any.
 * Return: the index.
 */
u32 pf_session_ring(const struct pf_session *s, unsigned int i)
{
	return i ? s->first_ring + i - 1 : s->func;
}

/**
 * pf_ring_number() - which of a VF's interrupt rings an index means
 * @s: session
 * @index: as its driver gives it: the function's id, or one that was kept for it
 *
 * Context: any.
 * Return: 0 for its own, 1 and on for those from &pf_session.first_ring on, or -1 if it has no such ring.
 */
int pf_ring_number(const struct pf_session *s, u32 index)
{
	if (index == s->func)
		return 0;
	if (!(s->ext & SVFF_MBOX_EXT_RINGS) || index < s->first_ring ||
	    index - s->first_ring >= s->more_rings)
		return -1;
	return index - s->first_ring + 1;
}

/**
 * pf_session_keep_rings() - which interrupt rings are kept for a VF beside its own
 * @s: session
 * @n: VF number
 * @first_func: function id of VF 1
 * @total_vfs: VFs that there can be
 * @num_vfs: VFs that there are
 *
 * The ring that has a function's id as its index is that function's. Those of VFs
 * that do not exist are given to the others, so many for each and from the top
 * down: then a VF's rings do not depend on how many VFs there are, unless these
 * are so many that it has none.
 *
 * Context: any.
 */
void pf_session_keep_rings(struct pf_session *s, unsigned int n, u32 first_func,
			   u32 total_vfs, u32 num_vfs)
{
	u32 end = first_func + total_vfs;

	s->first_ring = 0;
	s->more_rings = 0;
	if (end > PF_RING_INDICES || num_vfs > total_vfs ||
	    n * PF_MORE_RINGS > total_vfs - num_vfs)
		return;
	s->first_ring = end - n * PF_MORE_RINGS;
	s->more_rings = PF_MORE_RINGS;
}

/**
 * pf_request_release() - take everything back that a VF's requests got it
 * @s: session
 * @v: verdict, empty so far: gets the commands and the next session
 *
 * What provisioning set stays. Doorbells are unmapped first, so that nothing
 * new starts while contexts are cleared.
 *
 * Context: any.
 */
void pf_request_release(const struct pf_session *s, struct pf_verdict *v)
{
	struct pf_session *next = &v->next;
	unsigned int i;

	memset(next, 0, sizeof(*next));
	next->func = s->func;
	next->vectors = s->vectors;
	next->base = s->base;
	next->told = s->base;
	next->quota = s->quota;
	next->first_ring = s->first_ring;
	next->more_rings = s->more_rings;

	pf_add_range_cmd(v, PF_CMD_FMAP, 0, 0);
	if (s->dirty && s->quota)
		pf_add_range_cmd(v, PF_CMD_WIPE, s->base, s->quota);
	for (i = 0; i < PF_RINGS_MAX; i++)
		if (s->rings & BIT(i))
			pf_add_cmd(v, PF_CMD_RING_CLEAR)->ring.index = pf_session_ring(s, i);
}

static u8 decide_bye(struct pf_decision *d)
{
	pf_request_release(d->s, d->v);
	return SVFF_MBOX_OK;
}

static u8 hello_caps0(const struct svff_qdma_caps *caps)
{
	return (caps->flr ? SVFF_MBOX_CAP0_FLR : 0) |
	       (caps->st ? SVFF_MBOX_CAP0_ST : 0) |
	       (caps->mm ? SVFF_MBOX_CAP0_MM : 0) |
	       SVFF_MBOX_CAP0_MAILBOX;
}

/* Unknown capabilities are left out of the answer, so that a newer VF may ask. */
static u8 decide_ext(struct pf_decision *d)
{
	const struct svff_mbox_ext *ext = &d->msg->hello.ext;
	struct svff_mbox_ext *rsp = &d->v->rsp.hello_rsp.ext;

	if (pf_bytes_zero(ext, ext + 1))
		return SVFF_MBOX_OK;
	if (le32_to_cpu(ext->magic) != SVFF_MBOX_EXT_MAGIC || !ext->version ||
	    ext->rings || ext->first_ring || ext->pad)
		return SVFF_MBOX_ERR_INVALID_MSG;
	d->v->next.ext = le32_to_cpu(ext->caps) & SVFF_MBOX_EXT_ALL;
	rsp->magic = ext->magic;
	rsp->version = SVFF_MBOX_EXT_VERSION;
	rsp->caps = cpu_to_le32(d->v->next.ext);
	if (d->v->next.ext & SVFF_MBOX_EXT_RINGS) {
		rsp->rings = d->s->more_rings;
		rsp->first_ring = d->s->first_ring;
	}
	return SVFF_MBOX_OK;
}

/*
 * A second HELLO without a BYE comes from a driver that crashed or a VF that
 * was reset: whatever it had is taken back first. The response's qmax tells a
 * driver that knows us its quota; the vendor's drivers ignore it.
 */
static u8 decide_hello(struct pf_decision *d)
{
	const struct svff_qdma_caps *caps = d->card->caps;
	struct svff_mbox_hello_rsp *rsp = &d->v->rsp.hello_rsp;

	pf_request_release(d->s, d->v);
	d->v->next.hello = true;
	rsp->qbase = cpu_to_le32(SVFF_MBOX_QBASE_ANY);
	rsp->qmax = cpu_to_le32(d->s->quota);
	rsp->num_pfs = caps->num_pfs;
	rsp->num_qs = cpu_to_le16(caps->num_queues);
	rsp->caps0 = hello_caps0(caps);
	rsp->mm_channels = caps->mm_channels;
	rsp->caps1 = SVFF_MBOX_CAP1_CMPT_OVF_CHK_DIS |
		     SVFF_MBOX_CAP1_MAILBOX_INTR | SVFF_MBOX_CAP1_SW_DESC_64B |
		     SVFF_MBOX_CAP1_CMPT_DESC_64B | SVFF_MBOX_CAP1_DYNAMIC_BAR |
		     SVFF_MBOX_CAP1_LEGACY_INTR | SVFF_MBOX_CAP1_CMPT_TRIG_TIMER;
	return decide_ext(d);
}

/*
 * A VF maps exactly what it was granted, or nothing. A reset of the VF clears the
 * queues that are mapped; others would go on for whom the VF is given to next.
 */
static u8 decide_fmap(struct pf_decision *d)
{
	u32 base = le32_to_cpu(d->msg->range.qbase);
	u32 count = le32_to_cpu(d->msg->range.qmax);

	d->v->fail_status = SVFF_MBOX_ERR_FMAP;
	if (count && (base != d->s->told || count != d->s->granted))
		return SVFF_MBOX_ERR_FMAP;
	if (!count && any_bit(d->s->live)) {
		pf_add_range_cmd(d->v, PF_CMD_WIPE, d->s->base, d->s->quota);
		memset(d->v->next.live, 0, sizeof(d->v->next.live));
	}
	pf_add_range_cmd(d->v, PF_CMD_FMAP, count ? d->s->base : 0, count);
	d->v->next.mapped = count;
	return SVFF_MBOX_OK;
}

static u8 decide_csr(struct pf_decision *d)
{
	const struct svff_qdma_csr *csr = d->card->csr;
	struct svff_mbox_csr_rsp *rsp = &d->v->rsp.csr_rsp;
	int i;

	for (i = 0; i < SVFF_MBOX_CSR_ENTRIES; i++) {
		rsp->ring_size[i] = cpu_to_le16(csr->ring_size[i]);
		rsp->buf_size[i] = cpu_to_le16((u16)csr->buf_size[i]);
		rsp->timer_cnt[i] = csr->timer_cnt[i];
		rsp->cnt_th[i] = csr->cnt_th[i];
	}
	return SVFF_MBOX_OK;
}

/*
 * The range is fixed by the quota, so a wish for another base is not followed;
 * the response says what was given.
 */
static u8 decide_qreq(struct pf_decision *d)
{
	u32 count = le32_to_cpu(d->msg->range.qmax);
	struct svff_mbox_range *rsp = &d->v->rsp.range;

	d->v->fail_status = SVFF_MBOX_ERR_NUM_QUEUES;
	if (count > d->s->quota || any_bit(d->s->announced) || any_bit(d->s->live))
		return SVFF_MBOX_ERR_NUM_QUEUES;
	pf_add_range_cmd(d->v, PF_CMD_FMAP, 0, 0);
	d->v->next.mapped = false;
	d->v->next.granted = count;
	d->v->next.told = d->s->base;
	rsp->qbase = cpu_to_le32(count ? d->s->base : SVFF_MBOX_QBASE_ANY);
	rsp->qmax = cpu_to_le32(count);
	return SVFF_MBOX_OK;
}

static u8 decide_qnotify(struct pf_decision *d)
{
	u32 qid = le16_to_cpu(d->msg->qnotify.qid_hw);
	u32 type = le32_to_cpu(d->msg->qnotify.qtype);

	if (!pf_hw_queue(d->s, &qid))
		return SVFF_MBOX_ERR_QID;
	if (type >= PF_QUEUE_TYPES)
		return SVFF_MBOX_ERR_INVALID_PARAM;
	__assign_bit(qid - d->s->base, d->v->next.announced[type],
		     d->msg->hdr.op == SVFF_MBOX_OP_QNOTIFY_ADD);
	return SVFF_MBOX_OK;
}

static u8 decide_qactive(struct pf_decision *d)
{
	struct svff_mbox_qactive_rsp *rsp = &d->v->rsp.qactive_rsp;
	u32 n[PF_QUEUE_TYPES];
	int t;

	for (t = 0; t < PF_QUEUE_TYPES; t++)
		n[t] = bitmap_weight(d->s->announced[t], PF_VF_QUEUES_MAX);
	rsp->h2c = cpu_to_le32(n[SVFF_MBOX_Q_H2C]);
	rsp->c2h = cpu_to_le32(n[SVFF_MBOX_Q_C2H]);
	rsp->cmpt = cpu_to_le32(n[SVFF_MBOX_Q_CMPT]);
	return SVFF_MBOX_OK;
}

/* Registers that a VF may see, by group; there is no group 3 on these cards. */
static const u32 reg_groups[][SVFF_MBOX_REG_LIST_MAX] = {
	{ 0x204, 0x208, 0x20c, 0x210, 0x214, 0x218, 0x21c,
	  0x220, 0x224, 0x228, 0x22c, 0x230, 0x234, 0x238 },
	{ 0xa80, 0xa84, 0xaf0, 0xaf4, 0xaf8, 0xafc, 0xb00,
	  0xb04, 0xb30, 0xb54, 0xb58, 0xb5c, 0xb60, 0xb74 },
	{ 0xb00, 0xb04, 0xb30, 0xb54, 0xb58, 0xb5c, 0xb60,
	  0xb74, 0xb78, 0xe00, 0xe04, 0xe08, 0xe20 },
};

static u8 decide_reg_list(struct pf_decision *d)
{
	const struct svff_mbox_reg_list *m = &d->msg->reg_list;
	struct svff_mbox_reg_list *rsp = &d->v->rsp.reg_list;
	u32 group = le16_to_cpu(m->group);
	int i;

	d->v->fail_status = SVFF_MBOX_ERR_REG_READ;
	if (group >= ARRAY_SIZE(reg_groups))
		return SVFF_MBOX_ERR_REG_READ;
	for (i = 0; i < SVFF_MBOX_REG_LIST_MAX && reg_groups[group][i]; i++)
		rsp->reg[i].addr = cpu_to_le32(reg_groups[group][i]);
	rsp->count = cpu_to_le16(i);
	pf_add_cmd(d->v, PF_CMD_REGS);
	return SVFF_MBOX_OK;
}

/**
 * struct pf_rule - what is common to the requests of one opcode
 * @len: bytes that the request may use; the rest of the message is zero
 * @anyone: also for a VF that has not said HELLO
 * @silent: no response
 * @pad: the two bytes behind the header are padding
 * @decide: the rest; returns the status
 */
struct pf_rule {
	u8 len;
	bool anyone;
	bool silent;
	bool pad;
	u8 (*decide)(struct pf_decision *d);
};

static const struct pf_rule rules[] = {
	[SVFF_MBOX_OP_VF_BYE] = {
		.len = sizeof(struct svff_mbox_hdr), .decide = decide_bye,
		.anyone = true, .silent = true },
	[SVFF_MBOX_OP_HELLO] = {
		.len = sizeof(struct svff_mbox_hello), .decide = decide_hello,
		.anyone = true, .pad = true },
	[SVFF_MBOX_OP_FMAP] = {
		.len = sizeof(struct svff_mbox_range), .decide = decide_fmap,
		.pad = true },
	[SVFF_MBOX_OP_CSR] = {
		.len = sizeof(struct svff_mbox_hdr), .decide = decide_csr },
	[SVFF_MBOX_OP_QREQ] = {
		.len = sizeof(struct svff_mbox_range), .decide = decide_qreq,
		.pad = true },
	[SVFF_MBOX_OP_QNOTIFY_ADD] = {
		.len = sizeof(struct svff_mbox_qnotify), .decide = decide_qnotify },
	[SVFF_MBOX_OP_QNOTIFY_DEL] = {
		.len = sizeof(struct svff_mbox_qnotify), .decide = decide_qnotify },
	[SVFF_MBOX_OP_QACTIVE_CNT] = {
		.len = sizeof(struct svff_mbox_hdr), .decide = decide_qactive },
	[SVFF_MBOX_OP_QCTXT_WRT] = {
		.len = sizeof(struct svff_mbox_qctxt_wrt), .decide = pf_decide_qctxt_wrt },
	[SVFF_MBOX_OP_QCTXT_RD] = {
		.len = sizeof(struct svff_mbox_qctxt_id), .decide = pf_decide_qctxt_rd },
	[SVFF_MBOX_OP_QCTXT_CLR] = {
		.len = sizeof(struct svff_mbox_qctxt_id), .decide = pf_decide_qctxt_end },
	[SVFF_MBOX_OP_QCTXT_INV] = {
		.len = sizeof(struct svff_mbox_qctxt_id), .decide = pf_decide_qctxt_end },
	[SVFF_MBOX_OP_INTR_CTXT_WRT] = {
		.len = sizeof(struct svff_mbox_intr_ctxt), .decide = pf_decide_intr_wrt },
	[SVFF_MBOX_OP_INTR_CTXT_RD] = {
		.len = sizeof(struct svff_mbox_intr_ctxt), .decide = pf_decide_intr_other },
	[SVFF_MBOX_OP_INTR_CTXT_CLR] = {
		.len = sizeof(struct svff_mbox_intr_ctxt), .decide = pf_decide_intr_other },
	[SVFF_MBOX_OP_INTR_CTXT_INV] = {
		.len = sizeof(struct svff_mbox_intr_ctxt), .decide = pf_decide_intr_other },
	[SVFF_MBOX_OP_REG_LIST_READ] = {
		.len = offsetof(struct svff_mbox_reg_list, count),
		.decide = decide_reg_list },
	[SVFF_MBOX_OP_PF_RESET_VF_BYE] = {
		.len = sizeof(struct svff_mbox_hdr), .decide = decide_bye,
		.anyone = true },
};

static const struct pf_rule *find_rule(u8 op)
{
	return op < ARRAY_SIZE(rules) && rules[op].decide ? &rules[op] : NULL;
}

/* Notices of the extension go to those that know it, and so do their answers. */
static bool answers_notice(const struct pf_session *s, u8 op)
{
	switch (op & ~SVFF_MBOX_RSP) {
	case SVFF_MBOX_OP_RESET_PREPARE:
	case SVFF_MBOX_OP_RESET_DONE:
	case SVFF_MBOX_OP_PF_BYE:
		return true;
	case SVFF_MBOX_OP_QUOTA:
		return s->ext & SVFF_MBOX_EXT_QUOTA;
	case SVFF_MBOX_OP_PAUSE:
	case SVFF_MBOX_OP_RESUME:
		return s->ext & SVFF_MBOX_EXT_PAUSE;
	default:
		return false;
	}
}

static enum pf_kind classify(const struct pf_session *s, const union svff_mbox_msg *msg)
{
	u8 op = msg->hdr.op;

	if (pf_bytes_zero(msg, msg + 1))
		return PF_MSG_DROP;
	if (!(op & SVFF_MBOX_RSP))
		return PF_MSG_SERVE;
	return answers_notice(s, op) ? PF_MSG_REPLY : PF_MSG_DROP;
}

static u8 decide_by_rule(struct pf_decision *d, const struct pf_rule *rule)
{
	const u8 *bytes = (const u8 *)d->msg;

	if (d->msg->hdr.status || !pf_bytes_zero(bytes + rule->len, d->msg + 1))
		return SVFF_MBOX_ERR_INVALID_MSG;
	if (rule->pad && !pf_bytes_zero(d->msg->range.pad, &d->msg->range.qbase))
		return SVFF_MBOX_ERR_INVALID_MSG;
	if (!rule->anyone && !d->s->hello)
		return SVFF_MBOX_ERR_NO_DEVICE;
	return rule->decide(d);
}

/*
 * HELLO has no sequence number. Who does not know yet that its session is over
 * (the card was reset) still has them, and hears of it by the same number.
 */
static bool has_seq(const struct pf_decision *d)
{
	if (d->msg->hdr.op == SVFF_MBOX_OP_HELLO || !d->msg->hdr.dst)
		return false;
	return !d->s->hello || (d->s->ext & SVFF_MBOX_EXT_SEQ);
}

static void compose_header(struct pf_decision *d)
{
	struct svff_mbox_hdr *hdr = &d->v->rsp.hdr;

	hdr->op = d->msg->hdr.op | SVFF_MBOX_RSP;
	hdr->status = -(s8)d->v->status;
	hdr->src = has_seq(d) ? d->msg->hdr.dst : cpu_to_le16(d->card->func);
	hdr->dst = cpu_to_le16(d->s->func);
}

/**
 * pf_request_decide() - judge a message
 * @card: the card
 * @s: session of the VF that the hardware says it is from
 * @msg: the message
 * @v: gets the decision; what it held is lost
 *
 * Context: any; reads its arguments and writes @v, nothing else.
 */
void pf_request_decide(const struct pf_card *card, const struct pf_session *s,
		       const union svff_mbox_msg *msg, struct pf_verdict *v)
{
	struct pf_decision d = { .card = card, .s = s, .msg = msg, .v = v };
	const struct pf_rule *rule;

	memset(v, 0, sizeof(*v));
	v->next = *s;
	v->kind = classify(s, msg);
	if (v->kind != PF_MSG_SERVE)
		return;

	rule = find_rule(msg->hdr.op);
	v->silent = rule && rule->silent;
	v->fail_status = SVFF_MBOX_ERR_INVALID_PARAM;
	v->status = rule ? decide_by_rule(&d, rule) : SVFF_MBOX_ERR_INVALID_MSG;
	if (v->status) {
		memset(&v->rsp, 0, sizeof(v->rsp));
		v->next = *s;
		v->num_cmds = 0;
	}
	compose_header(&d);
}

/**
 * pf_request_fail() - a command of a request failed: what the card may hold nevertheless
 * @v: verdict
 * @s: session of the VF that asked; changed, so that a release clears that too
 *
 * A command that did not end in time may end later.
 *
 * Context: any.
 */
void pf_request_fail(const struct pf_verdict *v, struct pf_session *s)
{
	s->dirty |= v->next.dirty;
	s->rings |= v->next.rings;
	s->named |= v->next.named;
}

/**
 * pf_request_status() - status for a command that failed
 * @err: its errno
 * @fail_status: status if @err has none of its own
 *
 * Context: any.
 * Return: an &enum svff_mbox_status, never SVFF_MBOX_OK.
 */
u8 pf_request_status(int err, u8 fail_status)
{
	switch (err) {
	case -ENOMEM:
		return SVFF_MBOX_ERR_NO_MEM;
	case -EBUSY:
	case -ETIMEDOUT:
	/* Not that there is no session: a VF would take what it has for cleared. */
	case -ENODEV:
		return SVFF_MBOX_ERR_BUSY_TIMEOUT;
	case -EOPNOTSUPP:
		return SVFF_MBOX_ERR_NOT_SUPPORTED;
	default:
		return fail_status;
	}
}
