/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/**
 * DOC: What user space sees of SVFF
 *
 * Two kinds of character device:
 *
 * - /dev/svffN, one per card (PF): information and events. What a file can
 *   say is in sysfs (Documentation: ABI file beside the driver), not here.
 * - /dev/svff-mmN, one per function that has queues (a PF, a VF): card memory.
 *   pread(2), pwrite(2), readv(2), writev(2) and io_uring; the file offset is
 *   the card address. User pages are pinned, never copied. A transfer of any
 *   length and alignment is taken. Errors: EFAULT (buffer not accessible), EIO
 *   (the hardware failed the transfer, for example because the card has no
 *   memory at that address), EINVAL (negative offset, or one that overflows),
 *   ENODEV (device gone), ETIMEDOUT (the hardware does not answer), EAGAIN
 *   (IOCB_NOWAIT and the queue is full), EINTR (killed before anything moved).
 *   What was moved before an error is a short count.
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

#define SVFF_IOC_CARD_INFO	_IOWR(SVFF_IOC_MAGIC, 0x00, struct svff_card_info)
#define SVFF_IOC_VF_INFO	_IOWR(SVFF_IOC_MAGIC, 0x01, struct svff_vf_info)

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
 * poll(2) says POLLIN. A reader sees what happened after its open(2).
 */
struct svff_event {
	__u64	time_ns;
	__u32	type;
	__u32	vf;
	__u32	a;
	__u32	b;
};

#endif /* _UAPI_LINUX_SVFF_H */
