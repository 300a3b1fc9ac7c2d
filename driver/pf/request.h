/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the PF decides about a message of a VF. Pure: takes values, touches no
 * device, and is compiled by the host's unit tests.
 */
#ifndef SVFF_PF_REQUEST_H
#define SVFF_PF_REQUEST_H

#include <linux/bitmap.h>
#include <linux/types.h>
#include <svff/mbox_abi.h>
#include <svff/qdma.h>

#define PF_VF_QUEUES_MAX	256	/* a VF's doorbell window holds no more */
#define PF_VF_VECTORS_MAX	32	/* nor does the hardware serve more of these */
#define PF_QUEUE_TYPES		3	/* enum svff_mbox_qtype */
#define PF_RINGS_MAX		8	/* interrupt rings of a function */
#define PF_RING_INDICES		256	/* of a card */
#define PF_CMDS_MAX		(2 + PF_RINGS_MAX)

/**
 * struct pf_session - a VF as the mailbox sees it
 *
 * The first part is set by provisioning, the rest by the VF's own requests.
 *
 * @func: function id, what the hardware says about who sends
 * @vectors: MSI-X vectors it has
 * @base: first hardware queue that is kept for it
 * @quota: how many are kept for it
 * @first_ring: first interrupt ring that is kept for it beside its own
 * @more_rings: how many are
 * @ext: SVFF_MBOX_EXT_* that its driver and this one agreed upon
 * @told: @base as its driver knows it: another one, if the VF was resumed elsewhere
 * @granted: how many it has asked for and got, counted from @base
 * @hello: it has introduced itself
 * @mapped: its doorbells are mapped to what it was granted
 * @rings: interrupt rings that are set up: bit 0 its own, then those from
 *	@first_ring on
 * @named: interrupt rings, the same bits, that contexts of its queues may name, set up or not
 * @dirty: contexts of its queues hold something of it
 * @announced: QNOTIFY_ADD seen, by type
 * @live: contexts written and valid, by type
 */
struct pf_session {
	u16 func;
	u16 vectors;
	u32 base;
	u16 quota;
	u16 first_ring;
	u8 more_rings;

	u32 ext;
	u32 told;
	u16 granted;
	bool hello;
	bool mapped;
	u8 rings;
	u8 named;
	bool dirty;
	DECLARE_BITMAP(announced[PF_QUEUE_TYPES], PF_VF_QUEUES_MAX);
	DECLARE_BITMAP(live[PF_QUEUE_TYPES], PF_VF_QUEUES_MAX);
};

/**
 * struct pf_card - what the PF tells about the card
 * @func: function id of the PF
 * @caps: capabilities
 * @csr: tables of sizes and thresholds
 */
struct pf_card {
	u16 func;
	const struct svff_qdma_caps *caps;
	const struct svff_qdma_csr *csr;
};

/**
 * enum pf_cmd_op - work on the hardware that a request leads to
 * @PF_CMD_FMAP: map the VF's doorbells to @range
 * @PF_CMD_WIPE: clear all contexts of @range
 * @PF_CMD_QUEUE_START: write the contexts of @queue
 * @PF_CMD_QUEUE_STOP: invalidate them
 * @PF_CMD_QUEUE_CLEAR: clear them
 * @PF_CMD_QUEUE_DUMP: read them into the response
 * @PF_CMD_RING_WRITE: write the context of @ring
 * @PF_CMD_RING_INV: invalidate it
 * @PF_CMD_RING_CLEAR: clear it
 * @PF_CMD_RING_DUMP: read it into the response
 * @PF_CMD_REGS: read the registers that the response lists
 */
enum pf_cmd_op {
	PF_CMD_FMAP,
	PF_CMD_WIPE,
	PF_CMD_QUEUE_START,
	PF_CMD_QUEUE_STOP,
	PF_CMD_QUEUE_CLEAR,
	PF_CMD_QUEUE_DUMP,
	PF_CMD_RING_WRITE,
	PF_CMD_RING_INV,
	PF_CMD_RING_CLEAR,
	PF_CMD_RING_DUMP,
	PF_CMD_REGS,
};

/**
 * struct pf_cmd - one such piece of work
 * @op: what
 * @range: for FMAP, WIPE
 * @queue: for QUEUE_*
 * @ring: for RING_*
 */
struct pf_cmd {
	enum pf_cmd_op op;
	union {
		struct {
			u32 base;
			u32 count;
		} range;
		struct svff_qdma_hwq queue;
		struct svff_qdma_irq_ring ring;
	};
};

/**
 * enum pf_kind - what to do with a message
 * @PF_MSG_SERVE: it is a request: do it, then answer unless @silent
 * @PF_MSG_REPLY: it answers a notice of the PF: nothing to do
 * @PF_MSG_DROP: it is no request: count it, never answer
 */
enum pf_kind {
	PF_MSG_SERVE,
	PF_MSG_REPLY,
	PF_MSG_DROP,
};

/**
 * struct pf_verdict - the decision
 * @kind: what to do with the message
 * @silent: the protocol has no response to this request
 * @status: &enum svff_mbox_status; if not 0 there are no commands
 * @fail_status: status if a command fails in a way that has no own status
 * @num_cmds: number of commands
 * @cmd: commands, in order; the first that fails ends the list
 * @next: the session once all commands are done
 * @rsp: response; commands may fill in what they read
 */
struct pf_verdict {
	enum pf_kind kind;
	bool silent;
	u8 status;
	u8 fail_status;
	u8 num_cmds;
	struct pf_cmd cmd[PF_CMDS_MAX];
	struct pf_session next;
	union svff_mbox_msg rsp;
};

/**
 * enum pf_pass - what the throttle says about a message
 * @PF_PASS: serve it
 * @PF_PASS_UNMUTED: serve it; the VF was muted and has been quiet since
 * @PF_HOLD: drop it, the VF sends too fast
 * @PF_HOLD_MUTED: drop it, and the VF is muted from now on
 */
enum pf_pass {
	PF_PASS,
	PF_PASS_UNMUTED,
	PF_HOLD,
	PF_HOLD_MUTED,
};

/*
 * A VF that sets up or takes down all of its 256 queues sends some 1000
 * messages in a row, and may save up for four times as many. Who then has 1024
 * messages dropped is no driver with a job but a flood; it is heard again after
 * a second of silence. All but the second goes with the rate, which the
 * administrator may change.
 */
#define PF_THROTTLE_RATE	2048	/* messages per second */
#define PF_THROTTLE_RATE_MAX	1000000
#define PF_THROTTLE_BURST(rate)	(2 * (rate))
#define PF_THROTTLE_MUTE(rate)	(((rate) + 1) / 2)
#define PF_THROTTLE_QUIET_NS	1000000000ULL

/**
 * struct pf_throttle - token bucket of one VF
 * @rate: messages per second that it may send for long, 1 to PF_THROTTLE_RATE_MAX
 * @last_ns: when the last message came
 * @credit_ns: time that is worth tokens and was not turned into any yet
 * @tokens: messages it may send at once
 * @held: messages dropped since the bucket was last full
 * @muted: nothing passes until it is quiet for PF_THROTTLE_QUIET_NS
 */
struct pf_throttle {
	u32 rate;
	u64 last_ns;
	u64 credit_ns;
	u32 tokens;
	u32 held;
	bool muted;
};

void pf_throttle_reset(struct pf_throttle *t, u32 rate, u64 now_ns);
enum pf_pass pf_throttle_check(struct pf_throttle *t, u64 now_ns);

void pf_request_decide(const struct pf_card *card, const struct pf_session *s,
		       const union svff_mbox_msg *msg, struct pf_verdict *v);
void pf_request_release(const struct pf_session *s, struct pf_verdict *v);
void pf_request_fail(const struct pf_verdict *v, struct pf_session *s);
u8 pf_request_status(int err, u8 fail_status);
void pf_session_keep_rings(struct pf_session *s, unsigned int n, u32 first_func,
			   u32 total_vfs, u32 num_vfs);
u32 pf_session_ring(const struct pf_session *s, unsigned int i);
u32 pf_session_active(const struct pf_session *s);

#endif /* SVFF_PF_REQUEST_H */
