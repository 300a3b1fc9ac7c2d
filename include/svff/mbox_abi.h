/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The mailbox wire format between a VF and its PF
 *
 * The QDMA mailbox carries messages of 128 bytes. The layout below is the one
 * that the reference drivers of the hardware's vendor use (protocol as of
 * release 2024.1), so that their drivers and ours can be peers. Everything is
 * little endian. Padding is sent as zero. Nothing here is ever believed
 * because it is in the message: the sender is what the hardware says it is.
 *
 * A request is answered by the opcode + SVFF_MBOX_RSP, with the status of
 * &enum svff_mbox_status negated. Queue numbers in messages are absolute
 * hardware queue numbers; doorbells use numbers relative to the function.
 *
 * Two peers of this project find each other by HELLO: the request has a &struct
 * svff_mbox_ext behind what the vendor's drivers send, where theirs is zero and
 * their PF does not look, and a PF that knows it answers with one of its own. A
 * peer without it sees nothing of all this. What both have named is in force
 * until the VF's next HELLO or its leave:
 *
 * - SVFF_MBOX_EXT_SEQ: the header's field for the PF's function id (@dst of what
 *   a VF sends, @src of what a PF sends) holds a sequence number instead, never
 *   0. An answer has that of its question. HELLO and VF_BYE have none.
 * - SVFF_MBOX_EXT_QUOTA: the PF tells when the VF's quota has changed.
 * - SVFF_MBOX_EXT_PAUSE: the PF may ask the VF to start nothing new; the VF
 *   answers when nothing of it is under way any more. It goes on at RESUME, and
 *   in a new session.
 * - SVFF_MBOX_EXT_RINGS: the VF may have interrupt rings beside the one whose
 *   index is its function id; the answer says which.
 *
 * This header is used by drivers and by user space tests.
 */
#ifndef SVFF_MBOX_ABI_H
#define SVFF_MBOX_ABI_H

#include <linux/types.h>

#define SVFF_MBOX_MSG_WORDS	32
#define SVFF_MBOX_MSG_SIZE	(SVFF_MBOX_MSG_WORDS * 4)
#define SVFF_MBOX_RSP		0x80	/* response opcode = request | this */

/**
 * enum svff_mbox_op - what a message asks for
 * @SVFF_MBOX_OP_VF_BYE: VF goes away; no response
 * @SVFF_MBOX_OP_HELLO: VF introduces itself; response has the capabilities
 * @SVFF_MBOX_OP_FMAP: VF wants its granted queue range mapped
 * @SVFF_MBOX_OP_CSR: VF asks for the tables of sizes and thresholds
 * @SVFF_MBOX_OP_QREQ: VF asks for queues; 0 gives them back
 * @SVFF_MBOX_OP_QNOTIFY_ADD: VF is about to use a queue
 * @SVFF_MBOX_OP_QNOTIFY_DEL: VF no longer uses a queue
 * @SVFF_MBOX_OP_QACTIVE_CNT: VF asks how many queues it has announced
 * @SVFF_MBOX_OP_QCTXT_WRT: set up the contexts of a queue
 * @SVFF_MBOX_OP_QCTXT_RD: read them
 * @SVFF_MBOX_OP_QCTXT_CLR: clear them
 * @SVFF_MBOX_OP_QCTXT_INV: invalidate them (stop the queue)
 * @SVFF_MBOX_OP_INTR_CTXT_WRT: set up an interrupt aggregation ring
 * @SVFF_MBOX_OP_INTR_CTXT_RD: read its context
 * @SVFF_MBOX_OP_INTR_CTXT_CLR: clear it
 * @SVFF_MBOX_OP_INTR_CTXT_INV: invalidate it
 * @SVFF_MBOX_OP_RESET_PREPARE: PF to VF: stop, the card will be reset
 * @SVFF_MBOX_OP_RESET_DONE: PF to VF: start again
 * @SVFF_MBOX_OP_REG_LIST_READ: VF asks for registers (a debugging aid)
 * @SVFF_MBOX_OP_PF_BYE: PF to VF: the PF driver goes away
 * @SVFF_MBOX_OP_PF_RESET_VF_BYE: VF answers a reset by taking its leave
 * @SVFF_MBOX_OP_QUOTA: extension, PF to VF: its quota has changed
 * @SVFF_MBOX_OP_PAUSE: extension, PF to VF: start nothing, answer when idle
 * @SVFF_MBOX_OP_RESUME: extension, PF to VF: go on
 */
enum svff_mbox_op {
	SVFF_MBOX_OP_VF_BYE		= 0x00,
	SVFF_MBOX_OP_HELLO		= 0x01,
	SVFF_MBOX_OP_FMAP		= 0x02,
	SVFF_MBOX_OP_CSR		= 0x03,
	SVFF_MBOX_OP_QREQ		= 0x04,
	SVFF_MBOX_OP_QNOTIFY_ADD	= 0x05,
	SVFF_MBOX_OP_QNOTIFY_DEL	= 0x06,
	SVFF_MBOX_OP_QACTIVE_CNT	= 0x07,
	SVFF_MBOX_OP_QCTXT_WRT		= 0x08,
	SVFF_MBOX_OP_QCTXT_RD		= 0x09,
	SVFF_MBOX_OP_QCTXT_CLR		= 0x0a,
	SVFF_MBOX_OP_QCTXT_INV		= 0x0b,
	SVFF_MBOX_OP_INTR_CTXT_WRT	= 0x0c,
	SVFF_MBOX_OP_INTR_CTXT_RD	= 0x0d,
	SVFF_MBOX_OP_INTR_CTXT_CLR	= 0x0e,
	SVFF_MBOX_OP_INTR_CTXT_INV	= 0x0f,
	SVFF_MBOX_OP_RESET_PREPARE	= 0x10,
	SVFF_MBOX_OP_RESET_DONE		= 0x11,
	SVFF_MBOX_OP_REG_LIST_READ	= 0x12,
	SVFF_MBOX_OP_PF_BYE		= 0x13,
	SVFF_MBOX_OP_PF_RESET_VF_BYE	= 0x14,

	SVFF_MBOX_OP_QUOTA		= 0x40,
	SVFF_MBOX_OP_PAUSE		= 0x41,
	SVFF_MBOX_OP_RESUME		= 0x42,
};

/**
 * enum svff_mbox_status - result of a request, sent negated
 *
 * The numbers are the vendor protocol's; those that no mailbox peer sends are
 * left out.
 *
 * @SVFF_MBOX_OK: done
 * @SVFF_MBOX_ERR_INVALID_PARAM: a value that cannot be
 * @SVFF_MBOX_ERR_NO_MEM: the PF has no memory
 * @SVFF_MBOX_ERR_BUSY_TIMEOUT: the hardware did not end a command in time
 * @SVFF_MBOX_ERR_NOT_SUPPORTED: the card or the PF cannot do this
 * @SVFF_MBOX_ERR_NO_DEVICE: the VF has not said HELLO
 * @SVFF_MBOX_ERR_NO_QUEUES: no queue left
 * @SVFF_MBOX_ERR_QMAX_REJECTED: the number of queues cannot change now
 * @SVFF_MBOX_ERR_FMAP: not the range that was granted
 * @SVFF_MBOX_ERR_NUM_QUEUES: QREQ was refused
 * @SVFF_MBOX_ERR_QID: not a queue of the sender
 * @SVFF_MBOX_ERR_RING_SIZE: not a ring size of the table
 * @SVFF_MBOX_ERR_BUF_SIZE: not a buffer size of the table
 * @SVFF_MBOX_ERR_CNT_TH: not a counter threshold of the table
 * @SVFF_MBOX_ERR_TIMER_TH: not a timer count of the table
 * @SVFF_MBOX_ERR_INVALID_MSG: malformed, or an unknown opcode
 * @SVFF_MBOX_ERR_REG_READ: no such group of registers
 */
enum svff_mbox_status {
	SVFF_MBOX_OK			= 0,
	SVFF_MBOX_ERR_INVALID_PARAM	= 1,
	SVFF_MBOX_ERR_NO_MEM		= 2,
	SVFF_MBOX_ERR_BUSY_TIMEOUT	= 3,
	SVFF_MBOX_ERR_NOT_SUPPORTED	= 7,
	SVFF_MBOX_ERR_NO_DEVICE		= 11,
	SVFF_MBOX_ERR_NO_QUEUES		= 12,
	SVFF_MBOX_ERR_QMAX_REJECTED	= 13,
	SVFF_MBOX_ERR_FMAP		= 14,
	SVFF_MBOX_ERR_NUM_QUEUES	= 15,
	SVFF_MBOX_ERR_QID		= 16,
	SVFF_MBOX_ERR_RING_SIZE		= 17,
	SVFF_MBOX_ERR_BUF_SIZE		= 18,
	SVFF_MBOX_ERR_CNT_TH		= 19,
	SVFF_MBOX_ERR_TIMER_TH		= 20,
	SVFF_MBOX_ERR_INVALID_MSG	= 21,
	SVFF_MBOX_ERR_REG_READ		= 24,
};

/**
 * struct svff_mbox_hdr - start of every message
 * @op: &enum svff_mbox_op, with SVFF_MBOX_RSP in a response
 * @status: 0 in requests; 0 or minus an &enum svff_mbox_status in responses
 * @src: function id of the sender (not to be trusted by the PF)
 * @dst: function id of the receiver; 0 in a VF's requests
 *
 * See SVFF_MBOX_EXT_SEQ for the one of them that is the PF's.
 */
struct svff_mbox_hdr {
	__u8	op;
	__s8	status;
	__le16	src;
	__le16	dst;
} __attribute__((packed));

/**
 * struct svff_mbox_range - FMAP, QREQ and its response; start of HELLO
 * @hdr: header
 * @pad: zero
 * @qbase: first hardware queue; 0xffffffff in a request: no preference
 * @qmax: number of queues
 */
struct svff_mbox_range {
	struct svff_mbox_hdr hdr;
	__u8	pad[2];
	__le32	qbase;
	__le32	qmax;
} __attribute__((packed));

#define SVFF_MBOX_QBASE_ANY	0xffffffffU

#define SVFF_MBOX_EXT_MAGIC	0x46465653U	/* "SVFF" */
#define SVFF_MBOX_EXT_VERSION	1

/* struct svff_mbox_ext.caps */
#define SVFF_MBOX_EXT_SEQ	0x00000001U
#define SVFF_MBOX_EXT_QUOTA	0x00000002U
#define SVFF_MBOX_EXT_PAUSE	0x00000004U
#define SVFF_MBOX_EXT_RINGS	0x00000008U
#define SVFF_MBOX_EXT_ALL	0x0000000fU

/**
 * struct svff_mbox_ext - what a peer knows beyond the vendor's protocol
 * @magic: SVFF_MBOX_EXT_MAGIC
 * @version: request: the newest that the VF knows, at least 1; response: the
 *	newest that both know
 * @rings: request: zero; response: with SVFF_MBOX_EXT_RINGS, how many interrupt
 *	rings the VF may have beside its own, else zero
 * @first_ring: request: zero; response: index of the first of these
 * @pad: zero
 * @caps: request: SVFF_MBOX_EXT_* that the VF knows; response: those in force.
 *	A PF ignores bits that it does not know.
 */
struct svff_mbox_ext {
	__le32	magic;
	__u8	version;
	__u8	rings;
	__u8	first_ring;
	__u8	pad;
	__le32	caps;
} __attribute__((packed));

/**
 * struct svff_mbox_hello - HELLO request
 * @range: qbase SVFF_MBOX_QBASE_ANY, qmax 0; not looked at
 * @ext: all zero from a VF that does not know it
 */
struct svff_mbox_hello {
	struct svff_mbox_range range;
	struct svff_mbox_ext ext;
} __attribute__((packed));

/* struct svff_mbox_hello_rsp.caps0 */
#define SVFF_MBOX_CAP0_FLR		0x01
#define SVFF_MBOX_CAP0_ST		0x02
#define SVFF_MBOX_CAP0_MM		0x04
#define SVFF_MBOX_CAP0_MM_CMPT		0x08
#define SVFF_MBOX_CAP0_MAILBOX		0x10
#define SVFF_MBOX_CAP0_DEBUG		0x20
#define SVFF_MBOX_CAP0_DSC_ENG_MODE	0xc0

/* struct svff_mbox_hello_rsp.caps1 */
#define SVFF_MBOX_CAP1_QID2VEC		0x01
#define SVFF_MBOX_CAP1_CMPT_OVF_CHK_DIS	0x02
#define SVFF_MBOX_CAP1_MAILBOX_INTR	0x04
#define SVFF_MBOX_CAP1_SW_DESC_64B	0x08
#define SVFF_MBOX_CAP1_CMPT_DESC_64B	0x10
#define SVFF_MBOX_CAP1_DYNAMIC_BAR	0x20
#define SVFF_MBOX_CAP1_LEGACY_INTR	0x40
#define SVFF_MBOX_CAP1_CMPT_TRIG_TIMER	0x80

/**
 * struct svff_mbox_hello_rsp - response to HELLO
 * @hdr: header; its dst tells the VF its function id, src the PF's
 * @pad0: zero
 * @qbase: the VF's queue base so far, SVFF_MBOX_QBASE_ANY if none
 * @qmax: the VF's number of queues so far
 * @num_pfs: PFs of the card
 * @pad1: zero
 * @num_qs: queues of the card
 * @caps0: SVFF_MBOX_CAP0_*
 * @mm_channels: number of MM channels
 * @caps1: SVFF_MBOX_CAP1_*
 * @pad2: zero
 * @dma_device_index: index of the PF's queue pool, opaque to the VF
 * @ext: all zero if the VF or the PF does not know it
 */
struct svff_mbox_hello_rsp {
	struct svff_mbox_hdr hdr;
	__u8	pad0[2];
	__le32	qbase;
	__le32	qmax;
	__u8	num_pfs;
	__u8	pad1;
	__le16	num_qs;
	__u8	caps0;
	__u8	mm_channels;
	__u8	caps1;
	__u8	pad2;
	__le32	dma_device_index;
	struct svff_mbox_ext ext;
} __attribute__((packed));

#define SVFF_MBOX_CSR_ENTRIES	16

/**
 * struct svff_mbox_csr_rsp - response to CSR: the card's tables
 * @hdr: header
 * @ring_size: ring sizes as in the register, status entry included
 * @buf_size: ST C2H buffer sizes, bytes
 * @timer_cnt: completion timer counts, low 8 bits
 * @cnt_th: completion counter thresholds, low 8 bits
 * @wb_intvl: write-back interval code; the vendor's PF leaves it 0
 * @pad: zero
 */
struct svff_mbox_csr_rsp {
	struct svff_mbox_hdr hdr;
	__le16	ring_size[SVFF_MBOX_CSR_ENTRIES];
	__le16	buf_size[SVFF_MBOX_CSR_ENTRIES];
	__u8	timer_cnt[SVFF_MBOX_CSR_ENTRIES];
	__u8	cnt_th[SVFF_MBOX_CSR_ENTRIES];
	__u8	wb_intvl;
	__u8	pad;
} __attribute__((packed));

/**
 * enum svff_mbox_qtype - kind of a queue in QNOTIFY
 * @SVFF_MBOX_Q_H2C: host to card
 * @SVFF_MBOX_Q_C2H: card to host
 * @SVFF_MBOX_Q_CMPT: completion ring
 */
enum svff_mbox_qtype {
	SVFF_MBOX_Q_H2C		= 0,
	SVFF_MBOX_Q_C2H		= 1,
	SVFF_MBOX_Q_CMPT	= 2,
};

/**
 * struct svff_mbox_qnotify - QNOTIFY_ADD, QNOTIFY_DEL
 * @hdr: header
 * @qid_hw: absolute hardware queue
 * @qtype: &enum svff_mbox_qtype
 */
struct svff_mbox_qnotify {
	struct svff_mbox_hdr hdr;
	__le16	qid_hw;
	__le32	qtype;
} __attribute__((packed));

/**
 * struct svff_mbox_qactive_rsp - response to QACTIVE_CNT
 * @hdr: header; the vendor's PF sends the CMPT count as its status
 * @pad: zero
 * @h2c: announced H2C queues
 * @c2h: announced C2H queues
 * @cmpt: announced completion queues
 */
struct svff_mbox_qactive_rsp {
	struct svff_mbox_hdr hdr;
	__u8	pad[2];
	__le32	h2c;
	__le32	c2h;
	__le32	cmpt;
} __attribute__((packed));

/* struct svff_mbox_qctxt_id.flags */
#define SVFF_MBOX_QCTXT_ST		0x01
#define SVFF_MBOX_QCTXT_C2H		0x02
#define SVFF_MBOX_QCTXT_CMPT		0x0c
#define SVFF_MBOX_QCTXT_RSVD		0xf0

/**
 * enum svff_mbox_cmpt_type - value of the SVFF_MBOX_QCTXT_CMPT field
 * @SVFF_MBOX_CMPT_ONLY: the message is about a completion ring alone
 * @SVFF_MBOX_CMPT_WITH_MM: an MM queue with a completion ring
 * @SVFF_MBOX_CMPT_WITH_ST: an ST C2H queue with its completion ring
 * @SVFF_MBOX_CMPT_NONE: no completion ring
 */
enum svff_mbox_cmpt_type {
	SVFF_MBOX_CMPT_ONLY	= 0,
	SVFF_MBOX_CMPT_WITH_MM	= 1,
	SVFF_MBOX_CMPT_WITH_ST	= 2,
	SVFF_MBOX_CMPT_NONE	= 3,
};

/**
 * struct svff_mbox_qctxt_id - QCTXT_RD, QCTXT_CLR, QCTXT_INV; start of WRT
 * @hdr: header
 * @qid_hw: absolute hardware queue
 * @flags: SVFF_MBOX_QCTXT_*
 * @pad: zero
 */
struct svff_mbox_qctxt_id {
	struct svff_mbox_hdr hdr;
	__le16	qid_hw;
	__u8	flags;
	__u8	pad[7];
} __attribute__((packed));

/* struct svff_mbox_qctxt_wrt.cfg */
#define SVFF_MBOX_QCFG_FCRD_EN		0x00000001
#define SVFF_MBOX_QCFG_BYPASS		0x00000002
#define SVFF_MBOX_QCFG_IRQ_ARM		0x00000004
#define SVFF_MBOX_QCFG_WBI_INTVL_EN	0x00000008
#define SVFF_MBOX_QCFG_WBI_CHK		0x00000010
#define SVFF_MBOX_QCFG_AT		0x00000020
#define SVFF_MBOX_QCFG_WBK_EN		0x00000040
#define SVFF_MBOX_QCFG_IRQ_EN		0x00000080
#define SVFF_MBOX_QCFG_PFCH_EN		0x00000100
#define SVFF_MBOX_QCFG_PFCH_BYPASS	0x00000200
#define SVFF_MBOX_QCFG_OVF_CHK_DIS	0x00000400
#define SVFF_MBOX_QCFG_CMPT_INT_EN	0x00000800
#define SVFF_MBOX_QCFG_CMPT_AT		0x00001000
#define SVFF_MBOX_QCFG_CMPT_COLOR	0x00002000
#define SVFF_MBOX_QCFG_CMPT_FULL_UPD	0x00004000
#define SVFF_MBOX_QCFG_CMPT_STAT_EN	0x00008000
#define SVFF_MBOX_QCFG_DESC_SZ		0x00030000
#define SVFF_MBOX_QCFG_CMPT_DESC_SZ	0x000c0000
#define SVFF_MBOX_QCFG_TRIG_MODE	0x00700000
#define SVFF_MBOX_QCFG_RSVD		0xff800000

/* struct svff_mbox_qctxt_wrt.intr */
#define SVFF_MBOX_QINTR_ID		0x07ff
#define SVFF_MBOX_QINTR_AGGR		0x0800
#define SVFF_MBOX_QINTR_RSVD		0xf000

/**
 * struct svff_mbox_qctxt_wrt - QCTXT_WRT
 * @id: which queue, of which kind
 * @desc_base: bus address of the descriptor ring
 * @cmpt_base: bus address of the completion ring
 * @cfg: SVFF_MBOX_QCFG_*
 * @func: function id (ignored: the PF uses the hardware's source)
 * @cnt_th: completion counter threshold, a value of the CSR table
 * @timer_cnt: completion timer count, a value of the CSR table
 * @intr: SVFF_MBOX_QINTR_*: vector, or ring index with the AGGR bit
 * @ring_size: ring size of the CSR table less 1
 * @buf_size: ST C2H buffer size, bytes, a value of the CSR table
 * @cmpt_ring_size: completion ring size of the CSR table less 1
 */
struct svff_mbox_qctxt_wrt {
	struct svff_mbox_qctxt_id id;
	__le64	desc_base;
	__le64	cmpt_base;
	__le32	cfg;
	__le16	func;
	__u8	cnt_th;
	__u8	timer_cnt;
	__le16	intr;
	__le16	ring_size;
	__le16	buf_size;
	__le16	cmpt_ring_size;
} __attribute__((packed));

/**
 * struct svff_mbox_qctxt_rd_rsp - response to QCTXT_RD
 * @id: as in the request
 * @ctxt: decoded contexts in the vendor's in-memory layout, cut at 112 bytes
 */
struct svff_mbox_qctxt_rd_rsp {
	struct svff_mbox_qctxt_id id;
	__u8	ctxt[112];
} __attribute__((packed));

/**
 * struct svff_mbox_intr_ctxt - INTR_CTXT_WRT, _RD, _CLR, _INV and RD response
 * @hdr: header
 * @pad0: zero
 * @num_rings: always 1
 * @pad1: zero
 * @ring_index: interrupt ring, in the vendor's drivers the function id
 * @base: bus address of the ring, 4 KiB aligned
 * @vec: MSI-X vector of the function
 * @pidx: hardware's producer index
 * @valid: ring is in use
 * @int_st: hardware's interrupt state
 * @color: colour of the next entry
 * @page_size: ring size is (page_size + 1) * 4 KiB, 0..7
 * @at: address is translated
 * @host_id: host profile
 * @pad2: zero
 * @pasid: PASID
 * @pasid_en: PASID is used
 * @pad3: zero
 * @func: function that gets the interrupt (ignored: it is the sender)
 * @pad4: zero
 */
struct svff_mbox_intr_ctxt {
	struct svff_mbox_hdr hdr;
	__u8	pad0[2];
	__u8	num_rings;
	__u8	pad1[3];
	__le32	ring_index;
	__le64	base;
	__le16	vec;
	__le16	pidx;
	__u8	valid;
	__u8	int_st;
	__u8	color;
	__u8	page_size;
	__u8	at;
	__u8	host_id;
	__u8	pad2[2];
	__le32	pasid;
	__u8	pasid_en;
	__u8	pad3;
	__le16	func;
	__u8	pad4[4];
} __attribute__((packed));

/**
 * struct svff_mbox_quota - QUOTA notice
 * @hdr: header
 * @pad: zero
 * @queues: queues that the VF may ask for from now on
 */
struct svff_mbox_quota {
	struct svff_mbox_hdr hdr;
	__u8	pad[2];
	__le32	queues;
} __attribute__((packed));

/**
 * struct svff_mbox_pause - PAUSE notice
 * @hdr: header
 * @pad: zero
 * @idle_ms: the VF has so long to become idle. If it does not it goes on, and
 *	answers with SVFF_MBOX_ERR_BUSY_TIMEOUT.
 */
struct svff_mbox_pause {
	struct svff_mbox_hdr hdr;
	__u8	pad[2];
	__le32	idle_ms;
} __attribute__((packed));

#define SVFF_MBOX_REG_LIST_MAX	14

/**
 * struct svff_mbox_reg_list - REG_LIST_READ and its response
 * @hdr: header
 * @group: request: group 0..3; response: 0
 * @count: response: number of registers
 * @pad: zero
 * @reg: address and value of each
 */
struct svff_mbox_reg_list {
	struct svff_mbox_hdr hdr;
	__le16	group;
	__le16	count;
	__u8	pad[2];
	struct {
		__le32	addr;
		__le32	value;
	} __attribute__((packed)) reg[SVFF_MBOX_REG_LIST_MAX];
} __attribute__((packed));

/**
 * union svff_mbox_msg - any message
 * @hdr: header
 * @range: FMAP, QREQ
 * @hello: HELLO request
 * @hello_rsp: HELLO response
 * @csr_rsp: CSR response
 * @qnotify: QNOTIFY_ADD, QNOTIFY_DEL
 * @qactive_rsp: QACTIVE_CNT response
 * @qctxt_id: QCTXT_RD, _CLR, _INV
 * @qctxt_wrt: QCTXT_WRT
 * @qctxt_rd_rsp: QCTXT_RD response
 * @intr_ctxt: INTR_CTXT_*
 * @reg_list: REG_LIST_READ
 * @quota: QUOTA
 * @pause: PAUSE
 * @words: as the registers see it
 */
union svff_mbox_msg {
	struct svff_mbox_hdr		hdr;
	struct svff_mbox_range		range;
	struct svff_mbox_hello		hello;
	struct svff_mbox_hello_rsp	hello_rsp;
	struct svff_mbox_csr_rsp	csr_rsp;
	struct svff_mbox_qnotify	qnotify;
	struct svff_mbox_qactive_rsp	qactive_rsp;
	struct svff_mbox_qctxt_id	qctxt_id;
	struct svff_mbox_qctxt_wrt	qctxt_wrt;
	struct svff_mbox_qctxt_rd_rsp	qctxt_rd_rsp;
	struct svff_mbox_intr_ctxt	intr_ctxt;
	struct svff_mbox_reg_list	reg_list;
	struct svff_mbox_quota		quota;
	struct svff_mbox_pause		pause;
	__le32				words[SVFF_MBOX_MSG_WORDS];
};

#define SVFF_MBOX_ASSERT(type, size) \
	_Static_assert(sizeof(type) == (size), #type " has a wrong size")

SVFF_MBOX_ASSERT(struct svff_mbox_hdr, 6);
SVFF_MBOX_ASSERT(struct svff_mbox_range, 16);
SVFF_MBOX_ASSERT(struct svff_mbox_ext, 12);
SVFF_MBOX_ASSERT(struct svff_mbox_hello, 28);
SVFF_MBOX_ASSERT(struct svff_mbox_hello_rsp, 40);
SVFF_MBOX_ASSERT(struct svff_mbox_csr_rsp, 104);
SVFF_MBOX_ASSERT(struct svff_mbox_qnotify, 12);
SVFF_MBOX_ASSERT(struct svff_mbox_qactive_rsp, 20);
SVFF_MBOX_ASSERT(struct svff_mbox_qctxt_id, 16);
SVFF_MBOX_ASSERT(struct svff_mbox_qctxt_wrt, 48);
SVFF_MBOX_ASSERT(struct svff_mbox_qctxt_rd_rsp, 128);
SVFF_MBOX_ASSERT(struct svff_mbox_intr_ctxt, 48);
SVFF_MBOX_ASSERT(struct svff_mbox_reg_list, 124);
SVFF_MBOX_ASSERT(struct svff_mbox_quota, 12);
SVFF_MBOX_ASSERT(struct svff_mbox_pause, 12);
SVFF_MBOX_ASSERT(union svff_mbox_msg, SVFF_MBOX_MSG_SIZE);

#endif /* SVFF_MBOX_ABI_H */
