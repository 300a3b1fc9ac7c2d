# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of loaded modules share: VFs and their clients. Sourced; see ../lib.sh for cases.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:$HERE:$HERE/../uapi
. "$HERE/../lib.sh"

EVENT_BYTES=24

declare -A hold_pid hold_fd

#--- the card and its VFs

vf_link() { basename "$(readlink "$D/virtfn$(($1 - 1))")"; }

# vf_bind NUMBER DRIVER. drivers_probe passes over a VF that another driver, just loaded by udev, is about to refuse.
vf_bind()
{
	local bdf

	bdf=$(vf_link "$1")
	[ ! -e "$D/virtfn$(($1 - 1))/driver" ] || echo "$bdf" >"$D/virtfn$(($1 - 1))/driver/unbind"
	echo "$2" >"$D/virtfn$(($1 - 1))/driver_override"
	put_ok "$bdf" "/sys/bus/pci/drivers/$2/bind"
}

# vfs COUNT [DRIVER]: so many VFs, each bound to vfio-pci, or to DRIVER; A and B are the first two
vfs()
{
	local n

	no_vfs
	put_ok "$1" "$D/sriov_numvfs"
	for n in $(seq "$1"); do
		vf_bind "$n" "${2:-vfio-pci}"
	done
	# shellcheck disable=SC2034	# for those who source this
	A=$(vf_link 1)
	# shellcheck disable=SC2034
	B=$([ "$1" -lt 2 ] || vf_link 2)
}

# One VF (or VFS of them) whose first has a driver of ours, M is its data device.
driven()
{
	no_vfs
	modprobe svff_vf "$@" || fail "modprobe svff_vf"
	put_ok "${VFS:-1}" "$D/sriov_numvfs"
	vf_bind 1 svff_vf
	until_true data_device "$(vf_link 1)" >/dev/null || fail "no data device"
	M=$(data_device "$(vf_link 1)")
	until_true test -c "$M" || fail "no $M"
}

undriven()
{
	no_vfs
	udevadm settle --timeout=10	# or it loads it again
	modprobe -r svff_vf || fail "modprobe -r svff_vf"
}

# The example design gives each queue its packets back.
loopback()
{
	python3 - "$D/resource2" <<-'END'
		import mmap, os, sys
		fd = os.open(sys.argv[1], os.O_RDWR)
		memoryview(mmap.mmap(fd, 4096)).cast("I")[0x200 // 4] = 1
	END
}

some_events() { timeout 1 cat <&"$1" >>"$TMP/events"; [ -s "$TMP/events" ]; }

# events FD: of the control device, as soon as there are some, a line of numbers each: time (2), type, VF, a, b
events()
{
	: >"$TMP/events"
	until_true some_events "$1"
	od -A n -v -t u4 -w"$EVENT_BYTES" "$TMP/events"
}

# A kernel that has VFIO for PCI has svff_vfio too.
need_svff_vfio()
{
	[ -d /sys/bus/pci/drivers/vfio-pci ] || { echo "1..0 # SKIP no vfio-pci"; exit "$KTAP_SKIP"; }
	modinfo svff_vfio >/dev/null || { echo "Bail out! there is no svff_vfio"; exit "$KTAP_FAIL"; }
}

# Whatever a case left behind
no_vfs()
{
	[ -e "$D/sriov_numvfs" ] || return 0
	[ "$(get "$D/sriov_numvfs")" != 0 ] || return 0
	[ ! -e "$S/busy_policy" ] || echo release >"$S/busy_policy"
	echo 0 >"$D/sriov_numvfs"
	[ ! -e "$S/busy_policy" ] || echo refuse >"$S/busy_policy"
}

# hold_start NAME COMMAND...: runs until it is told to end; where it is says $TMP/NAME.log
hold_start()
{
	local name=$1 fd

	mkfifo "$TMP/$name.in"
	: >"$TMP/$name.log"	# an earlier one's "ready" is not to be seen
	"${@:2}" <"$TMP/$name.in" >"$TMP/$name.log" 2>&1 3>&- &
	hold_pid["$name"]=$!
	# for reading too: a client that has ended leaves nobody waiting
	exec {fd}<>"$TMP/$name.in"
	hold_fd["$name"]=$fd
	until_true grep -q ready "$TMP/$name.log" || { cat "$TMP/$name.log"; fail "it does not get ready: ${*:2}"; }
}

# hold NAME BDF [OPTION...]: a client that keeps a VF
hold() { hold_start "$1" vf-client "${@:3}" "$2" hold; }

# hold_end NAME [SIGNAL]: without a signal it is asked to end; sets HELD, its status
hold_end()
{
	local fd=${hold_fd[$1]}

	if [ -n "${2:-}" ]; then
		kill -s "$2" "${hold_pid[$1]}"
	else
		echo end >&"$fd"
	fi
	HELD=0
	wait "${hold_pid[$1]}" || HELD=$?
	exec {fd}>&-
	rm -f "$TMP/$1.in"
}

# reads PID FILE: the process waits in a read of the file, its standard input
reads() { [ "$(readlink "/proc/$1/fd/0")" = "$2" ] && [[ $(<"/proc/$1/syscall") = "0 0x0 "* ]]; }

# master BDF: may it reach memory?
master() { [ $((0x$(setpci -s "$1" COMMAND) & 4)) -ne 0 ]; }

hold_says() { grep -q "$2" "$TMP/$1.log"; }

# shellcheck disable=SC2120	# irq_mode=, for those who source this
load()
{
	modprobe svff_pf "$@" || return
	until_true test -e "$S/queues_total"
}

# svff init loads it. rmmod, because modprobe would take away all that it needed, too.
no_vfio_driver() { [ ! -d /sys/module/svff_vfio ] || rmmod svff_vfio; }

# With VFs came their driver, which udev loads.
unload()
{
	no_vfs
	no_vfio_driver || return
	udevadm settle --timeout=10
	modprobe -r svff_pf || return
	[ ! -d /sys/module/svff_qdma ] || modprobe -r svff_vf
}

# A VF's own quota is kept for as long as the PF's driver is.
forget()
{
	unload || fail "svff_pf does not unload"
	load || fail "svff_pf does not load"
}

on_exit()
{
	no_vfs 2>/dev/null
	rm -rf "$TMP"
}

trap on_exit EXIT
find_pf
modprobe -a vfio-pci vfio_iommu_type1
log_mark start
if [ -z "${NO_LOAD:-}" ]; then
	load || { echo "Bail out! svff_pf does not load"; exit "$KTAP_FAIL"; }
	no_vfs
	no_vfio_driver
	echo 0 >"$D/sriov_drivers_autoprobe"
fi
