// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * PCI host devices in libvirt's XML. Pure: works on text.
 *
 * libvirt writes its XML itself, always in the same form, so that a look for a few words of it will do.
 */
#include "priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Number of an attribute of the element that begins at @element; -1 if it has none. */
static long attribute(const char *element, const char *name)
{
	const char *end = strchr(element, '>'), *at;
	char pattern[SVFF_WORD_LEN];

	snprintf(pattern, sizeof(pattern), " %s='", name);
	at = strstr(element, pattern);
	if (!at || !end || at > end)
		return -1;
	return strtol(at + strlen(pattern), NULL, 0);
}

static bool is_address(const char *element, const char *bdf)
{
	char found[SVFF_BDF_LEN];

	snprintf(found, sizeof(found), "%04lx:%02lx:%02lx.%lx", attribute(element, "domain"), attribute(element, "bus"),
		 attribute(element, "slot"), attribute(element, "function"));
	return !strcmp(found, bdf);
}

/**
 * domain_xml_has() - has a domain this function of the host?
 * @xml: the domain
 * @bdf: address of the function
 *
 * Return: true if so, as a host device or as a network interface that is one.
 */
bool domain_xml_has(const char *xml, const char *bdf)
{
	const char *source = xml, *tag_end, *end, *address;

	while ((source = strstr(source, "<source"))) {
		tag_end = strchr(source, '>');
		end = strstr(source, "</source>");
		if (!tag_end || !end)
			return false;
		source = tag_end;
		if (tag_end[-1] == '/')	/* of a disk, and the next address is where the guest sees that */
			continue;
		address = strstr(tag_end, "<address ");
		if (address && address < end && is_address(address, bdf))
			return true;
	}
	return false;
}

/**
 * domain_xml_hostdev() - the XML of a host device
 * @xml: result
 * @size: of @xml
 * @bdf: address of the function, in normal form
 * @alias: its name in the domain, NULL to leave that to libvirt
 *
 * Return: 0, or -EINVAL if @bdf is none.
 */
int domain_xml_hostdev(char *xml, size_t size, const char *bdf, const char *alias)
{
	unsigned int domain, bus, slot, function;

	if (sscanf(bdf, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4)
		return -EINVAL;
	snprintf(xml, size, "<hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0x%04x' "
		 "bus='0x%02x' slot='0x%02x' function='0x%x'/></source>%s%s%s</hostdev>", domain, bus, slot, function,
		 alias ? "<alias name='" : "", alias ? alias : "", alias ? "'/>" : "");
	return 0;
}
