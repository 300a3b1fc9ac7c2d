/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The QDMA manager, svff_qdma.ko
 *
 * It knows the hardware and no policy. A &struct svff_qdma is one PCI function
 * with a QDMA behind its BAR 0: a PF, which can reach the card's registers, or
 * a VF, which has doorbells and a mailbox only. What a VF cannot do by itself
 * (queue contexts, the card's tables) its driver does for the manager through
 * &struct svff_qdma_ops, by asking the PF.
 *
 * Words: "qid" is relative to the function, "hw qid" counts over the whole
 * card; "direction" is seen from the host; "function" is the QDMA's function
 * id (PFs first, then VFs), not a PCI address.
 *
 * Order of calls of a PF driver: svff_qdma_create(), svff_qdma_card_init(),
 * svff_qdma_irq_enable(), svff_qdma_mbox_enable(), svff_qdma_range_alloc(),
 * svff_qdma_fmap_write(), svff_qdma_data_create(); a VF driver leaves out what
 * is for PFs. The way back is the exact reverse.
 *
 * Before svff_qdma_create() the driver has enabled the PCI device, set its DMA
 * mask and made it a bus master; the manager requests and maps BAR 0 itself.
 * svff_qdma_data_create() is told the first hardware queue of the function: the
 * entries of an interrupt aggregation ring name hardware queues.
 */
#ifndef SVFF_QDMA_H
#define SVFF_QDMA_H

#include <linux/err.h>
#include <linux/pci.h>
#include <linux/types.h>
#include <svff/mbox_abi.h>

#define SVFF_QDMA_RING_SIZES	16	/* entries of each CSR table */
#define SVFF_QDMA_NO_RANGE	(~0U)

struct svff_qdma;

/**
 * enum svff_qdma_dir - direction of a queue, as the hardware counts
 * @SVFF_QDMA_H2C: host to card
 * @SVFF_QDMA_C2H: card to host
 */
enum svff_qdma_dir {
	SVFF_QDMA_H2C = 0,
	SVFF_QDMA_C2H = 1,
};

/**
 * enum svff_qdma_irq_mode - how a function learns of completions
 * @SVFF_QDMA_IRQ_POLL: it polls the write-back entries
 * @SVFF_QDMA_IRQ_DIRECT: each queue has an MSI-X vector
 * @SVFF_QDMA_IRQ_AGGR: queues share an interrupt aggregation ring
 */
enum svff_qdma_irq_mode {
	SVFF_QDMA_IRQ_POLL,
	SVFF_QDMA_IRQ_DIRECT,
	SVFF_QDMA_IRQ_AGGR,
};

/**
 * struct svff_qdma_caps - what the card is and has
 * @ip_type: "EQDMA", "QDMA", "CPM5"
 * @ip_version: "5.0" and so on
 * @num_queues: hardware queues of the card
 * @num_pfs: PFs of the card
 * @mm_channels: MM channels
 * @func_id: the QDMA's id of this function; a VF learns it by HELLO
 * @mm: memory mapped transfers
 * @st: streams
 * @mailbox: has a mailbox
 * @flr: function level reset
 */
struct svff_qdma_caps {
	const char *ip_type;
	const char *ip_version;
	u16 num_queues;
	u8 num_pfs;
	u8 mm_channels;
	u16 func_id;
	bool mm;
	bool st;
	bool mailbox;
	bool flr;
};

/**
 * struct svff_qdma_csr - the card's tables of sizes and thresholds
 * @ring_size: entries of a ring, status entry included
 * @buf_size: ST C2H buffer size, bytes
 * @timer_cnt: completion timer, in ticks
 * @cnt_th: completion counter threshold
 */
struct svff_qdma_csr {
	u16 ring_size[SVFF_QDMA_RING_SIZES];
	u32 buf_size[SVFF_QDMA_RING_SIZES];
	u16 timer_cnt[SVFF_QDMA_RING_SIZES];
	u16 cnt_th[SVFF_QDMA_RING_SIZES];
};

/**
 * struct svff_qdma_hwq - set-up of one direction of one queue
 *
 * Values are indices where the hardware wants indices; who gets values from a
 * message looks them up in &struct svff_qdma_csr first.
 *
 * @qid: queue: hw qid for svff_qdma_hwq_*(), relative for &svff_qdma_ops
 * @func: function that owns it
 * @dir: direction
 * @st: stream, else memory mapped
 * @cmpt: has a completion ring (ST C2H)
 * @base: bus address of the descriptor ring, 4 KiB aligned
 * @cmpt_base: bus address of the completion ring
 * @vec: MSI-X vector, or interrupt ring if @irq_aggr
 * @ring_ix: index of the ring size
 * @cmpt_ring_ix: index of the completion ring's size
 * @buf_ix: index of the buffer size
 * @cnt_ix: index of the counter threshold
 * @timer_ix: index of the timer count
 * @desc_sz: descriptor size code: 0, 1, 2, 3 for 8, 16, 32, 64 bytes
 * @cmpt_desc_sz: completion entry size, same code
 * @trig_mode: completion trigger mode
 * @irq_en: raise interrupts
 * @irq_arm: armed from the start
 * @irq_aggr: see @vec
 * @wbk_en: write the status entry
 * @wbi_chk: write back and interrupt when the queue runs empty
 * @wbi_intvl_en: and every so many descriptors
 * @fcrd_en: fetch credit
 * @bypass: descriptors go to the bypass port
 * @pfch_en: prefetch (ST C2H)
 * @pfch_bypass: prefetch bypass
 * @cmpt_stat_en: write the completion ring's status entry
 * @cmpt_irq_en: raise interrupts for completions
 * @cmpt_ovf_dis: do not check for a full completion ring
 */
struct svff_qdma_hwq {
	u16 qid;
	u16 func;
	enum svff_qdma_dir dir;
	bool st;
	bool cmpt;
	u64 base;
	u64 cmpt_base;
	u16 vec;
	u8 ring_ix;
	u8 cmpt_ring_ix;
	u8 buf_ix;
	u8 cnt_ix;
	u8 timer_ix;
	u8 desc_sz;
	u8 cmpt_desc_sz;
	u8 trig_mode;
	bool irq_en;
	bool irq_arm;
	bool irq_aggr;
	bool wbk_en;
	bool wbi_chk;
	bool wbi_intvl_en;
	bool fcrd_en;
	bool bypass;
	bool pfch_en;
	bool pfch_bypass;
	bool cmpt_stat_en;
	bool cmpt_irq_en;
	bool cmpt_ovf_dis;
};

#define SVFF_QDMA_SW_WORDS	8
#define SVFF_QDMA_HW_WORDS	2
#define SVFF_QDMA_PFCH_WORDS	2
#define SVFF_QDMA_CMPT_WORDS	7
#define SVFF_QDMA_RING_WORDS	4

/**
 * struct svff_qdma_hwq_state - a direction of a queue that is at rest
 *
 * Contexts as the IP revision lays them out, so that two cards understand each
 * other's if their revisions are the same. Nothing in it but numbers that the
 * function's driver chose, and where the hardware is with them.
 *
 * @sw: software context
 * @hw: hardware context
 * @credit: credit context
 * @pfch: prefetch context (ST C2H)
 * @cmpt: completion context (ST C2H)
 */
struct svff_qdma_hwq_state {
	u32 sw[SVFF_QDMA_SW_WORDS];
	u32 hw[SVFF_QDMA_HW_WORDS];
	u32 credit;
	u32 pfch[SVFF_QDMA_PFCH_WORDS];
	u32 cmpt[SVFF_QDMA_CMPT_WORDS];
};

#define SVFF_QDMA_MBOX_UNTAKEN	9	/* an answer and notices that a function has not taken */

/**
 * struct svff_qdma_vf_mbox - what a reset clears of a VF's mailbox
 * @vector: MSI-X vector
 * @enable: interrupt enabled
 * @begun: there is something in @out
 * @out: its outgoing window: a message that was sent, or has been written and will be
 */
struct svff_qdma_vf_mbox {
	u32 vector;
	u32 enable;
	bool begun;
	union svff_mbox_msg out;
};

/**
 * struct svff_qdma_grant - what a state that is loaded may refer to
 * @func: function that it is loaded for
 * @vectors: MSI-X vectors of that function
 * @first_ring: first interrupt ring that is kept for it beside its own
 * @rings: interrupt rings that are loaded too: bit 0 the one whose index is @func,
 *	then those from @first_ring on
 */
struct svff_qdma_grant {
	u16 func;
	u16 vectors;
	u16 first_ring;
	u8 rings;
};

/**
 * struct svff_qdma_irq_ring - set-up of an interrupt aggregation ring
 * @index: ring, 0..255, unique on the card
 * @func: function that gets the interrupt
 * @vec: MSI-X vector of that function
 * @base: bus address, 4 KiB aligned
 * @pages: size in 4 KiB, 1..8
 */
struct svff_qdma_irq_ring {
	u16 index;
	u16 func;
	u16 vec;
	u64 base;
	u8 pages;
};

/**
 * struct svff_qdma_error - an error of the hardware, decoded
 * @id: number of the error, see svff_qdma_error_name()
 * @leaf: leaf of the error tree, &enum svff_error_leaf
 * @bit: bit of the leaf's status
 * @status: status of the leaf
 * @hw_qid: queue that the log register names, SVFF_QDMA_NO_RANGE if none
 * @dir: direction of that queue
 * @func: function that did it, SVFF_QDMA_NO_RANGE if not known
 */
struct svff_qdma_error {
	unsigned int id;
	u8 leaf;
	u8 bit;
	u32 status;
	u32 hw_qid;
	enum svff_qdma_dir dir;
	u32 func;
};

/**
 * struct svff_qdma_ops - what the manager asks of the driver above it
 *
 * All are called in process context and may sleep.
 *
 * @owner: module above the manager; an open data device keeps it loaded
 * @mbox_recv: a message arrived; @src is the hardware's word for who sent it
 *	(on a VF: always the PF). Never called twice at once for a function.
 * @hw_error: an error was decoded (PF)
 * @csr_read: VF: get the card's tables from the PF
 * @hwq_start: VF: have the PF set up the contexts of a queue; qid is relative
 * @hwq_stop: VF: have the PF invalidate them
 * @irq_ring_start: VF: have the PF set up an interrupt ring
 * @irq_ring_stop: VF: have the PF invalidate it
 */
struct svff_qdma_ops {
	struct module *owner;
	void (*mbox_recv)(struct svff_qdma *qd, u16 src,
			  const union svff_mbox_msg *msg);
	void (*hw_error)(struct svff_qdma *qd, const struct svff_qdma_error *err);
	int (*csr_read)(struct svff_qdma *qd, struct svff_qdma_csr *csr);
	int (*hwq_start)(struct svff_qdma *qd, const struct svff_qdma_hwq *q);
	int (*hwq_stop)(struct svff_qdma *qd, const struct svff_qdma_hwq *q);
	int (*irq_ring_start)(struct svff_qdma *qd,
			      const struct svff_qdma_irq_ring *ring);
	void (*irq_ring_stop)(struct svff_qdma *qd,
			      const struct svff_qdma_irq_ring *ring);
};

/* Life of a function. */
struct svff_qdma *svff_qdma_create(struct pci_dev *pdev, bool is_vf,
				   const struct svff_qdma_ops *ops, void *priv);
void svff_qdma_destroy(struct svff_qdma *qd);
void *svff_qdma_priv(const struct svff_qdma *qd);
struct pci_dev *svff_qdma_pdev(const struct svff_qdma *qd);
const struct svff_qdma_caps *svff_qdma_caps(const struct svff_qdma *qd);
void svff_qdma_set_caps(struct svff_qdma *qd, u16 func_id, bool mm, bool st);	/* VF */
void svff_qdma_set_irq_rings(struct svff_qdma *qd, u16 first, u16 count);

/* The card (PF only). */
int svff_qdma_card_init(struct svff_qdma *qd);
void svff_qdma_card_fini(struct svff_qdma *qd);
const struct svff_qdma_csr *svff_qdma_csr(const struct svff_qdma *qd);
bool svff_qdma_away(struct svff_qdma *qd);
bool svff_qdma_alive_again(struct svff_qdma *qd);
int svff_qdma_reg_read(struct svff_qdma *qd, u32 offset, u32 *value);

/* Errors of the hardware, by number. */
const char *svff_qdma_error_name(unsigned int id);

/* Queue ranges (PF only): who owns which hardware queues. */
int svff_qdma_range_alloc(struct svff_qdma *qd, u16 func, u32 count, u32 *base);
int svff_qdma_range_alloc_at(struct svff_qdma *qd, u16 func, u32 count, u32 base);
int svff_qdma_range_resize(struct svff_qdma *qd, u16 func, u32 count);
void svff_qdma_range_free(struct svff_qdma *qd, u16 func);
u32 svff_qdma_range_avail(struct svff_qdma *qd);	/* free, in total */
u32 svff_qdma_range_largest(struct svff_qdma *qd);	/* free, in one piece */
int svff_qdma_fmap_write(struct svff_qdma *qd, u16 func, u32 base, u32 count);
int svff_qdma_range_clear(struct svff_qdma *qd, u32 base, u32 count);

/* Contexts of a hardware queue (PF only). */
int svff_qdma_hwq_start(struct svff_qdma *qd, const struct svff_qdma_hwq *q);
int svff_qdma_hwq_stop(struct svff_qdma *qd, const struct svff_qdma_hwq *q);
int svff_qdma_hwq_clear(struct svff_qdma *qd, const struct svff_qdma_hwq *q);
int svff_qdma_hwq_dump(struct svff_qdma *qd, const struct svff_qdma_hwq *q,
		       struct svff_mbox_qctxt_rd_rsp *rsp);

/* A queue at rest, saved and loaded (PF only). */
int svff_qdma_hwq_kind(struct svff_qdma *qd, struct svff_qdma_hwq *q, bool *enabled);
int svff_qdma_hwq_halt(struct svff_qdma *qd, const struct svff_qdma_hwq *q);
int svff_qdma_hwq_unhalt(struct svff_qdma *qd, const struct svff_qdma_hwq *q);
int svff_qdma_hwq_at_rest(struct svff_qdma *qd, const struct svff_qdma_hwq *q);
int svff_qdma_hwq_save(struct svff_qdma *qd, const struct svff_qdma_hwq *q,
		       bool enabled, struct svff_qdma_hwq_state *state);
int svff_qdma_hwq_check(struct svff_qdma *qd, const struct svff_qdma_hwq *q,
			const struct svff_qdma_hwq_state *state,
			const struct svff_qdma_grant *grant);
bool svff_qdma_hwq_enabled(struct svff_qdma *qd, const struct svff_qdma_hwq_state *state);
int svff_qdma_hwq_load(struct svff_qdma *qd, const struct svff_qdma_hwq *q,
		       const struct svff_qdma_hwq_state *state);
int svff_qdma_irq_ring_save(struct svff_qdma *qd, u16 index, u32 *words);
int svff_qdma_irq_ring_check(struct svff_qdma *qd, const u32 *words,
			     const struct svff_qdma_grant *grant);
int svff_qdma_irq_ring_load(struct svff_qdma *qd, u16 index, u16 func, const u32 *words);

/* Interrupt rings (PF only). */
int svff_qdma_irq_ring_write(struct svff_qdma *qd,
			     const struct svff_qdma_irq_ring *ring);
int svff_qdma_irq_ring_clear(struct svff_qdma *qd, u16 index);
int svff_qdma_irq_ring_inv(struct svff_qdma *qd, u16 index);
int svff_qdma_irq_ring_dump(struct svff_qdma *qd, u16 index,
			    struct svff_mbox_intr_ctxt *rsp);

/* Interrupts and mailbox of the function itself. */
int svff_qdma_irq_enable(struct svff_qdma *qd, enum svff_qdma_irq_mode mode);
void svff_qdma_irq_disable(struct svff_qdma *qd);
int svff_qdma_mbox_enable(struct svff_qdma *qd);
void svff_qdma_mbox_disable(struct svff_qdma *qd);
int svff_qdma_mbox_send(struct svff_qdma *qd, u16 dst,
			const union svff_mbox_msg *msg);

/* The mailbox of a function that is stopped for a while (PF only). */
void svff_qdma_mbox_drain(struct svff_qdma *qd);
bool svff_qdma_mbox_untaken(struct svff_qdma *qd, u16 dst);
unsigned int svff_qdma_mbox_take_back(struct svff_qdma *qd, u16 dst,
				      union svff_mbox_msg *msgs, bool *in_buffer);
void svff_qdma_mbox_look(struct svff_qdma *qd);
bool svff_qdma_mbox_pending(struct svff_qdma *qd, u16 dst);
int svff_qdma_vf_mbox_save(struct svff_qdma *qd, struct pci_dev *vf,
			   struct svff_qdma_vf_mbox *state);
int svff_qdma_vf_mbox_load(struct svff_qdma *qd, struct pci_dev *vf,
			   const struct svff_qdma_vf_mbox *state);

/* Data: queue pairs 0..count-1 of the function and its char devices. */
int svff_qdma_data_create(struct svff_qdma *qd, u32 base, u32 count);
int svff_qdma_data_destroy(struct svff_qdma *qd, bool force);
int svff_qdma_data_pause(struct svff_qdma *qd, unsigned int idle_ms);
void svff_qdma_data_resume(struct svff_qdma *qd);
bool svff_qdma_data_paused(const struct svff_qdma *qd);

#endif /* SVFF_QDMA_H */
