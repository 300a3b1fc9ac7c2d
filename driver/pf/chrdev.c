// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The control device, /dev/svff<N>
 *
 * What sysfs cannot say well: a stream of events, and all that is known of a
 * VF at one moment. An open file outlives the card: the hub that both point to
 * is counted, and says when the card is gone. A file has its own bounded queue
 * of events, filled from its open on; what does not fit is counted, and the
 * count is the next event that fits.
 */
#include "pf.h"

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/kfifo.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <svff/ioctl_arg.h>

#define PF_EVENTS_MAX	512	/* that an open file keeps */
#define PF_NAME_MAX	16

static DEFINE_IDA(hub_ids);

/**
 * struct pf_hub - a control device
 * @ref: the card has one, each open file has one
 * @misc: the device
 * @id: the N of its name
 * @name: its name
 * @gone: protects @pf against the card's leaving
 * @pf: card; NULL once it is gone
 * @clients_lock: protects @clients and their queues
 * @clients: open files
 * @wait: readers wait here
 */
struct pf_hub {
	struct kref ref;
	struct miscdevice misc;
	int id;
	char name[PF_NAME_MAX];
	struct rw_semaphore gone;
	struct svff_pf *pf;
	spinlock_t clients_lock; /* see above */
	struct list_head clients;
	wait_queue_head_t wait;
};

/**
 * struct pf_client - an open file
 * @hub: its device
 * @node: in the hub's list
 * @read_lock: one reader at a time, so that records come in order
 * @lost: events that did not fit since the last one that did
 * @events: queue, protected by the hub's clients_lock
 */
struct pf_client {
	struct pf_hub *hub;
	struct list_head node;
	struct mutex read_lock; /* see above */
	u32 lost;
	DECLARE_KFIFO(events, struct svff_event, PF_EVENTS_MAX);
};

static void hub_release(struct kref *ref)
{
	struct pf_hub *hub = container_of(ref, struct pf_hub, ref);

	ida_free(&hub_ids, hub->id);
	kfree(hub);
}

static void queue_event(struct pf_client *c, const struct svff_event *event)
{
	struct svff_event lost = {
		.time_ns = event->time_ns,
		.type = SVFF_EVENT_LOST,
		.a = c->lost,
	};

	if (kfifo_avail(&c->events) < 1 + !!c->lost) {
		c->lost++;
		return;
	}
	if (c->lost)
		kfifo_put(&c->events, lost);
	c->lost = 0;
	kfifo_put(&c->events, *event);
}

/**
 * pf_event() - tell who listens
 * @pf: card
 * @type: what happened
 * @vf: to which VF; 0 for the PF or the card
 * @a: depends on @type
 * @b: depends on @type
 *
 * Context: any but hard interrupt.
 */
void pf_event(struct svff_pf *pf, enum svff_event_type type, u32 vf, u32 a, u32 b)
{
	struct pf_hub *hub = pf->hub;
	struct svff_event event = {
		.time_ns = ktime_get_ns(), .type = type, .vf = vf, .a = a, .b = b,
	};
	struct pf_client *c;

	spin_lock_bh(&hub->clients_lock);
	list_for_each_entry(c, &hub->clients, node)
		queue_event(c, &event);
	spin_unlock_bh(&hub->clients_lock);
	wake_up_interruptible(&hub->wait);
}

/* misc_open() keeps the device registered, and so the hub alive, meanwhile. */
static int pf_open(struct inode *inode, struct file *file)
{
	struct pf_hub *hub = container_of(file->private_data, struct pf_hub, misc);
	struct pf_client *c = kvzalloc(sizeof(*c), GFP_KERNEL);

	if (!c)
		return -ENOMEM;
	mutex_init(&c->read_lock);
	INIT_KFIFO(c->events);
	kref_get(&hub->ref);
	c->hub = hub;
	spin_lock_bh(&hub->clients_lock);
	list_add_tail(&c->node, &hub->clients);
	spin_unlock_bh(&hub->clients_lock);
	file->private_data = c;
	return stream_open(inode, file);
}

static int pf_release(struct inode *inode, struct file *file)
{
	struct pf_client *c = file->private_data;
	struct pf_hub *hub = c->hub;

	spin_lock_bh(&hub->clients_lock);
	list_del(&c->node);
	spin_unlock_bh(&hub->clients_lock);
	kvfree(c);
	kref_put(&hub->ref, hub_release);
	return 0;
}

static bool first_event(struct pf_client *c, struct svff_event *event)
{
	bool got;

	lockdep_assert_held(&c->read_lock);
	spin_lock_bh(&c->hub->clients_lock);
	got = kfifo_peek(&c->events, event);
	spin_unlock_bh(&c->hub->clients_lock);
	return got;
}

static void drop_first(struct pf_client *c)
{
	lockdep_assert_held(&c->read_lock);
	spin_lock_bh(&c->hub->clients_lock);
	kfifo_skip(&c->events);
	spin_unlock_bh(&c->hub->clients_lock);
}

/* An event stays until the reader has it. */
static int read_first(struct pf_client *c, char __user *buf)
{
	struct svff_event event;

	if (!first_event(c, &event))
		return -EAGAIN;
	if (copy_to_user(buf, &event, sizeof(event)))
		return -EFAULT;
	drop_first(c);
	return 0;
}

static bool is_readable(struct pf_client *c)
{
	bool some;

	spin_lock_bh(&c->hub->clients_lock);
	some = !kfifo_is_empty(&c->events);
	spin_unlock_bh(&c->hub->clients_lock);
	return some;
}

static bool is_gone(struct pf_client *c)
{
	return !READ_ONCE(c->hub->pf);
}

static int wait_readable(struct pf_client *c, bool nonblock)
{
	int err = 0;

	if (!is_readable(c) && !is_gone(c)) {
		if (nonblock)
			return -EAGAIN;
		err = wait_event_interruptible(c->hub->wait,
					       is_readable(c) || is_gone(c));
	}
	if (err)
		return err;
	return is_readable(c) ? 0 : -ENODEV;
}

static ssize_t pf_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct pf_client *c = file->private_data;
	const size_t size = sizeof(struct svff_event);
	ssize_t done = 0;
	int err;

	if (len < size)
		return -EINVAL;
	err = mutex_lock_interruptible(&c->read_lock);
	if (err)
		return err;
	err = wait_readable(c, file->f_flags & O_NONBLOCK);
	while (!err && len - done >= size) {
		err = read_first(c, buf + done);
		if (!err)
			done += size;
	}
	mutex_unlock(&c->read_lock);
	return done ?: err;
}

static __poll_t pf_poll(struct file *file, poll_table *wait)
{
	struct pf_client *c = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &c->hub->wait, wait);
	if (is_readable(c))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (is_gone(c))
		mask |= EPOLLHUP | EPOLLERR;
	return mask;
}

static int ioctl_card_info(struct svff_pf *pf, void __user *user)
{
	const struct svff_qdma_caps *caps = pf->card.caps;
	struct svff_card_info info;
	u32 user_size;
	int err;

	err = svff_get_arg(&info, sizeof(info),
			   offsetofend(struct svff_card_info, flags), user);
	if (err)
		return err;
	if (info.flags)
		return -EOPNOTSUPP;
	user_size = info.size;

	memset(&info, 0, sizeof(info));
	info.size = sizeof(info);
	info.uapi_version = SVFF_UAPI_VERSION;
	info.domain = pci_domain_nr(pf->pdev->bus);
	info.bus = pf->pdev->bus->number;
	info.devfn = pf->pdev->devfn;
	strscpy(info.ip_type, caps->ip_type, sizeof(info.ip_type));
	strscpy(info.ip_version, caps->ip_version, sizeof(info.ip_version));
	info.queues_total = caps->num_queues;
	info.queues_free = svff_qdma_range_avail(pf->qd);
	info.total_vfs = pf->total_vfs;
	info.num_vfs = pci_num_vf(pf->pdev);
	return svff_put_arg(&info, sizeof(info), user_size, user);
}

static void fill_vf_info(struct svff_pf *pf, u32 n, struct svff_vf_info *info)
{
	struct pf_vf *vf;

	guard(mutex)(&pf->lock);
	vf = pf_vf(pf, n);
	pf_state_refresh_locked(pf, vf);
	info->state = vf->state;
	info->quota = pf_quota_locked(pf, n);
	info->queue_base = vf->session.quota ? vf->session.base : SVFF_QDMA_NO_RANGE;
	info->queue_count = vf->session.quota;
	info->queues_active = pf_session_active(&vf->session);
	info->requests = vf->stats.requests;
	info->refused = vf->stats.refused;
	info->dropped = vf->stats.dropped;
	info->errors = vf->stats.errors;
}

static int ioctl_vf_info(struct svff_pf *pf, void __user *user)
{
	struct svff_vf_info info;
	u32 n, user_size;
	int err;

	err = svff_get_arg(&info, sizeof(info), offsetofend(struct svff_vf_info, vf), user);
	if (err)
		return err;
	if (info.flags)
		return -EOPNOTSUPP;
	if (!info.vf || info.vf > pf->total_vfs)
		return -EINVAL;
	user_size = info.size;
	n = info.vf;

	memset(&info, 0, sizeof(info));
	info.size = sizeof(info);
	info.vf = n;
	fill_vf_info(pf, n, &info);
	return svff_put_arg(&info, sizeof(info), user_size, user);
}

static int get_vfs(struct svff_pf *pf, const struct svff_vf_pause *arg, unsigned long *vfs)
{
	unsigned int n;

	if (arg->pad)
		return -EINVAL;
	bitmap_zero(vfs, PF_FUNCTIONS_MAX);
	for (n = 0; n < PF_FUNCTIONS_MAX; n++)
		if (arg->vfs[n / 64] & BIT_ULL(n % 64))
			__set_bit(n, vfs);
	n = find_last_bit(vfs, PF_FUNCTIONS_MAX);
	return bitmap_empty(vfs, PF_FUNCTIONS_MAX) || test_bit(0, vfs) || n > pf->total_vfs ? -EINVAL : 0;
}

static int ioctl_vf_pause(struct svff_pf *pf, void __user *user, bool pause)
{
	DECLARE_BITMAP(vfs, PF_FUNCTIONS_MAX);
	struct svff_vf_pause arg;
	unsigned int failed = 0;
	u32 user_size;
	int err, ret;

	err = svff_get_arg(&arg, sizeof(arg), sizeof(arg), user);
	if (err)
		return err;
	user_size = arg.size;
	if (arg.flags & ~(pause ? SVFF_VF_PAUSE_UNASKED : 0))
		return -EOPNOTSUPP;
	err = get_vfs(pf, &arg, vfs);
	if (err)
		return err;
	err = pause ? pf_vfs_pause(pf, vfs, arg.flags & SVFF_VF_PAUSE_UNASKED, &failed) :
		      pf_vfs_resume(pf, vfs, &failed);
	arg.size = sizeof(arg);
	arg.failed = failed;
	ret = svff_put_arg(&arg, sizeof(arg), user_size, user);
	return err ?: ret;
}

static int get_data(struct svff_pf *pf, struct svff_vf_data *arg, void __user *user)
{
	int err = svff_get_arg(arg, sizeof(*arg), sizeof(*arg), user);

	if (err)
		return err;
	if (arg->flags)
		return -EOPNOTSUPP;
	return arg->pad || !arg->vf || arg->vf > pf->total_vfs ? -EINVAL : 0;
}

static int ioctl_vf_save(struct svff_pf *pf, void __user *user)
{
	struct svff_vf_data arg;
	u32 user_size;
	size_t len;
	void *bytes;
	int err, ret;

	err = get_data(pf, &arg, user);
	if (err)
		return err;
	user_size = arg.size;
	bytes = pf_vf_save(pf, arg.vf, &len);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	if (len > arg.len)
		err = -ENOSPC;
	else if (copy_to_user(u64_to_user_ptr(arg.data), bytes, len))
		err = -EFAULT;
	kvfree(bytes);
	arg.size = sizeof(arg);
	arg.len = len;
	ret = svff_put_arg(&arg, sizeof(arg), user_size, user);
	return err ?: ret;
}

static int ioctl_vf_load(struct svff_pf *pf, void __user *user)
{
	struct svff_vf_data arg;
	void *bytes;
	int err;

	err = get_data(pf, &arg, user);
	if (err)
		return err;
	if (arg.len > pf_image_size_max(PF_VF_QUEUES_MAX))
		return -EMSGSIZE;
	bytes = vmemdup_user(u64_to_user_ptr(arg.data), arg.len);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	err = pf_vf_load_unclaimed(pf, arg.vf, bytes, arg.len);
	kvfree(bytes);
	return err;
}

/* What changes a VF wants more than a look at the card. */
static int ioctl_write(struct svff_pf *pf, unsigned int nr, void __user *user)
{
	switch (nr) {
	case _IOC_NR(SVFF_IOC_VF_PAUSE):
		return ioctl_vf_pause(pf, user, true);
	case _IOC_NR(SVFF_IOC_VF_RESUME):
		return ioctl_vf_pause(pf, user, false);
	case _IOC_NR(SVFF_IOC_VF_SAVE):
		return ioctl_vf_save(pf, user);
	default:
		return ioctl_vf_load(pf, user);
	}
}

static long pf_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pf_client *c = file->private_data;
	void __user *user = (void __user *)arg;

	guard(rwsem_read)(&c->hub->gone);
	if (!c->hub->pf)
		return -ENODEV;
	/* The size is in the argument, so the one in @cmd does not count. */
	switch (_IOC_NR(cmd) | (_IOC_TYPE(cmd) << _IOC_TYPESHIFT)) {
	case _IOC_NR(SVFF_IOC_CARD_INFO) | (SVFF_IOC_MAGIC << _IOC_TYPESHIFT):
		return ioctl_card_info(c->hub->pf, user);
	case _IOC_NR(SVFF_IOC_VF_INFO) | (SVFF_IOC_MAGIC << _IOC_TYPESHIFT):
		return ioctl_vf_info(c->hub->pf, user);
	case _IOC_NR(SVFF_IOC_VF_PAUSE) | (SVFF_IOC_MAGIC << _IOC_TYPESHIFT):
	case _IOC_NR(SVFF_IOC_VF_RESUME) | (SVFF_IOC_MAGIC << _IOC_TYPESHIFT):
	case _IOC_NR(SVFF_IOC_VF_SAVE) | (SVFF_IOC_MAGIC << _IOC_TYPESHIFT):
	case _IOC_NR(SVFF_IOC_VF_LOAD) | (SVFF_IOC_MAGIC << _IOC_TYPESHIFT):
		return file->f_mode & FMODE_WRITE ? ioctl_write(c->hub->pf, _IOC_NR(cmd), user) : -EBADF;
	default:
		return -ENOTTY;
	}
}

static const struct file_operations pf_fops = {
	.owner		= THIS_MODULE,
	.open		= pf_open,
	.release	= pf_release,
	.read		= pf_read,
	.poll		= pf_poll,
	.unlocked_ioctl	= pf_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/**
 * pf_hub_create() - make what the control device stands on
 * @pf: card
 *
 * From now on pf_event() has somebody to tell.
 *
 * Context: process.
 * Return: 0 or errno.
 */
int pf_hub_create(struct svff_pf *pf)
{
	struct pf_hub *hub = kzalloc(sizeof(*hub), GFP_KERNEL);
	int id;

	if (!hub)
		return -ENOMEM;
	id = ida_alloc(&hub_ids, GFP_KERNEL);
	if (id < 0) {
		kfree(hub);
		return id;
	}
	kref_init(&hub->ref);
	init_rwsem(&hub->gone);
	spin_lock_init(&hub->clients_lock);
	INIT_LIST_HEAD(&hub->clients);
	init_waitqueue_head(&hub->wait);
	hub->pf = pf;
	hub->id = id;
	snprintf(hub->name, sizeof(hub->name), "svff%d", id);
	hub->misc.minor = MISC_DYNAMIC_MINOR;
	hub->misc.name = hub->name;
	hub->misc.fops = &pf_fops;
	hub->misc.parent = &pf->pdev->dev;
	pf->hub = hub;
	return 0;
}

/**
 * pf_hub_destroy() - the card goes away
 * @pf: card; nothing posts events any more
 *
 * Files that are still open answer -ENODEV from now on.
 *
 * Context: process; waits for calls in progress.
 */
void pf_hub_destroy(struct svff_pf *pf)
{
	struct pf_hub *hub = pf->hub;

	down_write(&hub->gone);
	WRITE_ONCE(hub->pf, NULL);
	up_write(&hub->gone);
	wake_up_interruptible_all(&hub->wait);
	pf->hub = NULL;
	kref_put(&hub->ref, hub_release);
}

/**
 * pf_chrdev_register() - show the control device
 * @pf: card, ready for use
 *
 * Context: process.
 * Return: 0 or errno.
 */
int pf_chrdev_register(struct svff_pf *pf)
{
	return misc_register(&pf->hub->misc);
}

/**
 * pf_chrdev_unregister() - no more opens
 * @pf: card
 *
 * Context: process.
 */
void pf_chrdev_unregister(struct svff_pf *pf)
{
	misc_deregister(&pf->hub->misc);
}
