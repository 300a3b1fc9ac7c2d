// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that wants its slot reset after any error, even one that left the
 * device at work: then every other function on the card is called too. It binds
 * to what driver_override says.
 */
#include <linux/module.h>
#include <linux/pci.h>

static unsigned int resets;
module_param(resets, uint, 0444);
MODULE_PARM_DESC(resets, "how often it was told of one");

static int slot_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	return 0;
}

static pci_ers_result_t slot_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	return PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t slot_slot_reset(struct pci_dev *pdev)
{
	resets++;
	return PCI_ERS_RESULT_RECOVERED;
}

static const struct pci_error_handlers slot_err_handlers = {
	.error_detected	= slot_error_detected,
	.slot_reset	= slot_slot_reset,
};

/* No ids: nothing is bound but by driver_override. */
static const struct pci_device_id slot_ids[] = { { } };

static struct pci_driver slot_driver = {
	.name		= "svff_slot_test",
	.id_table	= slot_ids,
	.probe		= slot_probe,
	.err_handler	= &slot_err_handlers,
};
module_pci_driver(slot_driver);

MODULE_DESCRIPTION("SVFF test: a driver that wants its slot reset");
MODULE_LICENSE("GPL");
