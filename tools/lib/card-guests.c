// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Guests that have a VF of a card and were not given it by svff: libvirt knows its own.
 */
#include "priv.h"

#include <errno.h>
#include <stdlib.h>

#ifdef SVFF_LIBVIRT

static int note_guest(struct svff_card *card, unsigned int vf, const char *bdf, const char *uri)
{
	struct svff_guest *guest;
	char id[SVFF_ID_LEN];
	int ret = 0;

	if (svff_guest_open(card->ctx, uri, PLAN_GUEST_TIMEOUT_MS, &guest))
		return 0;
	if (!guest->ops->find(guest, bdf, id))
		ret = state_set(&card->state, vf, uri, id, "");
	svff_guest_close(guest);
	return ret ? svff_fail(card->ctx, ret, "VF %u: out of memory", vf) : 0;
}

static int find_guest(struct svff_card *card, const struct libvirt_domains *domains, unsigned int vf)
{
	char bdf[SVFF_BDF_LEN], driver[SVFF_DRIVER_LEN], *uri;
	int ret;

	if (state_find(&card->state, vf) || vf_address(card, vf, bdf) || sysfs_driver(card->ctx, bdf, driver) ||
	    !vfio_is_driver(driver))
		return 0;
	uri = libvirt_domains_find(domains, bdf);
	ret = uri ? note_guest(card, vf, bdf, uri) : 0;
	free(uri);
	return ret;
}

/**
 * svff_card_find_guests() - find the guests that have a VF and were not given it by svff
 * @card: the card; its VFs know them afterwards
 *
 * Return: 0, or -ENOMEM. That a guest is not found, or cannot be asked, is no error.
 */
int svff_card_find_guests(struct svff_card *card)
{
	struct libvirt_domains *domains = card->vfs ? libvirt_domains_get(card->ctx) : NULL;
	int vf, ret = 0;

	for (vf = 1; domains && !ret && vf <= card->vfs; vf++)
		ret = find_guest(card, domains, vf);
	libvirt_domains_put(domains);
	return ret;
}

#else

int svff_card_find_guests(struct svff_card *card)
{
	(void)card;
	return 0;
}

#endif
