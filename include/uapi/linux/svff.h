/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/**
 * DOC: What user space sees of SVFF
 *
 * Three kinds of character device:
 *
 * - /dev/svffN, one per card (PF): information and events. What a file can
 *   say is in sysfs (Documentation: ABI file beside the driver), not here.
 * - /dev/svff-mmN, one per function that has queues (a PF, a VF): card memory.
 *   pread(2), pwrite(2), readv(2), writev(2) and io_uring; the file offset is
 *   the card address. User pages are pinned, never copied. A transfer of any
 *   length and alignment is taken. Errors: EFAULT (buffer not accessible), EIO
 *   (the hardware failed the transfer, for example because the card has no
 *   memory at that address), EINVAL (negative offset, or one that overflows),
 *   ENODEV (device gone), ETIMEDOUT (nothing moved for 10 s), ENOMEM, EAGAIN
 *   (IOCB_NOWAIT and the queue is full), EINTR (killed before anything moved),
 *   EBUSY (all queues belong to streams). What was moved before an error is a
 *   short count. SVFF_IOC_IRQ_EVENTFD tells of the user logic's interrupts.
 * - /dev/svff-stN, one per function that has queues, if the card has streams.
 *   Each open file is a stream: it has a queue pair of its own until it is
 *   closed (open says EBUSY if there is none left). See the second DOC below.
 *
 * ioctls are extensible: the argument starts with its size; a kernel that
 * knows less than the caller answers E2BIG if unknown bytes are not zero; one
 * that knows more fills what fits. Unknown flags are EOPNOTSUPP.
 */
#ifndef _UAPI_LINUX_SVFF_H
#define _UAPI_LINUX_SVFF_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SVFF_UAPI_VERSION	1

#define SVFF_IOC_MAGIC		0xD5

/**
 * enum svff_vf_state - life of a VF
 * @SVFF_VF_ABSENT: not created (sriov_numvfs is below its number)
 * @SVFF_VF_READY: exists, has its quota, no driver has said HELLO
 * @SVFF_VF_ACTIVE: a driver has said HELLO
 * @SVFF_VF_PAUSED: its queues are stopped and their state is kept
 * @SVFF_VF_RESETTING: a function level reset is under way
 * @SVFF_VF_ERROR: its hardware did not stop in time; reset it
 */
enum svff_vf_state {
	SVFF_VF_ABSENT		= 0,
	SVFF_VF_READY		= 1,
	SVFF_VF_ACTIVE		= 2,
	SVFF_VF_PAUSED		= 3,
	SVFF_VF_RESETTING	= 4,
	SVFF_VF_ERROR		= 5,
};

/**
 * struct svff_card_info - SVFF_IOC_CARD_INFO on /dev/svffN
 * @size: in: size of the caller's structure; out: of the kernel's
 * @flags: must be 0
 * @uapi_version: SVFF_UAPI_VERSION of the kernel
 * @domain: PCI domain of the PF
 * @bus: PCI bus of the PF
 * @devfn: PCI device and function of the PF
 * @ip_type: as in sysfs, zero terminated
 * @ip_version: as in sysfs, zero terminated
 * @queues_total: hardware queues of the card
 * @queues_free: queues that no function owns
 * @total_vfs: TotalVFs of the SR-IOV capability
 * @num_vfs: VFs that exist
 */
struct svff_card_info {
	__u32	size;
	__u32	flags;
	__u32	uapi_version;
	__u16	domain;
	__u8	bus;
	__u8	devfn;
	char	ip_type[16];
	char	ip_version[16];
	__u32	queues_total;
	__u32	queues_free;
	__u32	total_vfs;
	__u32	num_vfs;
};

/**
 * struct svff_vf_info - SVFF_IOC_VF_INFO on /dev/svffN
 * @size: in: size of the caller's structure; out: of the kernel's
 * @flags: must be 0
 * @vf: in: VF number, 1 to TotalVFs
 * @state: &enum svff_vf_state
 * @quota: queues it may have
 * @queue_base: first hardware queue, ~0 if it has none
 * @queue_count: queues of its range
 * @queues_active: queue directions set up now
 * @requests: mailbox requests served
 * @refused: requests answered with an error
 * @dropped: messages dropped without an answer (malformed, or flood)
 * @errors: hardware errors attributed to it
 */
struct svff_vf_info {
	__u32	size;
	__u32	flags;
	__u32	vf;
	__u32	state;
	__u32	quota;
	__u32	queue_base;
	__u32	queue_count;
	__u32	queues_active;
	__u64	requests;
	__u64	refused;
	__u64	dropped;
	__u64	errors;
};

/**
 * struct svff_irq_eventfd - SVFF_IOC_IRQ_EVENTFD on /dev/svff-mmN
 * @size: in: size of the caller's structure; out: of the kernel's
 * @flags: must be 0
 * @vector: interrupt of the user logic, from 0; functions have one
 * @fd: eventfd to be signalled at each interrupt, or -1 for none
 * @msix: in: 0; out: what the user logic calls the interrupt: the function's
 *	MSI-X vector
 * @function: in: 0; out: what it calls the function: its QDMA function id
 *
 * An open file has one eventfd; a second call replaces it, close(2) forgets it.
 * Several files may each have theirs, and all are signalled. Interrupts that
 * follow each other too fast are one. After the device is gone, or was reset, no
 * eventfd is signalled any more, and the call says so. Errors: EBADF (no such
 * fd), EINVAL (not an eventfd, no such vector, too small), E2BIG, EOPNOTSUPP
 * (unknown flags), ENXIO (the function has no vectors), ENODEV (device gone),
 * EFAULT. A call that fails changes nothing.
 */
struct svff_irq_eventfd {
	__u32	size;
	__u32	flags;
	__u32	vector;
	__s32	fd;
	__u32	msix;
	__u32	function;
};

#define SVFF_IOC_IRQ_EVENTFD	_IOWR(SVFF_IOC_MAGIC, 0x20, struct svff_irq_eventfd)

#define SVFF_IOC_CARD_INFO	_IOWR(SVFF_IOC_MAGIC, 0x00, struct svff_card_info)
#define SVFF_IOC_VF_INFO	_IOWR(SVFF_IOC_MAGIC, 0x01, struct svff_vf_info)

/**
 * DOC: Pausing VFs
 *
 * A paused VF has nothing on the card; what it was doing is kept by the driver,
 * until it is resumed. Also in sysfs: vf<N>/pause, whose description says what is
 * kept and what is not. All these calls want a file that is open for writing (EBADF).
 *
 * SVFF_IOC_VF_PAUSE pauses VFs, all of them or none. A VF that is paused already
 * stays so. SVFF_IOC_VF_RESUME resumes VFs; if one cannot be resumed the others are.
 * @failed says which VF the error is about; errors are those of vf<N>/pause. EINVAL
 * is about none: no VF, VF 0, one that the card cannot have, or a pad that is not 0.
 *
 * SVFF_IOC_VF_SAVE reads what is kept of a paused VF, as bytes that this driver, or
 * that of another host, understands if the card is the same kind of card. It stays
 * paused. Errors: EINVAL (it is not paused), ENOSPC (@len is too small; it says then
 * how much is needed). SVFF_IOC_VF_LOAD makes such bytes the state of a VF that is
 * paused, or exists and is used by nobody; it is paused then. Errors: ENODEV (no such
 * VF), EBUSY (it is in use), ENODATA (too short), EMSGSIZE (too long), EPROTONOSUPPORT
 * (another version), EMEDIUMTYPE (another kind of card), EBADMSG (damaged), ENOSPC,
 * ERANGE (the VF has fewer queues, vectors), EXDEV (it has an interrupt ring and would
 * not be the same VF with the same queues), EPERM (no VF may have that), EOPNOTSUPP (an
 * extension of the mailbox that is not known). VFs that svff_vfio has are EBUSY.
 */

/* struct svff_vf_pause.flags */
#define SVFF_VF_PAUSE_UNASKED	(1 << 0)	/* the caller holds the doorbells back */

/**
 * struct svff_vf_pause - SVFF_IOC_VF_PAUSE and SVFF_IOC_VF_RESUME on /dev/svffN
 * @size: in: size of the caller's structure; out: of the kernel's
 * @flags: SVFF_VF_PAUSE_*, 0 for SVFF_IOC_VF_RESUME
 * @failed: out: VF number, 0 if it is about none of them
 * @pad: must be 0
 * @vfs: VFs; bit n % 64 of entry n / 64 is VF n
 */
struct svff_vf_pause {
	__u32	size;
	__u32	flags;
	__u32	failed;
	__u32	pad;
	__u64	vfs[4];
};

/**
 * struct svff_vf_data - SVFF_IOC_VF_SAVE and SVFF_IOC_VF_LOAD on /dev/svffN
 * @size: in: size of the caller's structure; out: of the kernel's
 * @flags: must be 0
 * @vf: VF number
 * @pad: must be 0
 * @data: address of the bytes
 * @len: how many; of SVFF_IOC_VF_SAVE in: room, out: bytes of the state
 */
struct svff_vf_data {
	__u32	size;
	__u32	flags;
	__u32	vf;
	__u32	pad;
	__u64	data;
	__u64	len;
};

#define SVFF_IOC_VF_PAUSE	_IOWR(SVFF_IOC_MAGIC, 0x02, struct svff_vf_pause)
#define SVFF_IOC_VF_RESUME	_IOWR(SVFF_IOC_MAGIC, 0x03, struct svff_vf_pause)
#define SVFF_IOC_VF_SAVE	_IOWR(SVFF_IOC_MAGIC, 0x04, struct svff_vf_data)
#define SVFF_IOC_VF_LOAD	_IOWR(SVFF_IOC_MAGIC, 0x05, struct svff_vf_data)

/**
 * enum svff_event_type - what happened
 * @SVFF_EVENT_VF_STATE: @a is the new state, @b the old one
 * @SVFF_EVENT_VF_REFUSED: @a is the mailbox opcode, @b the status (positive)
 * @SVFF_EVENT_HW_ERROR: the hardware reports an error, by @vf if it is not 0. @a
 *	is &enum svff_error_leaf in SVFF_ERROR_LEAF and the bit of the leaf's status
 *	in SVFF_ERROR_BIT; @b is the hardware queue in SVFF_ERROR_QUEUE, with
 *	SVFF_ERROR_C2H if it is its C2H direction, or ~0 if no queue is known
 * @SVFF_EVENT_LOST: @a events were lost because nobody read them
 * @SVFF_EVENT_VF_MUTED: @a is 1: the VF floods the mailbox and is not heard
 *	until it is quiet; 0: it is heard again. @b messages were dropped so far
 */
enum svff_event_type {
	SVFF_EVENT_VF_STATE	= 1,
	SVFF_EVENT_VF_REFUSED	= 2,
	SVFF_EVENT_HW_ERROR	= 3,
	SVFF_EVENT_LOST		= 4,
	SVFF_EVENT_VF_MUTED	= 5,
};

#define SVFF_ERROR_LEAF		0x0000ff00
#define SVFF_ERROR_BIT		0x000000ff
#define SVFF_ERROR_QUEUE	0x0000ffff
#define SVFF_ERROR_C2H		0x00010000

/**
 * enum svff_error_leaf - where in the hardware an error was noticed
 * @SVFF_ERR_GLOBAL: nowhere in particular: bits of the global error status
 * @SVFF_ERR_DSC: descriptor engine
 * @SVFF_ERR_TRQ: register and doorbell access
 * @SVFF_ERR_C2H_MM: memory mapped engine, card to host
 * @SVFF_ERR_H2C_MM: memory mapped engine, host to card
 * @SVFF_ERR_C2H_ST: streams, card to host
 * @SVFF_ERR_C2H_FATAL: the same; the engine has stopped
 * @SVFF_ERR_H2C_ST: streams, host to card
 * @SVFF_ERR_RAM_DBE: internal memory: more bits than can be corrected
 * @SVFF_ERR_RAM_DBE_1: the same, second set
 * @SVFF_ERR_RAM_SBE: internal memory: corrected
 * @SVFF_ERR_RAM_SBE_1: the same, second set
 */
enum svff_error_leaf {
	SVFF_ERR_GLOBAL		= 0,
	SVFF_ERR_DSC		= 1,
	SVFF_ERR_TRQ		= 2,
	SVFF_ERR_C2H_MM		= 3,
	SVFF_ERR_H2C_MM		= 4,
	SVFF_ERR_C2H_ST		= 5,
	SVFF_ERR_C2H_FATAL	= 6,
	SVFF_ERR_H2C_ST		= 7,
	SVFF_ERR_RAM_DBE	= 8,
	SVFF_ERR_RAM_DBE_1	= 9,
	SVFF_ERR_RAM_SBE	= 10,
	SVFF_ERR_RAM_SBE_1	= 11,
};

/**
 * struct svff_event - one record of read(2) on /dev/svffN
 * @time_ns: CLOCK_MONOTONIC
 * @type: &enum svff_event_type
 * @vf: VF number, 0 for the PF or the card
 * @a: see &enum svff_event_type
 * @b: see &enum svff_event_type
 *
 * read(2) returns whole records and blocks (or EAGAIN) while there are none;
 * poll(2) says POLLIN. A reader sees what happened after its open(2). A record
 * that cannot be stored (EFAULT) is the first of the next read.
 */
struct svff_event {
	__u64	time_ns;
	__u32	type;
	__u32	vf;
	__u32	a;
	__u32	b;
};

/**
 * DOC: Streams
 *
 * A write(2) or writev(2) on /dev/svff-stN sends one packet, of 0 up to
 * SVFF_ST_SEND_MAX bytes (else EMSGSIZE), whole or not at all. It returns when
 * the card has taken the packet, straight from the caller's pages if these are
 * in one piece for the card (behind an IOMMU a buffer is, as are all that lie
 * within a page), else from a copy, because the card takes each descriptor for
 * a packet. With SVFF_ST_BYPASS the user logic gets the descriptors, packets
 * may have many, up to SVFF_ST_GATHER_MAX bytes, and are not copied. It waits as
 * long as the user logic makes it wait, up to the configured time (ETIMEDOUT);
 * only a signal that kills ends it earlier. A write that must not wait
 * (O_NONBLOCK, RWF_NOWAIT) sends a copy instead and returns at once, or EAGAIN
 * if there is no room; should that packet fail the next write says why. Writes
 * by io_uring are neither copied nor waited for.
 *
 * A read(2) or readv(2) receives from one packet, never from two. If the buffer
 * is too short for the packet the rest is kept for the next read: a stream
 * loses no byte that its user did not ask it to lose. FIONREAD tells how many
 * bytes the next read can have, and rx_left of SVFF_IOC_ST_INFO whether the
 * packet that was last read from has more. Who would rather have the rest
 * dropped, as recv(2) drops it, says SVFF_ST_TRUNCATE. A read that returns 0
 * had a packet of no bytes, or a completion without a packet (immediate data,
 * SVFF_ST_PACKET_IMMEDIATE); there is no end of file. Data is copied once, out
 * of the buffers that the card fills. While nobody reads and all buffers are
 * full the card makes the user logic wait. A read waits for as long as it
 * takes (EAGAIN if it must not); any signal ends it.
 *
 * The queues are started by the first read, write or poll, or by
 * SVFF_IOC_ST_START (its argument is 0); those of a file that is open for reading alone, or for
 * writing alone, in that direction alone. Before, SVFF_IOC_ST_CONFIG sets them
 * up. A queue that fails is stopped, with no harm to others: packets received
 * before can still be read, then a read says EIO once; after that the queue is
 * started anew. ENODEV means that the device is gone.
 *
 * poll(2): POLLIN, a packet; POLLOUT, room for a packet; POLLERR, the queue has
 * failed; with POLLHUP, the device is gone.
 */
#define SVFF_ST_SEND_MAX	65535
#define SVFF_ST_GATHER_MAX	(1 << 20)

/* struct svff_st_config.flags */
#define SVFF_ST_NO_PREFETCH	(1 << 0)	/* fetch buffers when data is there */
#define SVFF_ST_TRUNCATE	(1 << 1)	/* drop what a read has no room for */
#define SVFF_ST_BYPASS		(1 << 2)	/* the user logic gets H2C descriptors */

/**
 * enum svff_st_trigger - when the card tells of packets
 * @SVFF_ST_TRIG_DEFAULT: as the driver likes it: COUNT_TIMER
 * @SVFF_ST_TRIG_EVERY: each packet
 * @SVFF_ST_TRIG_COUNT: so many packets, or the user logic says so
 * @SVFF_ST_TRIG_USER: the user logic says so
 * @SVFF_ST_TRIG_TIMER: so long after a packet, or the user logic says so
 * @SVFF_ST_TRIG_COUNT_TIMER: any of these
 */
enum svff_st_trigger {
	SVFF_ST_TRIG_DEFAULT		= 0,
	SVFF_ST_TRIG_EVERY		= 1,
	SVFF_ST_TRIG_COUNT		= 2,
	SVFF_ST_TRIG_USER		= 3,
	SVFF_ST_TRIG_TIMER		= 4,
	SVFF_ST_TRIG_COUNT_TIMER	= 5,
};

#define SVFF_ST_NO_TIMEOUT	0xffffffffU

/**
 * struct svff_st_config - SVFF_IOC_ST_CONFIG on /dev/svff-stN
 * @size: size of the caller's structure
 * @flags: SVFF_ST_*
 * @buf_size: bytes of a receive buffer; one of &svff_st_info.buf_sizes
 * @cmpt_size: bytes of a completion: 8, 16, 32 or 64
 * @trigger: &enum svff_st_trigger
 * @count: packets of a trigger; one of &svff_st_info.counts
 * @timer: time of a trigger, in the card's ticks; one of &svff_st_info.timers
 * @tx_timeout_ms: longest time in which the card takes nothing of what is to be
 *	sent, or SVFF_ST_NO_TIMEOUT
 *
 * 0 is the driver's choice: buffers of 4096 bytes, completions of 8, COUNT_TIMER
 * with the card's values next to 16 packets and 100 ticks, 10 s. Errors: EINVAL (a value that the card does not
 * have), EOPNOTSUPP (unknown flags), EBUSY (the stream was started).
 */
struct svff_st_config {
	__u32	size;
	__u32	flags;
	__u32	buf_size;
	__u32	cmpt_size;
	__u32	trigger;
	__u32	count;
	__u32	timer;
	__u32	tx_timeout_ms;
};

/* struct svff_st_info.last_flags */
#define SVFF_ST_PACKET_IMMEDIATE	(1 << 0)	/* a completion without a packet */
#define SVFF_ST_PACKET_CUT		(1 << 1)	/* its end was dropped */

/**
 * struct svff_st_info - SVFF_IOC_ST_INFO on /dev/svff-stN
 * @size: in: size of the caller's structure; out: of the kernel's
 * @flags: must be 0
 * @queue: queue pair of the function
 * @hw_queue: the same as the card counts
 * @config: what is in use; its size is 0
 * @rx_left: bytes of the packet that was last read from, yet to be read
 * @last_len: bytes of the packet that was last read to its end
 * @last_flags: SVFF_ST_PACKET_* of it
 * @last_entry_size: bytes of its completion
 * @last_entry: its completion as the card wrote it; from bit 20 on the user
 *	logic's own data
 * @tx_packets: packets sent
 * @rx_packets: packets received
 * @rx_bytes: bytes received
 * @rx_immediate: completions without a packet
 * @rx_cut: packets whose end was dropped
 * @doorbells: doorbells written, all kinds
 * @restarts: times that a queue was started anew
 * @buf_sizes: sizes that a receive buffer can have, 0 where there is none
 * @counts: counts that a trigger can have
 * @timers: times that a trigger can have, in the card's ticks
 * @rx_max: bytes of the longest packet that can be received with the buffers in
 *	use; the card drops what is longer
 * @pad: 0
 */
struct svff_st_info {
	__u32	size;
	__u32	flags;
	__u32	queue;
	__u32	hw_queue;
	struct svff_st_config config;
	__u32	rx_left;
	__u32	last_len;
	__u32	last_flags;
	__u32	last_entry_size;
	__u8	last_entry[64];
	__u64	tx_packets;
	__u64	rx_packets;
	__u64	rx_bytes;
	__u64	rx_immediate;
	__u64	rx_cut;
	__u64	doorbells;
	__u64	restarts;
	__u32	buf_sizes[16];
	__u32	counts[16];
	__u32	timers[16];
	__u32	rx_max;
	__u32	pad;
};

#define SVFF_IOC_ST_CONFIG	_IOW(SVFF_IOC_MAGIC, 0x10, struct svff_st_config)
#define SVFF_IOC_ST_START	_IO(SVFF_IOC_MAGIC, 0x11)
#define SVFF_IOC_ST_INFO	_IOWR(SVFF_IOC_MAGIC, 0x12, struct svff_st_info)

#endif /* _UAPI_LINUX_SVFF_H */
