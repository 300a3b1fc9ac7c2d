/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Structures of svff_qdma.ko.
 *
 *	struct qdma_card	a card: context window, queue pool (PFs share it)
 *	  struct svff_qdma	a PCI function: BAR, vectors, mailbox
 *	    struct qdma_mm	its MM data device
 *	      struct qdma_ring	one direction of one queue
 *		struct qdma_chunk	pinned, mapped pages on their way
 *	    struct qdma_st	its stream device
 *	      struct qdma_stream	an open file
 *		struct qdma_ring	what it sends
 *		struct qdma_rx		what it receives
 *
 * Locks, outermost first:
 *
 *	qdma_node.lock		open files; which rings run
 *	  qdma_queues.lock	who has claimed which queues
 *	    qdma_ring.ctl	start, stop and recovery of a ring
 *	qdma_stream.read_lock	the next packet
 *	  qdma_ring.ctl
 *	    qdma_card.ctxt_lock	context window (hwq_* of a PF)
 *	    qdma_mbox.lock	mailbox registers (hwq_* of a VF wait for an answer)
 *	qdma_card.range_lock	queue pool; ctxt_lock is taken to clear what is given
 *	qdma_irq.lock		vectors come and go; a leaf
 *	svff_qdma.running_lock	rings that run
 *	qdma_vector.lock	rings that a vector serves; hard interrupt
 *	  qdma_ring.lock	indices and lists of a ring; hard interrupt
 *	qdma_mm.user_lock	files with eventfds; hard interrupt; a leaf
 */
#ifndef QDMA_PRIV_H
#define QDMA_PRIV_H

#include <linux/bitmap.h>
#include <linux/cdev.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/idr.h>
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
#define QDMA_VECTOR_USER	1	/* of the function's MSI-X table */
#define QDMA_CONFIG_BAR		0
#define QDMA_RING_ALIGN		4096	/* hardware wants ring bases like this */

struct dentry;
struct eventfd_ctx;
struct qdma_dma;
struct iov_iter;
struct kiocb;
struct svff_st_config;
struct svff_st_info;
struct qdma_chunk;
struct qdma_node;
struct qdma_ring;
struct qdma_st;

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
 * @rx_bufs: most buffers of a packet
 * @queues_mask_is_max: an all-ones queue count means QDMA_MAX_QUEUES
 * @pfs_by_value: the PF count is a number, not a field per PF
 * @err_h2c_st: global error bit of ST H2C
 * @h2c_st_sbe_first: its bit for corrected errors comes before that for others
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
	u8 rx_bufs;
	bool queues_mask_is_max;
	bool pfs_by_value;
	u32 err_h2c_st;
	bool h2c_st_sbe_first;
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
 * struct qdma_aggr - an interrupt aggregation ring
 * @hw: as given to the hardware
 * @entry: its memory; NULL if there is no ring
 * @size: entries
 * @cidx: next entry to read
 * @color: colour of new entries
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
 * struct qdma_vector - a data vector
 * @qd: function
 * @lock: protects what follows, but for @cpus, and @aggr's memory
 * @rings: rings whose completions it announces
 * @aggr: its interrupt ring, in aggregated mode
 * @fired: interrupts
 * @idle: those that found no news
 * @cpus: processors whose transfers it announces: the hint that Linux has
 */
struct qdma_vector {
	struct svff_qdma *qd;
	spinlock_t lock; /* see above */
	struct list_head rings;
	struct qdma_aggr aggr;
	u64 fired;
	u64 idle;
	cpumask_var_t cpus;
};

/**
 * struct qdma_irq - interrupts of a function
 * @lock: held while @vec is made, freed, or shown
 * @mode: how completions are learnt of
 * @enabled: svff_qdma_irq_enable() succeeded
 * @nvec: MSI-X vectors, 0 if there are none
 * @first_data: the first data vector
 * @ndata: data vectors
 * @nused: those that queues are spread over; the first ones
 * @vec: data vectors
 * @first_ring: first interrupt ring that the function has beside its own
 * @more_rings: how many it has
 * @user_fired: interrupts of the user logic
 * @user_idle: those that nobody wanted to know of
 */
struct qdma_irq {
	struct mutex lock; /* see above */
	enum svff_qdma_irq_mode mode;
	bool enabled;
	int nvec;
	int first_data;
	int ndata;
	int nused;
	struct qdma_vector *vec;
	u16 first_ring;
	u16 more_rings;
	u64 user_fired;
	u64 user_idle;
};

/**
 * struct qdma_mbox - mailbox of a function
 * @lock: protects the mailbox registers, @tx, @ntx, @last and @enabled
 * @enabled: messages are taken and sent
 * @used: it has been enabled before
 * @rx: drains incoming messages, one batch per run
 * @retry: sends what waits in @tx
 * @tx: messages whose receiver's buffer was full
 * @ntx: their number
 * @last: what each function was sent last (PF)
 * @polled: there is no vector
 * @sent: messages sent
 * @received: messages received
 * @lost: messages that no receiver took in time
 * @looking: nothing has interrupted, see svff_qdma_mbox_look()
 * @idle: interrupts that found no message
 */
struct qdma_mbox {
	struct mutex lock; /* see above */
	bool enabled;
	bool used;
	struct delayed_work rx;
	struct delayed_work retry;
	struct list_head tx;
	unsigned int ntx;
	union svff_mbox_msg *last;
	bool polled;
	bool looking;
	u64 sent;
	u64 received;
	u64 lost;
	u64 idle;
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
 * @paused: nothing new is handed to the hardware
 * @idle: who pauses waits here for the hardware to be done
 * @running_lock: protects @running
 * @running: rings that the hardware runs
 * @missed: sum of &qdma_ring.missed, of rings that are gone too
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
 * @err_idle: error interrupts that came while they were not armed, or without an error (PF)
 * @queues: queue pairs
 * @mm: MM data device
 * @st: stream device
 * @dma: dmaengine channels
 * @debugfs: its folder
 */
struct svff_qdma {
	struct pci_dev *pdev;
	void __iomem *bar;
	resource_size_t bar_len;
	bool is_vf;
	bool gone;
	bool paused;
	wait_queue_head_t idle;
	spinlock_t running_lock; /* see above */
	struct list_head running;
	atomic64_t missed;
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
	u64 err_idle;
	struct qdma_queues queues;
	struct qdma_mm *mm;
	struct qdma_st *st;
	struct qdma_dma *dma;
	struct dentry *debugfs;
};

/**
 * enum qdma_ring_state - life of a ring
 * @QDMA_RING_IDLE: no memory, no context; the first transfer starts it
 * @QDMA_RING_RUNNING: takes transfers
 * @QDMA_RING_FAILED: an error was seen, recovery is under way
 * @QDMA_RING_STOPPED: stopped after an error, its next use restarts it (receive)
 * @QDMA_RING_DEAD: could not be stopped or started; the next transfer tries again
 * @QDMA_RING_GONE: the device is being removed, or was
 */
enum qdma_ring_state {
	QDMA_RING_IDLE,
	QDMA_RING_RUNNING,
	QDMA_RING_FAILED,
	QDMA_RING_STOPPED,
	QDMA_RING_DEAD,
	QDMA_RING_GONE,
};

/**
 * struct qdma_ring_kind - what differs between rings
 * @st: stream
 * @desc_sz: descriptor size code
 * @best_size: entries that it should have
 * @fill: write the next descriptor of a chunk
 * @service: take completions in place of all that; @irq: the hardware is to be
 *	told even if there are none. Returns whether somebody waits for more.
 * @alloc: get what there is beside descriptors
 * @free: the counterpart; also after @alloc failed
 * @reset: make it ready for a start
 * @describe: change how the hardware is set up
 * @begin: the hardware has its contexts
 */
struct qdma_ring_kind {
	bool st;
	u8 desc_sz;
	u16 best_size;
	void (*fill)(struct qdma_ring *ring, struct qdma_chunk *chunk);
	bool (*service)(struct qdma_ring *ring, bool irq);
	int (*alloc)(struct qdma_ring *ring);
	void (*free)(struct qdma_ring *ring);
	void (*reset)(struct qdma_ring *ring);
	void (*describe)(struct qdma_ring *ring, struct svff_qdma_hwq *q);
	void (*begin)(struct qdma_ring *ring);
};

extern const struct qdma_ring_kind qdma_ring_mm;
extern const struct qdma_ring_kind qdma_ring_tx;
extern const struct qdma_ring_kind qdma_ring_rx;

/**
 * struct qdma_ring - one direction of one queue
 * @kind: its kind
 * @qd: function; valid unless the ring is gone
 * @node: device whose calls use it
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
 * @timeout_ms: longest time without progress, 0 if there is no limit
 * @head: next slot to fill
 * @tail: first slot not completed
 * @posted: descriptors handed to the hardware since the start
 * @rung: descriptors that a doorbell told of since the start
 * @done: descriptors completed since the start
 * @batch: when to ring
 * @queued: chunks that are not, or not all, in the ring
 * @active: chunks that are all in the ring, in order
 * @nqueued: chunks in @queued
 * @room: woken when @queued gets shorter, a packet came, or @state changes
 * @vec: vector that announces its completions, or NULL
 * @vec_node: in @vec
 * @progress: when a descriptor was last completed, in jiffies
 * @seen: @done at the last look of @guard
 * @away: the function was paused when @guard looked (@guard alone)
 * @guard: looks whether completions were missed or never came
 * @recover: stops and restarts the ring after an error
 * @timer: rings for what waited long enough; looks for completions in poll mode
 * @ticking: @timer is running
 * @finished: transfers to be completed by @deliver
 * @deliver: completes transfers that nobody waits for
 * @quarantine: chunks that the hardware may still write to
 * @last_try: last attempt to revive a dead ring, in jiffies
 * @hw_running: the hardware has its context (under @ctl)
 * @running: in the list of rings that run
 * @restarts: times that it was restarted
 * @missed: times that @guard found completions which nothing had announced
 * @doorbells: PIDX written
 * @late: times that @timer had to ring
 * @chunks: chunks completed
 */
struct qdma_ring {
	const struct qdma_ring_kind *kind;
	struct svff_qdma *qd;
	struct qdma_node *node;
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
	u32 timeout_ms;
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
	bool away;
	struct delayed_work guard;
	struct work_struct recover;
	struct hrtimer timer;
	bool ticking;
	struct list_head finished;
	struct work_struct deliver;
	struct list_head quarantine;
	unsigned long last_try;
	bool hw_running;
	struct list_head running;
	u64 restarts;
	u64 missed;
	u64 doorbells;
	u64 late;
	u64 chunks;
};

/**
 * struct qdma_node_class - a kind of char device
 * @name: of the class; a device has a number behind it
 * @fops: calls
 * @free: frees what the device is in
 * @devt: first device number
 * @class: class
 * @ida: numbers in use
 */
struct qdma_node_class {
	const char *name;
	const struct file_operations *fops;
	void (*free)(struct qdma_node *node);
	dev_t devt;
	struct class *class;
	struct ida ida;
};

extern struct qdma_node_class qdma_mm_class;
extern struct qdma_node_class qdma_st_class;

/**
 * struct qdma_node - char device of a function
 * @dev: the device; what it is in is freed with it
 * @cdev: character device
 * @class: its kind
 * @qd: function; valid with a reference to @io, or under @lock unless @dead
 * @owner: module to keep loaded while open
 * @id: number behind the name
 * @lock: protects @opens and @dead
 * @opens: open files
 * @dead: the device is being removed, or was
 * @io: one reference per call; dead once the device is being removed
 * @drained: @io is down to zero
 */
struct qdma_node {
	struct device dev;
	struct cdev cdev;
	struct qdma_node_class *class;
	struct svff_qdma *qd;
	struct module *owner;
	int id;
	struct mutex lock; /* see above */
	unsigned int opens;
	bool dead;
	struct percpu_ref io;
	struct completion drained;
};

/**
 * struct qdma_mm - MM data device of a function
 * @node: char device
 * @user_lock: protects @users
 * @users: files that want to know of the user logic's interrupts
 * @count: queue pairs
 * @ring: H2C and C2H of each queue
 */
struct qdma_mm {
	struct qdma_node node;
	spinlock_t user_lock; /* see above; hard interrupt */
	struct list_head users;
	u32 count;
	struct qdma_ring ring[];
};

/**
 * struct qdma_mm_file - an open file of it
 * @mm: data device
 * @user: told of the user logic's interrupts, or NULL
 * @user_node: in &qdma_mm.users, if so
 */
struct qdma_mm_file {
	struct qdma_mm *mm;
	struct eventfd_ctx *user;
	struct list_head user_node;
};

#define QDMA_TX_COPY_MAX	SZ_1M	/* bytes that wait as copies */

/**
 * struct qdma_tx - send ring of a stream
 * @ring: descriptors; its lock protects what follows, but for @bypass
 * @bypass: descriptors go to the user logic; not while it runs
 * @copied: bytes under way that were copied
 * @copies: packets of these
 * @error: of a copy that failed, to be told yet
 */
struct qdma_tx {
	struct qdma_ring ring;
	bool bypass;
	size_t copied;
	unsigned int copies;
	int error;
};

/**
 * struct qdma_rx_config - set-up of a receive ring
 * @buf_size: bytes of a buffer
 * @cmpt_sz: size code of completion entries
 * @trigger: trigger mode
 * @prefetch: fetch buffers ahead of packets
 * @buf_ix: index of @buf_size
 * @cnt_ix: index of the counter threshold
 * @timer_ix: index of the timer count
 */
struct qdma_rx_config {
	u32 buf_size;
	u8 cmpt_sz;
	u8 trigger;
	bool prefetch;
	u8 buf_ix;
	u8 cnt_ix;
	u8 timer_ix;
};

/**
 * struct qdma_block - memory that holds buffers
 * @page: memory
 * @dma: its bus address
 */
struct qdma_block {
	struct page *page;
	dma_addr_t dma;
};

/**
 * struct qdma_rx - receive ring of a stream
 *
 * A buffer belongs to a slot of the ring for good. The hardware owns those from
 * &qdma_ring.tail up to &qdma_ring.head; those from @slot up to the tail hold
 * packets that nobody has read. &qdma_ring.lock protects all but @config and
 * the memory.
 *
 * @ring: buffers
 * @config: how it is set up; not while it runs
 * @block: memory of the buffers
 * @nblocks: how many
 * @order: pages of a block, as a power of two
 * @per_block: buffers of a block
 * @stride: bytes from one buffer to the next
 * @cmpt: completion ring, then its status entry
 * @cmpt_dma: bus address of @cmpt
 * @cmpt_bytes: size of @cmpt
 * @cmpt_slots: completion entries
 * @cmpt_ix: index of the completion ring's size
 * @cidx: next completion entry to take
 * @told: @cidx as the hardware knows it
 * @color: colour of new entries
 * @fifo: entries that were taken, at the place that they had in @cmpt
 * @npkts: packets (entries) that nobody has read
 * @first: the first of them
 * @slot: its first buffer
 * @pos: bytes of it that were read
 * @freed: buffers that were read and that the hardware does not know of
 * @wanted: somebody waits for a packet
 * @packets: packets received
 * @immediate: completions without a packet
 * @bytes: bytes received
 * @cidx_bells: completion index written
 */
struct qdma_rx {
	struct qdma_ring ring;
	struct qdma_rx_config config;
	struct qdma_block *block;
	u32 nblocks;
	u32 order;
	u32 per_block;
	u32 stride;
	void *cmpt;
	dma_addr_t cmpt_dma;
	size_t cmpt_bytes;
	u32 cmpt_slots;
	u8 cmpt_ix;
	u32 cidx;
	u32 told;
	bool color;
	void *fifo;
	u32 npkts;
	u32 first;
	u32 slot;
	size_t pos;
	u32 freed;
	bool wanted;
	u64 packets;
	u64 immediate;
	u64 bytes;
	u64 cidx_bells;
};

/**
 * struct qdma_stream - an open file of a stream device
 * @entry: in a list of @st, under its lock
 * @st: stream device
 * @mode: directions: FMODE_READ, FMODE_WRITE
 * @qid: its queue pair
 * @start_lock: serialises set-up and start
 * @started: rings were started once
 * @shut: rings are gone (@st's lock)
 * @flags: SVFF_ST_* of the configuration
 * @read_lock: held by who reads a packet
 * @tx: what it sends
 * @rx: what it receives
 * @last_len: bytes of the packet that was read last (lock of @rx's ring)
 * @last_flags: SVFF_ST_PACKET_* of it (same)
 * @last_entry: its completion (same)
 * @cut: packets whose end was not read, by wish (same)
 */
struct qdma_stream {
	struct list_head entry;
	struct qdma_st *st;
	fmode_t mode;
	u16 qid;
	struct mutex start_lock; /* see above */
	bool started;
	bool shut;
	u32 flags;
	struct mutex read_lock; /* see above */
	struct qdma_tx tx;
	struct qdma_rx rx;
	u32 last_len;
	u32 last_flags;
	u8 last_entry[64];
	u64 cut;
};

/**
 * struct qdma_st - stream device of a function
 * @node: char device; its lock protects the lists
 * @streams: open files
 * @stuck: closed files whose queues did not stop
 */
struct qdma_st {
	struct qdma_node node;
	struct list_head streams;
	struct list_head stuck;
};

/**
 * struct qdma_xfer - one read or write
 * @ring: queue that carries it
 * @iocb: to be completed, or NULL
 * @alone: nobody waits for it, and nobody is told
 * @copied: bytes that were copied, if @alone
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
	struct kiocb *iocb;
	bool alone;
	size_t copied;
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
 * @done: told when it is through instead of @xfer; under the ring's lock
 * @begun: some of it was posted
 * @first: &qdma_ring.posted before its first descriptor
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
 * @copied: they are ours
 * @lent: they are somebody else's, who keeps them for as long as the transfer lasts
 * @held: there is a reference to each, as it is kept for longer
 * @page: these
 * @sgl: segments
 */
struct qdma_chunk {
	struct list_head node;
	struct qdma_xfer *xfer;
	int status;
	void (*done)(struct qdma_chunk *chunk);
	bool begun;
	u64 first;
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
	bool copied;
	bool lent;
	bool held;
	struct page **page;
	struct scatterlist sgl[];
};

extern struct workqueue_struct *qdma_wq;
extern struct workqueue_struct *qdma_mbox_wq;

/* caps.c */
int qdma_identify(struct svff_qdma *qd);

/* card.c */
int qdma_card_get(struct svff_qdma *qd);
void qdma_card_put(struct svff_qdma *qd);
int qdma_load_csr(struct svff_qdma *qd);

/* hwq.c */
enum qdma_sel qdma_sw_sel(const struct svff_qdma_hwq *q);
enum qdma_sel qdma_hw_sel(const struct svff_qdma_hwq *q);
enum qdma_sel qdma_credit_sel(const struct svff_qdma_hwq *q);
bool qdma_hwq_in_card(const struct svff_qdma *qd, const struct svff_qdma_hwq *q);

/* irq.c */
struct qdma_vector *qdma_irq_vector(struct svff_qdma *qd, u32 qid);
int qdma_irq_vector_index(struct svff_qdma *qd, const struct qdma_vector *vec);
int qdma_irq_start(struct svff_qdma *qd);
void qdma_irq_stop(struct svff_qdma *qd);
void qdma_irq_attach(struct qdma_vector *vec, struct qdma_ring *ring);
void qdma_irq_detach(struct qdma_vector *vec, struct qdma_ring *ring);

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

/* life.c */
void qdma_ring_setup(struct qdma_ring *ring, const struct qdma_ring_kind *kind,
		     struct svff_qdma *qd, struct qdma_node *node, u16 qid,
		     enum svff_qdma_dir dir);
void qdma_ring_cut_off(struct svff_qdma *qd);
u8 qdma_pick_ring_ix(const struct svff_qdma_csr *csr, u16 best);
int qdma_ring_ready(struct qdma_ring *ring, bool nowait);
bool qdma_ring_stop(struct qdma_ring *ring);
bool qdma_ring_remove(struct qdma_ring *ring);
void qdma_ring_free(struct qdma_ring *ring);

/* ring.c */
void qdma_ring_guard(struct work_struct *work);
enum hrtimer_restart qdma_ring_tick(struct hrtimer *timer);
void qdma_chunk_done(struct qdma_chunk *chunk);
void qdma_ring_watch_locked(struct qdma_ring *ring);
bool qdma_rings_idle(struct svff_qdma *qd);
void qdma_rings_resume(struct svff_qdma *qd);
int qdma_ring_submit(struct qdma_ring *ring, struct qdma_chunk *chunk, bool more);
void qdma_ring_flush(struct qdma_ring *ring);
void qdma_ring_kick(struct qdma_ring *ring);
u64 qdma_ring_through_locked(const struct qdma_ring *ring, const struct qdma_chunk *chunk);
bool qdma_ring_full(const struct qdma_ring *ring);
bool qdma_ring_service(struct qdma_ring *ring);
void qdma_ring_fail(struct qdma_ring *ring, int error);
void qdma_ring_fail_locked(struct qdma_ring *ring, int error);
void qdma_ring_cancel(struct qdma_ring *ring, struct qdma_xfer *xfer);

/* queue.c */
int qdma_queue_claim(struct svff_qdma *qd, enum qdma_user user, int qid);
void qdma_queue_release(struct svff_qdma *qd, u16 qid);
int qdma_queue_mm_get(struct svff_qdma *qd, u32 wish);
void qdma_queue_mm_put(struct svff_qdma *qd, u16 qid);
bool qdma_stands_still(struct svff_qdma *qd);

/* Wait for @cond. The time of a pause, of which @ms is not, does not count. Returns whether @cond is true. */
#define qdma_wait_working(qd, wq, cond, ms) ({						\
	struct svff_qdma *__qd = (qd);							\
	bool __still;									\
	long __left;									\
											\
	do {										\
		__still = qdma_stands_still(__qd);					\
		__left = wait_event_timeout(wq, cond, msecs_to_jiffies(ms));		\
	} while (!__left && (__still || qdma_stands_still(__qd)));			\
	__left;										\
})

/* desc.c */
bool qdma_tx_gathers(const struct qdma_ring *ring);
bool qdma_chunk_has_more(struct qdma_chunk *chunk);

static inline void *qdma_ring_desc(struct qdma_ring *ring, u32 slot)
{
	return ring->mem + slot * qdma_desc_size(ring->kind->desc_sz);
}

/* mm.c */
ssize_t qdma_transfer(struct qdma_ring *ring, struct kiocb *iocb, struct iov_iter *iter);
bool qdma_tx_room(const struct qdma_tx *tx);
int qdma_send_copy(struct qdma_tx *tx, struct iov_iter *iter);
ssize_t qdma_mm_transfer(struct qdma_mm *mm, struct kiocb *iocb, struct iov_iter *iter,
			 enum svff_qdma_dir dir);
void qdma_mm_deliver(struct work_struct *work);
void qdma_xfer_chunk_done(struct qdma_chunk *chunk);
struct qdma_chunk *qdma_chunk_make(struct qdma_xfer *xfer, struct iov_iter *iter, u64 card);
struct qdma_chunk *qdma_chunk_copy(struct qdma_xfer *xfer, struct iov_iter *iter);
void qdma_chunk_free(struct qdma_ring *ring, struct qdma_chunk *chunk);

/* node.c */
int qdma_node_setup(struct qdma_node *node, struct svff_qdma *qd,
		    struct qdma_node_class *class);
int qdma_node_open(struct qdma_node *node);
void qdma_node_close(struct qdma_node *node);
int qdma_node_mark_dead(struct qdma_node *node, bool force);
void qdma_node_revive(struct qdma_node *node);
void qdma_node_hide(struct qdma_node *node);
int qdma_node_class_init(struct qdma_node_class *class);
void qdma_node_class_exit(struct qdma_node_class *class);

/* chrdev.c */
int qdma_mm_create(struct svff_qdma *qd);
void qdma_mm_destroy(struct qdma_mm *mm);
bool qdma_mm_stop_queue(struct qdma_mm *mm, u16 qid);

/* user.c */
void qdma_user_irq(struct svff_qdma *qd);
int qdma_user_set(struct qdma_mm_file *f, void __user *user);
void qdma_user_forget(struct qdma_mm_file *f);

/* rx.c */
int qdma_rx_tables(struct svff_qdma *qd, struct svff_st_info *info);
int qdma_rx_configure(struct qdma_rx *rx, const struct svff_st_config *user);
const void *qdma_rx_entry(const struct qdma_rx *rx, u32 index);
size_t qdma_rx_left(const struct qdma_rx *rx);
size_t qdma_rx_copy(struct qdma_rx *rx, size_t len, struct iov_iter *iter);
void qdma_rx_done(struct qdma_rx *rx);

/* config.c */
int qdma_stream_config(struct qdma_stream *s, void __user *user);
int qdma_stream_info(struct qdma_stream *s, void __user *user);

/* stream.c */
int qdma_st_create(struct svff_qdma *qd);
void qdma_st_destroy(struct qdma_st *st);

/* dmaengine.c */
int qdma_dma_create(struct svff_qdma *qd);
bool qdma_dma_in_use(const struct svff_qdma *qd);
void qdma_dma_destroy(struct svff_qdma *qd);

/* debugfs.c */
void qdma_debugfs_init(void);
void qdma_debugfs_exit(void);
void qdma_debugfs_add(struct svff_qdma *qd);
void qdma_debugfs_del(struct svff_qdma *qd);

#endif /* QDMA_PRIV_H */
