// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which QDMA is this? A PF is known by its identifier and version registers, a
 * VF by the version register of its mailbox, whose place differs between
 * revisions. All that differs further is in one const table per revision.
 */
#include "caps.h"
#include "priv.h"

#include <linux/bitfield.h>
#include <linux/pci.h>

#include "regs.h"

#define EQDMA_PF_MBOX	0x22400
#define EQDMA_VF_MBOX	0x5000
#define CPM5_PF_MBOX	0x42400
#define QDMA3_PF_MBOX	0x2400
#define QDMA3_VF_MBOX	0x1000
#define PF_DOORBELLS	0x18000
#define VF_DOORBELLS	0x3000

/* IP 5.0 takes less than 64 KiB in a descriptor; half of it keeps alignment. */
#define EQDMA5_DESC_MAX	SZ_32K
/* The 28-bit field, rounded down to pages. */
#define QDMA_DESC_MAX	(QDMA_MM_DESC_LEN & ~(u32)(SZ_4K - 1))

enum qdma_device_type {
	QDMA_DEVICE_SOFT	= 0,
	QDMA_DEVICE_CPM4	= 1,
	QDMA_DEVICE_CPM5	= 2,
};

static const u16 ring_sizes[SVFF_QDMA_RING_SIZES] = {
	2049, 65, 129, 193, 257, 385, 513, 769,
	1025, 1537, 3073, 4097, 6145, 8193, 12289, 16385,
};

static const u16 cnt_thresholds[SVFF_QDMA_RING_SIZES] = {
	2, 4, 8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192,
};

static const u16 timer_counts[SVFF_QDMA_RING_SIZES] = {
	1, 2, 4, 5, 8, 10, 15, 20, 25, 30, 50, 75, 100, 125, 150, 200,
};

static const u32 buf_sizes[SVFF_QDMA_RING_SIZES] = {
	4096, 256, 512, 1024, 2048, 3968, 4096, 4096,
	4096, 4096, 4096, 4096, 4096, 8192, 9018, 16384,
};

struct reg_value {
	u32 reg;
	u32 value;
};

static void write_regs(struct svff_qdma *qd, const struct reg_value *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		qdma_write(qd, list[i].reg, list[i].value);
}

/* The tables that contexts point into, the same on all revisions. */
static void set_tables(struct svff_qdma *qd)
{
	unsigned int i;

	for (i = 0; i < SVFF_QDMA_RING_SIZES; i++)
		qdma_write(qd, QDMA_GLBL_RNG_SZ(i), ring_sizes[i]);
	if (!qd->caps.st)
		return;
	for (i = 0; i < SVFF_QDMA_RING_SIZES; i++) {
		qdma_write(qd, QDMA_C2H_CNT_TH(i), cnt_thresholds[i]);
		qdma_write(qd, QDMA_C2H_TIMER_CNT(i), timer_counts[i]);
		qdma_write(qd, QDMA_C2H_BUF_SZ(i), buf_sizes[i]);
	}
}

static u32 prefetch_depth(struct svff_qdma *qd)
{
	return FIELD_GET(QDMA_PFCH_CACHE_DEPTH, qdma_read(qd, QDMA_C2H_PFCH_CACHE_DEPTH));
}

/* Completion coalescing: 5 ticks, of 25 cycles, as many buffers as there are. */
static void set_coalescing(struct svff_qdma *qd, u32 tick)
{
	u32 depth = FIELD_GET(QDMA_WRB_COAL_DEPTH, qdma_read(qd, QDMA_C2H_WRB_COAL_DEPTH));

	qdma_write(qd, QDMA_C2H_INT_TIMER_TICK, tick);
	qdma_write(qd, QDMA_C2H_WRB_COAL_CFG,
		   FIELD_PREP(QDMA_COAL_CFG_TICK_CNT, 5) |
		   FIELD_PREP(QDMA_COAL_CFG_TICK_VAL, 25) |
		   FIELD_PREP(QDMA_COAL_CFG_MAX_BUF,
			      min_t(u32, depth, FIELD_MAX(QDMA_COAL_CFG_MAX_BUF))));
}

static void set_prefetch(struct svff_qdma *qd, u32 queues, u32 evict)
{
	qdma_write(qd, QDMA_C2H_PFCH_CFG_1, FIELD_PREP(QDMA_PFCH_CFG_1_QCNT, queues) |
					    FIELD_PREP(QDMA_PFCH_CFG_1_EVICT, evict));
}

/* A depth less what is reserved; a depth that makes no sense gives zero. */
static u32 depth_less(u32 depth, u32 reserve)
{
	return depth > reserve ? depth - reserve : 0;
}

static void qdma3_set_defaults(struct svff_qdma *qd)
{
	u32 depth;

	set_tables(qd);
	if (!qd->caps.st)
		return;
	depth = prefetch_depth(qd);
	qdma_write(qd, QDMA_GLBL_DSC_CFG, 0x00000035); /* fetch 64, interval 128 */
	qdma_write(qd, QDMA_C2H_PFCH_CFG,
		   FIELD_PREP(QDMA_PFCH_CFG_3X_FL_TH, 256) |
		   FIELD_PREP(QDMA_PFCH_CFG_3X_NUM, 8) |
		   FIELD_PREP(QDMA_PFCH_CFG_3X_QCNT, depth / 2) |
		   FIELD_PREP(QDMA_PFCH_CFG_3X_EVICT, depth_less(depth / 2, 2)));
	set_coalescing(qd, 25);
	qdma_write(qd, QDMA_H2C_REQ_THROT_PCIE, 0x00c14000); /* request 96 off, data 16384 on */
}

static void eqdma4_set_defaults(struct svff_qdma *qd)
{
	u32 depth;

	set_tables(qd);
	if (!qd->caps.st)
		return;
	depth = prefetch_depth(qd);
	qdma_write(qd, QDMA_GLBL_DSC_CFG, 0x00000035); /* fetch 64, interval 128 */
	set_prefetch(qd, depth / 4, depth_less(depth / 4, 4));
	qdma_write(qd, QDMA_C2H_PFCH_CFG_2,
		   qdma_read(qd, QDMA_C2H_PFCH_CFG_2) | QDMA_PFCH_CFG_2_FENCE);
	set_coalescing(qd, 25);
	qdma_write(qd, QDMA_H2C_REQ_THROT_PCIE, 0x06045000); /* data 20480 on */
}

static void eqdma5_set_defaults(struct svff_qdma *qd)
{
	static const struct reg_value list[] = {
		{ QDMA_GLBL_DSC_CFG,		0x00502015 }, /* limits, fetch 4, interval 128 */
		{ QDMA_CFG_MISC_CTL,		0x00010009 }, /* 256 tags, metering 9 */
		{ QDMA_C2H_PFCH_CFG,		0x01000100 }, /* free list 256, evict 256 */
		{ QDMA_C2H_PFCH_CFG_2,		0x804003c8 }, /* fence, list 1024, 15, 8 */
		{ QDMA_PFCH_CFG_3,		0x00008000 }, /* free list 256 */
		{ QDMA_PFCH_CFG_4,		0x00800320 }, /* global tick 64, tick 400 */
		{ QDMA_C2H_CRDT_COAL_CFG_1,	0x00004010 }, /* FIFO 16, timer 16 */
		{ QDMA_GLBL2_RRQ_PCIE_THROT,	0x06045000 }, /* request 192 off, data 20480 on */
		{ QDMA_GLBL2_RRQ_AXIMM_THROT,	0x00000000 },
		{ QDMA_GLBL2_RRQ_BRG_THROT,	0x86045000 }, /* both on */
		{ QDMA_H2C_REQ_THROT_PCIE,	0x86046000 }, /* request 192, data 24576 */
		{ QDMA_H2C_REQ_THROT_AXIMM,	0x82044000 }, /* request 64, data 16384 */
		{ QDMA_H2C_MM_DATA_THROT,	0x00015000 }, /* 20480 on */
	};
	u32 depth = prefetch_depth(qd);

	set_tables(qd);
	if (qd->caps.st)
		set_coalescing(qd, 25);
	write_regs(qd, list, ARRAY_SIZE(list));
	set_prefetch(qd, depth_less(depth, 4), depth_less(depth, 4));
	qdma_write(qd, QDMA_C2H_CRDT_COAL_CFG_2,
		   FIELD_PREP(QDMA_CRDT_COAL_2_FIFO_TH, depth_less(depth, 8)) |
		   FIELD_PREP(QDMA_CRDT_COAL_2_NT_TH, 96));
}

static void cpm5_set_defaults(struct svff_qdma *qd)
{
	static const struct reg_value list[] = {
		{ QDMA_GLBL_DSC_CFG,		0x00000015 }, /* fetch 4, interval 128 */
		{ QDMA_CFG_MISC_CTL,		0x0001001f }, /* 256 tags, metering 31 */
		{ QDMA_C2H_PFCH_CFG,		0x01000100 }, /* free list 256, evict 256 */
		{ QDMA_C2H_PFCH_CFG_2,		0x804003d0 }, /* fence, list 1024, 15, 16 */
		{ QDMA_C2H_CRDT_COAL_CFG_1,	0x00004010 }, /* FIFO 16, timer 16 */
		{ QDMA_H2C_REQ_THROT_PCIE,	0x8604e000 }, /* request 192, data 57344 */
		{ QDMA_H2C_REQ_THROT_AXIMM,	0x06010000 }, /* both off */
		{ QDMA_H2C_MM_DATA_THROT,	0x0001e000 }, /* 57344 on */
	};
	u32 depth = prefetch_depth(qd);

	set_tables(qd);
	if (qd->caps.st)
		set_coalescing(qd, 50);
	write_regs(qd, list, ARRAY_SIZE(list));
	set_prefetch(qd, depth_less(depth, 4), depth_less(depth, 8));
	qdma_write(qd, QDMA_C2H_CRDT_COAL_CFG_2,
		   FIELD_PREP(QDMA_CRDT_COAL_2_FIFO_TH, depth_less(depth, 8)) |
		   FIELD_PREP(QDMA_CRDT_COAL_2_NT_TH, 156));
}

static const struct qdma_ip ips[] = {
	{
		.type = "QDMA", .version = "3.x",
		.device = QDMA_DEVICE_SOFT, .ip = 0,
		.pf_db = PF_DOORBELLS, .vf_db = VF_DOORBELLS,
		.pf_mbox = QDMA3_PF_MBOX, .vf_mbox = QDMA3_VF_MBOX,
		.mm_channels = 1, .mm_desc_max = QDMA_DESC_MAX, .rx_bufs = QDMA3_RX_BUFS_MAX,
		.err_h2c_st = QDMA_GLBL_ERR_H2C_ST_3X, .h2c_st_sbe_first = true,
		.ctxt = &qdma_ctxt_qdma3, .set_defaults = qdma3_set_defaults,
	}, {
		.type = "EQDMA", .version = "4.0",
		.device = QDMA_DEVICE_SOFT, .ip = 1,
		.pf_db = PF_DOORBELLS, .vf_db = VF_DOORBELLS,
		.pf_mbox = EQDMA_PF_MBOX, .vf_mbox = EQDMA_VF_MBOX,
		.mm_channels = 1, .mm_desc_max = QDMA_DESC_MAX, .rx_bufs = QDMA_RX_BUFS_MAX,
		.err_h2c_st = QDMA_GLBL_ERR_H2C_ST,
		.ctxt = &qdma_ctxt_eqdma, .set_defaults = eqdma4_set_defaults,
	}, {
		.type = "EQDMA", .version = "5.0",
		.device = QDMA_DEVICE_SOFT, .ip = 2,
		.pf_db = PF_DOORBELLS, .vf_db = VF_DOORBELLS,
		.pf_mbox = EQDMA_PF_MBOX, .vf_mbox = EQDMA_VF_MBOX,
		.mm_channels = 1, .mm_desc_max = EQDMA5_DESC_MAX, .rx_bufs = QDMA_RX_BUFS_MAX,
		.err_h2c_st = QDMA_GLBL_ERR_H2C_ST,
		.ctxt = &qdma_ctxt_eqdma, .set_defaults = eqdma5_set_defaults,
	}, {
		.type = "CPM5", .version = "1.0",
		.device = QDMA_DEVICE_CPM5, .ip = 0,
		.pf_db = PF_DOORBELLS, .vf_db = VF_DOORBELLS,
		.pf_mbox = CPM5_PF_MBOX, .vf_mbox = EQDMA_VF_MBOX,
		.mm_channels = 2, .mm_desc_max = EQDMA5_DESC_MAX, .rx_bufs = QDMA_RX_BUFS_MAX,
		.queues_mask_is_max = true, .pfs_by_value = true,
		.err_h2c_st = QDMA_GLBL_ERR_H2C_ST,
		.ctxt = &qdma_ctxt_cpm5, .set_defaults = cpm5_set_defaults,
	},
};

static const struct qdma_ip *find_ip(u8 device, u8 ip)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ips); i++)
		if (ips[i].device == device && ips[i].ip == ip)
			return &ips[i];
	return NULL;
}

/* Say why a card is refused; one message for each reason. */
static int refuse(struct svff_qdma *qd, u8 device, u8 ip)
{
	if (device == QDMA_DEVICE_CPM4)
		dev_err(&qd->pdev->dev, "this is a Versal CPM4 QDMA, which is not supported\n");
	else
		dev_err(&qd->pdev->dev,
			"unknown QDMA: device type %u, IP code %u; known are soft IP 3.x to 5.0 and CPM5\n",
			device, ip);
	return -ENODEV;
}

static int not_answering(struct svff_qdma *qd, u32 offset)
{
	dev_err(&qd->pdev->dev, "device does not answer: register 0x%x reads all ones\n", offset);
	qd->gone = true;
	return -ENODEV;
}

static int read_pf_caps(struct svff_qdma *qd, u32 misc)
{
	struct svff_qdma_caps *caps = &qd->caps;
	u32 mdma = qdma_read(qd, QDMA_GLBL2_CHANNEL_MDMA);

	caps->num_queues = qdma_count_queues(qdma_read(qd, QDMA_GLBL2_CHANNEL_CAP),
					     qd->ip->queues_mask_is_max, QDMA_MAX_QUEUES);
	caps->num_pfs = qdma_count_pfs(qdma_read(qd, QDMA_GLBL2_PF_BARLITE_INT),
				       qd->ip->pfs_by_value);
	caps->func_id = FIELD_GET(QDMA_FUNC_RET_ID, qdma_read(qd, QDMA_GLBL2_FUNC_RET));
	caps->mm = FIELD_GET(QDMA_CHANNEL_C2H_ENG, mdma) &&
		   FIELD_GET(QDMA_CHANNEL_H2C_ENG, mdma);
	caps->st = mdma & QDMA_CHANNEL_C2H_ST && mdma & QDMA_CHANNEL_H2C_ST;
	caps->mailbox = misc & QDMA_MISC_CAP_MAILBOX;
	caps->flr = misc & QDMA_MISC_CAP_FLR;
	if (caps->func_id >= QDMA_MAX_FUNCS || !caps->num_queues || (!caps->mm && !caps->st)) {
		dev_err(&qd->pdev->dev,
			"capabilities make no sense: function %u, %u queues, MM %d, ST %d\n",
			caps->func_id, caps->num_queues, caps->mm, caps->st);
		return -ENODEV;
	}
	return 0;
}

static int identify_pf(struct svff_qdma *qd)
{
	u32 ident = qdma_read(qd, QDMA_CFG_IDENT);
	u8 device, ip;
	u32 misc;

	if (ident == QDMA_ALL_ONES)
		return not_answering(qd, QDMA_CFG_IDENT);
	if (FIELD_GET(QDMA_CFG_IDENT_MAGIC, ident) != QDMA_IDENT_MAGIC) {
		dev_err(&qd->pdev->dev,
			"not a QDMA: identifier at BAR %d offset 0x%x reads 0x%08x, expected 0x%04x....\n",
			QDMA_CONFIG_BAR, QDMA_CFG_IDENT, ident, QDMA_IDENT_MAGIC);
		return -ENODEV;
	}
	misc = qdma_read(qd, QDMA_GLBL2_MISC_CAP);
	device = FIELD_GET(QDMA_MISC_CAP_DEVICE, misc);
	ip = FIELD_GET(QDMA_MISC_CAP_IP, misc);
	qd->ip = find_ip(device, ip);
	if (!qd->ip)
		return refuse(qd, device, ip);
	qd->db = qd->ip->pf_db;
	qd->mbox_base = qd->ip->pf_mbox;
	return read_pf_caps(qd, misc);
}

/* The older place first: where it is right, the newer one means nothing. */
static int identify_vf(struct svff_qdma *qd)
{
	u32 at = QDMA3_VF_MBOX + QDMA_MBOX_VERSION;
	u32 version = qdma_read(qd, at);
	u8 device, ip;

	if (FIELD_GET(QDMA_VF_VERSION_MAGIC, version) != QDMA_IDENT_MAGIC) {
		at = EQDMA_VF_MBOX + QDMA_MBOX_VERSION;
		version = qdma_read(qd, at);
	}
	if (version == QDMA_ALL_ONES && qdma_may_be_away(qd))
		return -EAGAIN;
	if (version == QDMA_ALL_ONES)
		return not_answering(qd, at);
	if (FIELD_GET(QDMA_VF_VERSION_MAGIC, version) != QDMA_IDENT_MAGIC) {
		dev_err(&qd->pdev->dev,
			"not a QDMA VF: version at BAR %d offset 0x%x reads 0x%08x, expected 0x%04x....\n",
			QDMA_CONFIG_BAR, at, version, QDMA_IDENT_MAGIC);
		return -ENODEV;
	}
	device = FIELD_GET(QDMA_VF_VERSION_DEVICE, version);
	ip = FIELD_GET(QDMA_VF_VERSION_IP, version);
	qd->ip = find_ip(device, ip);
	if (!qd->ip)
		return refuse(qd, device, ip);
	qd->db = qd->ip->vf_db;
	qd->mbox_base = qd->ip->vf_mbox;
	qd->caps.mm = true;
	qd->caps.mailbox = true;
	return 0;
}

static int check_bar(struct svff_qdma *qd)
{
	u32 need = qd->mbox_base + QDMA_MBOX_OUT(SVFF_MBOX_MSG_WORDS);

	if (qd->bar_len >= need)
		return 0;
	dev_err(&qd->pdev->dev, "BAR %d has 0x%llx bytes, %s %s needs 0x%x\n",
		QDMA_CONFIG_BAR, (u64)qd->bar_len, qd->ip->type, qd->ip->version, need);
	return -ENODEV;
}

/**
 * qdma_identify - find out what a function is, and has
 * @qd: function, its BAR mapped
 *
 * A VF has no capability registers: what the card has it learns from its PF.
 *
 * Context: process.
 * Return: 0; -EAGAIN for a VF that the host has paused, or -ENODEV if this is not a
 * QDMA that is supported; the reason was logged.
 */
int qdma_identify(struct svff_qdma *qd)
{
	int err = qd->is_vf ? identify_vf(qd) : identify_pf(qd);

	if (err)
		return err;
	qd->caps.ip_type = qd->ip->type;
	qd->caps.ip_version = qd->ip->version;
	qd->caps.mm_channels = qd->ip->mm_channels;
	return check_bar(qd);
}
