/*
 * Xilinx/AMD QDMA card (soft EQDMA with SR-IOV): PCI side
 *
 * A PF with up to 252 VFs, each with three BARs (registers, user logic, a
 * window to the card's memory), eight MSI-X vectors and function level reset.
 * docs/specs/qdma.rst is the register document.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_aer.h"
#include "hw/pci/pcie_sriov.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "qdma.h"
#include "trace.h"

#define PCI_VENDOR_ID_XILINX_QDMA PCI_VENDOR_ID_XILINX

/* Capabilities in config space */
#define QDMA_CAP_PM         0x40
#define QDMA_CAP_MSIX       0x60
#define QDMA_CAP_EXP        0x70
#define QDMA_ECAP_AER       0x100
#define QDMA_ECAP_ARI       0x150
#define QDMA_ECAP_SERIAL    0x160
#define QDMA_ECAP_SRIOV     0x180

#define QDMA_BAR_TYPE (PCI_BASE_ADDRESS_SPACE_MEMORY | \
                       PCI_BASE_ADDRESS_MEM_TYPE_64 | \
                       PCI_BASE_ADDRESS_MEM_PREFETCH)

/* Transfer controls: kept for software, without effect on the model */
#define QDMA_DEVCTL_WRITABLE \
    (PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD | \
     PCI_EXP_DEVCTL_EXT_TAG | PCI_EXP_DEVCTL_NOSNOOP_EN | \
     PCI_EXP_DEVCTL_READRQ)
#define QDMA_DEVCTL_RESET \
    (PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | \
     PCI_EXP_DEVCTL_READRQ_512B)

/* What one value of the "ip" property means */
typedef struct QdmaIp {
    const char *name;
    uint32_t misc_cap;
    uint32_t vf_version;
    uint32_t len_limit;
} QdmaIp;

static const QdmaIp qdma_ips[] = {
    { "eqdma-5.0", 0x02200003, 0x1fd30220, 64 * KiB },
    { "eqdma-4.0", 0x01100003, 0x1fd30110, QDMA_MM_DESC_LEN_MASK + 1 },
};

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
 * DMA with the function's own requester id. While it runs the card takes no
 * register access: a buffer address that points back at the card's registers
 * must not change the state the engine is working on.
 */
MemTxResult qdma_dma_read(QdmaFunction *fn, uint64_t addr, void *buf,
                          uint32_t len)
{
    MemTxResult result;

    fn->card->in_dma = true;
    result = pci_dma_read(fn->pdev, addr, buf, len);
    fn->card->in_dma = false;
    fn->count.dma_reads++;
    fn->count.dma_read_bytes += result == MEMTX_OK ? len : 0;
    return result;
}

MemTxResult qdma_dma_write(QdmaFunction *fn, uint64_t addr, const void *buf,
                           uint32_t len)
{
    MemTxResult result;

    fn->card->in_dma = true;
    result = pci_dma_write(fn->pdev, addr, buf, len);
    fn->card->in_dma = false;
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
    if (in_block(addr, QDMA_PF_DOORBELL, QDMA_QUEUES * QDMA_DB_STRIDE)) {
        return qdma_doorbell_read(fn, addr - QDMA_PF_DOORBELL);
    }
    if (in_block(addr, QDMA_PF_MBOX, QDMA_PF_MBOX_SIZE)) {
        return qdma_mbox_read(fn, addr - QDMA_PF_MBOX);
    }
    return 0;
}

static void pf_write(QdmaFunction *fn, hwaddr addr, uint32_t val)
{
    if (addr < QDMA_PF_CSR_SIZE) {
        qdma_csr_write(fn, addr, val);
    } else if (in_block(addr, QDMA_PF_DOORBELL,
                        QDMA_QUEUES * QDMA_DB_STRIDE)) {
        qdma_doorbell_write(fn, addr - QDMA_PF_DOORBELL, val);
    } else if (in_block(addr, QDMA_PF_MBOX, QDMA_PF_MBOX_SIZE)) {
        qdma_mbox_write(fn, addr - QDMA_PF_MBOX, val);
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
    if (in_block(addr, QDMA_VF_MBOX, QDMA_VF_MBOX_SIZE)) {
        return qdma_mbox_read(fn, addr - QDMA_VF_MBOX);
    }
    return 0;
}

static void vf_write(QdmaFunction *fn, hwaddr addr, uint32_t val)
{
    if (in_block(addr, QDMA_VF_DOORBELL,
                 QDMA_VF_DOORBELL_QUEUES * QDMA_DB_STRIDE)) {
        qdma_doorbell_write(fn, addr - QDMA_VF_DOORBELL, val);
    } else if (in_block(addr, QDMA_VF_MBOX, QDMA_VF_MBOX_SIZE)) {
        qdma_mbox_write(fn, addr - QDMA_VF_MBOX, val);
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
    if (fn->card->removed || fn->card->in_dma) {
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
    if (fn->card->removed || fn->card->in_dma) {
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
    uint64_t config_size = qdma_is_pf(fn) ? QDMA_PF_CONFIG_SIZE :
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
    bool pf = qdma_is_pf(fn);

    if (msix_init(fn->pdev, QDMA_MSIX_VECTORS,
                  &fn->config_bar, QDMA_BAR_CONFIG,
                  pf ? QDMA_PF_MSIX_TABLE : QDMA_VF_MSIX_TABLE,
                  &fn->config_bar, QDMA_BAR_CONFIG,
                  pf ? QDMA_PF_MSIX_PBA : QDMA_VF_MSIX_PBA,
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

static bool function_realize(QdmaFunction *fn, Error **errp)
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

static void function_exit(QdmaFunction *fn)
{
    fn->card->fn[fn->id] = NULL;
    function_exit_pcie(fn);
    function_exit_msix(fn);
    function_exit_bars(fn);
}

static uint32_t function_config_read(QdmaFunction *fn, uint32_t addr, int len)
{
    if (fn->card->removed || fn->in_flr) {
        return MAKE_64BIT_MASK(0, len * 8);
    }
    return pci_default_read_config(fn->pdev, addr, len);
}

/*
 * One memory transaction around it all: enabling or disabling hundreds of VFs
 * rebuilds the memory map once instead of once per VF.
 */
static void function_config_write(QdmaFunction *fn, uint32_t addr,
                                  uint32_t val, int len)
{
    PCIDevice *pdev = fn->pdev;
    uint16_t devctl = pdev->exp.exp_cap + PCI_EXP_DEVCTL;
    bool flr;

    if (fn->card->removed || fn->in_flr) {
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

static void function_reset(QdmaFunction *fn)
{
    uint8_t *devctl = fn->pdev->config + fn->pdev->exp.exp_cap +
                      PCI_EXP_DEVCTL;

    qdma_function_stop(fn);
    fn->in_flr = false;
    pcie_cap_deverr_reset(fn->pdev);
    pci_word_test_and_clear_mask(devctl, QDMA_DEVCTL_WRITABLE);
    pci_word_test_and_set_mask(devctl, QDMA_DEVCTL_RESET);
}

/* The card is pulled out of its slot, or put back. */
void qdma_set_removed(QdmaState *s, bool removed)
{
    if (s->removed == removed) {
        return;
    }
    trace_xlnx_qdma_removed(removed);
    s->removed = removed;
    memory_region_transaction_begin();
    for (unsigned i = 0; i < QDMA_FUNCTIONS; i++) {
        if (s->fn[i]) {
            memory_region_set_enabled(&s->fn[i]->bypass_ram, !removed);
            qdma_function_stop(s->fn[i]);
        }
    }
    memory_region_transaction_commit();
}

static const VMStateDescription vmstate_message = {
    .name = "xlnx-qdma-message",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(word, QdmaMessage, QDMA_MBOX_WORDS),
        VMSTATE_BOOL(full, QdmaMessage),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_function = {
    .name = "xlnx-qdma-function",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(to_pf, QdmaFunction, 1, vmstate_message, QdmaMessage),
        VMSTATE_STRUCT(from_pf, QdmaFunction, 1, vmstate_message, QdmaMessage),
        VMSTATE_UINT32(mbox_vector, QdmaFunction),
        VMSTATE_UINT32(mbox_enable, QdmaFunction),
        VMSTATE_BOOL(in_flr, QdmaFunction),
        VMSTATE_BOOL(pre_flr, QdmaFunction),
        VMSTATE_END_OF_LIST()
    }
};

/* Nothing that was saved may index past an array, whoever wrote it. */
static bool qdma_state_ok(QdmaState *s)
{
    if (s->events > QDMA_FUNCTIONS) {
        return false;
    }
    for (unsigned i = 0; i < s->events; i++) {
        if (s->event[i] >= QDMA_FUNCTIONS) {
            return false;
        }
    }
    return true;
}

static int qdma_post_load(void *opaque, int version_id)
{
    QdmaState *s = opaque;

    if (!qdma_state_ok(s)) {
        return -EINVAL;
    }
    s->aggr_waiting = 0;
    for (unsigned i = 0; i < QDMA_RINGS; i++) {
        s->aggr_waiting += s->aggr_wait[i];
    }
    qdma_mm_kick_all(s);
    return 0;
}

static const VMStateDescription vmstate_qdma = {
    .name = TYPE_XLNX_QDMA,
    .version_id = 1,
    .minimum_version_id = 1,
    /*
     * Loading the PF enables its VFs, which resets them; so it must come
     * before the VFs, although they were realized first.
     */
    .priority = MIG_PRI_PCI_BUS,
    .post_load = qdma_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, QdmaState),
        VMSTATE_MSIX(parent_obj, QdmaState),
        VMSTATE_STRUCT(parent_obj.exp.aer_log, QdmaState, 0,
                       vmstate_pcie_aer_log, PCIEAERLog),
        VMSTATE_STRUCT(pf, QdmaState, 1, vmstate_function, QdmaFunction),
        VMSTATE_UINT32_ARRAY(csr, QdmaState, QDMA_PF_CSR_SIZE / 4),
        VMSTATE_UINT32_2DARRAY(sw, QdmaState, QDMA_RINGS, 8),
        VMSTATE_UINT32_2DARRAY(hw, QdmaState, QDMA_RINGS, 2),
        VMSTATE_UINT32_ARRAY(credit, QdmaState, QDMA_RINGS),
        VMSTATE_BOOL_ARRAY(aggr_wait, QdmaState, QDMA_RINGS),
        VMSTATE_UINT32_2DARRAY(cmpt, QdmaState, QDMA_QUEUES, 6),
        VMSTATE_UINT32_2DARRAY(pfch, QdmaState, QDMA_QUEUES, 2),
        VMSTATE_UINT32_2DARRAY(intr, QdmaState, QDMA_INTR_RINGS, 4),
        VMSTATE_UINT32_2DARRAY(host, QdmaState, QDMA_HOST_PROFILES, 7),
        VMSTATE_UINT32_2DARRAY(fmap, QdmaState, QDMA_FUNCTIONS, 2),
        VMSTATE_UINT32_ARRAY(cmpt_doorbell, QdmaState, QDMA_QUEUES),
        VMSTATE_UINT16_ARRAY(intr_cidx, QdmaState, QDMA_INTR_RINGS),
        VMSTATE_BOOL(ctxt_pending, QdmaState),
        VMSTATE_UINT32(mbox_target, QdmaState),
        VMSTATE_UINT32_ARRAY(mbox_ack, QdmaState, QDMA_MBOX_ACK_WORDS),
        VMSTATE_UINT16_ARRAY(event, QdmaState, QDMA_FUNCTIONS),
        VMSTATE_UINT16(events, QdmaState),
        VMSTATE_UINT32_ARRAY(user, QdmaState, QDMA_USER_SIZE / 4),
        VMSTATE_END_OF_LIST()
    }
};

static bool qdma_check_properties(QdmaState *s, Error **errp)
{
    for (unsigned i = 0; i < ARRAY_SIZE(qdma_ips); i++) {
        if (!strcmp(s->ip ?: qdma_ips[0].name, qdma_ips[i].name)) {
            s->misc_cap = qdma_ips[i].misc_cap;
            s->vf_version = qdma_ips[i].vf_version;
            s->len_limit = qdma_ips[i].len_limit;
        }
    }
    if (!s->len_limit) {
        error_setg(errp, "ip '%s' is not known; it is one of %s, %s", s->ip,
                   qdma_ips[0].name, qdma_ips[1].name);
        return false;
    }
    if (!pci_bus_is_express(pci_get_bus(PCI_DEVICE(s)))) {
        error_setg(errp, "the card needs a PCI Express slot, such as a "
                   "pcie-root-port");
        return false;
    }
    if (s->vfs > QDMA_MAX_VFS) {
        error_setg(errp, "vfs is %u; the card has at most %u", s->vfs,
                   QDMA_MAX_VFS);
        return false;
    }
    if (PCI_DEVICE(s)->devfn + s->vfs >= PCI_DEVFN_MAX) {
        error_setg(errp, "%u VFs do not fit on the bus behind address %u; "
                   "give the card a pcie-root-port of its own", s->vfs,
                   PCI_DEVICE(s)->devfn);
        return false;
    }
    if (!is_power_of_2(s->bypass_size) || s->bypass_size < 4 * KiB) {
        error_setg(errp, "bypass-window is %" PRIu64 "; it must be a power of "
                   "two of at least 4096", s->bypass_size);
        return false;
    }
    if (!s->memdev && (!s->card_size || s->card_size % (4 * KiB))) {
        error_setg(errp, "card-memory is %" PRIu64 "; it must be a multiple "
                   "of 4096 and not zero", s->card_size);
        return false;
    }
    return true;
}

static bool qdma_init_card_memory(QdmaState *s, Error **errp)
{
    if (!s->memdev) {
        s->card = &s->card_ram;
        return memory_region_init_ram(s->card, OBJECT(s), "xlnx-qdma.card",
                                      s->card_size, errp);
    }
    if (host_memory_backend_is_mapped(s->memdev)) {
        error_setg(errp, "memdev '%s' is in use already",
                   object_get_canonical_path_component(OBJECT(s->memdev)));
        return false;
    }
    s->card = host_memory_backend_get_memory(s->memdev);
    s->card_size = memory_region_size(s->card);
    host_memory_backend_set_mapped(s->memdev, true);
    vmstate_register_ram(s->card, DEVICE(s));
    return true;
}

static void qdma_exit_card_memory(QdmaState *s)
{
    if (s->memdev) {
        vmstate_unregister_ram(s->card, DEVICE(s));
        host_memory_backend_set_mapped(s->memdev, false);
    }
}

static bool qdma_init_sriov(QdmaState *s, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(s);

    if (!s->vfs) {
        return true;
    }
    if (!pcie_sriov_pf_init(pdev, QDMA_ECAP_SRIOV, TYPE_XLNX_QDMA_VF,
                            QDMA_PCI_VF_DEVICE_ID, s->vfs, s->vfs, 1, 1,
                            errp)) {
        return false;
    }
    pcie_sriov_pf_init_vf_bar(pdev, QDMA_BAR_CONFIG, QDMA_BAR_TYPE,
                              QDMA_VF_CONFIG_SIZE);
    pcie_sriov_pf_init_vf_bar(pdev, QDMA_BAR_USER, QDMA_BAR_TYPE,
                              QDMA_USER_SIZE);
    pcie_sriov_pf_init_vf_bar(pdev, QDMA_BAR_BYPASS, QDMA_BAR_TYPE,
                              s->bypass_size);
    return true;
}

static bool qdma_init_functions(QdmaState *s, Error **errp)
{
    bool ok;

    s->pf.card = s;
    s->pf.pdev = PCI_DEVICE(s);
    memory_region_transaction_begin();
    ok = function_realize(&s->pf, errp);
    if (ok) {
        pcie_dev_ser_num_init(s->pf.pdev, QDMA_ECAP_SERIAL, s->serial);
        ok = qdma_init_sriov(s, errp);
        if (!ok) {
            function_exit(&s->pf);
        }
    }
    memory_region_transaction_commit();
    return ok;
}

static void qdma_realize(PCIDevice *pdev, Error **errp)
{
    QdmaState *s = XLNX_QDMA(pdev);

    if (!qdma_check_properties(s, errp) || !qdma_init_card_memory(s, errp)) {
        return;
    }
    if (pci_pm_init(pdev, QDMA_CAP_PM, errp) < 0) {
        qdma_exit_card_memory(s);
        return;
    }
    pci_set_word(pdev->config + pdev->pm_cap + PCI_PM_PMC, 3);
    pci_set_word(pdev->config + pdev->pm_cap + PCI_PM_CTRL,
                 PCI_PM_CTRL_NO_SOFT_RESET);
    pci_set_word(pdev->wmask + pdev->pm_cap + PCI_PM_CTRL,
                 PCI_PM_CTRL_STATE_MASK);
    qdma_csr_init(s);
    qdma_mm_init(s);
    if (!qdma_init_functions(s, errp)) {
        qdma_mm_exit(s);
        qdma_exit_card_memory(s);
    }
}

static void qdma_exit(PCIDevice *pdev)
{
    QdmaState *s = XLNX_QDMA(pdev);

    memory_region_transaction_begin();
    pcie_sriov_pf_exit(pdev);
    function_exit(&s->pf);
    memory_region_transaction_commit();
    qdma_mm_exit(s);
    qdma_exit_card_memory(s);
}

static uint32_t qdma_config_read(PCIDevice *pdev, uint32_t addr, int len)
{
    return function_config_read(&XLNX_QDMA(pdev)->pf, addr, len);
}

static void qdma_config_write(PCIDevice *pdev, uint32_t addr, uint32_t val,
                              int len)
{
    function_config_write(&XLNX_QDMA(pdev)->pf, addr, val, len);
}

/* The card's memory keeps its content; all registers start anew. */
static void qdma_reset_hold(Object *obj, ResetType type)
{
    QdmaState *s = XLNX_QDMA(obj);

    qdma_ctxt_reset(s);
    qdma_csr_init(s);
    qdma_user_reset(s);
    function_reset(&s->pf);
    memset(s->mbox_ack, 0, sizeof(s->mbox_ack));
    s->mbox_target = 0;
}

static const Property qdma_properties[] = {
    DEFINE_PROP_UINT16("vfs", QdmaState, vfs, QDMA_MAX_VFS),
    DEFINE_PROP_SIZE("card-memory", QdmaState, card_size, 512 * MiB),
    DEFINE_PROP_SIZE("bypass-window", QdmaState, bypass_size, 1 * MiB),
    DEFINE_PROP_LINK("memdev", QdmaState, memdev, TYPE_MEMORY_BACKEND,
                     HostMemoryBackend *),
    DEFINE_PROP_UINT32("latency-ns", QdmaState, latency_ns, 2000),
    DEFINE_PROP_SIZE("bandwidth", QdmaState, bandwidth, 0),
    DEFINE_PROP_STRING("ip", QdmaState, ip),
    DEFINE_PROP_UINT64("serial", QdmaState, serial, 0x0a35000000000001),
};

static const struct {
    const char *name, *text;
} qdma_property_texts[] = {
    { "vfs", "TotalVFs of the SR-IOV capability, 0 to 252" },
    { "card-memory", "Size of the card's memory, a multiple of 4096" },
    { "bypass-window", "Size of each function's BAR 4, a power of two" },
    { "memdev", "Memory backend that is the card's memory; its size replaces "
                "card-memory" },
    { "latency-ns", "Time from the end of a transfer to its completion" },
    { "bandwidth", "Bytes per second of each MM engine, 0 is unlimited" },
    { "ip", "IP revision: eqdma-5.0 (default) or eqdma-4.0" },
    { "serial", "Device serial number capability" },
};

static void qdma_instance_init(Object *obj)
{
    QdmaState *s = XLNX_QDMA(obj);

    s->inject_desc_fetch_error = -1;
}

static void qdma_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    k->realize = qdma_realize;
    k->exit = qdma_exit;
    k->config_read = qdma_config_read;
    k->config_write = qdma_config_write;
    k->vendor_id = PCI_VENDOR_ID_XILINX_QDMA;
    k->device_id = QDMA_PCI_PF_DEVICE_ID;
    k->subsystem_vendor_id = PCI_VENDOR_ID_XILINX_QDMA;
    k->subsystem_id = QDMA_PCI_SUBSYSTEM_ID;
    k->class_id = PCI_CLASS_MEMORY_OTHER;
    rc->phases.hold = qdma_reset_hold;
    dc->desc = "Xilinx/AMD QDMA card: soft EQDMA with SR-IOV";
    dc->vmsd = &vmstate_qdma;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    device_class_set_props(dc, qdma_properties);
    for (unsigned i = 0; i < ARRAY_SIZE(qdma_property_texts); i++) {
        object_class_property_set_description(klass,
                                              qdma_property_texts[i].name,
                                              qdma_property_texts[i].text);
    }
    qdma_inject_class_init(klass);
}

static void qdma_vf_realize(PCIDevice *pdev, Error **errp)
{
    QdmaVfState *vf = XLNX_QDMA_VF(pdev);

    vf->fn.card = XLNX_QDMA(pcie_sriov_get_pf(pdev));
    vf->fn.pdev = pdev;
    vf->fn.id = pcie_sriov_vf_number(pdev) + 1;
    function_realize(&vf->fn, errp);
}

static void qdma_vf_exit(PCIDevice *pdev)
{
    function_exit(&XLNX_QDMA_VF(pdev)->fn);
}

static uint32_t qdma_vf_config_read(PCIDevice *pdev, uint32_t addr, int len)
{
    return function_config_read(&XLNX_QDMA_VF(pdev)->fn, addr, len);
}

static void qdma_vf_config_write(PCIDevice *pdev, uint32_t addr, uint32_t val,
                                 int len)
{
    function_config_write(&XLNX_QDMA_VF(pdev)->fn, addr, val, len);
}

/* Also called when the VF is enabled or disabled */
static void qdma_vf_reset_hold(Object *obj, ResetType type)
{
    function_reset(&XLNX_QDMA_VF(obj)->fn);
}

static const VMStateDescription vmstate_qdma_vf = {
    .name = TYPE_XLNX_QDMA_VF,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, QdmaVfState),
        VMSTATE_MSIX(parent_obj, QdmaVfState),
        VMSTATE_STRUCT(parent_obj.exp.aer_log, QdmaVfState, 0,
                       vmstate_pcie_aer_log, PCIEAERLog),
        VMSTATE_STRUCT(fn, QdmaVfState, 1, vmstate_function, QdmaFunction),
        VMSTATE_END_OF_LIST()
    }
};

static void qdma_vf_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    k->realize = qdma_vf_realize;
    k->exit = qdma_vf_exit;
    k->config_read = qdma_vf_config_read;
    k->config_write = qdma_vf_config_write;
    k->vendor_id = PCI_VENDOR_ID_XILINX_QDMA;
    k->device_id = QDMA_PCI_VF_DEVICE_ID;
    k->subsystem_vendor_id = PCI_VENDOR_ID_XILINX_QDMA;
    k->subsystem_id = QDMA_PCI_SUBSYSTEM_ID;
    k->class_id = PCI_CLASS_MEMORY_OTHER;
    rc->phases.hold = qdma_vf_reset_hold;
    dc->desc = "Xilinx/AMD QDMA virtual function";
    dc->vmsd = &vmstate_qdma_vf;
    dc->user_creatable = false;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo qdma_types[] = {
    {
        .name = TYPE_XLNX_QDMA,
        .parent = TYPE_PCI_DEVICE,
        .instance_size = sizeof(QdmaState),
        .instance_init = qdma_instance_init,
        .class_init = qdma_class_init,
        .interfaces = (InterfaceInfo[]) {
            { INTERFACE_PCIE_DEVICE },
            { }
        },
    },
    {
        .name = TYPE_XLNX_QDMA_VF,
        .parent = TYPE_PCI_DEVICE,
        .instance_size = sizeof(QdmaVfState),
        .class_init = qdma_vf_class_init,
        .interfaces = (InterfaceInfo[]) {
            { INTERFACE_PCIE_DEVICE },
            { }
        },
    },
};

DEFINE_TYPES(qdma_types)
