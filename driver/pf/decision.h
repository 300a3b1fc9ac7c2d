/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the policy share: request.c has the rules and what concerns the session, request_queue.c what
 * concerns the contexts of queues and interrupt rings.
 */
#ifndef SVFF_PF_DECISION_H
#define SVFF_PF_DECISION_H

#include "request.h"

/**
 * struct pf_decision - one message, while it is decided about
 * @card: what is known of the card
 * @s: its sender
 * @msg: the message; its reserved bits are not looked at yet
 * @v: what comes out
 */
struct pf_decision {
	const struct pf_card *card;
	const struct pf_session *s;
	const union svff_mbox_msg *msg;
	struct pf_verdict *v;
};

static inline bool pf_bytes_zero(const void *from, const void *end)
{
	const u8 *p;

	for (p = from; p < (const u8 *)end; p++)
		if (*p)
			return false;
	return true;
}

static inline struct pf_cmd *pf_add_cmd(struct pf_verdict *v, enum pf_cmd_op op)
{
	struct pf_cmd *cmd = &v->cmd[v->num_cmds++];

	cmd->op = op;
	return cmd;
}

static inline void pf_add_range_cmd(struct pf_verdict *v, enum pf_cmd_op op, u32 base, u32 count)
{
	struct pf_cmd *cmd = pf_add_cmd(v, op);

	cmd->range.base = base;
	cmd->range.count = count;
}

/* The VF's word for a queue becomes the hardware's; false if it was not granted. */
static inline bool pf_hw_queue(const struct pf_session *s, u32 *qid)
{
	if (*qid < s->told || *qid - s->told >= s->granted)
		return false;
	*qid = *qid - s->told + s->base;
	return true;
}

int pf_ring_number(const struct pf_session *s, u32 index);

u8 pf_decide_qctxt_wrt(struct pf_decision *d);
u8 pf_decide_qctxt_rd(struct pf_decision *d);
u8 pf_decide_qctxt_end(struct pf_decision *d);
u8 pf_decide_intr_wrt(struct pf_decision *d);
u8 pf_decide_intr_other(struct pf_decision *d);

#endif
