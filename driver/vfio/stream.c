// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file through which VFIO's user reads a state, or writes one. It may outlive
 * the state and the device; it is over then, and says so.
 */
#include "vfio.h"

#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

/*
 * A copy to or from user space may have to wait for VFIO's locks: the memory may
 * be the device's own, and a reset that holds them waits for &vfio_stream.lock.
 */
static ssize_t stream_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct vfio_stream *s = file->private_data;

	if (pos)
		return -ESPIPE;
	guard(mutex)(&s->io);
	if (READ_ONCE(s->over))
		return -ENODEV;
	len = min(len, s->len - s->pos);
	if (copy_to_user(buf, s->bytes + s->pos, len))
		return -EFAULT;
	s->pos += len;
	return len;
}

static ssize_t stream_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct vfio_stream *s = file->private_data;

	if (pos)
		return -ESPIPE;
	guard(mutex)(&s->io);
	if (READ_ONCE(s->over))
		return -ENODEV;
	if (len > s->room - s->len)
		return -EMSGSIZE;
	if (copy_from_user(s->bytes + s->len, buf, len))
		return -EFAULT;
	scoped_guard(mutex, &s->lock)
		s->len += len;
	return len;
}

static int stream_release(struct inode *inode, struct file *file)
{
	struct vfio_stream *s = file->private_data;

	kvfree(s->bytes);
	mutex_destroy(&s->lock);
	mutex_destroy(&s->io);
	kfree(s);
	return 0;
}

static const struct file_operations out_fops = {
	.owner		= THIS_MODULE,
	.read		= stream_read,
	.release	= stream_release,
};

static const struct file_operations in_fops = {
	.owner		= THIS_MODULE,
	.write		= stream_write,
	.release	= stream_release,
};

static struct vfio_stream *stream_new(const struct file_operations *fops, int flags, u8 *bytes,
				      size_t len, size_t room)
{
	struct vfio_stream *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return ERR_PTR(-ENOMEM);
	s->file = anon_inode_getfile("svff_vfio_state", fops, s, flags);
	if (IS_ERR(s->file)) {
		struct file *file = s->file;

		kfree(s);
		return ERR_CAST(file);
	}
	stream_open(s->file->f_inode, s->file);
	mutex_init(&s->io);
	mutex_init(&s->lock);
	s->bytes = bytes;
	s->len = len;
	s->room = room;
	return s;
}

/**
 * vfio_stream_out() - a file to read a state from
 * @bytes: state, of kvmalloc(); the file's from now on, also if it fails
 * @len: bytes
 *
 * Context: process.
 * Return: the stream, with a reference to its file that the caller has; or errno.
 */
struct vfio_stream *vfio_stream_out(void *bytes, size_t len)
{
	struct vfio_stream *s = stream_new(&out_fops, O_RDONLY, bytes, len, len);

	if (IS_ERR(s))
		kvfree(bytes);
	return s;
}

/**
 * vfio_stream_in() - a file to write a state to
 * @room: most bytes that it may have
 *
 * Context: process.
 * Return: as vfio_stream_out().
 */
struct vfio_stream *vfio_stream_in(size_t room)
{
	u8 *bytes = kvmalloc(room, GFP_KERNEL_ACCOUNT);
	struct vfio_stream *s;

	if (!bytes)
		return ERR_PTR(-ENOMEM);
	s = stream_new(&in_fops, O_WRONLY, bytes, 0, room);
	if (IS_ERR(s))
		kvfree(bytes);
	return s;
}

/**
 * vfio_stream_end() - the device has nothing to do with it any more
 * @s: stream; its last reference may be the caller's
 *
 * Its bytes go at once, unless it is being read or written: then they go with the file.
 *
 * Context: process.
 */
void vfio_stream_end(struct vfio_stream *s)
{
	scoped_guard(mutex, &s->lock)
		WRITE_ONCE(s->over, true);
	/* The user may keep the file, and many of them. */
	if (mutex_trylock(&s->io)) {
		kvfree(s->bytes);
		s->bytes = NULL;
		mutex_unlock(&s->io);
	}
	fput(s->file);
}
