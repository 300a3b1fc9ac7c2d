/*
 * Xilinx/AMD QDMA card: revisions of the IP
 *
 * What software sees different, as data. Registers are those of EQDMA unless
 * an IP's list replaces or unmaps them; so are contexts unless an IP's masks
 * take bits away.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/units.h"
#include "qdma.h"

#define ALL UINT32_MAX

/* QDMA 3.x: shorter contexts, 8 bits of function, 4 KiB aligned rings */
#define SOFT_3X_SW  { 0x01ffffff, 0xfffff0ff, ALL, ALL, 0x00000fff }

static const QdmaCtxtMask soft_3x_ctxt[] = {
    { QDMA_CTXT_SW_C2H, SOFT_3X_SW },
    { QDMA_CTXT_SW_H2C, SOFT_3X_SW },
    { QDMA_CTXT_CMPT, { 0xfffe1fff, 0xffffffc0, ALL, ALL, 0x0000ffff } },
    { QDMA_CTXT_PFCH, { 0xfc0002ff, 0x3fff } },
    { QDMA_CTXT_INTR, { 0xffffefff, ALL, 0x0007ffff } },
    { }
};

/* CPM5 has 4096 queues. */
static const QdmaCtxtMask cpm5_ctxt[] = {
    { QDMA_CTXT_FMAP, { 0x00000fff, 0x00001fff } },
    { }
};

static const QdmaCsrInfo cpm5_csr[] = {
    { 0x0158, 7, CSR_UNMAPPED },
    { A_GLBL_DSC_CFG, 1, CSR_RW, 0x0000033f },
    { 0x0318, 78, CSR_UNMAPPED },
    { 0x147c, 3, CSR_UNMAPPED },

    /* second channel of the MM engines */
    { 0x1104, 1, CSR_RW, 0x00000101 },
    { 0x1108, 2, CSR_W1S, 0x00000101 },
    { 0x1140, 1, CSR_RO, ALL },
    { 0x1148, 1, CSR_RO, ALL },
    { 0x1154, 1, CSR_RW, 0x70000003 },
    { 0x1158, 1, CSR_W1C, 0x0ffff3ff },
    { 0x115c, 1, CSR_RO, ALL },
    { 0x1304, 1, CSR_RW, 0x00000101 },
    { 0x1308, 2, CSR_W1S, 0x00000101 },
    { 0x1340, 1, CSR_RO, ALL },
    { 0x1348, 1, CSR_RO, ALL },
    { 0x1354, 1, CSR_RW, 0x3041013e },
    { 0x1358, 1, CSR_W1C, 0x0ffff3ff },
    { 0x135c, 1, CSR_RO, ALL },

    /* water mark, empty notification, statistics: moved */
    { 0x1410, 1, CSR_UNMAPPED },
    { 0x1450, 7, CSR_UNMAPPED },
    { 0x1500, 1, CSR_RW, ALL },
    { 0x1800, 1, CSR_RW, 0x0000ffff },
    { 0x1804, 6, CSR_RO, ALL },
    { }
};

/* What the soft IPs have in common */
#define SOFT_IP                                     \
    .pf_device = 0x903f, .vf_device = 0xa03f,       \
    .channels = 0x00030101,                         \
    .queues = 2048, .queues_cap = 2048,             \
    .mm_channels = 1,                               \
    .pf_config_size = 0x40000,                      \
    .pf_msix_table = 0x30000, .pf_msix_pba = 0x34000

#define SOFT_EQDMA                                  \
    SOFT_IP,                                        \
    .c2h_max_buffers = 31,                          \
    .err_h2c_st = BIT(16),                          \
    .pf_mbox = 0x22400, .vf_mbox = 0x5000,          \
    .intr_has_function = true

/* The first is the default. */
static const QdmaIp qdma_ips[] = {
    {
        SOFT_EQDMA,
        .name = "eqdma-5.0",
        .misc_cap = 0x02200003, .vf_version = 0x1fd30220,
        .mm_len_limit = 64 * KiB,
    }, {
        SOFT_EQDMA,
        .name = "eqdma-4.0",
        .misc_cap = 0x01100003, .vf_version = 0x1fd30110,
        .mm_len_limit = QDMA_MM_DESC_LEN_MASK + 1,
    }, {
        SOFT_IP,
        .name = "qdma-3.1",
        .misc_cap = 0x02000003, .vf_version = 0x1fd30200,
        .c2h_max_buffers = 7,
        .err_h2c_st = BIT(11),
        .mm_len_limit = QDMA_MM_DESC_LEN_MASK + 1,
        .pf_mbox = 0x2400, .vf_mbox = 0x1000,
        .ctxt = soft_3x_ctxt,
    }, {
        .name = "cpm5",
        .pf_device = 0xb03f, .vf_device = 0xc03f,
        .misc_cap = 0x21000003, .vf_version = 0x1fd32100,
        .channels = 0x00030303,
        .queues = 4096, .queues_cap = 0xfff,
        .mm_channels = 2,
        .c2h_max_buffers = 31,
        .err_h2c_st = BIT(16),
        .mm_len_limit = QDMA_MM_DESC_LEN_MASK + 1,
        .pf_config_size = 0x80000,
        .pf_mbox = 0x42400, .vf_mbox = 0x5000,
        .pf_msix_table = 0x50000, .pf_msix_pba = 0x54000,
        .mbox_fmap = true,
        .intr_has_function = true,
        .ctxt = cpm5_ctxt,
        .csr = cpm5_csr,
    },
};

/* The IP of a name, the default without one; NULL if there is none. */
const QdmaIp *qdma_ip_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(qdma_ips); i++) {
        if (!name || !strcmp(name, qdma_ips[i].name)) {
            return &qdma_ips[i];
        }
    }
    return NULL;
}

/* All names, for a message; the caller frees it. */
char *qdma_ip_names(void)
{
    GString *names = g_string_new(NULL);

    for (unsigned i = 0; i < ARRAY_SIZE(qdma_ips); i++) {
        g_string_append_printf(names, "%s%s", i ? ", " : "", qdma_ips[i].name);
    }
    return g_string_free(names, false);
}
