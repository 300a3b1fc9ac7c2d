/*
 * Xilinx/AMD QDMA card: what the PF and its VFs have in common
 *
 * BARs and the decoding of accesses, MSI-X, PCI Express capabilities, config
 * space, DMA in the function's name, reset.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qapi/error.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_aer.h"
#include "qdma.h"
#include "trace.h"

/* Capabilities of each function; the PF adds its own in qdma.c */
#define QDMA_CAP_MSIX       0x60
#define QDMA_CAP_EXP        0x70
#define QDMA_ECAP_AER       0x100
#define QDMA_ECAP_ARI       0x150

/* Transfer controls: kept for software, without effect on the model */
#define QDMA_DEVCTL_WRITABLE \
    (PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD | \
     PCI_EXP_DEVCTL_EXT_TAG | PCI_EXP_DEVCTL_NOSNOOP_EN | \
     PCI_EXP_DEVCTL_READRQ)
#define QDMA_DEVCTL_RESET \
    (PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | \
     PCI_EXP_DEVCTL_READRQ_512B)

/* A function that is there and may speak, or NULL */
QdmaFunction *qdma_function(QdmaState *s, unsigned id)
{
    QdmaFunction *fn = id < QDMA_FUNCTIONS ? s->fn[id] : NULL;

    if (!fn || !fn->pdev->enabled || fn->in_flr || s->removed) {
        return NULL;
    }
    return fn;
}

/* A mistake of the software that drives the card: told, counted, survived */
void qdma_guest_error(QdmaFunction *fn, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    fn->count.guest_errors++;
    if (!qemu_loglevel_mask(LOG_GUEST_ERROR) &&
        !trace_event_get_state_backends(TRACE_XLNX_QDMA_GUEST_ERROR)) {
        return;
    }
    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    trace_xlnx_qdma_guest_error(fn->id, text);
    qemu_log_mask(LOG_GUEST_ERROR, "xlnx-qdma: function %u: %s\n", fn->id,
                  text);
}

/*
 * DMA with the function's own requester id. Memory is all that it reaches: what
 * a register or a bridge's config space did would change the state that the
 * engine is working on, or take the card away under its hands.
 */
static MemTxResult dma(QdmaFunction *fn, uint64_t addr, void *buf,
                       uint32_t len, DMADirection dir)
{
    return pci_dma_rw(fn->pdev, addr, buf, len, dir,
                      (MemTxAttrs) { .memory = true });
}

MemTxResult qdma_dma_read(QdmaFunction *fn, uint64_t addr, void *buf,
                          uint32_t len)
{
    MemTxResult result = dma(fn, addr, buf, len, DMA_DIRECTION_TO_DEVICE);

    fn->count.dma_reads++;
    fn->count.dma_read_bytes += result == MEMTX_OK ? len : 0;
    return result;
}

MemTxResult qdma_dma_write(QdmaFunction *fn, uint64_t addr, const void *buf,
                           uint32_t len)
{
    MemTxResult result = dma(fn, addr, (void *)buf, len,
                             DMA_DIRECTION_FROM_DEVICE);

    fn->count.dma_writes++;
    fn->count.dma_write_bytes += result == MEMTX_OK ? len : 0;
    return result;
}

static bool in_block(hwaddr addr, hwaddr base, hwaddr size)
{
    return addr >= base && addr < base + size;
}

static uint32_t pf_read(QdmaFunction *fn, hwaddr addr)
{
    if (addr < QDMA_PF_CSR_SIZE) {
        return qdma_csr_read(fn, addr);
    }
    if (in_block(addr, QDMA_PF_DOORBELL,
                 fn->card->rev->queues * QDMA_DB_STRIDE)) {
        return qdma_doorbell_read(fn, addr - QDMA_PF_DOORBELL);
    }
    if (in_block(addr, fn->card->rev->pf_mbox, QDMA_PF_MBOX_SIZE)) {
        return qdma_mbox_read(fn, addr - fn->card->rev->pf_mbox);
    }
    return 0;
}

static void pf_write(QdmaFunction *fn, hwaddr addr, uint32_t val)
{
    if (addr < QDMA_PF_CSR_SIZE) {
        qdma_csr_write(fn, addr, val);
    } else if (in_block(addr, QDMA_PF_DOORBELL,
                        fn->card->rev->queues * QDMA_DB_STRIDE)) {
        qdma_doorbell_write(fn, addr - QDMA_PF_DOORBELL, val);
    } else if (in_block(addr, fn->card->rev->pf_mbox, QDMA_PF_MBOX_SIZE)) {
        qdma_mbox_write(fn, addr - fn->card->rev->pf_mbox, val);
    } else {
        qdma_guest_error(fn, "write to 0x%" HWADDR_PRIx ", nothing is there",
                         addr);
        qdma_trq_error(fn, R_GLBL_TRQ_ERR_STS_CSR_UNMAPPED_MASK, addr);
    }
}

/* A VF has no CSRs: it reads 0 there, as drivers' probes expect. */
static uint32_t vf_read(QdmaFunction *fn, hwaddr addr)
{
    if (in_block(addr, QDMA_VF_DOORBELL,
                 QDMA_VF_DOORBELL_QUEUES * QDMA_DB_STRIDE)) {
        return qdma_doorbell_read(fn, addr - QDMA_VF_DOORBELL);
    }
    if (in_block(addr, fn->card->rev->vf_mbox, QDMA_VF_MBOX_SIZE)) {
        return qdma_mbox_read(fn, addr - fn->card->rev->vf_mbox);
    }
    return 0;
}

static void vf_write(QdmaFunction *fn, hwaddr addr, uint32_t val)
{
    if (in_block(addr, QDMA_VF_DOORBELL,
                 QDMA_VF_DOORBELL_QUEUES * QDMA_DB_STRIDE)) {
        qdma_doorbell_write(fn, addr - QDMA_VF_DOORBELL, val);
    } else if (in_block(addr, fn->card->rev->vf_mbox, QDMA_VF_MBOX_SIZE)) {
        qdma_mbox_write(fn, addr - fn->card->rev->vf_mbox, val);
    } else {
        qdma_guest_error(fn, "VF writes 0x%" HWADDR_PRIx ", which only a PF "
                         "has", addr);
        qdma_trq_error(fn, R_GLBL_TRQ_ERR_STS_VF_ACCESS_MASK, addr);
    }
}

static uint64_t config_bar_read(void *opaque, hwaddr addr, unsigned size)
{
    QdmaFunction *fn = opaque;
    uint32_t val;

    fn->count.mmio_reads++;
    if (fn->card->removed || fn->card->in_message) {
        return UINT32_MAX;
    }
    val = qdma_is_pf(fn) ? pf_read(fn, addr) : vf_read(fn, addr);
    trace_xlnx_qdma_config_read(fn->id, addr, val);
    return val;
}

static void config_bar_write(void *opaque, hwaddr addr, uint64_t val,
                             unsigned size)
{
    QdmaFunction *fn = opaque;

    fn->count.mmio_writes++;
    if (fn->card->removed || fn->card->in_message) {
        return;
    }
    trace_xlnx_qdma_config_write(fn->id, addr, val);
    if (qdma_is_pf(fn)) {
        pf_write(fn, addr, val);
    } else {
        vf_write(fn, addr, val);
    }
}

/* Registers are aligned words; wider accesses are split by the memory core. */
static bool config_bar_accepts(void *opaque, hwaddr addr, unsigned size,
                               bool is_write, MemTxAttrs attrs)
{
    QdmaFunction *fn = opaque;

    if (size == 4 && !(addr & 3)) {
        return true;
    }
    qdma_guest_error(fn, "%u byte access to register 0x%" HWADDR_PRIx, size,
                     addr);
    return false;
}

static const MemoryRegionOps config_bar_ops = {
    .read = config_bar_read,
    .write = config_bar_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
        .unaligned = true,
        .accepts = config_bar_accepts,
    },
    .impl = { .min_access_size = 4, .max_access_size = 4, .unaligned = true },
};

/* Behind the window: all ones, seen past the memory's end and after removal */
static uint64_t bypass_gone_read(void *opaque, hwaddr addr, unsigned size)
{
    return UINT64_MAX;
}

static void bypass_gone_write(void *opaque, hwaddr addr, uint64_t val,
                              unsigned size)
{
}

static const MemoryRegionOps bypass_gone_ops = {
    .read = bypass_gone_read,
    .write = bypass_gone_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

static void function_init_bars(QdmaFunction *fn)
{
    Object *owner = OBJECT(fn->pdev);
    QdmaState *s = fn->card;
    uint64_t config_size = qdma_is_pf(fn) ? s->rev->pf_config_size :
                                            QDMA_VF_CONFIG_SIZE;

    /* The MSI-X table and PBA go on top of the registers. */
    memory_region_init(&fn->config_bar, owner, "xlnx-qdma.config",
                       config_size);
    memory_region_init_io(&fn->config_io, owner, &config_bar_ops, fn,
                          "xlnx-qdma.registers", config_size);
    memory_region_add_subregion_overlap(&fn->config_bar, 0, &fn->config_io,
                                        -1);
    pci_register_bar(fn->pdev, QDMA_BAR_CONFIG, QDMA_BAR_TYPE,
                     &fn->config_bar);

    memory_region_init_io(&fn->user_io, owner, &qdma_user_ops, fn,
                          "xlnx-qdma.user", QDMA_USER_SIZE);
    pci_register_bar(fn->pdev, QDMA_BAR_USER, QDMA_BAR_TYPE, &fn->user_io);

    memory_region_init(&fn->bypass_bar, owner, "xlnx-qdma.bypass",
                       s->bypass_size);
    memory_region_init_io(&fn->bypass_gone, owner, &bypass_gone_ops, fn,
                          "xlnx-qdma.no-memory", s->bypass_size);
    memory_region_add_subregion_overlap(&fn->bypass_bar, 0, &fn->bypass_gone,
                                        -1);
    memory_region_init_alias(&fn->bypass_ram, owner, "xlnx-qdma.window",
                             s->card, 0, MIN(s->bypass_size, s->card_size));
    memory_region_add_subregion(&fn->bypass_bar, 0, &fn->bypass_ram);
    pci_register_bar(fn->pdev, QDMA_BAR_BYPASS, QDMA_BAR_TYPE,
                     &fn->bypass_bar);
}

/* A part holds its owner while it is in a container: let go of both. */
static void function_exit_bars(QdmaFunction *fn)
{
    memory_region_del_subregion(&fn->config_bar, &fn->config_io);
    memory_region_del_subregion(&fn->bypass_bar, &fn->bypass_gone);
    memory_region_del_subregion(&fn->bypass_bar, &fn->bypass_ram);
}

static bool function_init_msix(QdmaFunction *fn, Error **errp)
{
    const QdmaIp *rev = fn->card->rev;
    bool pf = qdma_is_pf(fn);

    if (msix_init(fn->pdev, QDMA_MSIX_VECTORS,
                  &fn->config_bar, QDMA_BAR_CONFIG,
                  pf ? rev->pf_msix_table : QDMA_VF_MSIX_TABLE,
                  &fn->config_bar, QDMA_BAR_CONFIG,
                  pf ? rev->pf_msix_pba : QDMA_VF_MSIX_PBA,
                  QDMA_CAP_MSIX, errp) < 0) {
        return false;
    }
    for (unsigned i = 0; i < QDMA_MSIX_VECTORS; i++) {
        msix_vector_use(fn->pdev, i);
    }
    return true;
}

static void function_exit_msix(QdmaFunction *fn)
{
    msix_unuse_all_vectors(fn->pdev);
    msix_uninit(fn->pdev, &fn->config_bar, &fn->config_bar);
}

/* PCIe capability as of a Gen3 x16 endpoint */
static bool function_init_pcie(QdmaFunction *fn, Error **errp)
{
    PCIDevice *pdev = fn->pdev;
    uint8_t *exp;

    if (pcie_endpoint_cap_init(pdev, QDMA_CAP_EXP) < 0) {
        error_setg(errp, "cannot add the PCI Express capability");
        return false;
    }
    exp = pdev->config + pdev->exp.exp_cap;
    pcie_cap_fill_link_ep_usp(pdev, QEMU_PCI_EXP_LNK_X16,
                              QEMU_PCI_EXP_LNK_8GT);
    pci_word_test_and_clear_mask(exp + PCI_EXP_LNKSTA,
                                 PCI_EXP_LNKSTA_CLS | PCI_EXP_LNKSTA_NLW);
    pci_word_test_and_set_mask(exp + PCI_EXP_LNKSTA,
                               QEMU_PCI_EXP_LNKSTA_CLS(QEMU_PCI_EXP_LNK_8GT) |
                               QEMU_PCI_EXP_LNKSTA_NLW(QEMU_PCI_EXP_LNK_X16));
    pcie_cap_flr_init(pdev);
    pcie_cap_deverr_init(pdev);
    pci_word_test_and_set_mask(pdev->wmask + pdev->exp.exp_cap +
                               PCI_EXP_DEVCTL, QDMA_DEVCTL_WRITABLE);

    pdev->exp.aer_log.log_max = PCIE_AER_LOG_MAX_DEFAULT;
    if (pcie_aer_init(pdev, PCI_ERR_VER, QDMA_ECAP_AER, PCI_ERR_SIZEOF,
                      errp) < 0) {
        pcie_cap_exit(pdev);
        return false;
    }
    /* Logged errors are state; a saved machine may have some. */
    memset(pdev->cmask + QDMA_ECAP_AER + PCI_ERR_UNCOR_STATUS, 0,
           PCI_ERR_SIZEOF - PCI_ERR_UNCOR_STATUS);
    pcie_ari_init(pdev, QDMA_ECAP_ARI);
    return true;
}

static void function_exit_pcie(QdmaFunction *fn)
{
    pcie_aer_exit(fn->pdev);
    pcie_cap_exit(fn->pdev);
}

bool qdma_function_realize(QdmaFunction *fn, Error **errp)
{
    function_init_bars(fn);
    if (!function_init_msix(fn, errp)) {
        function_exit_bars(fn);
        return false;
    }
    if (!function_init_pcie(fn, errp)) {
        function_exit_msix(fn);
        function_exit_bars(fn);
        return false;
    }
    fn->card->fn[fn->id] = fn;
    return true;
}

void qdma_function_exit(QdmaFunction *fn)
{
    fn->card->fn[fn->id] = NULL;
    function_exit_pcie(fn);
    function_exit_msix(fn);
    function_exit_bars(fn);
}

uint32_t qdma_function_config_read(QdmaFunction *fn, uint32_t addr, int len)
{
    if (fn->card->removed || fn->card->in_message || fn->in_flr) {
        return MAKE_64BIT_MASK(0, len * 8);
    }
    return pci_default_read_config(fn->pdev, addr, len);
}

/*
 * One memory transaction around it all: enabling or disabling hundreds of VFs
 * rebuilds the memory map once instead of once per VF.
 */
void qdma_function_config_write(QdmaFunction *fn, uint32_t addr, uint32_t val,
                                int len)
{
    PCIDevice *pdev = fn->pdev;
    uint16_t devctl = pdev->exp.exp_cap + PCI_EXP_DEVCTL;
    bool flr;

    if (fn->card->removed || fn->card->in_message || fn->in_flr) {
        return;
    }
    memory_region_transaction_begin();
    pci_default_write_config(pdev, addr, val, len);
    flr = pci_get_word(pdev->config + devctl) & PCI_EXP_DEVCTL_BCR_FLR;
    pcie_cap_flr_write_config(pdev, addr, val, len);
    pcie_aer_write_config(pdev, addr, val, len);
    memory_region_transaction_commit();
    fn->in_flr = flr && fn->card->inject_flr_hang;
}

/* A function was reset in any way: its queues, mailbox, interrupts are gone */
void qdma_function_stop(QdmaFunction *fn)
{
    trace_xlnx_qdma_reset(fn->id, pci_get_word(fn->pdev->config +
                          fn->pdev->exp.exp_cap + PCI_EXP_DEVCTL) &
                          PCI_EXP_DEVCTL_BCR_FLR);
    qdma_ctxt_drop_function(fn);
    qdma_mbox_reset(fn);
}

void qdma_function_reset(QdmaFunction *fn)
{
    uint8_t *devctl = fn->pdev->config + fn->pdev->exp.exp_cap +
                      PCI_EXP_DEVCTL;

    qdma_function_stop(fn);
    fn->in_flr = false;
    pcie_cap_deverr_reset(fn->pdev);
    pci_word_test_and_clear_mask(devctl, QDMA_DEVCTL_WRITABLE);
    pci_word_test_and_set_mask(devctl, QDMA_DEVCTL_RESET);
}
