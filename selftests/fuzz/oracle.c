// SPDX-License-Identifier: GPL-2.0-only
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE		4096
#define LINE		64
#define RING_PAGES	8
#define TRIG_MODES	6
#define REG_LAST	0x1000	/* no register of a list lies beyond */

/* Ends the program, which the fuzzer takes for a crash and keeps the input of. */
#define MUST(cond) do {							\
	if (!(cond)) {							\
		fprintf(stderr, "oracle: line %d: %s\n", __LINE__, #cond);	\
		abort();						\
	}								\
} while (0)

/* Bytes that a request may use, by opcode; 0 for what is no request of a VF. */
static const u8 request_len[] = {
	[0x00] = 6, [0x01] = 28, [0x02] = 16, [0x03] = 6, [0x04] = 16, [0x05] = 12,
	[0x06] = 12, [0x07] = 6, [0x08] = 48, [0x09] = 16, [0x0a] = 16, [0x0b] = 16,
	[0x0c] = 48, [0x0d] = 48, [0x0e] = 48, [0x0f] = 48, [0x12] = 8, [0x14] = 6,
};

/* Bytes that a good response may use. */
static const u8 response_len[] = {
	[0x00] = 6, [0x01] = 40, [0x02] = 6, [0x03] = 104, [0x04] = 16, [0x05] = 6,
	[0x06] = 6, [0x07] = 20, [0x08] = 6, [0x09] = 128, [0x0a] = 6, [0x0b] = 6,
	[0x0c] = 6, [0x0d] = 48, [0x0e] = 6, [0x0f] = 6, [0x12] = 124, [0x14] = 6,
};

static bool is_request(u8 op)
{
	return op < sizeof(request_len) && request_len[op];
}

static bool is_leave(u8 op)
{
	return op == SVFF_MBOX_OP_VF_BYE || op == SVFF_MBOX_OP_PF_RESET_VF_BYE;
}

static bool is_zero(const void *from, size_t start, size_t end)
{
	const u8 *p = from;

	while (start < end)
		if (p[start++])
			return false;
	return true;
}

static bool is_qctxt(u8 op)
{
	return op >= SVFF_MBOX_OP_QCTXT_WRT && op <= SVFF_MBOX_OP_QCTXT_INV;
}

static bool is_ring(u8 op)
{
	return op >= SVFF_MBOX_OP_INTR_CTXT_WRT && op <= SVFF_MBOX_OP_INTR_CTXT_INV;
}

/* Padding and reserved bits, by byte of the message */
static bool reserved_zero(const union svff_mbox_msg *msg)
{
	const u8 *b = (const u8 *)msg;
	u8 op = b[0];

	if (b[1] || !is_zero(b, request_len[op], sizeof(*msg)))
		return false;
	if (op == SVFF_MBOX_OP_HELLO && !is_zero(b, 16, 28) &&
	    (memcmp(b + 16, "SVFF", 4) || !b[20] || !is_zero(b, 21, 24)))
		return false;
	if (op == SVFF_MBOX_OP_HELLO || op == SVFF_MBOX_OP_FMAP || op == SVFF_MBOX_OP_QREQ)
		return is_zero(b, 6, 8);
	if (is_qctxt(op) && ((b[8] & 0xf0) || !is_zero(b, 9, 16)))
		return false;
	if (op == SVFF_MBOX_OP_QCTXT_WRT)
		return !(b[34] & 0x80) && !b[35] && !(b[41] & 0xf0);
	if (is_ring(op))
		return is_zero(b, 6, 8) && is_zero(b, 9, 12) && is_zero(b, 34, 36) &&
		       !b[41] && is_zero(b, 44, 48);
	return true;
}

/* Its own, or one that it was told of */
static bool may_have_ring(const struct world *w, u32 index)
{
	return index < PF_RING_INDICES &&
	       (index == w->s->func || (w->more_rings && index >= w->s->first_ring &&
					index < (u32)w->s->first_ring + w->s->more_rings));
}

static bool any_ring(const struct world *w)
{
	return !is_zero(w->rings, 0, sizeof(w->rings));
}

static bool in_grant(const struct world *w, u32 qid)
{
	return qid >= w->s->base && qid < w->s->base + w->granted;
}

static void check_start(const struct world *w, const union svff_mbox_msg *msg,
			const struct svff_qdma_hwq *q)
{
	const struct svff_qdma_csr *csr = w->card->csr;
	const struct svff_mbox_qctxt_wrt *m = &msg->qctxt_wrt;

	MUST(msg->hdr.op == SVFF_MBOX_OP_QCTXT_WRT);
	/* Else a reset of the VF would not clear it. */
	MUST(w->fmap_count && q->qid >= w->fmap_base && q->qid < w->fmap_base + w->fmap_count);
	MUST(!(le32_to_cpu(m->cfg) & (SVFF_MBOX_QCFG_AT | SVFF_MBOX_QCFG_CMPT_AT)));
	MUST(q->base == le64_to_cpu(m->desc_base) && q->base % PAGE == 0);
	MUST(q->ring_ix < SVFF_QDMA_RING_SIZES && csr->ring_size[q->ring_ix]);
	MUST(csr->ring_size[q->ring_ix] - 1 == le16_to_cpu(m->ring_size));
	MUST(q->desc_sz == (!q->st ? 2 : q->dir == SVFF_QDMA_C2H ? 0 : 1) ||
	     (q->desc_sz == 3 && q->bypass));
	MUST(q->cmpt_desc_sz < 4 && q->trig_mode < TRIG_MODES);
	if (q->irq_aggr)
		MUST(may_have_ring(w, q->vec) && (w->rings[q->vec] || w->torn));
	else
		MUST(!q->vec || q->vec < w->s->vectors);
	if (q->irq_en || q->cmpt_irq_en)
		MUST(q->irq_aggr || q->vec < w->s->vectors);
	if (!q->cmpt) {
		MUST(!q->cmpt_irq_en && !q->cmpt_base && !q->pfch_en);
		return;
	}
	MUST(q->buf_ix < SVFF_QDMA_RING_SIZES && q->cnt_ix < SVFF_QDMA_RING_SIZES);
	MUST(q->timer_ix < SVFF_QDMA_RING_SIZES && q->cmpt_ring_ix < SVFF_QDMA_RING_SIZES);
	MUST(csr->ring_size[q->cmpt_ring_ix] - 1 == le16_to_cpu(m->cmpt_ring_size));
	MUST(csr->buf_size[q->buf_ix] && (u16)csr->buf_size[q->buf_ix] == le16_to_cpu(m->buf_size));
	MUST((u8)csr->cnt_th[q->cnt_ix] == m->cnt_th);
	MUST((u8)csr->timer_cnt[q->timer_ix] == m->timer_cnt);
	MUST(q->cmpt_base == le64_to_cpu(m->cmpt_base) && q->cmpt_base % LINE == 0);
}

static void check_queue(struct world *w, const union svff_mbox_msg *msg,
			const struct pf_cmd *cmd)
{
	const struct svff_qdma_hwq *q = &cmd->queue;
	const struct svff_qdma_caps *caps = w->card->caps;

	MUST(is_qctxt(msg->hdr.op) && w->hello);
	MUST(q->func == w->s->func);
	MUST(in_grant(w, q->qid) && q->qid == le16_to_cpu(msg->qctxt_id.qid_hw));
	MUST(q->st ? caps->st : caps->mm);
	MUST(q->cmpt == (q->st && q->dir == SVFF_QDMA_C2H));
	if (cmd->op == PF_CMD_QUEUE_START) {
		check_start(w, msg, q);
		MUST(!w->runs[q->dir][q->qid - w->s->base]);
	}
	if (cmd->op != PF_CMD_QUEUE_DUMP)
		w->runs[q->dir][q->qid - w->s->base] = cmd->op == PF_CMD_QUEUE_START;
}

static void check_ring(struct world *w, const union svff_mbox_msg *msg,
		       const struct pf_cmd *cmd)
{
	const struct svff_qdma_irq_ring *r = &cmd->ring;

	MUST(is_ring(msg->hdr.op) && w->hello && msg->intr_ctxt.num_rings == 1);
	MUST(may_have_ring(w, r->index));
	MUST(le32_to_cpu(msg->intr_ctxt.ring_index) == r->index);
	if (cmd->op == PF_CMD_RING_CLEAR)
		w->rings[r->index] = false;
	if (cmd->op != PF_CMD_RING_WRITE)
		return;
	MUST(msg->hdr.op == SVFF_MBOX_OP_INTR_CTXT_WRT && msg->intr_ctxt.valid == 1);
	MUST(r->func == w->s->func && r->vec < w->s->vectors);
	MUST(r->base == le64_to_cpu(msg->intr_ctxt.base) && r->base % PAGE == 0);
	MUST(r->pages && r->pages <= RING_PAGES && r->pages == msg->intr_ctxt.page_size + 1);
	MUST(!msg->intr_ctxt.at && !msg->intr_ctxt.host_id && !msg->intr_ctxt.pasid_en &&
	     !msg->intr_ctxt.pasid);
	w->rings[r->index] = true;
}

static void check_fmap(struct world *w, const struct pf_cmd *cmd)
{
	MUST(cmd->range.count ? w->hello && cmd->range.base == w->s->base &&
				cmd->range.count == w->granted : !cmd->range.base);
	w->fmap_base = cmd->range.base;
	w->fmap_count = cmd->range.count;
}

static void check_wipe(struct world *w, const struct pf_cmd *cmd)
{
	MUST(cmd->range.count && cmd->range.base == w->s->base &&
	     cmd->range.count == w->s->quota);
	memset(w->runs, 0, sizeof(w->runs));
}

static void check_regs(const struct pf_verdict *v)
{
	const struct svff_mbox_reg_list *list = &v->rsp.reg_list;
	unsigned int i, n = le16_to_cpu(list->count);

	MUST(n && n <= SVFF_MBOX_REG_LIST_MAX);
	for (i = 0; i < SVFF_MBOX_REG_LIST_MAX; i++) {
		u32 addr = le32_to_cpu(list->reg[i].addr);

		MUST(i < n ? addr && addr % 4 == 0 && addr < REG_LAST : !addr);
		MUST(!list->reg[i].value);
	}
}

static void check_release_cmd(struct world *w, const struct pf_cmd *cmd)
{
	switch (cmd->op) {
	case PF_CMD_FMAP:
		MUST(!cmd->range.count);
		check_fmap(w, cmd);
		return;
	case PF_CMD_WIPE:
		check_wipe(w, cmd);
		return;
	case PF_CMD_RING_CLEAR:
		MUST(may_have_ring(w, cmd->ring.index));
		w->rings[cmd->ring.index] = false;
		return;
	default:
		MUST(!"a release does nothing else");
	}
}

static void check_cmd(struct world *w, const union svff_mbox_msg *msg,
		      const struct pf_verdict *v, const struct pf_cmd *cmd)
{
	if (is_leave(msg->hdr.op) || msg->hdr.op == SVFF_MBOX_OP_HELLO) {
		check_release_cmd(w, cmd);
		return;
	}
	switch (cmd->op) {
	case PF_CMD_FMAP:
		check_fmap(w, cmd);
		return;
	case PF_CMD_WIPE:
		MUST(msg->hdr.op == SVFF_MBOX_OP_FMAP && !msg->range.qmax);
		check_wipe(w, cmd);
		return;
	case PF_CMD_QUEUE_START:
	case PF_CMD_QUEUE_STOP:
	case PF_CMD_QUEUE_CLEAR:
	case PF_CMD_QUEUE_DUMP:
		check_queue(w, msg, cmd);
		return;
	case PF_CMD_RING_WRITE:
	case PF_CMD_RING_INV:
	case PF_CMD_RING_CLEAR:
	case PF_CMD_RING_DUMP:
		check_ring(w, msg, cmd);
		return;
	case PF_CMD_REGS:
		check_regs(v);
		return;
	default:
		MUST(!"no request leads to this");
	}
}

/* What provisioning gave is nobody's to change. */
static void check_next(const struct world *w, const struct pf_session *next)
{
	MUST(next->func == w->s->func && next->vectors == w->s->vectors);
	MUST(next->base == w->s->base && next->quota == w->s->quota);
	MUST(next->first_ring == w->s->first_ring && next->more_rings == w->s->more_rings);
	MUST(next->granted <= next->quota);
}

static bool any_runs(const struct world *w, u32 from)
{
	for (; from < PF_VF_QUEUES_MAX; from++)
		if (w->runs[0][from] || w->runs[1][from])
			return true;
	return false;
}

/* The card after a request that was carried out */
static void check_card(const struct world *w)
{
	MUST(!w->fmap_count || (w->fmap_base == w->s->base && w->fmap_count == w->granted));
	MUST(!any_runs(w, w->torn ? w->granted : w->fmap_count));
	MUST(w->hello || (!w->granted && !any_ring(w)));
}

/* Only who asked for the extension gets it, and no more of it than it knows. */
static void follow_ext(struct world *w, const union svff_mbox_msg *msg,
		       const struct pf_verdict *v)
{
	u32 asked = le32_to_cpu(msg->hello.ext.caps);
	u32 given = le32_to_cpu(v->rsp.hello_rsp.ext.caps);

	if (!msg->hello.ext.magic)
		MUST(is_zero(&v->rsp.hello_rsp.ext, 0, sizeof(struct svff_mbox_ext)));
	else
		MUST(v->rsp.hello_rsp.ext.magic == msg->hello.ext.magic &&
		     v->rsp.hello_rsp.ext.version == 1 && given == (asked & 15));
	w->seq = given & SVFF_MBOX_EXT_SEQ;
	w->more_rings = given & SVFF_MBOX_EXT_RINGS;
	MUST(v->rsp.hello_rsp.ext.rings == (w->more_rings ? w->s->more_rings : 0));
	MUST(v->rsp.hello_rsp.ext.first_ring == (w->more_rings ? w->s->first_ring : 0));
}

/* The sender believes what it is told. */
static void follow(struct world *w, const union svff_mbox_msg *msg,
		   const struct pf_verdict *v)
{
	u8 op = msg->hdr.op;

	if (op == SVFF_MBOX_OP_HELLO || is_leave(op)) {
		w->hello = op == SVFF_MBOX_OP_HELLO;
		w->granted = 0;
		w->seq = false;
		w->more_rings = false;
		MUST(!any_runs(w, 0) && !any_ring(w) && !w->fmap_count);
	}
	if (op == SVFF_MBOX_OP_HELLO)
		follow_ext(w, msg, v);
	if (op == SVFF_MBOX_OP_QREQ) {
		w->granted = le32_to_cpu(v->rsp.range.qmax);
		MUST(w->granted == le32_to_cpu(msg->range.qmax) && w->granted <= w->s->quota);
		MUST(!any_runs(w, 0));
		MUST(!w->granted || le32_to_cpu(v->rsp.range.qbase) == w->s->base);
	}
	if (op == SVFF_MBOX_OP_QNOTIFY_ADD || op == SVFF_MBOX_OP_QNOTIFY_DEL)
		MUST(in_grant(w, le16_to_cpu(msg->qnotify.qid_hw)) &&
		     le32_to_cpu(msg->qnotify.qtype) < PF_QUEUE_TYPES);
	check_card(w);
}

static void check_response(const struct world *w, const union svff_mbox_msg *msg,
			   const struct pf_verdict *v)
{
	u8 op = msg->hdr.op;
	size_t used = v->status || !is_request(op) ? sizeof(v->rsp.hdr) : response_len[op];

	MUST(v->rsp.hdr.op == (op | SVFF_MBOX_RSP));
	MUST(v->rsp.hdr.status == -(s8)v->status);
	MUST(le16_to_cpu(v->rsp.hdr.dst) == w->s->func);
	if ((w->seq || !w->hello) && op != SVFF_MBOX_OP_HELLO && msg->hdr.dst)
		MUST(v->rsp.hdr.src == msg->hdr.dst);
	else
		MUST(le16_to_cpu(v->rsp.hdr.src) == w->card->func);
	MUST(is_zero(&v->rsp, used, sizeof(v->rsp)));
	MUST(v->silent == (op == SVFF_MBOX_OP_VF_BYE));
}

static void check_refusal(const struct pf_session *before, const struct pf_verdict *v)
{
	MUST(!v->num_cmds && !memcmp(&v->next, before, sizeof(*before)));
}

/**
 * oracle_start() - a VF that was just made
 * @w: world
 * @card: card
 * @s: the sender, which outlives the world
 */
void oracle_start(struct world *w, const struct pf_card *card, const struct pf_session *s)
{
	memset(w, 0, sizeof(*w));
	w->card = card;
	w->s = s;
}

/**
 * oracle_check() - judge the judgement
 * @w: world; becomes what it is after the commands
 * @before: session that was decided on
 * @msg: message
 * @v: decision
 * @done: commands that the card carried out; fewer than there are if one failed
 *
 * Ends the program if the VF gets what it was not granted.
 */
void oracle_check(struct world *w, const struct pf_session *before,
		  const union svff_mbox_msg *msg, const struct pf_verdict *v,
		  int done)
{
	u8 op = msg->hdr.op;
	int i;

	check_next(w, &v->next);
	MUST(v->num_cmds <= PF_CMDS_MAX);
	if ((op & SVFF_MBOX_RSP) || is_zero(msg, 0, sizeof(*msg))) {
		MUST(v->kind != PF_MSG_SERVE);
		check_refusal(before, v);
		return;
	}
	MUST(v->kind == PF_MSG_SERVE);
	check_response(w, msg, v);
	if (!is_request(op) || !reserved_zero(msg))
		MUST(v->status);
	if (!is_request(op))
		MUST(v->status == SVFF_MBOX_ERR_INVALID_MSG);
	else if (!w->hello && op != SVFF_MBOX_OP_HELLO && !is_leave(op))
		MUST(v->status == SVFF_MBOX_ERR_NO_DEVICE || !reserved_zero(msg));
	if (v->status) {
		check_refusal(before, v);
		return;
	}
	for (i = 0; i < done; i++)
		check_cmd(w, msg, v, &v->cmd[i]);
	if (is_leave(op) || op == SVFF_MBOX_OP_HELLO)
		w->torn = done != v->num_cmds;
	if (done == v->num_cmds)
		follow(w, msg, v);
}

/**
 * oracle_release() - the VF is taken down by the host
 * @w: world
 * @before: session that is released
 * @v: what pf_request_release() made of it
 */
void oracle_release(struct world *w, const struct pf_session *before,
		    const struct pf_verdict *v)
{
	int i;

	(void)before;
	check_next(w, &v->next);
	MUST(v->num_cmds <= PF_CMDS_MAX);
	for (i = 0; i < v->num_cmds; i++)
		check_release_cmd(w, &v->cmd[i]);
	MUST(!any_runs(w, 0) && !any_ring(w) && !w->fmap_count);
	MUST(!v->next.hello && !v->next.granted && !pf_session_active(&v->next));
}
