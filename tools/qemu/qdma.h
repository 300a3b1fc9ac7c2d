/*
 * Xilinx/AMD QDMA card with SR-IOV: state shared by the parts
 *
 * One QdmaState is the card and its physical function; each virtual function
 * is a QdmaVfState. What both kinds of function have is a QdmaFunction. DMA
 * and interrupts of a function always leave through its own PCIDevice.
 *
 * Everything runs under the big QEMU lock: register accesses, the timer that
 * drives the engines, resets. So a command that stops a queue has stopped
 * it when the register write returns.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_XLNX_QDMA_H
#define HW_MISC_XLNX_QDMA_H

#include "qemu/queue.h"
#include "qemu/timer.h"
#include "hw/pci/pci_device.h"
#include "system/hostmem.h"
#include "qom/object.h"
#include "qdma-regs.h"

#define TYPE_XLNX_QDMA "xlnx-qdma"
OBJECT_DECLARE_SIMPLE_TYPE(QdmaState, XLNX_QDMA)

#define TYPE_XLNX_QDMA_VF "xlnx-qdma-vf"
OBJECT_DECLARE_SIMPLE_TYPE(QdmaVfState, XLNX_QDMA_VF)

#define QDMA_BAR_TYPE (PCI_BASE_ADDRESS_SPACE_MEMORY | \
                       PCI_BASE_ADDRESS_MEM_TYPE_64 | \
                       PCI_BASE_ADDRESS_MEM_PREFETCH)

/* Descriptors of one ring that the engine has fetched and not completed */
#define QDMA_IN_FLIGHT 64
#define QDMA_PREFETCH_MAX 63            /* NUM_PFCH has six bits */

/* A C2H and an H2C ring per queue */
#define QDMA_RINGS (2 * QDMA_QUEUES)

/* What can interrupt: those rings, then the completion rings */
#define QDMA_SOURCES (QDMA_RINGS + QDMA_QUEUES)

/* A range of registers of the PF: what they keep, how a write changes them */
typedef enum QdmaCsrKind {
    CSR_UNMAPPED,
    CSR_RO,
    CSR_RW,
    CSR_W1C,
    CSR_W1S,        /* set and clear windows of another register */
} QdmaCsrKind;

typedef struct QdmaCsrInfo {
    uint16_t first;
    uint16_t count;
    uint8_t kind;
    uint32_t mask;
} QdmaCsrInfo;

/* Bits a context has, where they are not those of EQDMA */
typedef struct QdmaCtxtMask {
    uint8_t sel;
    uint32_t mask[QDMA_IND_CTXT_WORDS];
} QdmaCtxtMask;

/* What one IP revision is: the "ip" property, see qdma-ip.c */
typedef struct QdmaIp {
    const char *name;
    uint16_t pf_device, vf_device;
    uint32_t misc_cap;
    uint32_t vf_version;
    uint32_t channels;              /* of 0x114 to 0x11c */
    uint16_t queues;
    uint16_t queues_cap;            /* as 0x120 tells them */
    uint8_t mm_channels;
    uint8_t c2h_max_buffers;
    uint32_t mm_len_limit;
    hwaddr pf_config_size;
    hwaddr pf_mbox, vf_mbox;
    hwaddr pf_msix_table, pf_msix_pba;
    uint32_t err_h2c_st;            /* bit of 0x248 */
    bool mbox_fmap;                 /* function map next to the mailbox */
    bool intr_has_function;         /* else that of the queue is interrupted */
    const QdmaCtxtMask *ctxt;       /* ends with a mask of zeros */
    const QdmaCsrInfo *csr;         /* ends with a count of zero */
} QdmaIp;

typedef struct QdmaCounters {
    uint64_t mmio_reads;
    uint64_t mmio_writes;
    uint64_t dma_reads;
    uint64_t dma_writes;
    uint64_t dma_read_bytes;
    uint64_t dma_write_bytes;
    uint64_t interrupts;
    uint64_t mbox_sent;
    uint64_t mbox_received;
    uint64_t guest_errors;
    uint64_t packets_h2c;
    uint64_t packets_c2h;
    uint64_t packets_dropped;
    uint64_t completions;
} QdmaCounters;

/* One 128 byte message buffer; full from SEND to the receiver's acknowledge */
typedef struct QdmaMessage {
    uint32_t word[QDMA_MBOX_WORDS];
    bool full;
} QdmaMessage;

typedef struct QdmaFunction {
    QdmaState *card;
    PCIDevice *pdev;
    uint16_t id;                    /* 0 is the PF, n is VF n */
    bool in_flr;                    /* FLR that was made to hang */
    bool pre_flr;                   /* pre-FLR that was made to hang */

    MemoryRegion config_bar;
    MemoryRegion config_io;
    MemoryRegion user_io;
    MemoryRegion bypass_bar;
    MemoryRegion bypass_gone;
    MemoryRegion bypass_ram;

    QdmaMessage to_pf;              /* written by this function */
    QdmaMessage from_pf;            /* written by the PF to this function */
    uint32_t mbox_vector;
    uint32_t mbox_enable;

    QdmaCounters count;
} QdmaFunction;

/* A fetched descriptor; of stream C2H only dst counts, due when it is there */
typedef struct QdmaOp {
    uint64_t src;
    uint64_t dst;
    uint32_t len;
    uint32_t moved;
    bool eop;
    int64_t due_ns;
} QdmaOp;

/* What the hardware knows of a descriptor ring besides its contexts */
typedef struct QdmaRing {
    QTAILQ_ENTRY(QdmaRing) next;
    bool listed;
    bool blocked;                   /* H2C: the user logic takes no more */
    bool c2h;
    uint16_t qid;
    uint16_t head;                  /* of the op circle below */
    uint16_t in_flight;
    uint16_t since_status;          /* descriptors since the interval event */
    QdmaOp *op;                     /* QDMA_IN_FLIGHT, when needed */
} QdmaRing;

/* What one run of the engine may still do, and its time */
typedef struct QdmaBudget {
    int64_t now;
    uint32_t bytes;
    uint32_t descs;
} QdmaBudget;

/* A packet that loops back, waiting in the user logic */
typedef struct QdmaPacket {
    QTAILQ_ENTRY(QdmaPacket) next;
    uint32_t len;
    uint8_t *data;
} QdmaPacket;

/* What a C2H stream takes next from the user logic */
typedef struct QdmaBeat {
    uint32_t len;
    bool immediate;                 /* completion without a packet */
    bool marker;
    const uint8_t *data;            /* NULL: the generator's pattern */
} QdmaBeat;

/* What is ahead of a C2H stream queue, and its completion timer */
typedef struct QdmaStream {
    QTAILQ_HEAD(, QdmaPacket) packets;
    uint32_t waiting;
    uint32_t waiting_bytes;
    uint32_t gen_left;              /* generator: packets still to make */
    uint32_t gen_len;
    uint32_t gen_pos;               /* bytes of the pattern already made */
    bool gen_immediate;
    bool marker;
    bool started;                   /* due_ns is that of the next packet */
    int64_t due_ns;

    QTAILQ_ENTRY(QdmaStream) timer_next;
    int64_t timer_ns;               /* 0: does not run */
} QdmaStream;

struct QdmaState {
    PCIDevice parent_obj;

    /* properties */
    uint16_t vfs;
    uint64_t card_size;
    uint64_t bypass_size;
    HostMemoryBackend *memdev;
    uint32_t latency_ns;
    uint64_t bandwidth;
    char *ip;
    uint64_t serial;

    QdmaFunction pf;
    QdmaFunction *fn[QDMA_FUNCTIONS];
    MemoryRegion card_ram;
    MemoryRegion *card;
    const QdmaIp *rev;
    QdmaCsrInfo csr_info[QDMA_PF_CSR_SIZE / 4];
    bool in_message;                /* of an interrupt: its address may be ours */

    uint32_t csr[QDMA_PF_CSR_SIZE / 4];

    /* by ring index: C2H rings first, then H2C rings */
    uint32_t sw[QDMA_RINGS][8];
    uint32_t hw[QDMA_RINGS][2];
    uint32_t credit[QDMA_RINGS];
    QdmaRing ring[QDMA_RINGS];
    bool aggr_wait[QDMA_SOURCES];   /* an entry waits for ring space */

    /* by queue, interrupt ring, host profile, function */
    uint32_t cmpt[QDMA_QUEUES][6];
    uint32_t pfch[QDMA_QUEUES][2];
    uint32_t intr[QDMA_INTR_RINGS][4];
    uint32_t host[QDMA_HOST_PROFILES][7];
    uint32_t fmap[QDMA_FUNCTIONS][2];
    uint32_t cmpt_doorbell[QDMA_QUEUES];
    uint16_t intr_cidx[QDMA_INTR_RINGS];
    uint16_t intr_owner[QDMA_INTR_RINGS];   /* function it told last */
    uint16_t aggr_waiting;          /* how many aggr_wait are set */
    bool ctxt_pending;              /* a command held back by injection */

    uint32_t mbox_fmap[QDMA_FUNCTIONS];
    uint32_t mbox_target;
    uint32_t mbox_ack[QDMA_MBOX_ACK_WORDS];
    uint16_t event[QDMA_FUNCTIONS]; /* sources of messages, oldest first */
    uint16_t events;

    uint32_t user[QDMA_USER_SIZE / 4];
    uint32_t check_pos;             /* of the H2C checker in its pattern */
    bool check_bad;

    QdmaStream stream[QDMA_QUEUES];
    QTAILQ_HEAD(, QdmaStream) timers;
    QEMUTimer *cmpt_timer;

    QTAILQ_HEAD(, QdmaRing) active;
    QEMUTimer *engine;
    int64_t busy_until[2][QDMA_MM_CHANNELS];    /* by direction */

    bool inject_ctxt_busy;
    uint32_t inject_ctxt_busy_in;
    uint32_t inject_drop_writeback;
    int32_t inject_desc_fetch_error;
    int32_t inject_data_error;
    int32_t inject_cmpt_overflow;
    int32_t inject_never_idle;
    bool inject_flr_hang;
    bool inject_bad_id;
    bool removed;
};

struct QdmaVfState {
    PCIDevice parent_obj;
    QdmaFunction fn;
};

static inline bool qdma_is_pf(const QdmaFunction *fn)
{
    return fn->id == 0;
}

/* qdma-ip.c */
const QdmaIp *qdma_ip_find(const char *name);
char *qdma_ip_names(void);

/* qdma.c */
void qdma_set_removed(QdmaState *s, bool removed);

/* qdma-function.c */
QdmaFunction *qdma_function(QdmaState *s, unsigned id);
void qdma_guest_error(QdmaFunction *fn, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);
MemTxResult qdma_dma_read(QdmaFunction *fn, uint64_t addr, void *buf,
                          uint32_t len);
MemTxResult qdma_dma_write(QdmaFunction *fn, uint64_t addr, const void *buf,
                           uint32_t len);
bool qdma_function_realize(QdmaFunction *fn, Error **errp);
void qdma_function_exit(QdmaFunction *fn);
uint32_t qdma_function_config_read(QdmaFunction *fn, uint32_t addr, int len);
void qdma_function_config_write(QdmaFunction *fn, uint32_t addr, uint32_t val,
                                int len);
void qdma_function_stop(QdmaFunction *fn);
void qdma_function_reset(QdmaFunction *fn);

/* qdma-csr.c */
void qdma_csr_init(QdmaState *s);
uint32_t qdma_csr_read(QdmaFunction *fn, hwaddr addr);
void qdma_csr_write(QdmaFunction *fn, hwaddr addr, uint32_t val);
void qdma_csr_count(QdmaState *s, hwaddr addr, unsigned n, uint32_t mask);
bool qdma_csr_mm_running(QdmaState *s, const QdmaRing *r);
void qdma_csr_mm_completed(QdmaState *s, const QdmaRing *r);
void qdma_leaf_error(QdmaState *s, hwaddr status, hwaddr mask, uint32_t bits,
                     uint32_t global);
bool qdma_csr_inject(QdmaState *s, uint64_t status, uint64_t bits);
void qdma_trq_error(QdmaFunction *fn, uint32_t bits, hwaddr addr);
void qdma_dsc_error(QdmaState *s, const QdmaRing *r, uint32_t bits);
void qdma_pidx_error(QdmaState *s, const QdmaRing *r, uint16_t pidx);
void qdma_mm_error(QdmaState *s, const QdmaRing *r, unsigned code);
void qdma_c2h_error(QdmaState *s, unsigned qid, uint32_t bits);

/* qdma-ctxt.c */
const uint32_t *qdma_ctxt_mask(QdmaState *s, unsigned sel);
void qdma_ctxt_reset(QdmaState *s);
void qdma_ctxt_command(QdmaState *s, uint32_t cmd);
void qdma_ctxt_release(QdmaState *s);
void qdma_ctxt_drop_function(QdmaFunction *fn);

/* qdma-doorbell.c */
uint32_t qdma_doorbell_read(QdmaFunction *fn, hwaddr offset);
void qdma_doorbell_write(QdmaFunction *fn, hwaddr offset, uint32_t val);

/* qdma-cmpt.c */
void qdma_cmpt_init(QdmaState *s);
void qdma_cmpt_exit(QdmaState *s);
bool qdma_cmpt_valid(QdmaState *s, unsigned qid);
unsigned qdma_cmpt_slots(QdmaState *s, unsigned qid);
unsigned qdma_cmpt_pidx(QdmaState *s, unsigned qid);
void qdma_cmpt_post(QdmaState *s, unsigned qid, uint8_t *entry, bool trigger,
                    bool error);
void qdma_cmpt_cidx(QdmaFunction *fn, unsigned qid, uint32_t val);
void qdma_cmpt_stop(QdmaState *s, unsigned qid);
void qdma_cmpt_resume(QdmaState *s, unsigned qid);
void qdma_cmpt_loaded(QdmaState *s);

/* qdma-irq.c */
void qdma_irq_send(QdmaState *s, unsigned function, unsigned vector,
                   hwaddr stats);
void qdma_irq_ring_event(QdmaState *s, QdmaRing *r);
void qdma_irq_ring_arm(QdmaState *s, QdmaRing *r);
void qdma_irq_cmpt(QdmaState *s, unsigned qid);
void qdma_irq_forget(QdmaState *s, unsigned source);
bool qdma_irq_waits(QdmaState *s, const QdmaRing *r);
unsigned qdma_irq_aggr_function(QdmaState *s, unsigned ring);
void qdma_irq_aggr_cidx(QdmaFunction *fn, unsigned ring, uint16_t cidx);
void qdma_irq_aggr_restart(QdmaState *s, unsigned ring);
void qdma_irq_error_check(QdmaState *s);

/* qdma-mbox.c */
void qdma_mbox_reset(QdmaFunction *fn);
uint32_t qdma_mbox_read(QdmaFunction *fn, hwaddr offset);
void qdma_mbox_write(QdmaFunction *fn, hwaddr offset, uint32_t val);

/* qdma-ring.c */
void qdma_engine_init(QdmaState *s);
void qdma_engine_exit(QdmaState *s);
void qdma_ring_kick(QdmaState *s, QdmaRing *r);
void qdma_ring_kick_all(QdmaState *s);
void qdma_ring_stop(QdmaState *s, QdmaRing *r);
unsigned qdma_ring_under_way(QdmaState *s, const QdmaRing *r);
unsigned qdma_ring_slots(QdmaState *s, const QdmaRing *r);
QdmaFunction *qdma_ring_function(QdmaState *s, const QdmaRing *r);
bool qdma_ring_is_stream(QdmaState *s, const QdmaRing *r);
bool qdma_ring_fetch(QdmaState *s, QdmaRing *r, unsigned want, QdmaBudget *b);
bool qdma_ring_fetchable(QdmaState *s, QdmaRing *r);
QdmaOp *qdma_ring_op(QdmaRing *r, unsigned n);
void qdma_ring_complete_one(QdmaState *s, QdmaRing *r);
void qdma_ring_fail(QdmaState *s, QdmaRing *r, uint32_t dsc_bits, bool fetch);
int64_t qdma_engine_due(QdmaState *s, const QdmaRing *r, uint32_t len,
                        int64_t start);

/* qdma-mm.c */
bool qdma_mm_complete(QdmaState *s, QdmaRing *r, QdmaBudget *b);

/* qdma-st.c */
void qdma_st_init(QdmaState *s);
bool qdma_st_h2c_complete(QdmaState *s, QdmaRing *r, QdmaBudget *b);
int64_t qdma_st_c2h_run(QdmaState *s, QdmaRing *r, QdmaBudget *b);
bool qdma_st_c2h_wanted(QdmaState *s, const QdmaRing *r);

/* qdma-user.c */
void qdma_user_reset(QdmaState *s);
bool qdma_user_bypass(QdmaState *s, const QdmaRing *r);
bool qdma_user_ready(QdmaState *s, unsigned qid);
void qdma_user_h2c(QdmaFunction *fn, unsigned qid, const uint8_t *data,
                   uint32_t len);
bool qdma_user_next(QdmaState *s, unsigned qid, QdmaBeat *beat);
void qdma_user_taken(QdmaState *s, unsigned qid, bool dropped);
void qdma_user_flush(QdmaState *s, unsigned qid);
void qdma_user_pattern(QdmaStream *st, uint8_t *data, uint32_t len);
extern const MemoryRegionOps qdma_user_ops;

/* qdma-inject.c */
void qdma_inject_class_init(ObjectClass *klass);

/* The tag by which simple bypass names a queue to the prefetch engine */
static inline unsigned qdma_pfch_tag(unsigned qid)
{
    return qid & R_C2H_PFCH_BYP_TAG_TAG_MASK;
}

static inline unsigned qdma_ring_index(const QdmaRing *r)
{
    return r->qid + (r->c2h ? 0 : QDMA_QUEUES);
}

static inline QdmaRing *qdma_ring(QdmaState *s, bool c2h, unsigned qid)
{
    return &s->ring[qid + (c2h ? 0 : QDMA_QUEUES)];
}

static inline uint32_t *qdma_sw(QdmaState *s, const QdmaRing *r)
{
    return s->sw[qdma_ring_index(r)];
}

static inline uint32_t *qdma_hw(QdmaState *s, const QdmaRing *r)
{
    return s->hw[qdma_ring_index(r)];
}

/* The MM channel a ring works on; streams have one engine each way */
static inline unsigned qdma_ring_channel(QdmaState *s, const QdmaRing *r)
{
    uint32_t w1 = qdma_sw(s, r)[1];

    return FIELD_EX32(w1, SW_W1, IS_MM) && FIELD_EX32(w1, SW_W1, MM_CHN) ?
           s->rev->mm_channels - 1 : 0;
}

#endif
