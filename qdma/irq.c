// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI-X vectors of a function:
 *
 *	vector		PF	VF
 *	mailbox		0	0
 *	user logic	1	1	see user.c
 *	error		2
 *	data		3..	2..
 *
 * Queues are spread over as many data vectors as there are, up to one per CPU:
 * queue q has the vector q modulo their number. An MM transfer takes the queue
 * of the CPU that it comes from, so that a vector is bound to the CPUs whose
 * queues it serves; this is a hint, which the administrator may override. In
 * direct mode the queues interrupt by themselves. In aggregated mode each vector
 * has a ring in memory, in which the hardware says which of its queues have
 * news; a function that is given fewer rings than it has vectors uses fewer of
 * them. Poll mode has no data vectors.
 *
 * An interrupt that finds no news is counted and does no harm: completions may
 * have been seen by other means before, and the user logic can send any vector.
 */
#include "priv.h"

#include <linux/bitfield.h>
#include <linux/cpumask.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "regs.h"

enum {
	VECTOR_MBOX	= 0,
	VECTOR_USER	= QDMA_VECTOR_USER,
	VECTOR_ERROR	= 2,	/* PF */
	VECTOR_DATA_VF	= 2,
	VECTOR_DATA_PF	= 3,
};

#define DATA_MAX	8	/* a function is given no more interrupt rings */
#define AGGR_PAGES	1
#define AGGR_BYTES	(AGGR_PAGES * SZ_4K)

static irqreturn_t mbox_irq(int irq, void *data)
{
	qdma_mbox_kick(data);
	return IRQ_HANDLED;
}

static irqreturn_t user_irq(int irq, void *data)
{
	qdma_user_irq(data);
	return IRQ_HANDLED;
}

static irqreturn_t error_irq(int irq, void *data)
{
	qdma_err_handle(data);
	return IRQ_HANDLED;
}

static void count_locked(struct qdma_vector *vec, bool news)
{
	lockdep_assert_held(&vec->lock);
	vec->fired++;
	vec->idle += !news;
}

static irqreturn_t direct_irq(int irq, void *data)
{
	struct qdma_vector *vec = data;
	struct qdma_ring *ring;
	bool news = false;

	spin_lock(&vec->lock);
	list_for_each_entry(ring, &vec->rings, vec_node)
		news |= qdma_ring_service(ring);
	count_locked(vec, news);
	spin_unlock(&vec->lock);
	return IRQ_HANDLED;
}

/* The next entry that the hardware has written, if any. */
static bool aggr_next(struct qdma_aggr *aggr, u64 *entry)
{
	*entry = le64_to_cpu(READ_ONCE(aggr->entry[aggr->cidx]));
	if (!!(*entry & QDMA_INTR_ENTRY_COLOR) != aggr->color)
		return false;
	/* The status entry was written before; do not read it earlier. */
	dma_rmb();
	if (++aggr->cidx == aggr->size) {
		aggr->cidx = 0;
		aggr->color = !aggr->color;
	}
	return true;
}

/* Entries name hardware queues; doorbells and rings count from the base. */
static struct qdma_ring *aggr_ring(struct qdma_vector *vec, u64 entry)
{
	enum svff_qdma_dir dir = entry & QDMA_INTR_ENTRY_C2H ? SVFF_QDMA_C2H : SVFF_QDMA_H2C;
	u32 hw_qid = FIELD_GET(QDMA_INTR_ENTRY_QID, entry);
	struct qdma_ring *ring;

	list_for_each_entry(ring, &vec->rings, vec_node)
		if (ring->dir == dir && ring->qd->queues.base + ring->qid == hw_qid)
			return ring;
	return NULL;
}

/*
 * An entry for a queue that is not ours is counted and skipped: the ring must
 * not stall. The consumer index is written even if there was no entry, which
 * has the hardware look again. Returns whether there was one.
 */
static bool aggr_service(struct qdma_vector *vec)
{
	struct qdma_aggr *aggr = &vec->aggr;
	struct qdma_ring *ring;
	u32 budget, qid = 0;
	u64 entry;

	lockdep_assert_held(&vec->lock);
	for (budget = aggr->size; budget && aggr_next(aggr, &entry); budget--) {
		ring = aggr_ring(vec, entry);
		if (!ring) {
			aggr->strange++;
			continue;
		}
		qid = ring->qid;
		qdma_ring_service(ring);
	}
	qdma_doorbell(vec->qd, QDMA_DB_INTR_CIDX(qid),
		      FIELD_PREP(QDMA_DB_INTR_CIDX_CIDX, aggr->cidx) |
		      FIELD_PREP(QDMA_DB_INTR_CIDX_RING, aggr->hw.index));
	return budget < aggr->size;
}

static irqreturn_t aggr_irq(int irq, void *data)
{
	struct qdma_vector *vec = data;

	spin_lock(&vec->lock);
	count_locked(vec, vec->aggr.running && aggr_service(vec));
	spin_unlock(&vec->lock);
	return IRQ_HANDLED;
}

/**
 * qdma_irq_vector - data vector of a queue
 * @qd: function
 * @qid: queue
 *
 * Context: any.
 * Return: the vector, NULL in poll mode.
 */
struct qdma_vector *qdma_irq_vector(struct svff_qdma *qd, u32 qid)
{
	struct qdma_irq *irq = &qd->irq;

	return irq->nused ? &irq->vec[qid % irq->nused] : NULL;
}

/**
 * qdma_irq_vector_index - what the hardware calls a vector
 * @qd: function
 * @vec: data vector
 *
 * Context: any.
 * Return: index in the function's MSI-X table; in aggregated mode, of the
 * interrupt ring.
 */
int qdma_irq_vector_index(struct svff_qdma *qd, const struct qdma_vector *vec)
{
	struct qdma_irq *irq = &qd->irq;

	if (irq->mode == SVFF_QDMA_IRQ_AGGR)
		return vec->aggr.hw.index;
	return irq->first_data + (vec - irq->vec);
}

/**
 * qdma_irq_attach - have a vector serve a ring
 * @vec: data vector
 * @ring: ring, not yet known to the hardware
 *
 * Context: process.
 */
void qdma_irq_attach(struct qdma_vector *vec, struct qdma_ring *ring)
{
	spin_lock_irq(&vec->lock);
	list_add_tail(&ring->vec_node, &vec->rings);
	spin_unlock_irq(&vec->lock);
}

/**
 * qdma_irq_detach - have a vector serve a ring no more
 * @vec: data vector
 * @ring: ring; when this returns no handler uses it
 *
 * Context: process.
 */
void qdma_irq_detach(struct qdma_vector *vec, struct qdma_ring *ring)
{
	spin_lock_irq(&vec->lock);
	list_del_init(&ring->vec_node);
	spin_unlock_irq(&vec->lock);
}

static int aggr_hw_start(struct svff_qdma *qd, const struct svff_qdma_irq_ring *hw)
{
	if (qd->is_vf)
		return qd->ops->irq_ring_start(qd, hw);
	return svff_qdma_irq_ring_write(qd, hw);
}

static void aggr_hw_stop(struct svff_qdma *qd, const struct svff_qdma_irq_ring *hw)
{
	if (qd->is_vf)
		qd->ops->irq_ring_stop(qd, hw);
	else
		svff_qdma_irq_ring_inv(qd, hw->index);
}

static void aggr_set_running(struct qdma_vector *vec, bool running)
{
	spin_lock_irq(&vec->lock);
	vec->aggr.running = running;
	spin_unlock_irq(&vec->lock);
}

static void aggr_free(struct qdma_vector *vec)
{
	struct qdma_aggr *aggr = &vec->aggr;

	aggr_set_running(vec, false);
	dma_free_coherent(&vec->qd->pdev->dev, AGGR_BYTES, aggr->entry, aggr->hw.base);
	aggr->entry = NULL;
}

/* The rule of ring numbers is the vendor's: a function's first ring has its id. */
static int aggr_start(struct qdma_vector *vec, int number)
{
	struct svff_qdma *qd = vec->qd;
	struct qdma_aggr *aggr = &vec->aggr;
	dma_addr_t base;
	int err;

	aggr->entry = dma_alloc_coherent(&qd->pdev->dev, AGGR_BYTES, &base, GFP_KERNEL);
	if (!aggr->entry)
		return -ENOMEM;
	aggr->size = AGGR_BYTES / QDMA_INTR_ENTRY_SIZE;
	aggr->cidx = 0;
	aggr->color = true;
	aggr->hw = (struct svff_qdma_irq_ring){
		.index = number ? qd->irq.first_ring + number - 1 : qd->caps.func_id,
		.func = qd->caps.func_id, .vec = qd->irq.first_data + number,
		.base = base, .pages = AGGR_PAGES,
	};
	aggr_set_running(vec, true);
	err = aggr_hw_start(qd, &aggr->hw);
	if (err)
		aggr_free(vec);
	return err;
}

static void aggr_stop(struct qdma_vector *vec)
{
	aggr_hw_stop(vec->qd, &vec->aggr.hw);
	aggr_free(vec);
}

static int aggr_start_all(struct svff_qdma *qd)
{
	struct qdma_irq *irq = &qd->irq;
	int i, err;

	for (i = 0; i < irq->nused; i++) {
		err = aggr_start(&irq->vec[i], i);
		if (err)
			goto stop_started;
	}
	return 0;

stop_started:
	while (i--)
		aggr_stop(&irq->vec[i]);
	irq->nused = 0;
	return err;
}

/* A vector that serves no CPU's queue (there are fewer queues) may be anywhere. */
static void bind_to_cpus(struct svff_qdma *qd)
{
	struct qdma_irq *irq = &qd->irq;
	unsigned int cpu;
	int i;

	for (i = 0; i < irq->nused; i++)
		cpumask_clear(irq->vec[i].cpus);
	for_each_possible_cpu(cpu)
		cpumask_set_cpu(cpu, qdma_irq_vector(qd, cpu % qd->queues.count)->cpus);
	for (i = 0; i < irq->nused; i++)
		if (cpumask_intersects(irq->vec[i].cpus, cpu_online_mask))
			irq_set_affinity_and_hint(pci_irq_vector(qd->pdev, irq->first_data + i),
						  irq->vec[i].cpus);
}

/**
 * qdma_irq_start - spread the queues over the data vectors
 * @qd: function, its queues known
 *
 * Context: process; in aggregated mode a VF asks its PF.
 * Return: 0, -ENOMEM, or why the hardware or the PF refused an interrupt ring.
 */
int qdma_irq_start(struct svff_qdma *qd)
{
	struct qdma_irq *irq = &qd->irq;
	int err = 0;

	irq->nused = irq->ndata;
	if (!irq->nused)
		return 0;
	if (irq->mode == SVFF_QDMA_IRQ_AGGR) {
		irq->nused = min(irq->ndata, irq->more_rings + 1);
		err = aggr_start_all(qd);
	}
	if (!err && qd->queues.count)
		bind_to_cpus(qd);
	return err;
}

/**
 * qdma_irq_stop - the counterpart
 * @qd: function; no queue of it is in use
 *
 * Context: process; in aggregated mode a VF asks its PF.
 */
void qdma_irq_stop(struct svff_qdma *qd)
{
	struct qdma_irq *irq = &qd->irq;
	int i;

	for (i = 0; i < irq->nused; i++) {
		irq_set_affinity_and_hint(pci_irq_vector(qd->pdev, irq->first_data + i), NULL);
		if (irq->vec[i].aggr.entry)
			aggr_stop(&irq->vec[i]);
	}
	irq->nused = 0;
}

static int wanted_data(enum svff_qdma_irq_mode mode)
{
	switch (mode) {
	case SVFF_QDMA_IRQ_DIRECT:
		return num_online_cpus();
	case SVFF_QDMA_IRQ_AGGR:
		return min(num_online_cpus(), DATA_MAX);
	case SVFF_QDMA_IRQ_POLL:
	default:
		return 0;
	}
}

/* Who polls the data can poll all else, if the function or the host has no vectors. */
static int alloc_vectors(struct svff_qdma *qd, int data)
{
	int first = qd->irq.first_data;
	int table = pci_msix_vec_count(qd->pdev);

	if (!data)
		return max(pci_alloc_irq_vectors(qd->pdev, first, first, PCI_IRQ_MSIX), 0);
	if (table < first + 1) {
		dev_err(&qd->pdev->dev,
			"%d MSI-X vectors, needs %d or more; irq_mode=poll does without data vectors\n",
			max(table, 0), first + 1);
		return -ENOSPC;
	}
	return pci_alloc_irq_vectors(qd->pdev, first + 1, min(table, first + data), PCI_IRQ_MSIX);
}

static void free_vec(struct svff_qdma *qd)
{
	int i;

	guard(mutex)(&qd->irq.lock);
	for (i = 0; i < qd->irq.ndata; i++)
		free_cpumask_var(qd->irq.vec[i].cpus);
	kfree(qd->irq.vec);
	qd->irq.vec = NULL;
}

static int alloc_vec(struct svff_qdma *qd)
{
	struct qdma_irq *irq = &qd->irq;
	struct qdma_vector *vec = kcalloc(max(irq->ndata, 1), sizeof(*vec), GFP_KERNEL);
	int i;

	if (!vec)
		return -ENOMEM;
	for (i = 0; i < irq->ndata; i++) {
		vec[i].qd = qd;
		spin_lock_init(&vec[i].lock);
		INIT_LIST_HEAD(&vec[i].rings);
		if (!zalloc_cpumask_var(&vec[i].cpus, GFP_KERNEL))
			goto free_masks;
	}
	scoped_guard(mutex, &irq->lock)
		irq->vec = vec;
	return 0;

free_masks:
	while (i--)
		free_cpumask_var(vec[i].cpus);
	kfree(vec);
	return -ENOMEM;
}

static int request_data(struct svff_qdma *qd)
{
	irq_handler_t handler = qd->irq.mode == SVFF_QDMA_IRQ_AGGR ? aggr_irq : direct_irq;
	int i, err;

	for (i = 0; i < qd->irq.ndata; i++) {
		struct qdma_vector *vec = &qd->irq.vec[i];

		err = pci_request_irq(qd->pdev, qd->irq.first_data + i, handler, NULL, vec,
				      "svff_qdma-%s-data%d", pci_name(qd->pdev), i);
		if (err)
			goto free_requested;
	}
	return 0;

free_requested:
	while (i--)
		pci_free_irq(qd->pdev, qd->irq.first_data + i, &qd->irq.vec[i]);
	return err;
}

static void free_data(struct svff_qdma *qd)
{
	int i;

	for (i = 0; i < qd->irq.ndata; i++)
		pci_free_irq(qd->pdev, qd->irq.first_data + i, &qd->irq.vec[i]);
}

static int request_control(struct svff_qdma *qd)
{
	int err;

	err = pci_request_irq(qd->pdev, VECTOR_MBOX, mbox_irq, NULL, qd,
			      "svff_qdma-%s-mbox", pci_name(qd->pdev));
	if (err)
		return err;
	err = pci_request_irq(qd->pdev, VECTOR_USER, user_irq, NULL, qd,
			      "svff_qdma-%s-user", pci_name(qd->pdev));
	if (err)
		goto free_mbox;
	if (qd->is_vf)
		return 0;
	err = pci_request_irq(qd->pdev, VECTOR_ERROR, NULL, error_irq, qd,
			      "svff_qdma-%s-error", pci_name(qd->pdev));
	if (err)
		goto free_user;
	return 0;

free_user:
	pci_free_irq(qd->pdev, VECTOR_USER, qd);
free_mbox:
	pci_free_irq(qd->pdev, VECTOR_MBOX, qd);
	return err;
}

static void free_control(struct svff_qdma *qd)
{
	if (!qd->is_vf) {
		pci_free_irq(qd->pdev, VECTOR_ERROR, qd);
		qdma_err_disarm(qd);
	}
	pci_free_irq(qd->pdev, VECTOR_USER, qd);
	pci_free_irq(qd->pdev, VECTOR_MBOX, qd);
}

/**
 * svff_qdma_irq_enable - allocate and request a function's vectors
 * @qd: function
 * @mode: how completions are learnt of
 *
 * Without vectors only poll mode works; the mailbox is polled too, then.
 *
 * Context: process.
 * Return: 0, -ENOSPC if there are too few vectors (logged), -ENOMEM, or why
 * the PCI core refused.
 */
int svff_qdma_irq_enable(struct svff_qdma *qd, enum svff_qdma_irq_mode mode)
{
	struct qdma_irq *irq = &qd->irq;
	int nvec, err;

	irq->mode = mode;
	irq->first_data = qd->is_vf ? VECTOR_DATA_VF : VECTOR_DATA_PF;
	nvec = alloc_vectors(qd, wanted_data(mode));
	if (nvec < 0)
		return nvec;
	irq->nvec = nvec;
	irq->ndata = nvec ? nvec - irq->first_data : 0;
	irq->enabled = true;
	if (!nvec)
		return 0;
	err = alloc_vec(qd);
	if (err)
		goto free_vectors;
	err = request_data(qd);
	if (err)
		goto free_vec;
	err = request_control(qd);
	if (err)
		goto free_data_irqs;
	if (!qd->is_vf && qd->initialised)
		qdma_err_arm(qd, VECTOR_ERROR);
	return 0;

free_data_irqs:
	free_data(qd);
free_vec:
	free_vec(qd);
free_vectors:
	pci_free_irq_vectors(qd->pdev);
	irq->enabled = false;
	irq->nvec = 0;
	irq->ndata = 0;
	return err;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_irq_enable, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_irq_disable - give the vectors back
 * @qd: function; no data device, mailbox off
 *
 * Context: process.
 */
void svff_qdma_irq_disable(struct svff_qdma *qd)
{
	struct qdma_irq *irq = &qd->irq;

	if (!irq->enabled)
		return;
	irq->enabled = false;
	if (!irq->nvec)
		return;
	free_control(qd);
	free_data(qd);
	free_vec(qd);
	pci_free_irq_vectors(qd->pdev);
	irq->nvec = 0;
	irq->ndata = 0;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_irq_disable, SVFF_NS(SVFF_QDMA));
