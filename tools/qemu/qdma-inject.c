/*
 * Xilinx/AMD QDMA card: error injection and counters
 *
 * QOM properties that can be set and read while the machine runs (qom-set,
 * qom-get). Values stay until set again; the actions (AER error, reset of the
 * counters) happen once, when written.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_aer.h"
#include "qdma.h"

static bool get_ctxt_busy(Object *obj, Error **errp)
{
    return XLNX_QDMA(obj)->inject_ctxt_busy;
}

static void set_ctxt_busy(Object *obj, bool value, Error **errp)
{
    QdmaState *s = XLNX_QDMA(obj);

    s->inject_ctxt_busy = value;
    if (!value) {
        qdma_ctxt_release(s);
    }
}

static bool get_flr_hang(Object *obj, Error **errp)
{
    return XLNX_QDMA(obj)->inject_flr_hang;
}

/* Switched off, resets that hang come to their end. */
static void set_flr_hang(Object *obj, bool value, Error **errp)
{
    QdmaState *s = XLNX_QDMA(obj);

    s->inject_flr_hang = value;
    for (unsigned i = 0; !value && i < QDMA_FUNCTIONS; i++) {
        if (s->fn[i]) {
            s->fn[i]->in_flr = false;
            s->fn[i]->pre_flr = false;
        }
    }
}

static bool get_bad_id(Object *obj, Error **errp)
{
    return XLNX_QDMA(obj)->inject_bad_id;
}

static void set_bad_id(Object *obj, bool value, Error **errp)
{
    XLNX_QDMA(obj)->inject_bad_id = value;
}

static bool check_realized(Object *obj, const char *name, Error **errp)
{
    if (!qdev_is_realized(DEVICE(obj))) {
        error_setg(errp, "%s works on a running machine only", name);
        return false;
    }
    return true;
}

static bool get_removal(Object *obj, Error **errp)
{
    return XLNX_QDMA(obj)->removed;
}

static void set_removal(Object *obj, bool value, Error **errp)
{
    if (check_realized(obj, "inject-surprise-removal", errp)) {
        qdma_set_removed(XLNX_QDMA(obj), value);
    }
}

static void set_counters_reset(Object *obj, bool value, Error **errp)
{
    QdmaState *s = XLNX_QDMA(obj);

    for (unsigned i = 0; value && i < QDMA_FUNCTIONS; i++) {
        if (s->fn[i]) {
            memset(&s->fn[i]->count, 0, sizeof(s->fn[i]->count));
        }
    }
}

/* A packet the card complains about: a memory read, all else zero */
#define AER_HEADER_MEM_READ 0x00000001

static void set_aer(Object *obj, const char *value, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(obj);
    PCIEAERErr err = {
        .source_id = pci_requester_id(pdev),
        .header = { cpu_to_be32(AER_HEADER_MEM_READ) },
    };
    uint32_t lnkcap;
    int ret;

    if (!check_realized(obj, "inject-aer", errp)) {
        return;
    }
    if (!strcmp(value, "correctable")) {
        err.status = PCI_ERR_COR_BAD_TLP;
        err.flags = PCIE_AER_ERR_IS_CORRECTABLE;
    } else if (!strcmp(value, "nonfatal")) {
        err.status = PCI_ERR_UNC_COMP_ABORT;
        err.flags = PCIE_AER_ERR_HEADER_VALID;
    } else if (!strcmp(value, "fatal")) {
        err.status = PCI_ERR_UNC_MALF_TLP;
        err.flags = PCIE_AER_ERR_HEADER_VALID;
    } else {
        error_setg(errp, "inject-aer is correctable, nonfatal or fatal, "
                   "not '%s'", value);
        return;
    }
    /* The core writes the device status as 32 bits, over the link's. */
    lnkcap = pci_get_long(pdev->config + pdev->exp.exp_cap + PCI_EXP_LNKCAP);
    ret = pcie_aer_inject_error(pdev, &err);
    pci_set_long(pdev->config + pdev->exp.exp_cap + PCI_EXP_LNKCAP, lnkcap);
    if (ret < 0) {
        error_setg(errp, "the card cannot report an error where it is "
                   "plugged in");
    }
}

static void visit_counter(Visitor *v, const char *name, uint64_t value)
{
    visit_type_uint64(v, name, &value, &error_abort);
}

static void visit_function(Visitor *v, const QdmaFunction *fn)
{
    const QdmaCounters *c = &fn->count;

    visit_start_struct(v, NULL, NULL, 0, &error_abort);
    visit_counter(v, "function", fn->id);
    visit_counter(v, "mmio-reads", c->mmio_reads);
    visit_counter(v, "mmio-writes", c->mmio_writes);
    visit_counter(v, "dma-reads", c->dma_reads);
    visit_counter(v, "dma-writes", c->dma_writes);
    visit_counter(v, "dma-read-bytes", c->dma_read_bytes);
    visit_counter(v, "dma-write-bytes", c->dma_write_bytes);
    visit_counter(v, "interrupts", c->interrupts);
    visit_counter(v, "mbox-sent", c->mbox_sent);
    visit_counter(v, "mbox-received", c->mbox_received);
    visit_counter(v, "guest-errors", c->guest_errors);
    visit_counter(v, "packets-h2c", c->packets_h2c);
    visit_counter(v, "packets-c2h", c->packets_c2h);
    visit_counter(v, "packets-dropped", c->packets_dropped);
    visit_counter(v, "completions", c->completions);
    visit_check_struct(v, &error_abort);
    visit_end_struct(v, NULL);
}

/* Functions that are enabled or have counted something */
static void get_counters(Object *obj, Visitor *v, const char *name,
                         void *opaque, Error **errp)
{
    static const QdmaCounters none;
    QdmaState *s = XLNX_QDMA(obj);

    visit_start_list(v, name, NULL, 0, &error_abort);
    for (unsigned i = 0; i < QDMA_FUNCTIONS; i++) {
        QdmaFunction *fn = s->fn[i];

        if (fn && (fn->pdev->enabled ||
                   memcmp(&fn->count, &none, sizeof(none)))) {
            visit_function(v, fn);
        }
    }
    visit_end_list(v, NULL);
}

/* A number that counts down; the property's opaque says where it is. */
static void get_count(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    visit_type_uint32(v, name, (uint32_t *)((char *)obj + (uintptr_t)opaque),
                      errp);
}

static void set_count(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    visit_type_uint32(v, name, (uint32_t *)((char *)obj + (uintptr_t)opaque),
                      errp);
}

/* A hardware queue, or -1 for none; the property's opaque says where it is. */
static void get_queue(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    visit_type_int32(v, name, (int32_t *)((char *)obj + (uintptr_t)opaque),
                     errp);
}

static void set_queue(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    int32_t qid;

    if (!visit_type_int32(v, name, &qid, errp)) {
        return;
    }
    if (qid < -1 || qid >= QDMA_QUEUES) {
        error_setg(errp, "%s is a hardware queue, 0 to %u, or -1 for none",
                   name, QDMA_QUEUES - 1);
        return;
    }
    *(int32_t *)((char *)obj + (uintptr_t)opaque) = qid;
}

/* "REGISTER BITS": the bits are set in the leaf status register, as if seen. */
static void set_error(Object *obj, const char *value, Error **errp)
{
    const char *end;
    uint64_t reg, bits;

    if (!check_realized(obj, "inject-error", errp)) {
        return;
    }
    if (qemu_strtou64(value, &end, 0, &reg) ||
        qemu_strtou64(end, NULL, 0, &bits) ||
        !qdma_csr_inject(XLNX_QDMA(obj), reg, bits)) {
        error_setg(errp, "inject-error is an error status register and bits "
                   "that it has, as in '0x254 0x4', not '%s'", value);
    }
}

static const struct {
    const char *name;
    size_t offset;
    const char *text;
} inject_counts[] = {
    { "inject-ctxt-busy-in", offsetof(QdmaState, inject_ctxt_busy_in),
      "Which context command from now on switches inject-ctxt-busy on, counted "
      "down" },
    { "inject-drop-writeback", offsetof(QdmaState, inject_drop_writeback),
      "How many status entries to leave unwritten, counted down" },
};

static const struct {
    const char *name;
    size_t offset;
    const char *text;
} inject_queues[] = {
    { "inject-desc-fetch-error", offsetof(QdmaState, inject_desc_fetch_error),
      "Hardware queue whose descriptor fetches fail, -1 for none" },
    { "inject-data-error", offsetof(QdmaState, inject_data_error),
      "Hardware queue whose data is refused by the bus, -1 for none" },
    { "inject-cmpt-overflow", offsetof(QdmaState, inject_cmpt_overflow),
      "Hardware queue whose completion ring is found full, -1 for none" },
    { "inject-never-idle", offsetof(QdmaState, inject_never_idle),
      "Hardware queue that never tells that it is idle, -1 for none" },
};

static const struct {
    const char *name;
    bool (*get)(Object *obj, Error **errp);
    void (*set)(Object *obj, bool value, Error **errp);
    const char *text;
} inject_bools[] = {
    { "inject-ctxt-busy", get_ctxt_busy, set_ctxt_busy,
      "Context commands stay busy until this is off again" },
    { "inject-flr-hang", get_flr_hang, set_flr_hang,
      "Function level resets do not finish until this is off again" },
    { "inject-bad-id", get_bad_id, set_bad_id,
      "Identifier and VF version registers read 0" },
    { "inject-surprise-removal", get_removal, set_removal,
      "All functions read all ones and do nothing, as if pulled out" },
    { "counters-reset", NULL, set_counters_reset,
      "Writing true sets all counters to zero" },
};

void qdma_inject_class_init(ObjectClass *klass)
{
    for (unsigned i = 0; i < ARRAY_SIZE(inject_bools); i++) {
        object_class_property_add_bool(klass, inject_bools[i].name,
                                       inject_bools[i].get,
                                       inject_bools[i].set);
        object_class_property_set_description(klass, inject_bools[i].name,
                                              inject_bools[i].text);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(inject_counts); i++) {
        object_class_property_add(klass, inject_counts[i].name, "uint32",
                                  get_count, set_count, NULL,
                                  (void *)(uintptr_t)inject_counts[i].offset);
        object_class_property_set_description(klass, inject_counts[i].name,
                                              inject_counts[i].text);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(inject_queues); i++) {
        object_class_property_add(klass, inject_queues[i].name, "int32",
                                  get_queue, set_queue, NULL,
                                  (void *)(uintptr_t)inject_queues[i].offset);
        object_class_property_set_description(klass, inject_queues[i].name,
                                              inject_queues[i].text);
    }
    object_class_property_add_str(klass, "inject-error", NULL, set_error);
    object_class_property_set_description(klass, "inject-error",
        "Log an error now: a status register and its bits");
    object_class_property_add_str(klass, "inject-aer", NULL, set_aer);
    object_class_property_set_description(klass, "inject-aer",
        "Report an error now: correctable, nonfatal or fatal");
    object_class_property_add(klass, "counters", "list", get_counters, NULL,
                              NULL, NULL);
    object_class_property_set_description(klass, "counters",
        "What each function did: accesses, DMA, interrupts, messages, errors");
}
