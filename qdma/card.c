// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card: what its PFs share. The first PF that initialises it clears all
 * contexts and writes the engine configuration; nobody does that again while
 * other functions may be at work.
 */
#include "priv.h"

#include <linux/bitfield.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "regs.h"

static LIST_HEAD(cards);
static DEFINE_MUTEX(cards_lock); /* protects the list and the references */

static struct qdma_card *find_card(const struct pci_dev *pdev)
{
	struct qdma_card *card;

	lockdep_assert_held(&cards_lock);
	list_for_each_entry(card, &cards, node)
		if (card->domain == pci_domain_nr(pdev->bus) &&
		    card->bus == pdev->bus->number &&
		    card->slot == PCI_SLOT(pdev->devfn))
			return card;
	return NULL;
}

static struct qdma_card *new_card(const struct svff_qdma *qd)
{
	struct qdma_card *card = kzalloc(sizeof(*card), GFP_KERNEL);

	if (!card)
		return NULL;
	kref_init(&card->ref);
	card->domain = pci_domain_nr(qd->pdev->bus);
	card->bus = qd->pdev->bus->number;
	card->slot = PCI_SLOT(qd->pdev->devfn);
	mutex_init(&card->ctxt_lock);
	mutex_init(&card->range_lock);
	qdma_range_init(&card->ranges, qd->caps.num_queues);
	list_add(&card->node, &cards);
	return card;
}

/**
 * qdma_card_get - find or make the card of a PF
 * @qd: PF
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int qdma_card_get(struct svff_qdma *qd)
{
	guard(mutex)(&cards_lock);
	qd->card = find_card(qd->pdev);
	if (qd->card)
		kref_get(&qd->card->ref);
	else
		qd->card = new_card(qd);
	return qd->card ? 0 : -ENOMEM;
}

static void release_card(struct kref *ref)
{
	struct qdma_card *card = container_of(ref, struct qdma_card, ref);

	list_del(&card->node);
	kfree(card);
}

/**
 * qdma_card_put - let go of the card
 * @qd: PF
 *
 * Context: process.
 */
void qdma_card_put(struct svff_qdma *qd)
{
	guard(mutex)(&cards_lock);
	kref_put(&qd->card->ref, release_card);
	qd->card = NULL;
}

static int clear_queue(struct svff_qdma *qd, u32 qid)
{
	enum qdma_sel last = qd->caps.st ? QDMA_SEL_PFCH : QDMA_SEL_CREDIT_H2C;
	enum qdma_sel sel;
	int err;

	for (sel = QDMA_SEL_SW_C2H; sel <= last; sel++) {
		err = qdma_ctxt_clear(qd, sel, qid);
		if (err)
			return err;
	}
	return 0;
}

/* Context memory is undefined after power-up, and stale after a reload. */
static int clear_all(struct svff_qdma *qd)
{
	u32 i;
	int err = 0;

	for (i = 0; i < qd->caps.num_queues && !err; i++)
		err = clear_queue(qd, i);
	for (i = 0; i < QDMA_IRQ_RINGS && !err; i++)
		err = qdma_ctxt_clear(qd, QDMA_SEL_INTR, i);
	for (i = 0; i < QDMA_MAX_FUNCS && !err; i++)
		err = qdma_ctxt_clear(qd, QDMA_SEL_FMAP, i);
	return err;
}

static void set_engines(struct svff_qdma *qd, bool run)
{
	u32 c2h = run ? QDMA_C2H_MM_CTL : QDMA_C2H_MM_CTL_CLR;
	u32 h2c = run ? QDMA_H2C_MM_CTL : QDMA_H2C_MM_CTL_CLR;
	unsigned int i;

	for (i = 0; i < qd->caps.mm_channels; i++) {
		qdma_write(qd, c2h + i * QDMA_MM_CHANNEL_STRIDE, QDMA_MM_CTL_RUN);
		qdma_write(qd, h2c + i * QDMA_MM_CHANNEL_STRIDE, QDMA_MM_CTL_RUN);
	}
}

static void read_csr(struct svff_qdma *qd)
{
	struct svff_qdma_csr *csr = &qd->csr;
	unsigned int i;

	for (i = 0; i < SVFF_QDMA_RING_SIZES; i++) {
		csr->ring_size[i] = FIELD_GET(QDMA_RNG_SZ_SIZE,
					      qdma_read(qd, QDMA_GLBL_RNG_SZ(i)));
		csr->buf_size[i] = qdma_read(qd, QDMA_C2H_BUF_SZ(i));
		csr->timer_cnt[i] = qdma_read(qd, QDMA_C2H_TIMER_CNT(i));
		csr->cnt_th[i] = qdma_read(qd, QDMA_C2H_CNT_TH(i));
	}
	qd->csr_valid = true;
}

static int init_first(struct svff_qdma *qd)
{
	int err;

	/* The window may have been left in any state by whoever had the card. */
	scoped_guard(mutex, &qd->card->ctxt_lock) {
		qd->card->masks_set = false;
		qd->card->stuck = true;
	}
	err = clear_all(qd);
	if (err)
		return err;
	bitmap_zero(qd->card->dirty, 2 * QDMA_MAX_QUEUES);
	qd->ip->set_defaults(qd);
	set_engines(qd, true);
	return 0;
}

/**
 * svff_qdma_card_init - make the card ready for use
 * @qd: PF
 *
 * The first PF of a card clears every context, writes the configuration of
 * the engines and starts them. After that only svff_qdma_card_fini() of the
 * last PF makes it happen again, as is needed after a reset of the card.
 *
 * Context: process.
 * Return: 0, -ETIMEDOUT or -EBUSY if the card does not do context commands,
 * -ENODEV if it is gone.
 */
int svff_qdma_card_init(struct svff_qdma *qd)
{
	int err;

	guard(mutex)(&cards_lock);
	if (qd->initialised)
		return 0;
	if (!svff_qdma_alive_again(qd))
		return -ENODEV;
	if (!qd->card->inits) {
		err = init_first(qd);
		if (err)
			return err;
		qdma_err_enable(qd);
	}
	qd->card->inits++;
	qd->initialised = true;
	read_csr(qd);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_card_init, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_card_fini - stop the card
 * @qd: PF
 *
 * The last PF of a card stops the engines and error interrupts.
 *
 * Context: process.
 */
void svff_qdma_card_fini(struct svff_qdma *qd)
{
	guard(mutex)(&cards_lock);
	if (!qd->initialised)
		return;
	qd->initialised = false;
	if (--qd->card->inits || qd->gone)
		return;
	qdma_err_disable(qd);
	set_engines(qd, false);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_card_fini, SVFF_NS(SVFF_QDMA));

/**
 * qdma_load_csr - learn the card's tables of sizes and thresholds
 * @qd: function; a VF asks its PF
 *
 * Context: process.
 * Return: 0, -EINVAL if the card was not initialised, or what the driver of a
 * VF says.
 */
int qdma_load_csr(struct svff_qdma *qd)
{
	int err;

	/* Who sees that there are tables sees them filled. */
	if (smp_load_acquire(&qd->csr_valid))
		return 0;
	if (!qd->is_vf)
		return -EINVAL;
	err = qd->ops->csr_read(qd, &qd->csr);
	if (err)
		return err;
	/* Several may ask at once, and get the same. */
	smp_store_release(&qd->csr_valid, true);
	return 0;
}

/**
 * svff_qdma_csr - the card's tables of sizes and thresholds
 * @qd: PF, after svff_qdma_card_init()
 *
 * Context: any.
 * Return: the tables, as read back from the card.
 */
const struct svff_qdma_csr *svff_qdma_csr(const struct svff_qdma *qd)
{
	return &qd->csr;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_csr, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_reg_read - read a register of the card
 * @qd: PF
 * @offset: in the config BAR, a multiple of 4
 * @value: filled
 *
 * Context: any.
 * Return: 0, -EINVAL for an offset that is not in the BAR, -ENODEV if the
 * card is gone.
 */
int svff_qdma_reg_read(struct svff_qdma *qd, u32 offset, u32 *value)
{
	if (offset % sizeof(u32) || offset + sizeof(u32) > qd->bar_len)
		return -EINVAL;
	*value = qdma_read(qd, offset);
	if (*value == QDMA_ALL_ONES && !qdma_alive(qd))
		return -ENODEV;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_reg_read, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_range_clear - clear the contexts of a range
 * @qd: PF
 * @base: first hardware queue
 * @count: how many
 *
 * Done when a range is given back, so that nothing of its owner stays on the
 * card, and again when it is handed out, for a card that did not do it then.
 * Queues that nobody set up since they were last cleared cost nothing.
 *
 * Context: process.
 * Return: 0, -EINVAL for a range outside the card, -ETIMEDOUT, -EBUSY or
 * -ENODEV as a context command.
 */
int svff_qdma_range_clear(struct svff_qdma *qd, u32 base, u32 count)
{
	unsigned long *dirty = qd->card->dirty;
	u32 qid;
	int err;

	if (base > qd->caps.num_queues || count > qd->caps.num_queues - base)
		return -EINVAL;
	for (qid = base; qid < base + count; qid++) {
		if (!test_bit(2 * qid, dirty) && !test_bit(2 * qid + 1, dirty))
			continue;
		err = clear_queue(qd, qid);
		if (err)
			return err;
		clear_bit(2 * qid, dirty);
		clear_bit(2 * qid + 1, dirty);
	}
	return 0;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_range_clear, SVFF_NS(SVFF_QDMA));

/* What the owner before left there would be the new one's to read, and live at once. */
static int clear_new(struct svff_qdma *qd, u16 func, u32 base, u32 count)
{
	int err = svff_qdma_range_clear(qd, base, count);

	lockdep_assert_held(&qd->card->range_lock);
	if (err)
		qdma_range_free(&qd->card->ranges, func);
	return err;
}

/**
 * svff_qdma_range_alloc - give a function a range of hardware queues
 * @qd: PF
 * @func: function
 * @count: how many queues
 * @base: filled with the first of them
 *
 * Best fit. The contexts are clear.
 *
 * Context: process.
 * Return: 0, -EINVAL for no queues or a function out of range, -ENOSPC if no
 * free range is large enough, or as svff_qdma_range_clear().
 */
int svff_qdma_range_alloc(struct svff_qdma *qd, u16 func, u32 count, u32 *base)
{
	int err;

	if (func >= QDMA_MAX_FUNCS)
		return -EINVAL;
	guard(mutex)(&qd->card->range_lock);
	err = qdma_range_alloc(&qd->card->ranges, func, count, base);
	return err ?: clear_new(qd, func, *base, count);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_range_alloc, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_range_alloc_at - give a function the range that begins at a queue
 * @qd: PF
 * @func: function, which has no range
 * @count: how many queues
 * @base: the first of them
 *
 * The contexts are clear.
 *
 * Context: process.
 * Return: 0, -EINVAL for no queues, a function out of range or with a range,
 * -ENOSPC if one of the queues is not free, or as svff_qdma_range_clear().
 */
int svff_qdma_range_alloc_at(struct svff_qdma *qd, u16 func, u32 count, u32 base)
{
	int err;

	if (func >= QDMA_MAX_FUNCS)
		return -EINVAL;
	guard(mutex)(&qd->card->range_lock);
	err = qdma_range_alloc_at(&qd->card->ranges, func, count, base);
	return err ?: clear_new(qd, func, base, count);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_range_alloc_at, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_range_resize - give a function more or fewer queues behind its first
 * @qd: PF
 * @func: function, which has a range
 * @count: how many queues
 *
 * The contexts of what is new are clear.
 *
 * Context: process.
 * Return: 0, -EINVAL for no queues or no range, -ENOSPC if the queues behind its
 * own are not free, or as svff_qdma_range_clear(); then it has what it had.
 */
int svff_qdma_range_resize(struct svff_qdma *qd, u16 func, u32 count)
{
	const struct qdma_range *range;
	u32 had;
	int err;

	guard(mutex)(&qd->card->range_lock);
	range = qdma_range_find(&qd->card->ranges, func);
	had = range ? range->count : 0;
	err = qdma_range_resize(&qd->card->ranges, func, count);
	if (err || count <= had)
		return err;
	err = svff_qdma_range_clear(qd, range->base + had, count - had);
	if (err)
		qdma_range_resize(&qd->card->ranges, func, had);
	return err;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_range_resize, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_range_free - take a function's range back
 * @qd: PF
 * @func: function; it need not have one
 *
 * Context: process.
 */
void svff_qdma_range_free(struct svff_qdma *qd, u16 func)
{
	guard(mutex)(&qd->card->range_lock);
	qdma_range_free(&qd->card->ranges, func);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_range_free, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_range_avail - free hardware queues in total
 * @qd: PF
 *
 * Context: process.
 * Return: their number.
 */
u32 svff_qdma_range_avail(struct svff_qdma *qd)
{
	guard(mutex)(&qd->card->range_lock);
	return qdma_range_avail(&qd->card->ranges);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_range_avail, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_range_largest - free hardware queues in one piece
 * @qd: PF
 *
 * Context: process.
 * Return: size of the largest free range.
 */
u32 svff_qdma_range_largest(struct svff_qdma *qd)
{
	guard(mutex)(&qd->card->range_lock);
	return qdma_range_largest(&qd->card->ranges);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_range_largest, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_fmap_write - map a range to a function's doorbells
 * @qd: PF
 * @func: function
 * @base: first hardware queue
 * @count: how many; 0 takes the doorbells away
 *
 * Context: process.
 * Return: 0, -EINVAL for a range outside the card, -ETIMEDOUT, -EBUSY or
 * -ENODEV as a context command.
 */
int svff_qdma_fmap_write(struct svff_qdma *qd, u16 func, u32 base, u32 count)
{
	u64 values[QDMA_FMAP_FIELDS] = {
		[QDMA_FMAP_BASE] = base,
		[QDMA_FMAP_COUNT] = count,
	};

	if (func >= QDMA_MAX_FUNCS || base > qd->caps.num_queues ||
	    count > qd->caps.num_queues - base)
		return -EINVAL;
	if (!count)
		return qdma_ctxt_clear(qd, QDMA_SEL_FMAP, func);
	return qdma_ctxt_write(qd, QDMA_SEL_FMAP, func, values);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_fmap_write, SVFF_NS(SVFF_QDMA));
