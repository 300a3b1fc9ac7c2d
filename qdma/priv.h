/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Structures of svff_qdma.ko.
 *
 *	struct qdma_card	a card: context window, queue pool (PFs share it)
 *	  struct svff_qdma	a PCI function: BAR, vectors, mailbox
 *	    struct qdma_mm	its data device
 *	      struct qdma_ring	one direction of one queue
 *		struct qdma_chunk	pinned, mapped pages on their way
 *
 * Locks, outermost first:
 *
 *	qdma_queues.lock	who has claimed which queues
 *	qdma_mm.lock		open count; which rings run
 *	  qdma_ring.ctl		start, stop and recovery of a ring
 *	    qdma_card.ctxt_lock	context window (hwq_* of a PF)
 *	    qdma_mbox.lock	mailbox registers (hwq_* of a VF wait for an answer)
 *	qdma_card.range_lock	queue pool; a leaf
 *	qdma_vector.lock	rings that a vector serves; hard interrupt
 *	  qdma_ring.lock	indices and lists of a ring; hard interrupt
 */
#ifndef QDMA_PRIV_H
#define QDMA_PRIV_H

#include <linux/bitmap.h>
#include <linux/cdev.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <svff/qdma.h>

#include "batch.h"
#include "ctxt.h"
#include "desc.h"
#include "io.h"
#include "range.h"

#define QDMA_MAX_QUEUES		4096
#define QDMA_IRQ_RINGS		256
#define QDMA_CONFIG_BAR		0
#define QDMA_RING_ALIGN		4096	/* hardware wants ring bases like this */

struct dentry;
struct iov_iter;
struct kiocb;

/**
 * struct qdma_ip - what differs between IP revisions
 * @type: name
 * @version: version
 * @device: device type of the version register
 * @ip: IP code of the version register
 * @pf_db: doorbells of a PF
 * @vf_db: doorbells of a VF
 * @pf_mbox: mailbox of a PF
 * @vf_mbox: mailbox of a VF
 * @mm_channels: MM channels
 * @mm_desc_max: most bytes of an MM descriptor
 * @queues_mask_is_max: an all-ones queue count means QDMA_MAX_QUEUES
 * @pfs_by_value: the PF count is a number, not a field per PF
 * @err_h2c_st: global error bit of ST H2C
 * @ctxt: context layouts
 * @set_defaults: writes the engine configuration
 */
struct qdma_ip {
	const char *type;
	const char *version;
	u8 device;
	u8 ip;
	u32 pf_db;
	u32 vf_db;
	u32 pf_mbox;
	u32 vf_mbox;
	u8 mm_channels;
	u32 mm_desc_max;
	bool queues_mask_is_max;
	bool pfs_by_value;
	u32 err_h2c_st;
	const struct qdma_ctxt_set *ctxt;
	void (*set_defaults)(struct svff_qdma *qd);
};

/**
 * struct qdma_card - what the PFs of a card share
 * @node: in the list of cards
 * @ref: one per PF
 * @domain: PCI domain
 * @bus: PCI bus
 * @slot: PCI slot
 * @inits: PFs that have initialised it
 * @ctxt_lock: protects the context window, @masks_set and @stuck
 * @masks_set: the window's mask registers hold all ones
 * @stuck: a command never ended; look before the next one
 * @dirty: a bit per queue and direction whose contexts are not clear
 * @range_lock: protects @ranges
 * @ranges: who owns which queues
 */
struct qdma_card {
	struct list_head node;
	struct kref ref;
	int domain;
	u8 bus;
	u8 slot;
	unsigned int inits;
	struct mutex ctxt_lock; /* see above */
	bool masks_set;
	bool stuck;
	DECLARE_BITMAP(dirty, 2 * QDMA_MAX_QUEUES);
	struct mutex range_lock; /* see above */
	struct qdma_range_pool ranges;
};

/**
 * struct qdma_vector - a data vector
 * @qd: function
 * @lock: protects @rings
 * @rings: rings whose completions it announces
 * @irq: Linux interrupt
 */
struct qdma_vector {
	struct svff_qdma *qd;
	spinlock_t lock; /* see above */
	struct list_head rings;
	int irq;
};

/**
 * struct qdma_aggr - the interrupt aggregation ring of a function
 * @hw: as given to the hardware
 * @entry: its memory
 * @size: entries
 * @cidx: next entry to read (interrupt only)
 * @color: colour of new entries (interrupt only)
 * @running: the hardware knows it
 * @strange: entries that named no queue of ours
 */
struct qdma_aggr {
	struct svff_qdma_irq_ring hw;
	__le64 *entry;
	u32 size;
	u32 cidx;
	bool color;
	bool running;
	u64 strange;
};

/**
 * struct qdma_irq - interrupts of a function
 * @mode: how completions are learnt of
 * @enabled: svff_qdma_irq_enable() succeeded
 * @nvec: MSI-X vectors, 0 if there are none
 * @first_data: the first data vector
 * @ndata: data vectors
 * @vec: these
 * @aggr: aggregation ring
 */
struct qdma_irq {
	enum svff_qdma_irq_mode mode;
	bool enabled;
	int nvec;
	int first_data;
	int ndata;
	struct qdma_vector *vec;
	struct qdma_aggr aggr;
};

/**
 * struct qdma_mbox - mailbox of a function
 * @lock: protects the mailbox registers, @tx, @ntx and @enabled
 * @enabled: messages are taken and sent
 * @rx: drains incoming messages, one batch per run
 * @retry: sends what waits in @tx
 * @tx: messages whose receiver's buffer was full
 * @ntx: their number
 * @polled: there is no vector
 * @sent: messages sent
 * @received: messages received
 * @lost: messages that no receiver took in time
 */
struct qdma_mbox {
	struct mutex lock; /* see above */
	bool enabled;
	struct delayed_work rx;
	struct delayed_work retry;
	struct list_head tx;
	unsigned int ntx;
	bool polled;
	u64 sent;
	u64 received;
	u64 lost;
};

/**
 * enum qdma_user - who a queue pair belongs to
 * @QDMA_USER_NONE: nobody has claimed it, the MM data device may use it
 * @QDMA_USER_MM: the MM data device has claimed it for good
 * @QDMA_USER_ST: a stream
 * @QDMA_USER_DMA: a dmaengine channel
 */
enum qdma_user {
	QDMA_USER_NONE,
	QDMA_USER_MM,
	QDMA_USER_ST,
	QDMA_USER_DMA,
};

/**
 * struct qdma_queue - a queue pair
 * @mm: transfers of the MM data device; below zero while claimed
 * @user: who has claimed it
 */
struct qdma_queue {
	atomic_t mm;
	enum qdma_user user;
};

/**
 * struct qdma_queues - the queue pairs of a function
 * @lock: protects @claimed and &qdma_queue.user
 * @base: first hardware queue of the function
 * @count: queue pairs
 * @claimed: how many of them are claimed
 * @drained: woken when the last transfer has left a pair that is wanted
 * @queue: the pairs; NULL while the function has none
 */
struct qdma_queues {
	struct mutex lock; /* see above */
	u32 base;
	u32 count;
	u32 claimed;
	wait_queue_head_t drained;
	struct qdma_queue *queue;
};

/**
 * struct svff_qdma - a PCI function with a QDMA
 * @pdev: the function
 * @bar: config BAR
 * @bar_len: its size
 * @is_vf: a VF
 * @gone: the device does not answer any more
 * @ip: its revision
 * @db: doorbells
 * @mbox_base: mailbox registers
 * @ops: driver above
 * @priv: the driver's
 * @caps: what it is and has
 * @csr: tables of sizes and thresholds
 * @csr_valid: @csr is filled
 * @card: the card (PF)
 * @initialised: it counts in &qdma_card.inits (PF)
 * @irq: interrupts
 * @mbox: mailbox
 * @err_arm: arms the error interrupt again (PF)
 * @queues: queue pairs
 * @mm: MM data device
 * @debugfs: its folder
 */
struct svff_qdma {
	struct pci_dev *pdev;
	void __iomem *bar;
	resource_size_t bar_len;
	bool is_vf;
	bool gone;
	const struct qdma_ip *ip;
	u32 db;
	u32 mbox_base;
	const struct svff_qdma_ops *ops;
	void *priv;
	struct svff_qdma_caps caps;
	struct svff_qdma_csr csr;
	bool csr_valid;
	struct qdma_card *card;
	bool initialised;
	struct qdma_irq irq;
	struct qdma_mbox mbox;
	struct delayed_work err_arm;
	struct qdma_queues queues;
	struct qdma_mm *mm;
	struct dentry *debugfs;
};

/**
 * enum qdma_ring_state - life of a ring
 * @QDMA_RING_IDLE: no memory, no context; the first transfer starts it
 * @QDMA_RING_RUNNING: takes transfers
 * @QDMA_RING_FAILED: an error was seen, recovery is under way
 * @QDMA_RING_DEAD: could not be stopped or started; the next transfer tries again
 * @QDMA_RING_GONE: the device is being removed, or was
 */
enum qdma_ring_state {
	QDMA_RING_IDLE,
	QDMA_RING_RUNNING,
	QDMA_RING_FAILED,
	QDMA_RING_DEAD,
	QDMA_RING_GONE,
};

/**
 * struct qdma_ring - one direction of one queue
 * @qd: function; valid unless the ring is gone
 * @qid: relative to the function
 * @dir: direction
 * @ctl: serialises start, stop and recovery
 * @lock: protects what follows, up to the counters
 * @state: see &enum qdma_ring_state
 * @error: what failed, while not running
 * @mem: descriptors, then the status entry
 * @dma: bus address of @mem
 * @size: bytes of @mem
 * @slots: descriptors
 * @ring_ix: index of the ring size
 * @head: next slot to fill
 * @tail: first slot not completed
 * @posted: descriptors handed to the hardware since the start
 * @rung: descriptors that a doorbell told of since the start
 * @done: descriptors completed since the start
 * @batch: when to ring
 * @queued: chunks that are not, or not all, in the ring
 * @active: chunks that are all in the ring, in order
 * @nqueued: chunks in @queued
 * @room: woken when @queued gets shorter
 * @vec: vector that announces its completions, or NULL
 * @vec_node: in @vec
 * @progress: when a descriptor was last completed, in jiffies
 * @seen: @done at the last look of @guard
 * @guard: looks whether completions were missed or never came
 * @recover: stops and restarts the ring after an error
 * @timer: rings for what waited long enough; looks for completions in poll mode
 * @ticking: @timer is running
 * @finished: transfers to be completed by @deliver
 * @deliver: completes transfers that nobody waits for
 * @quarantine: chunks that the hardware may still write to
 * @last_try: last attempt to revive a dead ring, in jiffies
 * @hw_running: the hardware has its context (under @ctl)
 * @restarts: times that it was restarted
 * @missed: times that @guard found completions which nothing had announced
 * @doorbells: PIDX written
 * @late: times that @timer had to ring
 */
struct qdma_ring {
	struct svff_qdma *qd;
	u16 qid;
	enum svff_qdma_dir dir;
	struct mutex ctl; /* see above */
	spinlock_t lock; /* see above */
	enum qdma_ring_state state;
	int error;
	void *mem;
	dma_addr_t dma;
	size_t size;
	u32 slots;
	u8 ring_ix;
	u32 head;
	u32 tail;
	u64 posted;
	u64 rung;
	u64 done;
	struct qdma_batch batch;
	struct list_head queued;
	struct list_head active;
	unsigned int nqueued;
	wait_queue_head_t room;
	struct qdma_vector *vec;
	struct list_head vec_node;
	unsigned long progress;
	u64 seen;
	struct delayed_work guard;
	struct work_struct recover;
	struct hrtimer timer;
	bool ticking;
	struct list_head finished;
	struct work_struct deliver;
	struct list_head quarantine;
	unsigned long last_try;
	bool hw_running;
	u64 restarts;
	u64 missed;
	u64 doorbells;
	u64 late;
};

/**
 * struct qdma_mm - data device of a function
 * @dev: the device; what it is in is freed with it
 * @cdev: character device
 * @qd: function; valid with a reference to @io, or under @lock unless @dead
 * @owner: module to keep loaded while open
 * @id: N of svff-mmN
 * @count: queue pairs
 * @max_seg: longest segment that can be mapped
 * @lock: protects @opens and @dead
 * @opens: open files
 * @dead: the device is being removed, or was
 * @io: one reference per transfer; dead once the device is being removed
 * @drained: @io is down to zero
 * @ring: H2C and C2H of each queue
 */
struct qdma_mm {
	struct device dev;
	struct cdev cdev;
	struct svff_qdma *qd;
	struct module *owner;
	int id;
	u32 count;
	size_t max_seg;
	struct mutex lock; /* see above */
	unsigned int opens;
	bool dead;
	struct percpu_ref io;
	struct completion drained;
	struct qdma_ring ring[];
};

/**
 * struct qdma_xfer - one read or write
 * @ring: queue that carries it
 * @mm: data device
 * @iocb: to be completed, or NULL if the caller waits
 * @inflight: chunks with the ring, and one for the submitter (@ring's lock)
 * @error: first error (@ring's lock)
 * @finished: chunks that are through, in order (@ring's lock)
 * @wait: woken as chunks finish
 * @node: in the ring's list of transfers to be completed
 * @bytes: moved, for sure and without a gap
 * @broken: a chunk failed; what follows does not count
 */
struct qdma_xfer {
	struct qdma_ring *ring;
	struct qdma_mm *mm;
	struct kiocb *iocb;
	unsigned int inflight;
	int error;
	struct list_head finished;
	wait_queue_head_t wait;
	struct list_head node;
	size_t bytes;
	bool broken;
};

/**
 * struct qdma_chunk - pages on their way
 * @node: in a list of the ring, or of the transfer
 * @xfer: transfer that it belongs to
 * @status: 0 or the error
 * @begun: some of it was posted
 * @kept: the hardware may still write to the pages; released later
 * @bytes: length
 * @end: &qdma_ring.done that means it is through
 * @span: what is left to post of the current segment
 * @sg: current segment
 * @left: segments left, the current one included
 * @dir: DMA direction
 * @nents: segments before mapping
 * @npages: pages
 * @pinned: they are pinned
 * @page: these
 * @sgl: segments
 */
struct qdma_chunk {
	struct list_head node;
	struct qdma_xfer *xfer;
	int status;
	bool begun;
	bool kept;
	size_t bytes;
	u64 end;
	struct qdma_span span;
	struct scatterlist *sg;
	unsigned int left;
	enum dma_data_direction dir;
	unsigned int nents;
	unsigned int npages;
	bool pinned;
	struct page **page;
	struct scatterlist sgl[];
};

extern struct workqueue_struct *qdma_wq;

/* caps.c */
int qdma_identify(struct svff_qdma *qd);

/* card.c */
int qdma_card_get(struct svff_qdma *qd);
void qdma_card_put(struct svff_qdma *qd);
int qdma_load_csr(struct svff_qdma *qd);

/* irq.c */
struct qdma_vector *qdma_irq_vector(struct svff_qdma *qd, u32 qid);
int qdma_irq_vector_index(struct svff_qdma *qd, const struct qdma_vector *vec);
void qdma_irq_attach(struct qdma_vector *vec, struct qdma_ring *ring);
void qdma_irq_detach(struct qdma_vector *vec, struct qdma_ring *ring);
int qdma_irq_aggr_start(struct svff_qdma *qd);
void qdma_irq_aggr_stop(struct svff_qdma *qd);

/* mbox.c */
void qdma_mbox_setup(struct svff_qdma *qd);
void qdma_mbox_teardown(struct svff_qdma *qd);
void qdma_mbox_kick(struct svff_qdma *qd);

/* err.c */
void qdma_err_setup(struct svff_qdma *qd);
void qdma_err_enable(struct svff_qdma *qd);
void qdma_err_disable(struct svff_qdma *qd);
void qdma_err_arm(struct svff_qdma *qd, int vector);
void qdma_err_handle(struct svff_qdma *qd);
void qdma_err_disarm(struct svff_qdma *qd);

/* ring.c */
void qdma_ring_setup(struct qdma_ring *ring, struct svff_qdma *qd, u16 qid,
		     enum svff_qdma_dir dir);
int qdma_ring_ready(struct qdma_ring *ring, bool nowait);
int qdma_ring_submit(struct qdma_ring *ring, struct qdma_chunk *chunk, bool more);
void qdma_ring_flush(struct qdma_ring *ring);
bool qdma_ring_full(struct qdma_ring *ring);
void qdma_ring_service(struct qdma_ring *ring);
void qdma_ring_fail(struct qdma_ring *ring, int error);
void qdma_ring_cancel(struct qdma_ring *ring, struct qdma_xfer *xfer);
bool qdma_ring_stop(struct qdma_ring *ring);
bool qdma_ring_remove(struct qdma_ring *ring);
void qdma_ring_free(struct qdma_ring *ring);

/* queue.c */
int qdma_queue_claim(struct svff_qdma *qd, enum qdma_user user, int qid);
void qdma_queue_release(struct svff_qdma *qd, u16 qid);
int qdma_queue_mm_get(struct svff_qdma *qd, u32 wish);
void qdma_queue_mm_put(struct svff_qdma *qd, u16 qid);

/* mm.c */
ssize_t qdma_mm_transfer(struct qdma_mm *mm, struct kiocb *iocb, struct iov_iter *iter,
			 enum svff_qdma_dir dir);
void qdma_mm_deliver(struct work_struct *work);
void qdma_xfer_chunk_done(struct qdma_chunk *chunk);
void qdma_chunk_free(struct qdma_ring *ring, struct qdma_chunk *chunk);

/* chrdev.c */
int qdma_chrdev_init(void);
void qdma_chrdev_exit(void);
int qdma_mm_create(struct svff_qdma *qd);
int qdma_mm_destroy(struct svff_qdma *qd, bool force);
bool qdma_mm_stop_queue(struct qdma_mm *mm, u16 qid);

/* debugfs.c */
void qdma_debugfs_init(void);
void qdma_debugfs_exit(void);
void qdma_debugfs_add(struct svff_qdma *qd);
void qdma_debugfs_del(struct svff_qdma *qd);

#endif /* QDMA_PRIV_H */
