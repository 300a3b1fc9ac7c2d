/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VF driver: what its files share.
 *
 * Lock order: device lock -> session_lock -> locks inside svff_qdma ->
 * mbox.lock -> mbox.reply_lock.
 */
#ifndef SVFF_VF_H
#define SVFF_VF_H

#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <svff/qdma.h>

#define VF_QUEUES_MAX	256	/* the doorbell window holds no more */

/**
 * struct vf_mbox - requests to the PF
 * @lock: one request at a time; protects what follows
 * @ext: SVFF_MBOX_EXT_* in force
 * @seq: sequence number of the last request
 * @stale: opcodes whose answer was not waited for and may still come
 * @silent: the last request was not answered
 * @reply_lock: protects what follows
 * @wanted: opcode of the response that is waited for, 0 if none
 * @wanted_seq: its sequence number, 0 if it has none
 * @closing: the session ends: no long waits for a PF that is silent
 * @cut: the link is down: no waits at all
 * @reply: the response
 * @done: it is here
 */
struct vf_mbox {
	struct mutex lock; /* see above */
	u32 ext;
	u16 seq;
	u32 stale;
	bool silent;
	spinlock_t reply_lock; /* see above */
	u8 wanted;
	u16 wanted_seq;
	bool closing;
	bool cut;
	union svff_mbox_msg reply;
	struct completion done;
};

/**
 * struct svff_vf - a VF
 * @pdev: its PCI function
 * @qd: its QDMA manager
 * @irq_mode: how completions are learnt of
 * @config: PCI configuration as it should be after a reset
 * @mbox: requests to the PF
 * @func: its function id, from HELLO
 * @csr: the card's tables, once the manager has asked for them
 *
 * @session_lock: serialises what begins and ends a session
 * @ready: interrupts and mailbox are on
 * @online: the PF knows it, and it has queues
 * @in_reset: the PF has said that it will be reset, and not yet that it was
 * @base: first hardware queue that it was granted
 * @count: how many it was granted
 *
 * @notice_lock: protects @notice, @pause and @leaving
 * @notice: last notice of the PF that was not acted upon, 0 if none
 * @pause: last PAUSE or RESUME that was not acted upon
 * @leaving: the driver goes away: notices are answered but not acted upon
 * @notice_work: acts upon it
 * @pause_work: acts upon @pause
 * @wake_work: makes the function listen again after a reset
 */
struct svff_vf {
	struct pci_dev *pdev;
	struct svff_qdma *qd;
	enum svff_qdma_irq_mode irq_mode;
	struct pci_saved_state *config;
	struct vf_mbox mbox;
	u16 func;
	struct svff_qdma_csr csr;

	struct mutex session_lock; /* see above */
	bool ready;
	bool online;
	bool in_reset;
	u32 base;
	u32 count;

	spinlock_t notice_lock; /* see above */
	u8 notice;
	union svff_mbox_msg pause;
	bool leaving;
	struct work_struct notice_work;
	struct work_struct pause_work;
	struct delayed_work wake_work;
};

/* main.c */
extern unsigned int vf_queues_wanted;
void vf_session_doubted(struct svff_vf *vf);

/* mbox.c */
void vf_mbox_init(struct svff_vf *vf);
void vf_mbox_begin(struct svff_vf *vf);
void vf_mbox_close(struct svff_vf *vf);
void vf_mbox_cut(struct svff_vf *vf, bool cut);
bool vf_mbox_reply(struct svff_vf *vf, const union svff_mbox_msg *msg);
void vf_mbox_agree(struct svff_vf *vf, const struct svff_mbox_ext *ext);
int vf_request(struct svff_vf *vf, union svff_mbox_msg *msg);
int vf_request_ok(struct svff_vf *vf, union svff_mbox_msg *msg);
void vf_send(struct svff_vf *vf, enum svff_mbox_op op);
const char *vf_status_name(s8 status);

/* queue.c */
int vf_hello(struct svff_vf *vf, u32 *quota);
int vf_queues_get(struct svff_vf *vf, u32 quota);
int vf_csr_read(struct svff_qdma *qd, struct svff_qdma_csr *csr);
int vf_hwq_start(struct svff_qdma *qd, const struct svff_qdma_hwq *q);
int vf_hwq_stop(struct svff_qdma *qd, const struct svff_qdma_hwq *q);
int vf_irq_ring_start(struct svff_qdma *qd, const struct svff_qdma_irq_ring *ring);
void vf_irq_ring_stop(struct svff_qdma *qd, const struct svff_qdma_irq_ring *ring);

/* wait.c */
int vf_wait_for(struct pci_dev *pdev);
void vf_wait_end(void);

#endif /* SVFF_VF_H */
