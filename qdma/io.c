// SPDX-License-Identifier: GPL-2.0-only
#include "io.h"

#include <linux/bitfield.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/pci.h>

#include "priv.h"
#include "regs.h"
#include "trace.h"

#define CTXT_POLL_US		10
#define CTXT_TIMEOUT_US		500000
#define VF_MBOX_REGS		QDMA_MBOX_OUT(SVFF_MBOX_MSG_WORDS)	/* bytes of a VF's mailbox */

/**
 * qdma_read - read a register
 * @qd: function
 * @offset: in the config BAR
 *
 * Context: any.
 * Return: its value; QDMA_ALL_ONES is what a device that is gone gives.
 */
u32 qdma_read(struct svff_qdma *qd, u32 offset)
{
	return readl(qd->bar + offset);
}

/**
 * qdma_write - write a register
 * @qd: function
 * @offset: in the config BAR
 * @value: what to write
 *
 * Context: any.
 */
void qdma_write(struct svff_qdma *qd, u32 offset, u32 value)
{
	writel(value, qd->bar + offset);
}

/**
 * qdma_mbox_read - read a register of the mailbox
 * @qd: function
 * @offset: from the mailbox's base
 *
 * Context: any.
 * Return: its value.
 */
u32 qdma_mbox_read(struct svff_qdma *qd, u32 offset)
{
	return qdma_read(qd, qd->mbox_base + offset);
}

/**
 * qdma_mbox_write - write a register of the mailbox
 * @qd: function
 * @offset: from the mailbox's base
 * @value: what to write
 *
 * Context: any.
 */
void qdma_mbox_write(struct svff_qdma *qd, u32 offset, u32 value)
{
	qdma_write(qd, qd->mbox_base + offset, value);
}

/**
 * qdma_doorbell - ring a doorbell
 * @qd: function
 * @offset: from the doorbells' base
 * @value: what to write
 *
 * What was written to memory before is visible to the device before the
 * doorbell is: writel() orders them.
 *
 * Context: any.
 */
void qdma_doorbell(struct svff_qdma *qd, u32 offset, u32 value)
{
	qdma_write(qd, qd->db + offset, value);
}

static u32 read_ident(struct svff_qdma *qd)
{
	return qd->is_vf ? qdma_mbox_read(qd, QDMA_MBOX_VERSION) :
			   qdma_read(qd, QDMA_CFG_IDENT);
}

/**
 * qdma_may_be_away - may all ones in this function's registers mean a pause?
 * @qd: function
 *
 * Context: any; reads configuration space.
 * Return: true if so, see svff_qdma_away().
 */
bool qdma_may_be_away(struct svff_qdma *qd)
{
	return qd->is_vf && !qd->pdev->is_virtfn && pci_device_is_present(qd->pdev);
}

/**
 * svff_qdma_away - has the host taken this VF's hardware away for a while?
 * @qd: function
 *
 * While a guest's VF is paused its registers read as all ones, as those of a
 * device that is gone do, but its configuration space is still there. What
 * waits for such a VF goes on waiting, and must not count the time. The host's
 * own VFs are not taken away like that: all ones from them are a card in reset,
 * or none.
 *
 * Context: any; costs a register read, and if that is all ones one of
 * configuration space.
 * Return: true if it is paused.
 */
bool svff_qdma_away(struct svff_qdma *qd)
{
	return qd->is_vf && !READ_ONCE(qd->gone) && read_ident(qd) == QDMA_ALL_ONES && qdma_may_be_away(qd);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_away, SVFF_NS(SVFF_QDMA));

/**
 * qdma_alive - does the device answer, or will it after a pause?
 * @qd: function
 *
 * Costs a register read; remembers if the device is gone.
 *
 * Context: any.
 * Return: false if it does not.
 */
bool qdma_alive(struct svff_qdma *qd)
{
	if (READ_ONCE(qd->gone))
		return false;
	/* One look: a pause may end between two. */
	if (read_ident(qd) != QDMA_ALL_ONES || qdma_may_be_away(qd))
		return true;
	WRITE_ONCE(qd->gone, true);
	return false;
}

/**
 * svff_qdma_alive_again - does the device answer, whatever was seen before?
 * @qd: function
 *
 * A device that was reset, or whose link had an error, did not answer meanwhile.
 *
 * Context: process.
 * Return: false if it does not.
 */
bool svff_qdma_alive_again(struct svff_qdma *qd)
{
	WRITE_ONCE(qd->gone, false);
	return qdma_alive(qd);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_alive_again, SVFF_NS(SVFF_QDMA));

static int ctxt_wait(struct svff_qdma *qd)
{
	u32 cmd;
	int err;

	err = read_poll_timeout(qdma_read, cmd,
				cmd == QDMA_ALL_ONES || !(cmd & QDMA_IND_CTXT_CMD_BUSY),
				CTXT_POLL_US, CTXT_TIMEOUT_US, false, qd,
				QDMA_IND_CTXT_CMD);
	if (cmd == QDMA_ALL_ONES) {
		WRITE_ONCE(qd->gone, true);
		return -ENODEV;
	}
	return err;
}

/* After a command that never ended the window may still be in use. */
static int ctxt_ready(struct svff_qdma *qd)
{
	if (READ_ONCE(qd->gone))
		return -ENODEV;
	if (!qd->card->stuck)
		return 0;
	if (qdma_read(qd, QDMA_IND_CTXT_CMD) & QDMA_IND_CTXT_CMD_BUSY)
		return qdma_alive(qd) ? -EBUSY : -ENODEV;
	qd->card->stuck = false;
	return 0;
}

static int ctxt_command_locked(struct svff_qdma *qd, enum qdma_sel sel,
			       enum qdma_ctxt_op op, u32 index)
{
	int err;

	lockdep_assert_held(&qd->card->ctxt_lock);
	qdma_write(qd, QDMA_IND_CTXT_CMD,
		   FIELD_PREP(QDMA_IND_CTXT_CMD_SEL, sel) |
		   FIELD_PREP(QDMA_IND_CTXT_CMD_OP, op) |
		   FIELD_PREP(QDMA_IND_CTXT_CMD_INDEX, index));
	err = ctxt_wait(qd);
	trace_qdma_ctxt(&qd->pdev->dev, sel, op, index, err);
	if (err == -ETIMEDOUT) {
		qd->card->stuck = true;
		dev_err_ratelimited(&qd->pdev->dev,
				    "context command %d of selector %d, index %u does not end\n",
				    op, sel, index);
	}
	return err;
}

static int ctxt_simple(struct svff_qdma *qd, enum qdma_sel sel,
		       enum qdma_ctxt_op op, u32 index)
{
	int err;

	guard(mutex)(&qd->card->ctxt_lock);
	err = ctxt_ready(qd);
	return err ? err : ctxt_command_locked(qd, sel, op, index);
}

/**
 * qdma_ctxt_layout - layout of the context behind a selector
 * @qd: function
 * @sel: selector
 *
 * Context: any.
 * Return: the layout of the function's IP revision.
 */
const struct qdma_ctxt_layout *qdma_ctxt_layout(const struct svff_qdma *qd,
						enum qdma_sel sel)
{
	static const enum qdma_ctxt_type type[] = {
		[QDMA_SEL_SW_C2H] = QDMA_CTXT_SW,
		[QDMA_SEL_SW_H2C] = QDMA_CTXT_SW,
		[QDMA_SEL_HW_C2H] = QDMA_CTXT_HW,
		[QDMA_SEL_HW_H2C] = QDMA_CTXT_HW,
		[QDMA_SEL_CREDIT_C2H] = QDMA_CTXT_CREDIT,
		[QDMA_SEL_CREDIT_H2C] = QDMA_CTXT_CREDIT,
		[QDMA_SEL_CMPT] = QDMA_CTXT_CMPT,
		[QDMA_SEL_PFCH] = QDMA_CTXT_PFCH,
		[QDMA_SEL_INTR] = QDMA_CTXT_INTR,
		[QDMA_SEL_FMAP] = QDMA_CTXT_FMAP,
	};

	return &qd->ip->ctxt->type[type[sel]];
}

/**
 * qdma_ctxt_clear - make every bit of a context zero
 * @qd: PF
 * @sel: selector
 * @index: queue, ring or function
 *
 * Context: process; takes the context lock.
 * Return: 0, -ETIMEDOUT if the command does not end, -EBUSY if an earlier one
 * still has not, -ENODEV if the device is gone.
 */
int qdma_ctxt_clear(struct svff_qdma *qd, enum qdma_sel sel, u32 index)
{
	return ctxt_simple(qd, sel, QDMA_CTXT_OP_CLR, index);
}

/**
 * qdma_ctxt_inval - drop a context's valid or enable bit
 * @qd: PF
 * @sel: selector
 * @index: queue, ring or function
 *
 * Context: process; takes the context lock.
 * Return: as qdma_ctxt_clear().
 */
int qdma_ctxt_inval(struct svff_qdma *qd, enum qdma_sel sel, u32 index)
{
	return ctxt_simple(qd, sel, QDMA_CTXT_OP_INV, index);
}

/* The masks never change, so that they are written only once. */
static void ctxt_set_masks(struct svff_qdma *qd)
{
	unsigned int i;

	if (qd->card->masks_set)
		return;
	for (i = 0; i < QDMA_IND_CTXT_WORDS; i++)
		qdma_write(qd, QDMA_IND_CTXT_MASK(i), ~0U);
	qd->card->masks_set = true;
}

static int ctxt_write_words(struct svff_qdma *qd, enum qdma_sel sel, u32 index, const u32 *words)
{
	const struct qdma_ctxt_layout *layout = qdma_ctxt_layout(qd, sel);
	unsigned int i;
	int err;

	lockdep_assert_held(&qd->card->ctxt_lock);
	err = ctxt_ready(qd);
	if (err)
		return err;
	ctxt_set_masks(qd);
	for (i = 0; i < layout->words; i++)
		qdma_write(qd, QDMA_IND_CTXT_DATA(i), words[i]);
	return ctxt_command_locked(qd, sel, QDMA_CTXT_OP_WR, index);
}

/**
 * qdma_ctxt_write - write a context
 * @qd: PF
 * @sel: selector
 * @index: queue, ring or function
 * @values: one for each field
 *
 * Context: process; takes the context lock.
 * Return: as qdma_ctxt_clear(), or -ERANGE if a value does not fit its field.
 */
int qdma_ctxt_write(struct svff_qdma *qd, enum qdma_sel sel, u32 index,
		    const u64 *values)
{
	u32 words[QDMA_CTXT_MAX_WORDS];
	int err;

	err = qdma_ctxt_encode(qdma_ctxt_layout(qd, sel), values, words);
	if (err)
		return err;
	guard(mutex)(&qd->card->ctxt_lock);
	return ctxt_write_words(qd, sel, index, words);
}

/**
 * qdma_ctxt_write_raw - write a context that was read before
 * @qd: PF
 * @sel: selector
 * @index: queue, ring or function
 * @words: as many as the context has
 *
 * Context: process; takes the context lock.
 * Return: as qdma_ctxt_clear().
 */
int qdma_ctxt_write_raw(struct svff_qdma *qd, enum qdma_sel sel, u32 index, const u32 *words)
{
	guard(mutex)(&qd->card->ctxt_lock);
	return ctxt_write_words(qd, sel, index, words);
}

/**
 * qdma_ctxt_write_field - change one field of a context, and nothing else
 * @qd: PF
 * @sel: selector
 * @index: queue, ring or function
 * @field: of the context's enumeration, in one word
 * @value: of the field
 *
 * Context: process; takes the context lock.
 * Return: as qdma_ctxt_clear().
 */
int qdma_ctxt_write_field(struct svff_qdma *qd, enum qdma_sel sel, u32 index,
			  unsigned int field, u32 value)
{
	const struct qdma_ctxt_layout *layout = qdma_ctxt_layout(qd, sel);
	u32 mask[QDMA_CTXT_MAX_WORDS], words[QDMA_CTXT_MAX_WORDS];
	unsigned int i;
	int err;

	qdma_ctxt_put(layout, field, ~0U, mask);
	qdma_ctxt_put(layout, field, value, words);
	guard(mutex)(&qd->card->ctxt_lock);
	err = ctxt_ready(qd);
	if (err)
		return err;
	qd->card->masks_set = false;
	for (i = 0; i < QDMA_IND_CTXT_WORDS; i++)
		qdma_write(qd, QDMA_IND_CTXT_MASK(i), mask[i]);
	for (i = 0; i < layout->words; i++)
		qdma_write(qd, QDMA_IND_CTXT_DATA(i), words[i]);
	return ctxt_command_locked(qd, sel, QDMA_CTXT_OP_WR, index);
}

/**
 * qdma_ctxt_read_raw - read a context as it is
 * @qd: PF
 * @sel: selector
 * @index: queue, ring or function
 * @words: filled, as many as the context has
 *
 * Context: process; takes the context lock.
 * Return: as qdma_ctxt_clear().
 */
int qdma_ctxt_read_raw(struct svff_qdma *qd, enum qdma_sel sel, u32 index, u32 *words)
{
	unsigned int i;
	int err;

	guard(mutex)(&qd->card->ctxt_lock);
	err = ctxt_ready(qd);
	if (!err)
		err = ctxt_command_locked(qd, sel, QDMA_CTXT_OP_RD, index);
	if (err)
		return err;
	for (i = 0; i < qdma_ctxt_layout(qd, sel)->words; i++)
		words[i] = qdma_read(qd, QDMA_IND_CTXT_DATA(i));
	return 0;
}

/**
 * qdma_ctxt_read - read a context
 * @qd: PF
 * @sel: selector
 * @index: queue, ring or function
 * @values: filled, one for each field
 *
 * Context: process; takes the context lock.
 * Return: as qdma_ctxt_clear().
 */
int qdma_ctxt_read(struct svff_qdma *qd, enum qdma_sel sel, u32 index, u64 *values)
{
	u32 words[QDMA_CTXT_MAX_WORDS];
	int err;

	err = qdma_ctxt_read_raw(qd, sel, index, words);
	if (!err)
		qdma_ctxt_decode(qdma_ctxt_layout(qd, sel), words, values);
	return err;
}

static void __iomem *map_vf_mbox(struct svff_qdma *qd, struct pci_dev *vf)
{
	resource_size_t start = pci_resource_start(vf, QDMA_CONFIG_BAR);

	if (pci_resource_len(vf, QDMA_CONFIG_BAR) < qd->ip->vf_mbox + VF_MBOX_REGS)
		return NULL;
	return ioremap(start + qd->ip->vf_mbox, VF_MBOX_REGS);
}

static void save_out(const void __iomem *regs, struct svff_qdma_vf_mbox *state)
{
	unsigned int i;

	for (i = 0; i < SVFF_MBOX_MSG_WORDS; i++) {
		u32 word = readl(regs + QDMA_MBOX_OUT(i));

		state->out.words[i] = cpu_to_le32(word);
		state->begun |= word != 0;
	}
}

/* One that is on its way is not lost, and not to be written over. */
static void load_out(void __iomem *regs, const struct svff_qdma_vf_mbox *state)
{
	unsigned int i;

	if (!state->begun || (readl(regs + QDMA_MBOX_STATUS) & QDMA_MBOX_STATUS_OUT))
		return;
	for (i = 0; i < SVFF_MBOX_MSG_WORDS; i++)
		writel(le32_to_cpu(state->out.words[i]), regs + QDMA_MBOX_OUT(i));
}

/**
 * svff_qdma_vf_mbox_save - what a VF has in its mailbox's registers and outgoing window
 * @qd: PF
 * @vf: VF, its memory enabled
 * @state: zeroed; filled, or left so if the VF does not answer
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int svff_qdma_vf_mbox_save(struct svff_qdma *qd, struct pci_dev *vf,
			   struct svff_qdma_vf_mbox *state)
{
	void __iomem *regs = map_vf_mbox(qd, vf);

	if (!regs)
		return -ENOMEM;
	state->vector = readl(regs + QDMA_MBOX_VECTOR);
	state->enable = readl(regs + QDMA_MBOX_IRQ_ENABLE);
	if (state->vector == QDMA_ALL_ONES || state->enable == QDMA_ALL_ONES)
		memset(state, 0, sizeof(*state));
	else
		save_out(regs, state);
	iounmap(regs);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_vf_mbox_save, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_vf_mbox_load - give a VF back what svff_qdma_vf_mbox_save() found
 * @qd: PF
 * @vf: VF, its memory enabled
 * @state: as svff_qdma_vf_mbox_save() gave it
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int svff_qdma_vf_mbox_load(struct svff_qdma *qd, struct pci_dev *vf,
			   const struct svff_qdma_vf_mbox *state)
{
	void __iomem *regs = map_vf_mbox(qd, vf);

	if (!regs)
		return -ENOMEM;
	writel(state->vector, regs + QDMA_MBOX_VECTOR);
	writel(state->enable, regs + QDMA_MBOX_IRQ_ENABLE);
	load_out(regs, state);
	iounmap(regs);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_vf_mbox_load, SVFF_NS(SVFF_QDMA));
