// SPDX-License-Identifier: GPL-2.0-only
/* /sys/kernel/debug/svff_qdma/<function>/: rings, mailbox, ranges, contexts. */
#include "priv.h"

#include <linux/debugfs.h>
#include <linux/pci.h>
#include <linux/seq_file.h>

static struct dentry *root;

static const char * const state_name[] = {
	[QDMA_RING_IDLE] = "idle",
	[QDMA_RING_RUNNING] = "running",
	[QDMA_RING_FAILED] = "failed",
	[QDMA_RING_STOPPED] = "stopped",
	[QDMA_RING_DEAD] = "dead",
	[QDMA_RING_GONE] = "gone",
};

static void show_ring(struct seq_file *file, struct qdma_ring *ring)
{
	if (READ_ONCE(ring->state) == QDMA_RING_IDLE && !ring->doorbells)
		return;
	spin_lock_irq(&ring->lock);
	seq_printf(file,
		   "%u %s %s: posted %llu done %llu queued %u head %u tail %u slots %u doorbells %llu late %llu missed %llu restarts %llu\n",
		   ring->qid, ring->dir == SVFF_QDMA_C2H ? "C2H" : "H2C",
		   state_name[ring->state], ring->posted, ring->done, ring->nqueued,
		   ring->head, ring->tail, ring->slots, ring->doorbells, ring->late,
		   ring->missed, ring->restarts);
	spin_unlock_irq(&ring->lock);
}

static void show_streams(struct seq_file *file, struct qdma_st *st)
{
	struct qdma_stream *s;

	/* Who removes the device holds it, and waits for us. */
	if (!mutex_trylock(&st->node.lock))
		return;
	list_for_each_entry(s, &st->streams, entry) {
		show_ring(file, &s->tx.ring);
		show_ring(file, &s->rx.ring);
	}
	mutex_unlock(&st->node.lock);
}

/* The device cannot be removed while a reference to its transfers is held, nor freed before one could be taken. */
static int rings_show(struct seq_file *file, void *unused)
{
	struct svff_qdma *qd = file->private;
	struct qdma_mm *mm;
	struct qdma_st *st;
	u32 i;

	scoped_guard(rcu) {
		mm = READ_ONCE(qd->mm);
		if (mm && !percpu_ref_tryget_live(&mm->node.io))
			mm = NULL;
		st = READ_ONCE(qd->st);
		if (st && !percpu_ref_tryget_live(&st->node.io))
			st = NULL;
	}
	if (mm) {
		for (i = 0; i < 2 * mm->count; i++)
			show_ring(file, &mm->ring[i]);
		percpu_ref_put(&mm->node.io);
	}
	if (st) {
		show_streams(file, st);
		percpu_ref_put(&st->node.io);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rings);

static void show_vectors(struct seq_file *file, struct svff_qdma *qd)
{
	struct qdma_irq *irq = &qd->irq;
	int i;

	seq_printf(file, "vectors %d (data %d, used %d)\n", irq->nvec, irq->ndata, irq->nused);
	guard(mutex)(&irq->lock);
	for (i = 0; irq->vec && i < irq->ndata; i++) {
		struct qdma_vector *vec = &irq->vec[i];

		seq_printf(file, "vector %d: interrupts %llu without news %llu", irq->first_data + i,
			   vec->fired, vec->idle);
		if (vec->aggr.entry)
			seq_printf(file, " ring %u entries for nobody %llu", vec->aggr.hw.index,
				   vec->aggr.strange);
		seq_printf(file, " processors %*pbl\n", cpumask_pr_args(vec->cpus));
	}
	seq_printf(file, "vector %d: interrupts of the user logic %llu without news %llu\n",
		   QDMA_VECTOR_USER, irq->user_fired, irq->user_idle);
	seq_printf(file, "without news: mailbox %llu errors %llu\n", qd->mbox.idle, qd->err_idle);
	seq_printf(file, "completions that nothing announced %lld\n", atomic64_read(&qd->missed));
}

static int info_show(struct seq_file *file, void *unused)
{
	struct svff_qdma *qd = file->private;

	seq_printf(file, "ip %s %s\nfunction %u\nqueues %u\n", qd->caps.ip_type,
		   qd->caps.ip_version, qd->caps.func_id, qd->caps.num_queues);
	seq_printf(file, "mailbox sent %llu received %llu lost %llu\n",
		   qd->mbox.sent, qd->mbox.received, qd->mbox.lost);
	show_vectors(file, qd);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(info);

static int ranges_show(struct seq_file *file, void *unused)
{
	struct svff_qdma *qd = file->private;
	struct qdma_range_pool *pool = &qd->card->ranges;
	u32 i;

	guard(mutex)(&qd->card->range_lock);
	for (i = 0; i < pool->nr; i++)
		seq_printf(file, "%u..%u function %u\n", pool->used[i].base,
			   pool->used[i].base + pool->used[i].count - 1, pool->used[i].func);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(ranges);

static int show_ctxt(struct seq_file *file, struct svff_qdma *qd, enum qdma_sel sel,
		     u32 index, const char *name)
{
	const struct qdma_ctxt_layout *layout = qdma_ctxt_layout(qd, sel);
	u64 values[QDMA_CTXT_MAX_FIELDS];
	unsigned int i;
	int err;

	err = qdma_ctxt_read(qd, sel, index, values);
	if (err)
		return err;
	seq_printf(file, "%u %s:", index, name);
	for (i = 0; i < layout->nfields; i++)
		if (values[i])
			seq_printf(file, " %s=0x%llx", layout->field[i].name, values[i]);
	seq_putc(file, '\n');
	return 0;
}

/* Only queues that somebody set up: the others are zero. */
static int contexts_show(struct seq_file *file, void *unused)
{
	struct svff_qdma *qd = file->private;
	unsigned long bit;
	int err = 0;

	for_each_set_bit(bit, qd->card->dirty, 2 * QDMA_MAX_QUEUES) {
		bool c2h = bit % 2 == SVFF_QDMA_C2H;

		err = show_ctxt(file, qd, c2h ? QDMA_SEL_SW_C2H : QDMA_SEL_SW_H2C,
				bit / 2, c2h ? "C2H sw" : "H2C sw");
		if (!err)
			err = show_ctxt(file, qd, c2h ? QDMA_SEL_HW_C2H : QDMA_SEL_HW_H2C,
					bit / 2, c2h ? "C2H hw" : "H2C hw");
		if (err)
			break;
	}
	return err;
}
DEFINE_SHOW_ATTRIBUTE(contexts);

/**
 * qdma_debugfs_add - make the folder of a function
 * @qd: function
 *
 * Context: process.
 */
void qdma_debugfs_add(struct svff_qdma *qd)
{
	qd->debugfs = debugfs_create_dir(pci_name(qd->pdev), root);
	debugfs_create_file("info", 0400, qd->debugfs, qd, &info_fops);
	debugfs_create_file("rings", 0400, qd->debugfs, qd, &rings_fops);
	if (qd->is_vf)
		return;
	debugfs_create_file("ranges", 0400, qd->debugfs, qd, &ranges_fops);
	debugfs_create_file("contexts", 0400, qd->debugfs, qd, &contexts_fops);
}

/**
 * qdma_debugfs_del - remove the folder of a function
 * @qd: function
 *
 * Context: process; waits for readers.
 */
void qdma_debugfs_del(struct svff_qdma *qd)
{
	debugfs_remove_recursive(qd->debugfs);
}

/**
 * qdma_debugfs_init - make the module's folder
 *
 * Context: module init.
 */
void qdma_debugfs_init(void)
{
	root = debugfs_create_dir("svff_qdma", NULL);
}

/**
 * qdma_debugfs_exit - remove the module's folder
 *
 * Context: module exit.
 */
void qdma_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}
