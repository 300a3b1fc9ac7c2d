// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * PCI addresses and capabilities. Pure: works on text and on a copy of the config space.
 */
#include "priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PCI_VENDOR_XILINX		0x10ee
#define PCI_DEVICE_ODD			0x6aa0	/* which svff_pf knows too, though its digits say nothing */

#define PCI_STATUS			0x06
#define   PCI_STATUS_CAP_LIST		0x10
#define PCI_CAPABILITY_LIST		0x34
#define PCI_CAP_ID_EXP			0x10
#define   PCI_EXP_FLAGS			0x02
#define     PCI_EXP_TYPE_SHIFT		4
#define     PCI_EXP_TYPE_MASK		0xf
#define     PCI_EXP_TYPE_ROOT		0x4
#define     PCI_EXP_TYPE_UPSTREAM	0x5
#define     PCI_EXP_TYPE_DOWNSTREAM	0x6
#define   PCI_EXP_DEVCTL2		0x28
#define     PCI_EXP_DEVCTL2_ARI		0x20

#define PCI_EXT_CAP_FIRST		0x100
#define PCI_EXT_CAP_ID_ACS		0x000d
#define   PCI_ACS_CTRL			0x06
#define     PCI_ACS_SV			0x01	/* source validation */
#define     PCI_ACS_RR			0x04	/* request redirect */
#define     PCI_ACS_CR			0x08	/* completion redirect */
#define     PCI_ACS_UF			0x10	/* upstream forwarding */
#define     PCI_ACS_ISOLATES		(PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)
#define PCI_EXT_CAP_ID_ARI		0x000e
#define PCI_EXT_CAP_ID_SRIOV		0x0010

static unsigned int get16(const uint8_t *config, size_t at)
{
	return config[at] | config[at + 1] << 8;
}

static unsigned int get32(const uint8_t *config, size_t at)
{
	return get16(config, at) | get16(config, at + 2) << 16;
}

/**
 * pci_bdf_parse() - bring a PCI address into its normal form
 * @text: "0000:01:00.0", or "01:00.0" in domain 0
 * @bdf: as sysfs writes it
 *
 * Return: 0, or -EINVAL.
 */
int pci_bdf_parse(const char *text, char bdf[SVFF_BDF_LEN])
{
	unsigned int domain = 0, bus, device, function;
	int end = -1;

	if (!isxdigit((unsigned char)text[0]))
		return -EINVAL;
	if (sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 || end < 0) {
		domain = 0;
		end = -1;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &device, &function, &end) != 3 || end < 0)
			return -EINVAL;
	}
	if (text[end] || device > 0x1f || function > 7)
		return -EINVAL;
	snprintf(bdf, SVFF_BDF_LEN, "%04x:%02x:%02x.%x", domain, bus, device, function);
	return 0;
}

/**
 * pci_is_qdma_pf() - may this be the physical function of a card with QDMA?
 * @vendor: PCI vendor id
 * @device: PCI device id; the digits are kind (9 UltraScale+, B Versal), PF, PCIe generation, width
 *
 * Return: true if the ids say so; the identification register alone decides.
 */
bool pci_is_qdma_pf(unsigned int vendor, unsigned int device)
{
	unsigned int kind = device >> 12, pf = device >> 8 & 0xf;
	unsigned int gen = device >> 4 & 0xf, width = device & 0xf;

	if (vendor != PCI_VENDOR_XILINX)
		return false;
	if (device == PCI_DEVICE_ODD)
		return true;
	if (kind != 0x9 && kind != 0xb)
		return false;
	return pf <= 3 && gen >= 1 && gen <= 5 && strchr("\x1\x2\x4\x8\xf", width) && width;
}

/**
 * pci_find_cap() - find a capability
 * @config: config space
 * @size: how much of it is there
 * @id: capability id
 *
 * Return: offset, 0 if it is not there.
 */
unsigned int pci_find_cap(const uint8_t *config, size_t size, uint8_t id)
{
	unsigned int at, left = 48;	/* more do not fit; guards against a loop */

	if (size < PCI_CONFIG_PUBLIC || !(config[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return 0;
	for (at = config[PCI_CAPABILITY_LIST] & ~3u; at >= 0x40 && at + 4 <= size && left--;
	     at = config[at + 1] & ~3u)
		if (config[at] == id)
			return at;
	return 0;
}

/**
 * pci_find_ext_cap() - find an extended capability
 * @config: config space
 * @size: how much of it is there
 * @id: capability id
 *
 * Return: offset, 0 if it is not there.
 */
unsigned int pci_find_ext_cap(const uint8_t *config, size_t size, uint16_t id)
{
	unsigned int at = PCI_EXT_CAP_FIRST, left = (PCI_CONFIG_SIZE - PCI_EXT_CAP_FIRST) / 8;
	uint32_t header;

	while (at >= PCI_EXT_CAP_FIRST && at + 8 <= size && left--) {
		header = get32(config, at);
		if (!header || header == UINT32_MAX)
			return 0;
		if ((header & 0xffff) == id)
			return at;
		at = header >> 20 & ~3u;
	}
	return 0;
}

/**
 * pci_has_sriov() - has the function the SR-IOV capability?
 * @config: config space
 * @size: how much of it is there
 *
 * Return: true if so.
 */
bool pci_has_sriov(const uint8_t *config, size_t size)
{
	return pci_find_ext_cap(config, size, PCI_EXT_CAP_ID_SRIOV);
}

/**
 * pci_has_ari() - has the function the ARI capability?
 * @config: config space
 * @size: how much of it is there
 *
 * Return: true if so.
 */
bool pci_has_ari(const uint8_t *config, size_t size)
{
	return pci_find_ext_cap(config, size, PCI_EXT_CAP_ID_ARI);
}

/**
 * pci_ari_forwarding() - does the port forward to functions above 7?
 * @config: config space of the port
 * @size: how much of it is there
 *
 * Return: true if so.
 */
bool pci_ari_forwarding(const uint8_t *config, size_t size)
{
	unsigned int at = pci_find_cap(config, size, PCI_CAP_ID_EXP);

	return at && at + PCI_EXP_DEVCTL2 + 2 <= size &&
	       get16(config, at + PCI_EXP_DEVCTL2) & PCI_EXP_DEVCTL2_ARI;
}

/**
 * pci_acs_isolates() - does the port keep the functions below it apart?
 * @config: config space of the port
 * @size: how much of it is there
 *
 * Return: true if ACS is there and what isolation needs is switched on.
 */
bool pci_acs_isolates(const uint8_t *config, size_t size)
{
	unsigned int at = pci_find_ext_cap(config, size, PCI_EXT_CAP_ID_ACS);

	return at && (get16(config, at + PCI_ACS_CTRL) & PCI_ACS_ISOLATES) == PCI_ACS_ISOLATES;
}

/**
 * pci_port_kind() - what kind of PCIe port is this?
 * @config: config space
 * @size: how much of it is there
 *
 * Return: the kind, PCI_PORT_NONE if it is no port.
 */
enum pci_port_kind pci_port_kind(const uint8_t *config, size_t size)
{
	unsigned int at = pci_find_cap(config, size, PCI_CAP_ID_EXP);

	if (!at)
		return PCI_PORT_NONE;
	switch (get16(config, at + PCI_EXP_FLAGS) >> PCI_EXP_TYPE_SHIFT & PCI_EXP_TYPE_MASK) {
	case PCI_EXP_TYPE_ROOT:
		return PCI_PORT_ROOT;
	case PCI_EXP_TYPE_UPSTREAM:
		return PCI_PORT_UPSTREAM;
	case PCI_EXP_TYPE_DOWNSTREAM:
		return PCI_PORT_DOWNSTREAM;
	default:
		return PCI_PORT_NONE;
	}
}
