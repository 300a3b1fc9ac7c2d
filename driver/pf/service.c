// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Serving the VFs' requests
 *
 * A message passes the throttle of its sender, is judged by request.c, and the
 * commands of the verdict are carried out here. The hardware holds one message
 * of each VF and shows them in turn, and each takes a bounded number of
 * context commands, so a VF that sends as fast as it can costs the others one
 * dropped message of its own per message of theirs.
 */
#include "pf.h"

#include <linux/bitfield.h>
#include <linux/ktime.h>
#include <linux/pci.h>
#include <linux/ratelimit.h>

static int exec_regs(struct svff_pf *pf, struct svff_mbox_reg_list *list)
{
	u32 value;
	int i, err;

	for (i = 0; i < le16_to_cpu(list->count); i++) {
		err = svff_qdma_reg_read(pf->qd, le32_to_cpu(list->reg[i].addr),
					 &value);
		if (err)
			return err;
		list->reg[i].value = cpu_to_le32(value);
	}
	return 0;
}

static int exec_cmd(struct svff_pf *pf, struct pf_verdict *v, struct pf_cmd *cmd)
{
	struct svff_qdma *qd = pf->qd;

	switch (cmd->op) {
	case PF_CMD_FMAP:
		return svff_qdma_fmap_write(qd, v->next.func, cmd->range.base,
					    cmd->range.count);
	case PF_CMD_WIPE:
		return svff_qdma_range_clear(qd, cmd->range.base, cmd->range.count);
	case PF_CMD_QUEUE_START:
		return svff_qdma_hwq_start(qd, &cmd->queue);
	case PF_CMD_QUEUE_STOP:
		return svff_qdma_hwq_stop(qd, &cmd->queue);
	case PF_CMD_QUEUE_CLEAR:
		return svff_qdma_hwq_clear(qd, &cmd->queue);
	case PF_CMD_QUEUE_DUMP:
		return svff_qdma_hwq_dump(qd, &cmd->queue, &v->rsp.qctxt_rd_rsp);
	case PF_CMD_RING_WRITE:
		return svff_qdma_irq_ring_write(qd, &cmd->ring);
	case PF_CMD_RING_INV:
		return svff_qdma_irq_ring_inv(qd, cmd->ring.index);
	case PF_CMD_RING_CLEAR:
		return svff_qdma_irq_ring_clear(qd, cmd->ring.index);
	case PF_CMD_RING_DUMP:
		return svff_qdma_irq_ring_dump(qd, cmd->ring.index, &v->rsp.intr_ctxt);
	case PF_CMD_REGS:
		return exec_regs(pf, &v->rsp.reg_list);
	}
	WARN_ONCE(1, "command %d\n", cmd->op);
	return -EINVAL;
}

static int exec_cmds(struct svff_pf *pf, struct pf_verdict *v)
{
	int i, err;

	for (i = 0; i < v->num_cmds; i++) {
		err = exec_cmd(pf, v, &v->cmd[i]);
		if (err)
			return err;
	}
	return 0;
}

/**
 * pf_session_set_locked() - the one way to change a session
 * @pf: card
 * @vf: VF
 * @next: its session from now on
 *
 * Context: process, svff_pf.lock held.
 */
void pf_session_set_locked(struct svff_pf *pf, struct pf_vf *vf,
			   const struct pf_session *next)
{
	lockdep_assert_held(&pf->lock);
	WRITE_ONCE(pf->num_sessions,
		   pf->num_sessions + next->hello - vf->session.hello);
	vf->session = *next;
	if (!next->hello)
		pf_forget_notices_locked(pf, vf);
	if (!pf->num_sessions)
		wake_up_all(&pf->no_sessions);
}

/**
 * pf_release_locked() - take back everything that a VF was given on request
 * @pf: card
 * @vf: VF
 *
 * Its range and quota stay. On failure nothing is forgotten, so that it can be
 * tried again.
 *
 * Context: process, svff_pf.lock held.
 * Return: 0, or the errno of the command that the card did not carry out.
 */
int pf_release_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	struct pf_verdict *v = &pf->verdict;
	int err;

	lockdep_assert_held(&pf->lock);
	memset(v, 0, sizeof(*v));
	pf_request_release(&vf->session, v);
	err = exec_cmds(pf, v);
	if (!err)
		pf_session_set_locked(pf, vf, &v->next);
	return err;
}

/* All-zero VF numbers and functions that are no VF of ours give NULL. */
static struct pf_vf *sender(struct svff_pf *pf, u16 src)
{
	lockdep_assert_held(&pf->lock);
	if (src < pf->first_func || src - pf->first_func >= pf->num_vfs)
		return NULL;
	return &pf->vfs[src - pf->first_func];
}

/**
 * pf_throttle_anew_locked() - a VF may send as if it had been quiet
 * @pf: card
 * @vf: VF; if it was muted that is over, and an event
 *
 * Context: process, svff_pf.lock held.
 */
void pf_throttle_anew_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	bool was_muted = vf->throttle.muted;

	lockdep_assert_held(&pf->lock);
	pf_throttle_reset(&vf->throttle, pf->vf_message_rate, ktime_get_ns());
	if (was_muted)
		pf_event(pf, SVFF_EVENT_VF_MUTED, pf_vf_number(pf, vf), 0, vf->stats.dropped);
}

static bool may_pass(struct svff_pf *pf, struct pf_vf *vf)
{
	enum pf_pass pass = pf_throttle_check(&vf->throttle, ktime_get_ns());
	unsigned int n = pf_vf_number(pf, vf);

	if (pass == PF_PASS)
		return true;
	if (pass == PF_PASS_UNMUTED) {
		pf_event(pf, SVFF_EVENT_VF_MUTED, n, 0, vf->stats.dropped);
		return true;
	}
	vf->stats.dropped++;
	if (pass == PF_HOLD_MUTED) {
		dev_warn(&pf->pdev->dev,
			 "VF%u floods the mailbox: not heard until it is quiet for %llu s\n",
			 n, PF_THROTTLE_QUIET_NS / NSEC_PER_SEC);
		pf_event(pf, SVFF_EVENT_VF_MUTED, n, 1, vf->stats.dropped);
	}
	return false;
}

/* Where a request leaves the VF; a release that failed leaves it in ERROR. */
static void settle(struct svff_pf *pf, struct pf_vf *vf, u8 op, bool failed)
{
	switch (op) {
	case SVFF_MBOX_OP_HELLO:
		pf_forget_notices_locked(pf, vf);
		pf_state_enter_locked(pf, vf, failed ? SVFF_VF_ERROR : SVFF_VF_ACTIVE);
		break;
	case SVFF_MBOX_OP_VF_BYE:
	case SVFF_MBOX_OP_PF_RESET_VF_BYE:
		if (failed)
			pf_state_enter_locked(pf, vf, SVFF_VF_ERROR);
		else if (vf->state == SVFF_VF_ACTIVE)
			pf_state_enter_locked(pf, vf, SVFF_VF_READY);
		break;
	}
}

static void complain(struct svff_pf *pf, struct pf_vf *vf, u8 op, u8 status)
{
	unsigned int n = pf_vf_number(pf, vf);

	pf_event(pf, SVFF_EVENT_VF_REFUSED, n, op, status);
	if (__ratelimit(&vf->complaints))
		dev_warn(&pf->pdev->dev,
			 "VF%u: request 0x%02x refused with status %u\n",
			 n, op, status);
}

static void answer(struct svff_pf *pf, struct pf_vf *vf, struct pf_verdict *v)
{
	int err;

	v->rsp.hdr.status = -(s8)v->status;
	err = svff_qdma_mbox_send(pf->qd, vf->session.func, &v->rsp);
	if (!err)
		return;
	vf->stats.dropped++;
	if (__ratelimit(&vf->complaints))
		dev_warn(&pf->pdev->dev, "VF%u: cannot be answered (%pe)\n",
			 pf_vf_number(pf, vf), ERR_PTR(err));
}

/* The header-only response of a request whose command failed. */
static void fail(struct pf_vf *vf, struct pf_verdict *v, int err)
{
	struct svff_mbox_hdr hdr = v->rsp.hdr;

	pf_request_fail(v, &vf->session);
	memset(&v->rsp, 0, sizeof(v->rsp));
	v->rsp.hdr = hdr;
	v->status = pf_request_status(err, v->fail_status);
}

static void serve(struct svff_pf *pf, struct pf_vf *vf, u8 op,
		  struct pf_verdict *v)
{
	struct svff_mbox_hdr hdr = v->rsp.hdr;
	int err = exec_cmds(pf, v);

	v->rsp.hdr = hdr;
	vf->stats.requests++;
	if (err)
		fail(vf, v, err);
	else
		pf_session_set_locked(pf, vf, &v->next);
	if (err || !v->status)
		settle(pf, vf, op, err);
	if (v->status) {
		vf->stats.refused++;
		complain(pf, vf, op, v->status);
	}
	if (!v->silent)
		answer(pf, vf, v);
}

/* Of a function that is just being reset all bits of its configuration are ones. */
#define PF_VECTORS_IN_RESET	((int)FIELD_MAX(PCI_MSIX_FLAGS_QSIZE) + 1)

/**
 * pf_learn_vectors_locked() - a VF has as many vectors as its PCI function says
 * @pf: card
 * @vf: VF
 *
 * One that does not say it, because it is being reset, has as many as it had.
 *
 * Context: process, svff_pf.lock held.
 */
void pf_learn_vectors_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	struct pci_dev *vfdev = pf_vf_device(pf, pf_vf_number(pf, vf));
	int n = vfdev ? pci_msix_vec_count(vfdev) : 0;

	pci_dev_put(vfdev);
	if (n != PF_VECTORS_IN_RESET)
		vf->session.vectors = clamp(n, 0, PF_VF_VECTORS_MAX);
}

static void handle(struct svff_pf *pf, struct pf_vf *vf, const union svff_mbox_msg *msg)
{
	struct pf_verdict *v = &pf->verdict;

	if (msg->hdr.op == SVFF_MBOX_OP_HELLO)
		pf_learn_vectors_locked(pf, vf);
	pf_request_decide(&pf->card, &vf->session, msg, v);
	if (v->kind == PF_MSG_SERVE)
		serve(pf, vf, msg->hdr.op, v);
	else if (v->kind == PF_MSG_REPLY)
		pf_take_answer_locked(pf, vf, msg);
	else
		vf->stats.dropped++;
}

/**
 * pf_serve_held_locked() - a request that was held back is served now
 * @pf: card
 * @vf: VF that sent it
 * @msg: the request
 *
 * Context: process, svff_pf.lock held.
 */
void pf_serve_held_locked(struct svff_pf *pf, struct pf_vf *vf, const union svff_mbox_msg *msg)
{
	lockdep_assert_held(&pf->lock);
	handle(pf, vf, msg);
}

/**
 * pf_mbox_recv() - a message arrived
 * @qd: the PF's manager
 * @src: function that sent it, on the hardware's word
 * @msg: the message; nothing in it is believed
 *
 * Context: process; takes svff_pf.lock.
 */
void pf_mbox_recv(struct svff_qdma *qd, u16 src, const union svff_mbox_msg *msg)
{
	struct svff_pf *pf = svff_qdma_priv(qd);
	struct pf_vf *vf;

	guard(mutex)(&pf->lock);
	vf = sender(pf, src);
	if (!vf) {
		dev_warn_ratelimited(&pf->pdev->dev,
				     "message from function %u, which is no VF here\n",
				     src);
		return;
	}
	vf->fresh = false;
	if (may_pass(pf, vf) && !pf_hold_locked(pf, vf, msg))
		handle(pf, vf, msg);
}
