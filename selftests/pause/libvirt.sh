#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest that is a domain of libvirt as it comes: QEMU unprivileged, in a /dev of its own. svff plugs, pauses,
# changes the number of VFs and unplugs; the domain's XML is right after each.
# shellcheck disable=SC2317,SC2329	# functions are called through add

[ -x /usr/sbin/libvirtd ] || { echo "1..0 # SKIP no libvirtd"; exit 4; }
WITH=L
. "$(dirname "$0")/guests.sh"

KVER=$(uname -r)
BOOT_LIMIT=300
export LIBVIRT_DEFAULT_URI=qemu:///system

ended() { ! pidof "$1" >/dev/null; }
libvirtd_answers() { virsh -q list >/dev/null 2>&1; }

start_libvirtd()
{
	libvirtd -d -f "$TMP/libvirtd.conf" || fail "libvirtd does not start"
	until_true libvirtd_answers || fail "libvirtd does not answer: $(tail -n 3 /var/log/libvirt/libvirtd.log)"
}

stop_daemon()
{
	! ended "$1" || return 0
	kill "$(pidof "$1")"
	until_true ended "$1" || fail "$1 does not end"
}

start_libvirtd_anew()
{
	stop_daemon libvirtd
	start_libvirtd
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
	cat >"$TMP/libvirtd.conf" <<-END
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
	rm -f /var/lib/libvirt/L.cmd.*
	mkfifo -m 666 /var/lib/libvirt/L.cmd.in /var/lib/libvirt/L.cmd.out
	ln -sf /var/lib/libvirt/L.cmd.in /var/lib/libvirt/L.cmd.out "$RUN/"
	domain_xml >"$TMP/L.xml"
	must virsh -q define "$TMP/L.xml"
	must virsh -q start L
	cp /run/libvirt/qemu/L.pid "$RUN/L.pid"
	guest_run L -t "$BOOT_LIMIT" true || { tail -n 20 /var/lib/libvirt/L.console; fail "the domain does not boot"; }
	[ "$(stat -c %U "/proc/$(cat "$RUN/L.pid")")" = libvirt-qemu ] || fail "QEMU is not unprivileged"
}

# hostdevs [--inactive]: host addresses, as PCI has them, in the domain's XML
hostdevs()
{
	virsh -q dumpxml "$@" L | awk -F "'" '/<hostdev/ { inside = 1 } /<\/hostdev>/ { inside = 0 }
		inside && /<address domain=/ { gsub("0x", ""); print $2 ":" $4 ":" $6 "." $8 }'
}

# xml_has [VF]: this VF alone, or none, live and in the definition
xml_has()
{
	local want='' live config

	[ $# -eq 0 ] || want=$(cat "$TMP/address.$1")
	live=$(hostdevs)
	config=$(hostdevs --inactive)
	[ "$live" = "$want" ] || fail "the domain has '$live', not '$want'"
	[ "$config" = "$want" ] || fail "its definition has '$config', not '$want'"
}

attach_to_domain()
{
	must svff init --vfs 2
	vf_link 1 >"$TMP/address.1"	# which it keeps
	must svff attach 1 libvirt:L
	xml_has 1
	drive L
}

domain_goes_on()
{
	xml_has 1
	go_on L
}

pauses()
{
	tool pause 1
	xml_has 1
	tool status
	told '.cards[0].vf[0].guest_state == "paused" and .cards[0].vf[0].guest == "libvirt:L"'
	tool unpause 1
	domain_goes_on
}

changes()
{
	tool reconf --vfs "$1"
	told '.way == "pause"'
	expect "$1" "$D/sriov_numvfs"
	domain_goes_on
}

# The note is lost, and libvirtd started anew while the VF is paused.
finds_it_again()
{
	rm "/run/svff/$PF.json"
	tool pause 1
	told '.vf[0].guest == "libvirt:L"'
	xml_has 1
	start_libvirtd_anew
	xml_has 1
	tool unpause 1
	domain_goes_on
}

# svff connects anew, if it can, and sees what QEMU has done; else that is recovered.
libvirtd_ends()
{
	start_libvirtd_anew
	ends
}

# shellcheck disable=SC2016	# expanded each time
libvirtd_ends_in_reconf() { sweep 8 libvirtd_ends 'other 6' 'either 6; xml_has 1' 'reconf --vfs $OTHER'; }

detach_from_domain()
{
	stop_moving L
	must svff detach 1
	xml_has
}

cleanup()
{
	virsh -q destroy L 2>/dev/null
	virsh -q undefine L
	stop_daemon libvirtd
	stop_daemon virtlogd
	calm
	no_vfs
	rm -rf "$TMP"
}

add "a domain of libvirt, QEMU unprivileged" start_domain
add "svff attach, live and in the definition" attach_to_domain
add "pause and unpause" pauses
add "reconf: more VFs" changes 4
add "found by its address, and after libvirtd has ended" finds_it_again
add "libvirtd ends and comes in the midst of a reconf" libvirtd_ends_in_reconf
add "svff detach, live and in the definition" detach_from_domain
finish
