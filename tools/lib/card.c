// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Cards: physical functions that svff_pf has, or could have.
 */
#include "priv.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PF_DRIVER	"svff_pf"
#define PF_DIR		"bus/pci/devices/%s/"

static int pci_id(struct svff_ctx *ctx, const char *bdf, const char *what)
{
	int id;

	return sysfs_read_int(ctx, &id, PF_DIR "%s", bdf, what) ? -1 : id;
}

/* A card is what svff_pf is bound to, and what has the ids of a QDMA physical function. */
static bool is_card(struct svff_ctx *ctx, const char *bdf)
{
	char driver[SVFF_DRIVER_LEN];

	if (sysfs_exists(ctx, PF_DIR "physfn", bdf) || sysfs_driver(ctx, bdf, driver))
		return false;
	return !strcmp(driver, PF_DRIVER) || pci_is_qdma_pf(pci_id(ctx, bdf, "vendor"),
							    pci_id(ctx, bdf, "device"));
}

static int only_cards(struct svff_ctx *ctx, struct dirent **entry, int count)
{
	char bdf[SVFF_BDF_LEN];
	int i, kept = 0;

	for (i = 0; i < count; i++) {
		if (!pci_bdf_parse(entry[i]->d_name, bdf) && is_card(ctx, bdf))
			entry[kept++] = entry[i];
		else
			free(entry[i]);
	}
	return kept;
}

/* Addresses of all cards, in order; the array and its entries are to be freed. */
static int scan(struct svff_ctx *ctx, struct dirent ***entry)
{
	char path[PATH_MAX];
	int count, ret = svff_path(ctx, SVFF_DIR_SYS, path, "bus/pci/devices");

	if (ret)
		return ret;
	count = scandir(path, entry, NULL, alphasort);
	if (count < 0)
		return svff_fail(ctx, -errno, "cannot list PCI devices in %s: %s", path, strerror(errno));
	return only_cards(ctx, *entry, count);
}

static void free_scan(struct dirent **entry, int count)
{
	while (count > 0)
		free(entry[--count]);
	free(entry);
}

/**
 * svff_card_count() - how many cards are in this machine, bound to svff_pf or not
 * @ctx: the context
 * @count: result
 *
 * Return: 0, or a negative errno.
 */
int svff_card_count(struct svff_ctx *ctx, size_t *count)
{
	struct dirent **entry;
	int found = scan(ctx, &entry);

	if (found < 0)
		return found;
	free_scan(entry, found);
	*count = found;
	return 0;
}

static int read_or(struct svff_card *card, const char *attribute, int otherwise)
{
	int value;

	return sysfs_read_int(card->ctx, &value, PF_DIR "%s", card->address, attribute) ? otherwise : value;
}

static void read_word(struct svff_card *card, char word[SVFF_WORD_LEN], const char *attribute)
{
	if (sysfs_read(card->ctx, word, SVFF_WORD_LEN, PF_DIR "%s", card->address, attribute))
		word[0] = '\0';
}

/**
 * card_refresh() - read again what sysfs says of a card
 * @card: the card
 *
 * Return: 0, -ENODEV if it is no more, -EBADMSG if that cannot be.
 */
int card_refresh(struct svff_card *card)
{
	if (sysfs_driver(card->ctx, card->address, card->driver))
		return svff_fail(card->ctx, -ENODEV, "no PCI device %s in this machine; 'svff list' tells the cards",
				 card->address);
	card->vendor = read_or(card, "vendor", 0);
	card->device = read_or(card, "device", 0);
	card->vfs_total = read_or(card, "sriov_totalvfs", -1);
	card->sriov = card->vfs_total >= 0;
	card->vfs_total = card->sriov ? card->vfs_total : 0;
	card->vfs = read_or(card, "sriov_numvfs", 0);
	if (card->vfs_total > SVFF_VF_MAX || card->vfs < 0 || card->vfs > card->vfs_total)
		return svff_fail(card->ctx, -EBADMSG, "card %s: sysfs says that it has %d of %d VFs", card->address, card->vfs,
				 card->vfs_total);
	card->queues_total = read_or(card, "svff/queues_total", 0);
	card->queues_free = read_or(card, "svff/queues_free", 0);
	card->vf_queues_default = read_or(card, "svff/vf_queues_default", 0);
	read_word(card, card->ip_type, "svff/ip_type");
	read_word(card, card->ip_version, "svff/ip_version");
	return 0;
}

/**
 * svff_card_errors() - the errors that a card's hardware has reported
 * @card: the card
 * @seen: called for each kind that was seen, in order of its name
 * @arg: passed to @seen
 *
 * Return: 0, also if the driver does not tell, or a negative errno.
 */
int svff_card_errors(struct svff_card *card,
		     void (*seen)(void *arg, const char *error, unsigned int times), void *arg)
{
	struct dirent **entry;
	char path[PATH_MAX];
	int i, count, times, ret = svff_path(card->ctx, SVFF_DIR_SYS, path, PF_DIR "svff/errors", card->address);

	if (ret)
		return ret;
	count = scandir(path, &entry, NULL, alphasort);
	if (count < 0)
		return 0;
	for (i = 0; i < count; i++)
		if (entry[i]->d_name[0] != '.' &&
		    !sysfs_read_int(card->ctx, &times, PF_DIR "svff/errors/%s", card->address, entry[i]->d_name) &&
		    times)
			seen(arg, entry[i]->d_name, times);
	free_scan(entry, count);
	return 0;
}

static int open_bdf(struct svff_ctx *ctx, const char *bdf, struct svff_card **out)
{
	struct svff_card *card = calloc(1, sizeof(*card));
	int ret;

	if (!card)
		return svff_fail(ctx, -ENOMEM, "card %s: out of memory", bdf);
	card->ctx = ctx;
	svff_copy(card->address, sizeof(card->address), bdf);
	ret = card_refresh(card);
	if (!ret)
		ret = state_load(ctx, bdf, &card->state);
	if (ret) {
		svff_card_free(card);
		return ret;
	}
	*out = card;
	return 0;
}

/**
 * svff_card_open_nth() - one of the cards that svff_card_count() has counted
 * @ctx: the context
 * @index: from 0
 * @out: the card
 *
 * Return: 0, -ENODEV if there are not so many, or another negative errno.
 */
int svff_card_open_nth(struct svff_ctx *ctx, size_t index, struct svff_card **out)
{
	struct dirent **entry;
	int ret, found = scan(ctx, &entry);

	if (found < 0)
		return found;
	if (index < (size_t)found)
		ret = open_bdf(ctx, entry[index]->d_name, out);
	else
		ret = svff_fail(ctx, -ENODEV, "there are only %d cards", found);
	free_scan(entry, found);
	return ret;
}

static int open_only(struct svff_ctx *ctx, struct svff_card **out)
{
	struct dirent **entry;
	int i, at, found = scan(ctx, &entry), bound = 0, last = 0;
	char driver[SVFF_DRIVER_LEN], list[SVFF_ERROR_LEN / 2] = "";
	int ret;

	if (found < 0)
		return found;
	for (i = 0; i < found; i++) {
		sysfs_driver(ctx, entry[i]->d_name, driver);
		if (!strcmp(driver, PF_DRIVER))
			bound++, last = i;
		at = strlen(list);
		snprintf(list + at, sizeof(list) - at, " %s", entry[i]->d_name);
	}
	if (bound == 1 || found == 1)	/* one that has its driver, or one at all */
		ret = open_bdf(ctx, entry[last]->d_name, out);
	else if (found)
		ret = svff_fail(ctx, -EINVAL, "there are several cards, say which by --card:%s", list);
	else
		ret = svff_fail(ctx, -ENODEV, "no card with QDMA in this machine: see 'lspci -d 10ee:', and rescan the "
				"bus if the FPGA was configured after boot");
	free_scan(entry, found);
	return ret;
}

/**
 * svff_card_open() - open a card by its address
 * @ctx: the context
 * @address: of the physical function, or NULL for the only one
 * @out: the card
 *
 * Return: 0, -EINVAL if @address is no address, -ENODEV if there is no card, or another negative errno.
 */
int svff_card_open(struct svff_ctx *ctx, const char *address, struct svff_card **out)
{
	char bdf[SVFF_BDF_LEN], pf[SVFF_BDF_LEN];

	if (!address)
		return open_only(ctx, out);
	if (pci_bdf_parse(address, bdf))
		return svff_fail(ctx, -EINVAL, "'%s' is no PCI address: write it like 0000:01:00.0", address);
	if (!sysfs_exists(ctx, PF_DIR, bdf))
		return svff_fail(ctx, -ENODEV, "no PCI device %s in this machine; 'svff list' tells the cards", bdf);
	if (!sysfs_link(ctx, pf, sizeof(pf), PF_DIR "physfn", bdf))
		return svff_fail(ctx, -ENODEV, "%s is a VF, not a card: its card is %s", bdf, pf);
	if (!is_card(ctx, bdf))
		return svff_fail(ctx, -ENODEV, "%s (%04x:%04x) is not a card with QDMA; 'svff list' tells the cards",
				 bdf, pci_id(ctx, bdf, "vendor"), pci_id(ctx, bdf, "device"));
	return open_bdf(ctx, bdf, out);
}

/**
 * svff_card_free() - close a card
 * @card: the card, or NULL
 */
void svff_card_free(struct svff_card *card)
{
	if (!card)
		return;
	state_clear(&card->state);
	free(card);
}

/**
 * card_need_bound() - fail unless svff_pf has the card
 * @card: the card
 *
 * Return: 0, or -ENODEV.
 */
int card_need_bound(struct svff_card *card)
{
	if (svff_card_is_bound(card))
		return 0;
	if (card->driver[0])
		return svff_fail(card->ctx, -ENODEV, "card %s is bound to driver %s: unbind it there, then 'modprobe "
				 PF_DRIVER "'", card->address, card->driver);
	return svff_fail(card->ctx, -ENODEV, "card %s is not bound to " PF_DRIVER ": 'modprobe " PF_DRIVER
			 "', and see the kernel log if that does not bind it", card->address);
}

/**
 * svff_card_probe() - see to it that svff_pf has the card: load the module, let it look for the card
 * @card: the card
 *
 * Return: 0, -ENODEV if another driver has it or svff_pf did not take it, or another negative errno.
 */
int svff_card_probe(struct svff_card *card)
{
	int ret;

	if (card->driver[0])
		return card_need_bound(card);
	ret = module_load(card->ctx, PF_DRIVER);
	if (ret)
		return svff_fail(card->ctx, ret, "card %s: module " PF_DRIVER " cannot be loaded: %s; is it installed "
				 "for this kernel?", card->address, strerror(-ret));
	ret = card_refresh(card);
	if (!ret && !card->driver[0] && !sysfs_bind(card->ctx, card->address, PF_DRIVER))
		ret = card_refresh(card);
	return ret ? ret : card_need_bound(card);
}

static int open_guest_or_none(struct svff_ctx *ctx, const char *uri, struct svff_guest **guest)
{
	int64_t begin = svff_now_ms();
	int ret;

	do
		ret = svff_guest_open(ctx, uri, PLAN_GUEST_TIMEOUT_MS, guest);
	while (guest_is_ending(ret, begin));
	return ret;
}

/* Did the guest of an owner not answer when it was asked about another VF? */
static bool is_silent(const struct svff_state *state, const struct svff_owner *owner)
{
	size_t i;

	for (i = 0; i < state->count; i++)
		if (&state->owner[i] != owner && state->owner[i].silent && !strcmp(state->owner[i].guest, owner->guest))
			return true;
	return false;
}

static int ask_owner(struct svff_card *card, const struct svff_owner *owner, enum svff_guest_state *state, char *why,
		     size_t size)
{
	struct svff_guest *guest;
	int ret = open_guest_or_none(card->ctx, owner->guest, &guest);

	if (ret == -ENOTCONN) {
		snprintf(why, size, "guest %s is not running any more", owner->guest);
		*state = SVFF_GUEST_GONE;
		return 0;
	}
	snprintf(why, size, "%s", svff_error(card->ctx));
	*state = SVFF_GUEST_SILENT;
	if (ret)
		return ret == -EINTR || ret == -ENOMEM ? ret : 0;
	ret = guest->ops->has(guest, owner->id);
	if (ret < 0)
		snprintf(why, size, "%s", svff_error(card->ctx));
	else
		snprintf(why, size, "guest %s has no device %s any more%s", owner->guest, owner->id,
			 owner->unplug_asked ? ", it was asked to unplug it" : "");
	if (ret >= 0)
		*state = ret ? SVFF_GUEST_ATTACHED : SVFF_GUEST_GONE;
	if (ret > 0 && guest_is_paused(guest, owner->id) > 0)
		*state = SVFF_GUEST_PAUSED;
	svff_guest_close(guest);
	return ret == -EINTR ? ret : 0;
}

/**
 * card_owner_state() - ask a guest whether it has the VF that the note says it has
 * @card: the card
 * @owner: the note, one of @card's
 * @state: result
 * @why: for people, if it is not SVFF_GUEST_ATTACHED
 * @size: of @why
 *
 * A guest that did not answer is not asked about its other VFs.
 *
 * Return: 0, or a negative errno if even that could not be found out.
 */
int card_owner_state(struct svff_card *card, struct svff_owner *owner, enum svff_guest_state *state, char *why,
		     size_t size)
{
	int ret = 0;

	*state = SVFF_GUEST_SILENT;
	snprintf(why, size, "guest %s does not answer", owner->guest);
	if (!is_silent(&card->state, owner))
		ret = ask_owner(card, owner, state, why, size);
	owner->silent = *state == SVFF_GUEST_SILENT;
	return ret;
}

/**
 * card_save_owners() - write the note of who has which VF
 * @card: the card
 *
 * Context: under state_lock().
 * Return: 0, or a negative errno.
 */
int card_save_owners(struct svff_card *card)
{
	return state_save(card->ctx, card->address, &card->state);
}

/* An ended guest's devices are free a moment after its monitor; who still has one then is told later. */
static void drop_owner(struct svff_card *card, unsigned int vf, const char *why)
{
	char bdf[SVFF_BDF_LEN];

	svff_log(card->ctx, SVFF_LOG_NOTICE, "VF %u of card %s is free again: %s", vf, card->address, why);
	state_drop(&card->state, vf);
	if (!vf_address(card, vf, bdf))
		vfio_wait_free(card->ctx, bdf);
}

/**
 * card_verify_owners() - read the note anew and drop from it what is not true any more
 * @card: the card
 * @save: also in the file
 *
 * Context: under state_lock() if @save.
 * Return: 0, or a negative errno.
 */
int card_verify_owners(struct svff_card *card, bool save)
{
	int ret = state_load(card->ctx, card->address, &card->state);

	if (!ret)
		ret = card_drop_gone_owners(card, save);
	return ret ? ret : svff_card_find_guests(card);
}

/**
 * card_drop_gone_owners() - drop from the note in memory what is not true any more
 * @card: the card
 * @save: also in the file
 *
 * Context: under state_lock() if @save.
 * Return: 0, or a negative errno.
 */
int card_drop_gone_owners(struct svff_card *card, bool save)
{
	enum svff_guest_state found;
	char why[SVFF_ERROR_LEN / 2];
	struct svff_owner *owner;
	bool dropped = false;
	size_t i = 0;
	int ret = 0;

	while (!ret && i < card->state.count) {
		owner = &card->state.owner[i];
		ret = card_owner_state(card, owner, &found, why, sizeof(why));
		if (ret || found != SVFF_GUEST_GONE) {
			i++;
			continue;
		}
		drop_owner(card, owner->vf, why);
		dropped = true;
	}
	return ret || !dropped || !save ? ret : card_save_owners(card);
}

/**
 * svff_card_address() - PCI address of a card
 * @card: the card
 *
 * Return: domain:bus:device.function.
 */
const char *svff_card_address(const struct svff_card *card)
{
	return card->address;
}

/**
 * svff_card_driver() - driver that has a card
 * @card: the card
 *
 * Return: its name, empty if there is none.
 */
const char *svff_card_driver(const struct svff_card *card)
{
	return card->driver;
}

/**
 * svff_card_ip_type() - kind of QDMA
 * @card: the card
 *
 * Return: such as "EQDMA", empty while svff_pf does not have the card.
 */
const char *svff_card_ip_type(const struct svff_card *card)
{
	return card->ip_type;
}

/**
 * svff_card_ip_version() - version of the QDMA
 * @card: the card
 *
 * Return: such as "5.0", empty while svff_pf does not have the card.
 */
const char *svff_card_ip_version(const struct svff_card *card)
{
	return card->ip_version;
}

/**
 * svff_card_is_bound() - does svff_pf have the card?
 * @card: the card
 *
 * Return: true if so.
 */
bool svff_card_is_bound(const struct svff_card *card)
{
	return !strcmp(card->driver, PF_DRIVER);
}

/**
 * svff_card_has_sriov() - can the card have VFs?
 * @card: the card
 *
 * Return: true if so.
 */
bool svff_card_has_sriov(const struct svff_card *card)
{
	return card->sriov;
}

/**
 * svff_card_vendor() - PCI vendor id
 * @card: the card
 *
 * Return: the id.
 */
unsigned int svff_card_vendor(const struct svff_card *card)
{
	return card->vendor;
}

/**
 * svff_card_device() - PCI device id
 * @card: the card
 *
 * Return: the id.
 */
unsigned int svff_card_device(const struct svff_card *card)
{
	return card->device;
}

/**
 * svff_card_spares() - how many VFs are spare: they are the last ones, and have no queues
 * @card: the card
 *
 * Return: the count.
 */
unsigned int svff_card_spares(const struct svff_card *card)
{
	int vf = card->vfs, queues;

	while (vf && !sysfs_read_int(card->ctx, &queues, PF_DIR "svff/vf%d/queues", card->address, vf) && !queues)
		vf--;
	return card->vfs - vf;
}

/**
 * svff_card_vfs() - how many VFs are enabled, beside spare ones
 * @card: the card
 *
 * Return: the count.
 */
unsigned int svff_card_vfs(const struct svff_card *card)
{
	return card->vfs - svff_card_spares(card);
}

/**
 * svff_card_vfs_total() - how many VFs the card can have
 * @card: the card
 *
 * Return: the count.
 */
unsigned int svff_card_vfs_total(const struct svff_card *card)
{
	return card->vfs_total;
}

/**
 * svff_card_unfinished() - did a command that changes the card not come to its end?
 * @card: the card
 *
 * Return: true if so, and svff_recover() is called for; false too while it is under way.
 */
bool svff_card_unfinished(const struct svff_card *card)
{
	return journal_exists(card->ctx, card->address) && !state_is_locked(card->ctx, card->address);
}

/**
 * svff_card_queues_total() - hardware queues of the card
 * @card: the card
 *
 * Return: the count, 0 while svff_pf does not have the card.
 */
unsigned int svff_card_queues_total(const struct svff_card *card)
{
	return card->queues_total;
}

/**
 * svff_card_queues_free() - hardware queues that no function owns
 * @card: the card
 *
 * Return: the count, 0 while svff_pf does not have the card.
 */
unsigned int svff_card_queues_free(const struct svff_card *card)
{
	return card->queues_free;
}

/**
 * svff_card_vf_queues_default() - queues that a VF gets when nothing else is said
 * @card: the card
 *
 * Return: the count, 0 while svff_pf does not have the card.
 */
unsigned int svff_card_vf_queues_default(const struct svff_card *card)
{
	return card->vf_queues_default;
}
