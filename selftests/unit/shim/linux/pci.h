/* SPDX-License-Identifier: GPL-2.0-only */
struct pci_dev;
