#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest that is a domain of libvirt as it comes: QEMU unprivileged, in a /dev of its own. svff plugs, pauses,
# changes the number of VFs and unplugs; the domain's XML is right after each.
# shellcheck disable=SC2317,SC2329	# functions are called through add

[ -x /usr/sbin/libvirtd ] || { echo "1..0 # SKIP no libvirtd"; exit 4; }
. "$(dirname "$0")/../sriov/vf.sh"
modinfo svff_vfio >/dev/null 2>&1 || { echo "1..0 # SKIP no svff_vfio"; exit "$KTAP_SKIP"; }

RUN=/run/svff-lab
KVER=$(uname -r)
BOOT_LIMIT=300
export LIBVIRT_DEFAULT_URI=qemu:///system

libvirtd_ended() { ! pidof libvirtd >/dev/null; }
libvirtd_answers() { virsh -q list >/dev/null 2>&1; }

start_libvirtd()
{
	libvirtd -d || fail "libvirtd does not start"
	until_true libvirtd_answers || fail "libvirtd does not answer: $(tail -n 3 /var/log/libvirt/libvirtd.log)"
}

# Without systemd. Debian's QEMUs are hidden: libvirtd would ask each what it can.
prepare_libvirt()
{
	local q

	modprobe kvm_amd
	chmod 666 /dev/kvm
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	echo "+cpu +memory +pids +io +cpuset" >/sys/fs/cgroup/cgroup.subtree_control
	for q in /usr/bin/qemu-system-*; do
		[ ! -e "$q" ] || mount --bind /dev/null "$q"
	done
	cat >>/etc/libvirt/libvirtd.conf <<-END
		auth_unix_rw = "none"
		auth_unix_ro = "none"
		log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
	END
	mkdir -p /var/log/libvirt
	virtlogd -d || fail "virtlogd does not start"
	start_libvirtd
}

# QEMU of the lab, for a user who may read neither the cache nor 9p's files
emulator()
{
	mkdir -p /opt/lab
	cp -r "$LAB_QEMU/bin/qemu-system-x86_64" /opt/lab/
	cp "/svff/build/guest/$KVER.kernel" /opt/lab/kernel
	cp "/svff/build/guest/$KVER" /opt/lab/initrd
	cat >/opt/lab/emulator <<-END
		#!/bin/sh
		exec /opt/lab/qemu-system-x86_64 -L /usr/share/seabios -L /usr/share/qemu "\$@"
	END
	chmod -R a+rX /opt/lab
	chmod a+x /opt/lab/emulator
}

domain_xml()
{
	cat <<-END
		<domain type='kvm'>
		  <name>L</name><memory unit='MiB'>512</memory><vcpu>1</vcpu>
		  <os><type arch='x86_64' machine='q35'>hvm</type><kernel>/opt/lab/kernel</kernel><initrd>/opt/lab/initrd</initrd>
		    <cmdline>console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable watchdog_thresh=60</cmdline></os>
		  <features><acpi/><apic/></features><cpu mode='host-passthrough' migratable='off'/>
		  <on_reboot>destroy</on_reboot>
		  <devices><emulator>/opt/lab/emulator</emulator>
		    <controller type='usb' model='none'/><memballoon model='none'/>
		    <controller type='pci' index='0' model='pcie-root'/>
		    <controller type='pci' index='1' model='pcie-root-port'/><controller type='pci' index='2' model='pcie-root-port'/>
		    <controller type='pci' index='3' model='pcie-root-port'/><controller type='pci' index='4' model='pcie-root-port'/>
		    <controller type='virtio-serial' index='0'/>
		    <channel type='pipe'><source path='/var/lib/libvirt/L.cmd'/><target type='virtio' name='svff.cmd'/></channel>
		    <serial type='file'><source path='/var/lib/libvirt/L.console'/><target port='0'/></serial>
		  </devices>
		</domain>
	END
}

# guest.sh finds the domain as it finds its own guests.
start_domain()
{
	prepare_libvirt
	emulator
	mkfifo -m 666 /var/lib/libvirt/L.cmd.in /var/lib/libvirt/L.cmd.out
	ln -sf /var/lib/libvirt/L.cmd.in /var/lib/libvirt/L.cmd.out "$RUN/"
	domain_xml >"$TMP/L.xml"
	must virsh -q define "$TMP/L.xml"
	must virsh -q start L
	cp /run/libvirt/qemu/L.pid "$RUN/L.pid"
	guest_run L -t "$BOOT_LIMIT" true || { tail -n 20 /var/lib/libvirt/L.console; fail "the domain does not boot"; }
	[ "$(stat -c %U "/proc/$(cat "$RUN/L.pid")")" = libvirt-qemu ] || fail "QEMU is not unprivileged"
}

# xml_has COUNT: so many hostdevs, live and in the definition
xml_has()
{
	local live config

	live=$(virsh -q dumpxml L | grep -c '<hostdev')
	config=$(virsh -q dumpxml --inactive L | grep -c '<hostdev')
	[ "$live $config" = "$1 $1" ] || fail "hostdevs: $live live, $config in the definition, not $1"
}

attach_to_domain()
{
	must svff init --vfs 2
	must svff attach 1 libvirt:L
	xml_has 1
	# shellcheck disable=SC2016	# expanded in the guest
	guest_run L -t 90 'modprobe svff_vf && for i in $(seq 600); do [ -e /dev/svff-mm0 ] && exit; sleep 0.1; done; exit 1' ||
		fail "no data device"
	mover_start L 0
	guest_run L 'dmesg -C'
}

goes_on()
{
	xml_has 1
	mover_goes_on L
	guest_untouched L
}

pauses()
{
	tool pause 1
	tool status
	told '.cards[0].vf[0].guest_state == "paused" and .cards[0].vf[0].guest == "libvirt:L"'
	tool unpause 1
	goes_on
}

changes()
{
	tool reconf --vfs "$1"
	told '.way == "pause"'
	expect "$1" "$D/sriov_numvfs"
	goes_on
}

# The note is lost, and libvirtd started anew while the VF is paused.
finds_it_again()
{
	rm "/run/svff/$PF.json"
	tool pause 1
	told '.vf[0].guest == "libvirt:L"'
	kill "$(pidof libvirtd)"
	until_true libvirtd_ended || fail "libvirtd does not end"
	start_libvirtd
	tool unpause 1
	goes_on
}

detach_from_domain()
{
	mover_stop L
	# shellcheck disable=SC2153	# set by mover_stop
	[ "$FAILED" -eq 0 ] || fail "$FAILED transfers failed"
	must svff detach 1
	xml_has 0
	guest_log_clean L
}

cleanup()
{
	virsh -q destroy L 2>/dev/null
	no_vfs
	rm -rf "$TMP"
}

trap cleanup EXIT
add "a domain of libvirt, QEMU unprivileged" start_domain
add "svff attach, live and in the definition" attach_to_domain
add "pause and unpause" pauses
add "reconf: more VFs" changes 4
add "found by its address, and after libvirtd has ended" finds_it_again
add "svff detach, live and in the definition" detach_from_domain
finish
