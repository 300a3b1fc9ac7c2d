// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/bus/pci/devices/<PF>/svff; the file sysfs-svff beside this one says what
 * each attribute means. A folder is an object of its own that is freed when the
 * last reference goes; deleting it waits for reads and writes in progress, so
 * none of them sees a card that is gone.
 */
#include "pf.h"

#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

/**
 * struct pf_folder - a folder in sysfs
 * @kobj: the object
 * @pf: card
 * @vf: VF number, 0 for the card's own folder
 */
struct pf_folder {
	struct kobject kobj;
	struct svff_pf *pf;
	unsigned int vf;
};

/**
 * struct pf_error_attribute - shows how often an error was seen
 * @attr: attribute
 * @id: the error
 */
struct pf_error_attribute {
	struct kobj_attribute attr;
	unsigned int id;
};

/**
 * struct pf_sysfs - all folders of a card
 * @error: counters of errors
 * @errors: their attributes, the list ends with NULL
 * @card: svff
 * @vf: svff/vf<N>; VF n is at n - 1
 */
struct pf_sysfs {
	struct pf_error_attribute *error;
	struct attribute **errors;
	struct pf_folder *card;
	struct pf_folder *vf[];
};

static const char *const busy_policies[] = {
	[PF_BUSY_REFUSE]	= "refuse",
	[PF_BUSY_RELEASE]	= "release",
};

static struct pf_folder *to_folder(struct kobject *kobj)
{
	return container_of(kobj, struct pf_folder, kobj);
}

static ssize_t ip_type_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_folder(kobj)->pf->card.caps->ip_type);
}

static ssize_t ip_version_show(struct kobject *kobj, struct kobj_attribute *attr,
			       char *buf)
{
	return sysfs_emit(buf, "%s\n", to_folder(kobj)->pf->card.caps->ip_version);
}

static ssize_t queues_total_show(struct kobject *kobj, struct kobj_attribute *attr,
				 char *buf)
{
	return sysfs_emit(buf, "%u\n", to_folder(kobj)->pf->card.caps->num_queues);
}

static ssize_t queues_free_show(struct kobject *kobj, struct kobj_attribute *attr,
				char *buf)
{
	return sysfs_emit(buf, "%u\n", svff_qdma_range_avail(to_folder(kobj)->pf->qd));
}

static ssize_t vf_queues_default_show(struct kobject *kobj,
				      struct kobj_attribute *attr, char *buf)
{
	struct svff_pf *pf = to_folder(kobj)->pf;

	guard(mutex)(&pf->lock);
	return sysfs_emit(buf, "%u\n", pf->vf_queues_default);
}

static ssize_t vf_queues_default_store(struct kobject *kobj,
				       struct kobj_attribute *attr,
				       const char *buf, size_t len)
{
	u32 queues;
	int err = kstrtou32(buf, 0, &queues);

	if (!err)
		err = pf_quota_default_set(to_folder(kobj)->pf, queues);
	return err ?: len;
}

static ssize_t vf_message_rate_show(struct kobject *kobj,
				    struct kobj_attribute *attr, char *buf)
{
	struct svff_pf *pf = to_folder(kobj)->pf;

	guard(mutex)(&pf->lock);
	return sysfs_emit(buf, "%u\n", pf->vf_message_rate);
}

static ssize_t vf_message_rate_store(struct kobject *kobj,
				     struct kobj_attribute *attr,
				     const char *buf, size_t len)
{
	u32 rate;
	int err = kstrtou32(buf, 0, &rate);

	if (!err)
		err = pf_message_rate_set(to_folder(kobj)->pf, rate);
	return err ?: len;
}

static ssize_t pf_queues_show(struct kobject *kobj, struct kobj_attribute *attr,
			      char *buf)
{
	struct svff_pf *pf = to_folder(kobj)->pf;

	guard(mutex)(&pf->own_lock);
	return sysfs_emit(buf, "%u\n", pf->own_queues);
}

static ssize_t pf_queues_store(struct kobject *kobj, struct kobj_attribute *attr,
			       const char *buf, size_t len)
{
	u32 queues;
	int err = kstrtou32(buf, 0, &queues);

	if (!err)
		err = pf_own_queues_set(to_folder(kobj)->pf, queues);
	return err ?: len;
}

static ssize_t busy_policy_show(struct kobject *kobj, struct kobj_attribute *attr,
				char *buf)
{
	struct svff_pf *pf = to_folder(kobj)->pf;

	guard(mutex)(&pf->lock);
	return sysfs_emit(buf, "%s\n", busy_policies[pf->busy_policy]);
}

static ssize_t busy_policy_store(struct kobject *kobj, struct kobj_attribute *attr,
				 const char *buf, size_t len)
{
	struct svff_pf *pf = to_folder(kobj)->pf;
	int policy = sysfs_match_string(busy_policies, buf);

	if (policy < 0)
		return policy;
	guard(mutex)(&pf->lock);
	pf->busy_policy = policy;
	return len;
}

static struct kobj_attribute ip_type_attr = __ATTR_RO(ip_type);
static struct kobj_attribute ip_version_attr = __ATTR_RO(ip_version);
static struct kobj_attribute queues_total_attr = __ATTR_RO(queues_total);
static struct kobj_attribute queues_free_attr = __ATTR_RO(queues_free);
static struct kobj_attribute vf_queues_default_attr = __ATTR_RW(vf_queues_default);
static struct kobj_attribute vf_message_rate_attr = __ATTR_RW(vf_message_rate);
static struct kobj_attribute pf_queues_attr = __ATTR_RW(pf_queues);
static struct kobj_attribute busy_policy_attr = __ATTR_RW(busy_policy);

static struct attribute *card_attrs[] = {
	&ip_type_attr.attr,
	&ip_version_attr.attr,
	&queues_total_attr.attr,
	&queues_free_attr.attr,
	&vf_queues_default_attr.attr,
	&vf_message_rate_attr.attr,
	&pf_queues_attr.attr,
	&busy_policy_attr.attr,
	NULL,
};
ATTRIBUTE_GROUPS(card);

static ssize_t queues_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct pf_folder *f = to_folder(kobj);

	guard(mutex)(&f->pf->lock);
	return sysfs_emit(buf, "%u\n", pf_quota_locked(f->pf, f->vf));
}

static ssize_t queues_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t len)
{
	struct pf_folder *f = to_folder(kobj);
	u32 queues;
	int err = kstrtou32(buf, 0, &queues);

	if (!err)
		err = pf_quota_set(f->pf, f->vf, queues);
	return err ?: len;
}

static ssize_t queue_base_show(struct kobject *kobj, struct kobj_attribute *attr,
			       char *buf)
{
	struct pf_folder *f = to_folder(kobj);
	struct pf_session *s;

	guard(mutex)(&f->pf->lock);
	s = &pf_vf(f->pf, f->vf)->session;
	return sysfs_emit(buf, "%d\n", s->quota ? (int)s->base : -1);
}

static ssize_t queues_active_show(struct kobject *kobj, struct kobj_attribute *attr,
				  char *buf)
{
	struct pf_folder *f = to_folder(kobj);

	struct pf_vf *vf;

	guard(mutex)(&f->pf->lock);
	vf = pf_vf(f->pf, f->vf);
	pf_state_refresh_locked(f->pf, vf);
	return sysfs_emit(buf, "%u\n", pf_session_active(&vf->session));
}

static ssize_t state_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct pf_folder *f = to_folder(kobj);

	struct pf_vf *vf;

	guard(mutex)(&f->pf->lock);
	vf = pf_vf(f->pf, f->vf);
	pf_state_refresh_locked(f->pf, vf);
	return sysfs_emit(buf, "%s\n", pf_state_name(vf->state));
}

static ssize_t muted_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct pf_folder *f = to_folder(kobj);

	guard(mutex)(&f->pf->lock);
	return sysfs_emit(buf, "%d\n", pf_vf(f->pf, f->vf)->throttle.muted);
}

static ssize_t pause_store(struct kobject *kobj, struct kobj_attribute *attr,
			   const char *buf, size_t len)
{
	struct pf_folder *f = to_folder(kobj);
	bool yes;
	int err = kstrtobool(buf, &yes);

	if (!err)
		err = yes ? pf_vf_pause(f->pf, f->vf, false) : pf_vf_resume(f->pf, f->vf);
	return err ?: len;
}

static ssize_t reset_store(struct kobject *kobj, struct kobj_attribute *attr,
			   const char *buf, size_t len)
{
	struct pf_folder *f = to_folder(kobj);
	bool yes;
	int err = kstrtobool(buf, &yes);

	if (!err && !yes)
		err = -EINVAL;
	if (!err)
		err = pf_vf_reset(f->pf, f->vf);
	return err ?: len;
}

static struct kobj_attribute queues_attr = __ATTR_RW(queues);
static struct kobj_attribute queue_base_attr = __ATTR_RO(queue_base);
static struct kobj_attribute queues_active_attr = __ATTR_RO(queues_active);
static struct kobj_attribute state_attr = __ATTR_RO(state);
static struct kobj_attribute muted_attr = __ATTR_RO(muted);
static struct kobj_attribute pause_attr = __ATTR_WO(pause);
static struct kobj_attribute reset_attr = __ATTR_WO(reset);

static struct attribute *vf_attrs[] = {
	&queues_attr.attr,
	&queue_base_attr.attr,
	&queues_active_attr.attr,
	&state_attr.attr,
	&muted_attr.attr,
	&pause_attr.attr,
	&reset_attr.attr,
	NULL,
};

static const struct attribute_group vf_group = {
	.attrs = vf_attrs,
};

/**
 * struct pf_stat_attribute - shows a counter
 * @attr: attribute
 * @offset: of the counter in struct pf_stats
 */
struct pf_stat_attribute {
	struct kobj_attribute attr;
	size_t offset;
};

static ssize_t stat_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct pf_stat_attribute *stat = container_of(attr, struct pf_stat_attribute, attr);
	struct pf_folder *f = to_folder(kobj);
	u8 *stats;

	guard(mutex)(&f->pf->lock);
	stats = (u8 *)&pf_vf(f->pf, f->vf)->stats;
	return sysfs_emit(buf, "%llu\n", *(u64 *)(stats + stat->offset));
}

static struct pf_stat_attribute requests_attr = {
	__ATTR(requests, 0444, stat_show, NULL), offsetof(struct pf_stats, requests),
};

static struct pf_stat_attribute refused_attr = {
	__ATTR(refused, 0444, stat_show, NULL), offsetof(struct pf_stats, refused),
};

static struct pf_stat_attribute errors_attr = {
	__ATTR(errors, 0444, stat_show, NULL), offsetof(struct pf_stats, errors),
};

static struct pf_stat_attribute dropped_attr = {
	__ATTR(dropped, 0444, stat_show, NULL), offsetof(struct pf_stats, dropped),
};

static struct pf_stat_attribute pauses_attr = {
	__ATTR(pauses, 0444, stat_show, NULL), offsetof(struct pf_stats, pauses),
};

static struct pf_stat_attribute last_pause_us_attr = {
	__ATTR(last_pause_us, 0444, stat_show, NULL), offsetof(struct pf_stats, last_pause_us),
};

static struct attribute *vf_stats_attrs[] = {
	&requests_attr.attr.attr,
	&refused_attr.attr.attr,
	&errors_attr.attr.attr,
	&dropped_attr.attr.attr,
	&pauses_attr.attr.attr,
	&last_pause_us_attr.attr.attr,
	NULL,
};

static const struct attribute_group vf_stats_group = {
	.name = "stats",
	.attrs = vf_stats_attrs,
};

static const struct attribute_group *vf_groups[] = {
	&vf_group,
	&vf_stats_group,
	NULL,
};

static void folder_release(struct kobject *kobj)
{
	kfree(to_folder(kobj));
}

static const struct kobj_type card_type = {
	.release	= folder_release,
	.sysfs_ops	= &kobj_sysfs_ops,
	.default_groups	= card_groups,
};

static const struct kobj_type vf_type = {
	.release	= folder_release,
	.sysfs_ops	= &kobj_sysfs_ops,
	.default_groups	= vf_groups,
};

static struct pf_folder *folder_alloc(struct svff_pf *pf, unsigned int vf)
{
	struct pf_folder *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (f) {
		f->pf = pf;
		f->vf = vf;
	}
	return f;
}

static void folder_remove(struct pf_folder *f)
{
	if (!f)
		return;
	kobject_del(&f->kobj);
	kobject_put(&f->kobj);
}

static ssize_t error_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct pf_error_attribute *error = container_of(attr, struct pf_error_attribute, attr);
	struct svff_pf *pf = to_folder(kobj)->pf;

	guard(mutex)(&pf->lock);
	return sysfs_emit(buf, "%llu\n", pf->errors[error->id]);
}

/* The manager alone knows which errors there are. */
static int create_errors(struct svff_pf *pf)
{
	struct pf_sysfs *sysfs = pf->sysfs;
	struct attribute_group group = { .name = "errors" };
	unsigned int num = 0, id;

	while (svff_qdma_error_name(num))
		num++;
	sysfs->error = kcalloc(num, sizeof(*sysfs->error), GFP_KERNEL);
	sysfs->errors = kcalloc(num + 1, sizeof(*sysfs->errors), GFP_KERNEL);
	if (!sysfs->error || !sysfs->errors)
		return -ENOMEM;
	for (id = 0; id < num; id++) {
		struct kobj_attribute *attr = &sysfs->error[id].attr;

		sysfs->error[id].id = id;
		sysfs_attr_init(&attr->attr);
		attr->attr.name = svff_qdma_error_name(id);
		attr->attr.mode = 0444;
		attr->show = error_show;
		sysfs->errors[id] = &attr->attr;
	}
	group.attrs = sysfs->errors;
	return sysfs_create_group(&sysfs->card->kobj, &group);
}

static int create_card(struct svff_pf *pf)
{
	struct pf_folder *f = folder_alloc(pf, 0);
	int err;

	if (!f)
		return -ENOMEM;
	err = kobject_init_and_add(&f->kobj, &card_type, &pf->pdev->dev.kobj, "svff");
	if (err)
		kobject_put(&f->kobj);
	else
		pf->sysfs->card = f;
	return err;
}

static int create_vf(struct svff_pf *pf, unsigned int n)
{
	struct pf_folder *f = folder_alloc(pf, n);
	int err;

	if (!f)
		return -ENOMEM;
	err = kobject_init_and_add(&f->kobj, &vf_type, &pf->sysfs->card->kobj,
				   "vf%u", n);
	if (err)
		kobject_put(&f->kobj);
	else
		pf->sysfs->vf[n - 1] = f;
	return err;
}

/**
 * pf_sysfs_create() - show the card's attributes
 * @pf: card, ready for use
 *
 * Context: process.
 * Return: 0 or errno; then nothing is shown.
 */
int pf_sysfs_create(struct svff_pf *pf)
{
	unsigned int n;
	int err;

	pf->sysfs = kzalloc(struct_size(pf->sysfs, vf, pf->total_vfs), GFP_KERNEL);
	if (!pf->sysfs)
		return -ENOMEM;
	err = create_card(pf);
	if (!err)
		err = create_errors(pf);
	for (n = 1; !err && n <= pf->total_vfs; n++)
		err = create_vf(pf, n);
	if (err)
		pf_sysfs_destroy(pf);
	return err;
}

/**
 * pf_sysfs_destroy() - take them away
 * @pf: card
 *
 * Context: process; waits for reads and writes in progress.
 */
void pf_sysfs_destroy(struct svff_pf *pf)
{
	unsigned int n;

	for (n = pf->total_vfs; n; n--)
		folder_remove(pf->sysfs->vf[n - 1]);
	folder_remove(pf->sysfs->card);
	kfree(pf->sysfs->errors);
	kfree(pf->sysfs->error);
	kfree(pf->sysfs);
	pf->sysfs = NULL;
}
