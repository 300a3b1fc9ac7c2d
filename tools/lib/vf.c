// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Virtual functions: where they are, and what is known of them.
 */
#include "priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PF_DIR	"bus/pci/devices/%s/"
#define VF_DIR	PF_DIR "svff/vf%u/"

static const char *const guest_state_names[] = {
	[SVFF_GUEST_NONE]     = "detached",
	[SVFF_GUEST_NOTED]    = "noted",
	[SVFF_GUEST_ATTACHED] = "attached",
	[SVFF_GUEST_GONE]     = "gone",
	[SVFF_GUEST_SILENT]   = "silent",
	[SVFF_GUEST_PAUSED]   = "paused",
};

/**
 * vf_address() - PCI address of a VF
 * @card: its card
 * @vf: its number
 * @bdf: result
 *
 * Return: 0, -ENODEV if it does not exist now.
 */
int vf_address(struct svff_card *card, unsigned int vf, char bdf[SVFF_BDF_LEN])
{
	if (!vf || sysfs_link(card->ctx, bdf, SVFF_BDF_LEN, PF_DIR "virtfn%u", card->address, vf - 1))
		return -ENODEV;
	return 0;
}

/**
 * vf_need() - PCI address of a VF that has to exist
 * @card: its card
 * @vf: its number
 * @bdf: result
 *
 * Return: 0, -EINVAL for number 0, -ENODEV if it does not exist now.
 */
int vf_need(struct svff_card *card, unsigned int vf, char bdf[SVFF_BDF_LEN])
{
	if (!vf)
		return svff_fail(card->ctx, -EINVAL, "VF 0 of card %s is the card itself; VFs are numbered from 1",
				 card->address);
	if (!vf_address(card, vf, bdf))
		return 0;
	if (vf > (unsigned int)card->vfs_total)
		return svff_fail(card->ctx, -ENODEV, "VF %u of card %s does not exist: it has at most %d VFs", vf,
				 card->address, card->vfs_total);
	if (!card->vfs)
		return svff_fail(card->ctx, -ENODEV, "VF %u of card %s does not exist, no VFs are enabled: 'svff init "
				 "--card %s --vfs %u'", vf, card->address, card->address, vf);
	return svff_fail(card->ctx, -ENODEV, "VF %u of card %s does not exist, %d VFs are enabled: 'svff reconf "
			 "--card %s --vfs %u'", vf, card->address, card->vfs, card->address, vf);
}

static int number_of(struct svff_card *card, const char *bdf, unsigned int *vf)
{
	char found[SVFF_BDF_LEN];
	int i;

	for (i = 1; i <= card->vfs; i++) {
		if (!vf_address(card, i, found) && !strcmp(found, bdf)) {
			*vf = i;
			return 0;
		}
	}
	return svff_fail(card->ctx, -ENODEV, "%s is no VF of card %s", bdf, card->address);
}

static int resolve_bdf(struct svff_ctx *ctx, const char *card, const char *bdf,
		       struct svff_card **out, unsigned int *vf)
{
	char pf[SVFF_BDF_LEN];
	int ret;

	if (!sysfs_exists(ctx, PF_DIR, bdf))
		return svff_fail(ctx, -ENODEV, "no PCI device %s in this machine; 'svff status' tells the VFs", bdf);
	if (sysfs_link(ctx, pf, sizeof(pf), PF_DIR "physfn", bdf))
		return svff_fail(ctx, -ENODEV, "%s is not a VF; 'svff status' tells the VFs", bdf);
	ret = svff_card_open(ctx, card ? card : pf, out);
	if (ret)
		return ret;
	ret = number_of(*out, bdf, vf);
	if (ret)
		svff_card_free(*out);
	return ret;
}

/**
 * svff_vf_resolve() - card and number of a VF that a user named
 * @ctx: the context
 * @card: address of its card, or NULL
 * @text: number from 1, or PCI address
 * @out: its card
 * @vf: its number; whether it exists now was only looked at if @text is an address
 *
 * Return: 0, -EINVAL if @text is neither, or another negative errno.
 */
int svff_vf_resolve(struct svff_ctx *ctx, const char *card, const char *text,
		    struct svff_card **out, unsigned int *vf)
{
	char bdf[SVFF_BDF_LEN];

	if (!svff_parse_uint(text, SVFF_VF_MAX, vf))
		return svff_card_open(ctx, card, out);
	if (pci_bdf_parse(text, bdf))
		return svff_fail(ctx, -EINVAL, "'%s' names no VF: give its number from 1, or its PCI address", text);
	return resolve_bdf(ctx, card, bdf, out, vf);
}

static int read_or(struct svff_card *card, unsigned int vf, const char *attribute)
{
	int value;

	return sysfs_read_int(card->ctx, &value, VF_DIR "%s", card->address, vf, attribute) ? -1 : value;
}

static int read_owner(struct svff_card *card, struct svff_vf *vf)
{
	const struct svff_owner *owner = state_find(&card->state, vf->number);

	if (!owner)
		return 0;
	vf->guest = strdup(owner->guest);
	if (!vf->guest)
		return svff_fail(card->ctx, -ENOMEM, "VF %u: out of memory", vf->number);
	svff_copy(vf->id, sizeof(vf->id), owner->id);
	vf->guest_state = SVFF_GUEST_NOTED;
	vf->unplug_asked = owner->unplug_asked;
	return 0;
}

/**
 * svff_vf_open() - take a picture of a VF
 * @card: its card; has to live longer than the picture
 * @number: its number, from 1
 * @out: the VF; what cannot be read is empty or -1
 *
 * Return: 0, or a negative errno.
 */
int svff_vf_open(struct svff_card *card, unsigned int number, struct svff_vf **out)
{
	struct svff_vf *vf = calloc(1, sizeof(*vf));
	int ret;

	if (!vf)
		return svff_fail(card->ctx, -ENOMEM, "VF %u: out of memory", number);
	vf->card = card;
	vf->number = number;
	vf->iommu_group = -1;
	if (!vf_address(card, number, vf->address)) {
		sysfs_driver(card->ctx, vf->address, vf->driver);
		vf->iommu_group = sysfs_iommu_group(card->ctx, vf->address);
	}
	if (sysfs_read(card->ctx, vf->state, sizeof(vf->state), VF_DIR "state", card->address, number))
		vf->state[0] = '\0';
	vf->queues = read_or(card, number, "queues");
	vf->queue_base = read_or(card, number, "queue_base");
	vf->queues_active = read_or(card, number, "queues_active");
	vf->errors = read_or(card, number, "stats/errors");
	vf->muted = read_or(card, number, "muted") > 0;
	ret = read_owner(card, vf);
	if (ret) {
		svff_vf_free(vf);
		return ret;
	}
	*out = vf;
	return 0;
}

/**
 * svff_vf_ask_guest() - ask the guest that was given a VF whether it has it; sets the guest's state
 * @vf: the VF
 *
 * A monitor serves one client at a time, so this is not for guests that a plan is connected to. One that did not
 * answer for another VF of the same card is not asked again.
 *
 * Return: 0, also if the guest is gone or silent or if there is none, or a negative errno.
 */
int svff_vf_ask_guest(struct svff_vf *vf)
{
	struct svff_owner *owner = state_find(&vf->card->state, vf->number);
	char why[SVFF_ERROR_LEN / 2];

	return owner ? card_owner_state(vf->card, owner, &vf->guest_state, why, sizeof(why)) : 0;
}

/**
 * svff_vf_free() - drop the picture of a VF
 * @vf: the VF, or NULL
 */
void svff_vf_free(struct svff_vf *vf)
{
	if (!vf)
		return;
	free(vf->guest);
	free(vf);
}

/**
 * svff_vf_number() - number of a VF
 * @vf: the VF
 *
 * Return: from 1.
 */
unsigned int svff_vf_number(const struct svff_vf *vf)
{
	return vf->number;
}

/**
 * svff_vf_address() - PCI address of a VF
 * @vf: the VF
 *
 * Return: the address, empty if the VF does not exist.
 */
const char *svff_vf_address(const struct svff_vf *vf)
{
	return vf->address;
}

/**
 * svff_vf_state() - state of a VF as svff_pf sees it
 * @vf: the VF
 *
 * Return: absent, ready, active, paused, resetting, error; empty if not known.
 */
const char *svff_vf_state(const struct svff_vf *vf)
{
	return vf->state;
}

/**
 * svff_vf_driver() - driver of this host that has a VF
 * @vf: the VF
 *
 * Return: its name, empty if there is none.
 */
const char *svff_vf_driver(const struct svff_vf *vf)
{
	return vf->driver;
}

/**
 * svff_vf_queues() - queues that a VF may have
 * @vf: the VF
 *
 * Return: the quota, -1 if not known.
 */
int svff_vf_queues(const struct svff_vf *vf)
{
	return vf->queues;
}

/**
 * svff_vf_queue_base() - first queue of a VF's range
 * @vf: the VF
 *
 * Return: the queue, -1 if it has no range.
 */
int svff_vf_queue_base(const struct svff_vf *vf)
{
	return vf->queue_base;
}

/**
 * svff_vf_queues_active() - queues that a VF has set up
 * @vf: the VF
 *
 * Return: the count, -1 if not known.
 */
int svff_vf_queues_active(const struct svff_vf *vf)
{
	return vf->queues_active;
}

/**
 * svff_vf_errors() - errors of the hardware that were put down to a VF
 * @vf: the VF
 *
 * Return: how many since it was created, -1 if not known.
 */
int svff_vf_errors(const struct svff_vf *vf)
{
	return vf->errors;
}

/**
 * svff_vf_is_muted() - is a VF not heard because it floods the mailbox?
 * @vf: the VF
 *
 * Return: true if so.
 */
bool svff_vf_is_muted(const struct svff_vf *vf)
{
	return vf->muted;
}

/**
 * svff_vf_iommu_group() - IOMMU group of a VF
 * @vf: the VF
 *
 * Return: the group, negative if there is none.
 */
int svff_vf_iommu_group(const struct svff_vf *vf)
{
	return vf->iommu_group;
}

/**
 * svff_vf_guest() - guest that was given a VF
 * @vf: the VF
 *
 * Return: its URI, or NULL.
 */
const char *svff_vf_guest(const struct svff_vf *vf)
{
	return vf->guest;
}

/**
 * svff_vf_guest_device() - name of a VF in its guest
 * @vf: the VF
 *
 * Return: the id, empty if there is no guest.
 */
const char *svff_vf_guest_device(const struct svff_vf *vf)
{
	return vf->id;
}

/**
 * svff_vf_guest_state() - whether the guest has the VF
 * @vf: the VF
 *
 * Return: the state; from the guest itself after svff_vf_ask_guest().
 */
enum svff_guest_state svff_vf_guest_state(const struct svff_vf *vf)
{
	return vf->guest_state;
}

/**
 * svff_vf_unplug_asked() - was the guest asked to unplug a VF, and did not do so in time?
 * @vf: the VF
 *
 * QEMU cannot take that back: the guest may let go of the VF at any time.
 *
 * Return: true if so.
 */
bool svff_vf_unplug_asked(const struct svff_vf *vf)
{
	return vf->unplug_asked;
}

/**
 * svff_guest_state_name() - name of a state
 * @state: the state
 *
 * Return: one word.
 */
const char *svff_guest_state_name(enum svff_guest_state state)
{
	return guest_state_names[state];
}
