/*
 * Xilinx/AMD QDMA card with SR-IOV: PCI side
 *
 * A PF with up to 252 VFs, each with three BARs (registers, user logic, a
 * window to the card's memory), eight MSI-X vectors and function level reset.
 * docs/specs/qdma.rst is the register document.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
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

/* Capabilities the PF has besides those of each function */
#define QDMA_CAP_PM         0x40
#define QDMA_ECAP_SERIAL    0x160
#define QDMA_ECAP_SRIOV     0x180

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

static const VMStateDescription vmstate_packet = {
    .name = "xlnx-qdma-packet",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(len, QdmaPacket),
        VMSTATE_VBUFFER_ALLOC_UINT32(data, QdmaPacket, 1, NULL, len),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_stream = {
    .name = "xlnx-qdma-stream",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_QTAILQ_V(packets, QdmaStream, 1, vmstate_packet, QdmaPacket,
                         next),
        VMSTATE_UINT32(waiting, QdmaStream),
        VMSTATE_UINT32(waiting_bytes, QdmaStream),
        VMSTATE_UINT32(gen_left, QdmaStream),
        VMSTATE_UINT32(gen_len, QdmaStream),
        VMSTATE_UINT32(gen_pos, QdmaStream),
        VMSTATE_BOOL(gen_immediate, QdmaStream),
        VMSTATE_BOOL(marker, QdmaStream),
        VMSTATE_INT64(timer_ns, QdmaStream),
        VMSTATE_END_OF_LIST()
    }
};

static bool qdma_stream_ok(const QdmaStream *st)
{
    const QdmaPacket *p;
    uint32_t n = 0, bytes = 0;

    QTAILQ_FOREACH(p, &st->packets, next) {
        if (p->len > QDMA_PACKET_MAX) {
            return false;
        }
        n++;
        bytes += p->len;
    }
    return n == st->waiting && bytes == st->waiting_bytes &&
           st->gen_len <= QDMA_PACKET_MAX;
}

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
    for (unsigned i = 0; i < QDMA_QUEUES; i++) {
        if (!qdma_stream_ok(&s->stream[i])) {
            return false;
        }
    }
    return s->user[R_USER_C2H_QID] < s->rev->queues;
}

static int qdma_post_load(void *opaque, int version_id)
{
    QdmaState *s = opaque;

    if (!qdma_state_ok(s)) {
        return -EINVAL;
    }
    s->aggr_waiting = 0;
    for (unsigned i = 0; i < QDMA_SOURCES; i++) {
        s->aggr_waiting += s->aggr_wait[i];
    }
    qdma_cmpt_loaded(s);
    qdma_ring_kick_all(s);
    return 0;
}

static const VMStateDescription vmstate_qdma = {
    .name = TYPE_XLNX_QDMA,
    .version_id = 2,
    .minimum_version_id = 2,
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
        VMSTATE_BOOL_ARRAY(aggr_wait, QdmaState, QDMA_SOURCES),
        VMSTATE_UINT32_2DARRAY(cmpt, QdmaState, QDMA_QUEUES, 6),
        VMSTATE_UINT32_2DARRAY(pfch, QdmaState, QDMA_QUEUES, 2),
        VMSTATE_UINT32_2DARRAY(intr, QdmaState, QDMA_INTR_RINGS, 4),
        VMSTATE_UINT32_2DARRAY(host, QdmaState, QDMA_HOST_PROFILES, 7),
        VMSTATE_UINT32_2DARRAY(fmap, QdmaState, QDMA_FUNCTIONS, 2),
        VMSTATE_UINT32_ARRAY(cmpt_doorbell, QdmaState, QDMA_QUEUES),
        VMSTATE_UINT16_ARRAY(intr_cidx, QdmaState, QDMA_INTR_RINGS),
        VMSTATE_UINT16_ARRAY(intr_owner, QdmaState, QDMA_INTR_RINGS),
        VMSTATE_UINT32_ARRAY(mbox_fmap, QdmaState, QDMA_FUNCTIONS),
        VMSTATE_BOOL(ctxt_pending, QdmaState),
        VMSTATE_UINT32(mbox_target, QdmaState),
        VMSTATE_UINT32_ARRAY(mbox_ack, QdmaState, QDMA_MBOX_ACK_WORDS),
        VMSTATE_UINT16_ARRAY(event, QdmaState, QDMA_FUNCTIONS),
        VMSTATE_UINT16(events, QdmaState),
        VMSTATE_UINT32_ARRAY(user, QdmaState, QDMA_USER_SIZE / 4),
        VMSTATE_UINT32(check_pos, QdmaState),
        VMSTATE_BOOL(check_bad, QdmaState),
        VMSTATE_STRUCT_ARRAY(stream, QdmaState, QDMA_QUEUES, 1, vmstate_stream,
                             QdmaStream),
        VMSTATE_END_OF_LIST()
    }
};

static bool qdma_check_properties(QdmaState *s, Error **errp)
{
    s->rev = qdma_ip_find(s->ip);
    if (!s->rev) {
        g_autofree char *names = qdma_ip_names();

        error_setg(errp, "ip '%s' is not known; it is one of %s", s->ip,
                   names);
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
                            s->rev->vf_device, s->vfs, s->vfs, 1, 1,
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
    ok = qdma_function_realize(&s->pf, errp);
    if (ok) {
        pcie_dev_ser_num_init(s->pf.pdev, QDMA_ECAP_SERIAL, s->serial);
        ok = qdma_init_sriov(s, errp);
        if (!ok) {
            qdma_function_exit(&s->pf);
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
    pci_set_word(pdev->config + PCI_DEVICE_ID, s->rev->pf_device);
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
    qdma_engine_init(s);
    qdma_st_init(s);
    qdma_cmpt_init(s);
    if (!qdma_init_functions(s, errp)) {
        qdma_engine_exit(s);
        qdma_cmpt_exit(s);
        qdma_exit_card_memory(s);
    }
}

static void qdma_exit(PCIDevice *pdev)
{
    QdmaState *s = XLNX_QDMA(pdev);

    memory_region_transaction_begin();
    pcie_sriov_pf_exit(pdev);
    qdma_function_exit(&s->pf);
    memory_region_transaction_commit();
    qdma_engine_exit(s);
    qdma_cmpt_exit(s);
    qdma_exit_card_memory(s);
}

static uint32_t qdma_config_read(PCIDevice *pdev, uint32_t addr, int len)
{
    return qdma_function_config_read(&XLNX_QDMA(pdev)->pf, addr, len);
}

static void qdma_config_write(PCIDevice *pdev, uint32_t addr, uint32_t val,
                              int len)
{
    qdma_function_config_write(&XLNX_QDMA(pdev)->pf, addr, val, len);
}

/* The card's memory keeps its content; all registers start anew. */
static void qdma_reset_hold(Object *obj, ResetType type)
{
    QdmaState *s = XLNX_QDMA(obj);

    qdma_ctxt_reset(s);
    qdma_csr_init(s);
    qdma_user_reset(s);
    qdma_function_reset(&s->pf);
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
    { "ip", "IP revision: eqdma-5.0 (default), eqdma-4.0, qdma-3.1 or cpm5" },
    { "serial", "Device serial number capability" },
};

static void qdma_instance_init(Object *obj)
{
    QdmaState *s = XLNX_QDMA(obj);

    s->inject_desc_fetch_error = -1;
    s->inject_data_error = -1;
    s->inject_cmpt_overflow = -1;
    s->inject_never_idle = -1;
}

/* What a class is initialised with is const since 10.1. */
#if QEMU_VERSION_MAJOR > 10 || QEMU_VERSION_MINOR > 0
typedef const void qdma_class_data;
#else
typedef void qdma_class_data;
#endif

static void qdma_class_init(ObjectClass *klass, qdma_class_data *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    k->realize = qdma_realize;
    k->exit = qdma_exit;
    k->config_read = qdma_config_read;
    k->config_write = qdma_config_write;
    k->vendor_id = PCI_VENDOR_ID_XILINX;
    k->subsystem_vendor_id = PCI_VENDOR_ID_XILINX;
    k->subsystem_id = QDMA_PCI_SUBSYSTEM_ID;
    k->class_id = PCI_CLASS_MEMORY_OTHER;
    rc->phases.hold = qdma_reset_hold;
    dc->desc = "Xilinx/AMD QDMA card with SR-IOV";
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
    qdma_function_realize(&vf->fn, errp);
}

static void qdma_vf_exit(PCIDevice *pdev)
{
    qdma_function_exit(&XLNX_QDMA_VF(pdev)->fn);
}

static uint32_t qdma_vf_config_read(PCIDevice *pdev, uint32_t addr, int len)
{
    return qdma_function_config_read(&XLNX_QDMA_VF(pdev)->fn, addr, len);
}

static void qdma_vf_config_write(PCIDevice *pdev, uint32_t addr, uint32_t val,
                                 int len)
{
    qdma_function_config_write(&XLNX_QDMA_VF(pdev)->fn, addr, val, len);
}

/* Also called when the VF is enabled or disabled */
static void qdma_vf_reset_hold(Object *obj, ResetType type)
{
    qdma_function_reset(&XLNX_QDMA_VF(obj)->fn);
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

static void qdma_vf_class_init(ObjectClass *klass, qdma_class_data *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    k->realize = qdma_vf_realize;
    k->exit = qdma_vf_exit;
    k->config_read = qdma_vf_config_read;
    k->config_write = qdma_vf_config_write;
    k->vendor_id = PCI_VENDOR_ID_XILINX;
    k->subsystem_vendor_id = PCI_VENDOR_ID_XILINX;
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
