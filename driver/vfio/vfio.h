/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VFIO driver of a VF: what its files share.
 *
 * Lock order: whatever VFIO holds -> state_lock -> vfio_stream.lock -> svff_pf's.
 */
#ifndef SVFF_VFIO_H
#define SVFF_VFIO_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>
#include <svff/pf.h>

/**
 * struct vfio_stream - a file through which a state comes or goes
 * @file: the file
 * @io: one read or write at a time; protects @pos, and @bytes from going
 * @lock: protects @over and @len, not taken while user space is accessed
 * @over: it has nothing to do with the device any more
 * @bytes: the state, or what of it has come; NULL once it is over and nobody was using it
 * @len: bytes of it
 * @room: of @bytes
 * @pos: of the reader
 */
struct vfio_stream {
	struct file *file;
	struct mutex io; /* see above */
	struct mutex lock; /* see above */
	bool over;
	u8 *bytes;
	size_t len;
	size_t room;
	size_t pos;
};

/**
 * struct svff_vfio - a VF
 * @core: VFIO's
 * @vf: svff_pf's
 * @state_lock: protects the rest
 * @open: a user has it, and svff_pf knows
 * @resetting: from before a reset of the function until after it
 * @state: of the migration protocol
 * @stream: file of a state that is read or written, or NULL
 */
struct svff_vfio {
	struct vfio_pci_core_device core;
	struct svff_pf_vf vf;
	struct mutex state_lock; /* see above */
	bool open;
	bool resetting;
	enum vfio_device_mig_state state;
	struct vfio_stream *stream;
};

/* stream.c */
struct vfio_stream *vfio_stream_out(void *bytes, size_t len);
struct vfio_stream *vfio_stream_in(size_t room);
void vfio_stream_end(struct vfio_stream *s);

#endif /* SVFF_VFIO_H */
