// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Is this card ready for VFs, and the way from it to the root?
 */
#include "priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IOV_RESOURCE_FIRST	7	/* lines of "resource": six BARs, ROM, then those of the VFs */
#define IOV_RESOURCES		6
#define VFS_WITHOUT_ARI		7	/* functions 1 to 7 of the card's own device number */
#define PF_DIR			"bus/pci/devices/%s/"

static void check_bound(struct svff_report *report, struct svff_card *card)
{
	if (card_need_bound(card))
		svff_found(report, "driver", SVFF_BAD, "%s" REMEDY "modprobe svff_pf", svff_error(card->ctx));
	else
		svff_found(report, "driver", SVFF_OK, "card %s is bound to svff_pf (%s %s)", card->address, card->ip_type,
		      card->ip_version);
}

static bool check_sriov(struct svff_report *report, struct svff_card *card)
{
	if (card->sriov && card->vfs_total)
		svff_found(report, "sriov", SVFF_OK, "card %s can have %d VFs", card->address, card->vfs_total);
	else if (card->sriov)
		svff_found(report, "sriov", SVFF_BAD, "card %s can have no VFs: TotalVFs is 0" REMEDY "use an FPGA image with "
		      "VFs", card->address);
	else
		svff_found(report, "sriov", SVFF_BAD, "card %s has no SR-IOV" REMEDY "use an FPGA image with SR-IOV, and switch "
		      "SR-IOV on in the firmware's set-up", card->address);
	return card->sriov && card->vfs_total;
}

static bool iov_has_space(const char *text)
{
	unsigned long long start;
	unsigned int line;

	for (line = 0; text && line < IOV_RESOURCE_FIRST + IOV_RESOURCES; line++) {
		if (line >= IOV_RESOURCE_FIRST && sscanf(text, "%llx", &start) == 1 && start)
			return true;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return false;
}

static void check_bars(struct svff_report *report, struct svff_card *card)
{
	char name[SVFF_DRIVER_LEN], *text;

	snprintf(name, sizeof(name), PF_DIR "resource", card->address);
	text = doctor_read(card->ctx, SVFF_DIR_SYS, name);
	if (!text)
		svff_found(report, "bars", SVFF_UNKNOWN, "card %s: its address ranges cannot be read", card->address);
	else if (iov_has_space(text))
		svff_found(report, "bars", SVFF_OK, "card %s has address space for the BARs of its VFs", card->address);
	else
		svff_found(report, "bars", SVFF_BAD, "card %s has no address space for the BARs of its VFs" REMEDY "switch "
		      "'Above 4G decoding' and SR-IOV on in the firmware's set-up, or boot with pci=realloc",
		      card->address);
	free(text);
}

static void check_ari(struct svff_report *report, struct svff_card *card)
{
	uint8_t config[PCI_CONFIG_SIZE];
	char port[SVFF_BDF_LEN];
	int size;

	if (sysfs_port_above(card->ctx, card->address, port)) {
		svff_found(report, "ari", SVFF_OK, "card %s is on a root bus, without a port", card->address);
		return;
	}
	size = sysfs_config(card->ctx, port, config);
	if (size <= PCI_CONFIG_PUBLIC)
		svff_found(report, "ari", SVFF_UNKNOWN, "port %s: its configuration cannot be read" REMEDY "be root", port);
	else if (pci_ari_forwarding(config, size))
		svff_found(report, "ari", SVFF_OK, "port %s above card %s has ARI on", port, card->address);
	else if (card->vfs_total <= VFS_WITHOUT_ARI)
		svff_found(report, "ari", SVFF_WARN, "port %s has ARI off; %d VFs may do without", port, card->vfs_total);
	else
		svff_found(report, "ari", SVFF_BAD, "port %s above card %s has ARI off: %d VFs do not fit one bus" REMEDY "switch "
		      "ARI on in the firmware's set-up, or use another slot", port, card->address, card->vfs_total);
}

/* Port on the way to the root that does not isolate, or the one that could not be looked at. */
static enum svff_verdict path_isolates(struct svff_ctx *ctx, const char *card, char port[SVFF_BDF_LEN])
{
	uint8_t config[PCI_CONFIG_SIZE];
	char below[SVFF_BDF_LEN];
	enum pci_port_kind kind;
	int size;

	svff_copy(below, sizeof(below), card);
	while (!sysfs_port_above(ctx, below, port)) {
		size = sysfs_config(ctx, port, config);
		if (size <= PCI_CONFIG_PUBLIC)
			return SVFF_UNKNOWN;
		kind = pci_port_kind(config, size);
		if ((kind == PCI_PORT_ROOT || kind == PCI_PORT_DOWNSTREAM) && !pci_acs_isolates(config, size))
			return SVFF_BAD;
		svff_copy(below, sizeof(below), port);
	}
	return SVFF_OK;
}

static void check_acs(struct svff_report *report, struct svff_card *card)
{
	char port[SVFF_BDF_LEN];

	switch (path_isolates(card->ctx, card->address, port)) {
	case SVFF_OK:
		svff_found(report, "acs", SVFF_OK, "ports above card %s isolate (ACS)", card->address);
		return;
	case SVFF_BAD:
		svff_found(report, "acs", SVFF_BAD, "port %s above card %s does not isolate (ACS): its VFs will share IOMMU groups"
		      REMEDY "switch ACS on in the firmware's set-up, or use another slot", port, card->address);
		return;
	default:
		svff_found(report, "acs", SVFF_UNKNOWN, "port %s: its configuration cannot be read" REMEDY "be root", port);
	}
}

static void check_groups(struct svff_report *report, struct svff_card *card)
{
	char bdf[SVFF_BDF_LEN], where[SVFF_DRIVER_LEN];
	int vf, group;

	for (vf = 1; vf <= card->vfs; vf++) {
		if (vf_address(card, vf, bdf))
			continue;
		group = sysfs_iommu_group(card->ctx, bdf);
		snprintf(where, sizeof(where), "kernel/iommu_groups/%d/devices", group);
		if (group >= 0 && doctor_count(card->ctx, where) == 1)
			continue;
		svff_found(report, "groups", SVFF_BAD, "VF %d (%s) %s" REMEDY "%s", vf, bdf, group < 0 ? "has no IOMMU group" :
		      "shares its IOMMU group with other devices", group < 0 ? doctor_iommu_remedy(card->ctx) :
		      "use a slot whose ports have ACS");
		return;
	}
	if (card->vfs)
		svff_found(report, "groups", SVFF_OK, "each of the %d VFs of card %s has its own IOMMU group", card->vfs,
		      card->address);
}

/**
 * doctor_check_card() - look whether a card is ready for VFs
 * @report: where findings go
 * @card: the card
 */
void doctor_check_card(struct svff_report *report, struct svff_card *card)
{
	check_bound(report, card);
	if (!check_sriov(report, card))
		return;
	check_bars(report, card);
	check_ari(report, card);
	check_acs(report, card);
	check_groups(report, card);
}
