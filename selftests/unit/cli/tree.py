#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes a recorded machine: sys, proc, dev and run below one folder, as the tool reads them.

Root port 0000:00:01.0 has card 0000:01:00.0 below it, port 0000:00:02.0 has 0000:02:00.0 (with --cards 2).
Device 0000:00:1f.0 is there to be no card.
"""
import argparse
import os
import struct

parser = argparse.ArgumentParser()
parser.add_argument("root")
parser.add_argument("--cards", type=int, default=1)
parser.add_argument("--total", type=int, default=8, help="TotalVFs")
parser.add_argument("--driver", default="svff_pf", help="driver of the cards, empty: none")
parser.add_argument("--no-sriov", action="store_true")
parser.add_argument("--no-bars", action="store_true")
parser.add_argument("--no-acs", action="store_true")
parser.add_argument("--no-ari", action="store_true")
parser.add_argument("--short-config", action="store_true", help="config space as others than root see it")
parser.add_argument("--no-iommu", action="store_true")
parser.add_argument("--no-remapping", action="store_true")
parser.add_argument("--unsafe", action="store_true", help="VFIO accepts that there is no remapping")
parser.add_argument("--no-modules", action="store_true")
parser.add_argument("--variant", action="store_true", help="svff_vfio is there")
parser.add_argument("--no-kvm", action="store_true")
parser.add_argument("--kernel", default="6.12.0-test")
parser.add_argument("--cpu", default="GenuineIntel")
parser.add_argument("--free", type=int, default=2040, help="free queues")
args = parser.parse_args()


def put(path, data):
    path = os.path.join(args.root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else (data + "\n").encode())


def link(target, path):
    path = os.path.join(args.root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(os.path.join(os.path.abspath(args.root), target), path)


def make_dir(path):
    os.makedirs(os.path.join(args.root, path), exist_ok=True)


def config(express_type, ari_on=False, ext=()):
    """Config space: PCI Express capability at 0x40, then the extended ones with their bytes."""
    space = bytearray(4096)
    space[6] = 0x10
    space[0x34] = 0x40
    space[0x40] = 0x10
    struct.pack_into("<H", space, 0x42, express_type << 4 | 2)
    struct.pack_into("<H", space, 0x40 + 0x28, 0x20 if ari_on else 0)
    at = 0x100
    for i, (cap, data) in enumerate(ext):
        after = at + 0x40 if i + 1 < len(ext) else 0
        struct.pack_into("<I", space, at, cap | 1 << 16 | after << 20)
        space[at + 4:at + 4 + len(data)] = data
        at += 0x40
    return bytes(space[:64] if args.short_config else space)


ACS_ON = struct.pack("<HH", 0x1f, 0x1d)
ACS_OFF = struct.pack("<HH", 0x1f, 0x00)


def make_port(bdf):
    where = f"sys/devices/pci0000:00/{bdf}"
    put(f"{where}/vendor", "0x8086")
    put(f"{where}/device", "0x1234")
    put(f"{where}/config", config(4, not args.no_ari, [(0x000d, ACS_OFF if args.no_acs else ACS_ON)]))
    link(where, f"sys/bus/pci/devices/{bdf}")
    return where


def make_card(bdf, port, group):
    where = f"{make_port(port)}/{bdf}"
    put(f"{where}/vendor", "0x10ee")
    put(f"{where}/device", "0x903f")
    put(f"{where}/config", config(0, ext=[(0x000e, b""), (0x0010, b"")]))
    put(f"{where}/driver_override", "(null)")
    link(where, f"sys/bus/pci/devices/{bdf}")
    if not args.no_sriov:
        put(f"{where}/sriov_totalvfs", str(args.total))
        put(f"{where}/sriov_numvfs", "0")
        put(f"{where}/sriov_drivers_autoprobe", "1")
    lines = ["0x00000000f0000000 0x00000000f000ffff 0x0000000000140204"] + ["0x0 0x0 0x0"] * 6
    lines += ["0x0 0x0 0x0" if args.no_bars else "0x00000000e0000000 0x00000000e00fffff 0x0000000000140204"] * 6
    put(f"{where}/resource", "\n".join(lines))
    if not args.no_iommu:
        make_dir(f"sys/kernel/iommu_groups/{group}/devices")
        link(f"sys/kernel/iommu_groups/{group}", f"{where}/iommu_group")
    if args.driver:
        make_dir(f"sys/bus/pci/drivers/{args.driver}")
        link(f"sys/bus/pci/drivers/{args.driver}", f"{where}/driver")
    if args.driver == "svff_pf":
        make_svff(f"{where}/svff")


def make_svff(where):
    put(f"{where}/ip_type", "EQDMA")
    put(f"{where}/ip_version", "5.0")
    put(f"{where}/queues_total", "2048")
    put(f"{where}/queues_free", str(args.free))
    put(f"{where}/vf_queues_default", "8")
    for error in ("dsc_dma", "dsc_timeout", "trq_qid_range"):
        put(f"{where}/errors/{error}", "0")
    for vf in range(1, args.total + 1):
        put(f"{where}/vf{vf}/stats/errors", "0")
        put(f"{where}/vf{vf}/queues", "8")
        put(f"{where}/vf{vf}/queue_base", "-1")
        put(f"{where}/vf{vf}/queues_active", "0")
        put(f"{where}/vf{vf}/state", "absent")
        put(f"{where}/vf{vf}/muted", "0")
        put(f"{where}/vf{vf}/pause", "")


def make_host():
    for driver in ("vfio-pci", "svff_vf") + (("svff_vfio",) if args.variant else ()):
        make_dir(f"sys/bus/pci/drivers/{driver}")
    make_dir("sys/kernel/iommu_groups")
    make_dir("modules")
    if not args.no_modules:
        for module in ("svff_pf", "vfio", "vfio_pci", "vfio_iommu_type1"):
            make_dir(f"sys/module/{module}")
    put("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts" if args.unsafe else "sys/.keep", "Y")
    put("proc/sys/kernel/osrelease", args.kernel)
    put("proc/cpuinfo", f"vendor_id\t: {args.cpu}")
    chip = "PCI-MSI" if args.no_remapping else "IR-PCI-MSI"
    put("proc/interrupts", f"           CPU0\n 24:          0  {chip}-0000:00:01.0   0-edge      port")
    make_dir("dev/vfio")
    if not args.no_kvm:
        put("dev/kvm", b"")
    put("sys/devices/pci0000:00/0000:00:1f.0/vendor", "0x8086")
    put("sys/devices/pci0000:00/0000:00:1f.0/device", "0x2918")
    link("sys/devices/pci0000:00/0000:00:1f.0", "sys/bus/pci/devices/0000:00:1f.0")


make_host()
for card in range(args.cards):
    make_card(f"0000:{card + 1:02x}:00.0", f"0000:00:{card + 1:02x}.0", 10 + card)
