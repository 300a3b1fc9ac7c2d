// SPDX-License-Identifier: GPL-2.0-only
/*
 * <debugfs>/svff_pf/<PF>/vfs: what the PF has in its books about each VF. For
 * people only; the format may change at any time.
 *
 * pause, resume: the number of a VF, whose driver is asked to start nothing new,
 * and to go on (see pf_ask_pause()).
 */
#include "pf.h"

#include <linux/debugfs.h>
#include <linux/seq_file.h>

static struct dentry *root;

static void show_vf(struct seq_file *m, struct svff_pf *pf, unsigned int n)
{
	struct pf_vf *vf = pf_vf(pf, n);
	struct pf_session *s = &vf->session;

	seq_printf(m, "%u %s func %u base %u quota %u granted %u vectors %u rings %x of 1+%u at %u%s%s%s%s ext %x tokens %u\n",
		   n, pf_state_name(vf->state), s->func, s->base, s->quota,
		   s->granted, s->vectors, s->rings, s->more_rings, s->first_ring,
		   s->hello ? " hello" : "", s->mapped ? " mapped" : "",
		   s->dirty ? " dirty" : "", vf->throttle.muted ? " muted" : "",
		   s->ext, vf->throttle.tokens);
	seq_printf(m, "  live h2c %*pbl c2h %*pbl cmpt %*pbl\n",
		   PF_VF_QUEUES_MAX, s->live[SVFF_MBOX_Q_H2C],
		   PF_VF_QUEUES_MAX, s->live[SVFF_MBOX_Q_C2H],
		   PF_VF_QUEUES_MAX, s->live[SVFF_MBOX_Q_CMPT]);
}

static int pause_set(void *data, u64 n)
{
	struct svff_pf *pf = data;

	return n && n <= pf->total_vfs ? pf_ask_pause(pf, n) : -EINVAL;
}
DEFINE_DEBUGFS_ATTRIBUTE(pause_fops, NULL, pause_set, "%llu\n");

static int resume_set(void *data, u64 n)
{
	struct svff_pf *pf = data;

	return n && n <= pf->total_vfs ? pf_tell_resume(pf, n) : -EINVAL;
}
DEFINE_DEBUGFS_ATTRIBUTE(resume_fops, NULL, resume_set, "%llu\n");

static int vfs_show(struct seq_file *m, void *unused)
{
	struct svff_pf *pf = m->private;
	unsigned int n;

	guard(mutex)(&pf->lock);
	for (n = 1; n <= pf->num_vfs; n++)
		show_vf(m, pf, n);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vfs);

/**
 * pf_debugfs_init() - make the module's folder
 *
 * Context: process.
 */
void pf_debugfs_init(void)
{
	root = debugfs_create_dir("svff_pf", NULL);
}

/**
 * pf_debugfs_exit() - remove it
 *
 * Context: process.
 */
void pf_debugfs_exit(void)
{
	debugfs_remove(root);
}

/**
 * pf_debugfs_create() - make a card's folder
 * @pf: card
 *
 * Context: process.
 */
void pf_debugfs_create(struct svff_pf *pf)
{
	pf->debugfs = debugfs_create_dir(pci_name(pf->pdev), root);
	debugfs_create_file("vfs", 0400, pf->debugfs, pf, &vfs_fops);
	debugfs_create_file_unsafe("pause", 0200, pf->debugfs, pf, &pause_fops);
	debugfs_create_file_unsafe("resume", 0200, pf->debugfs, pf, &resume_fops);
}

/**
 * pf_debugfs_destroy() - remove it
 * @pf: card
 *
 * Context: process; waits for readers.
 */
void pf_debugfs_destroy(struct svff_pf *pf)
{
	debugfs_remove(pf->debugfs);
}
