#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Guests of the emulated host; runs in it.
#
# guest.sh start NAME [6.1|6.12]	boots a guest (default: the host's kernel if stock) and waits until it answers
# guest.sh run NAME [-t SECONDS] COMMAND	runs a command there: its output, its exit status
# guest.sh stop NAME
# guest.sh log NAME	the guest's kernel log
#
# The guest has three free hot-plug ports, rp1 to rp3, or as many as GUEST_PORTS says, and GUEST_MEMORY MiB. With
# GUEST_STILL=1 its processor stands still, and nothing is asked of it. GUEST_OPTIONS are more of QEMU's options, and
# GUEST_APPEND more of its kernel's. Its QMP socket is /run/svff-lab/NAME.qmp; a second
# one, NAME.lab.qmp, is for tests that need QEMU while the tool holds the first. Its console is in /out.
# Status 125: the guest did not answer in time, or is not there.

set -eu
. "$(dirname "$0")/common.sh"

RUN=/run/svff-lab
NO_ANSWER=125
BOOT_LIMIT=600
# As in run-host.sh
PATIENCE="mitigations=off rcupdate.rcu_expedited=1 tsc=reliable watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120"

alive() { [ -e "$RUN/$1.pid" ] && kill -0 "$(cat "$RUN/$1.pid")" 2>/dev/null; }

launch()
{
	local name=$1 kver=$2 ports=() n

	for n in $(seq "${GUEST_PORTS:-3}"); do
		ports+=(-device "pcie-root-port,id=rp$n,chassis=$n,slot=$n")
	done
	# shellcheck disable=SC2054	# the commas are QEMU's
	# shellcheck disable=SC2086	# words
	"$LAB_QEMU/bin/qemu-system-x86_64" -name "$name" -daemonize -pidfile "$RUN/$name.pid" \
		-nodefaults -no-user-config -no-reboot -display none \
		-L /usr/share/seabios -L /usr/share/qemu \
		-machine q35,accel=kvm,sata=off,i8042=off -cpu host -smp 1 -m "${GUEST_MEMORY:-512}" \
		-kernel "/svff/build/guest/$kver.kernel" -initrd "/svff/build/guest/$kver" \
		-append "console=ttyS0 quiet panic=-1 $PATIENCE ${GUEST_APPEND:-}" \
		-serial "file:/out/guest-$name.log" -D "/out/guest-$name.qemu" \
		-qmp "unix:$RUN/$name.qmp,server=on,wait=off" \
		-qmp "unix:$RUN/$name.lab.qmp,server=on,wait=off" \
		-device virtio-serial-pci -chardev "pipe,id=cmd,path=$RUN/$name.cmd" \
		-device virtserialport,chardev=cmd,name=svff.cmd \
		${GUEST_STILL:+-S} ${GUEST_OPTIONS:-} "${ports[@]}"
}

start()
{
	local name=$1 kernel=${2:-$LAB_KERNEL} kver

	[ "$kernel" != debug ] || kernel=${SVFF_KERNELS##* }
	kver=$(kernel_of "$kernel")
	! alive "$name" || die "guest $name runs already"
	[ -e /dev/kvm ] || modprobe -a kvm_amd vfio_pci
	rm -f "$RUN/$name".*
	mkfifo "$RUN/$name.cmd.in" "$RUN/$name.cmd.out"
	launch "$name" "$kver"
	if [ -n "${GUEST_STILL:-}" ] || boots "$name"; then
		return
	fi
	where "$name" >"/out/guest-$name.still" 2>&1
	kill_guest "$name"
	die "guest $name did not boot: see /out/guest-$name.log and .still"
}

# What the processor of a guest that stands still does
where()
{
	local what

	for what in registers lapic registers; do
		lab-qmp -s "$RUN/$1.lab.qmp" "$(jq -nc --arg c "info $what" \
			'{execute: "human-monitor-command", arguments: {"command-line": $c}}')" | jq -r . || return 0
	done
}

kill_guest()
{
	local pid

	alive "$1" || return 0
	pid=$(cat "$RUN/$1.pid")
	kill "$pid"
	timeout 30 tail --pid="$pid" -f /dev/null || kill -9 "$pid"
}

# Whether it answers before it ends
boots()
{
	local pid

	run "$1" -t "$BOOT_LIMIT" true &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		alive "$1" || { kill "$pid"; return 1; }
		sleep 0.5
	done
	wait "$pid"
}

# The pipe is opened for both directions, so that it never ends; the answer carries the request's number.
ask()
{
	local name=$1 limit=$2 command=$3 id reply

	exec 3<>"$RUN/$name.cmd.out" 4<>"$RUN/$name.cmd.in"
	flock 4
	id=$$-$RANDOM
	echo "$id $limit $(printf '%s\n' "$command" | base64 -w 0)" >&4
	reply=$(timeout $((limit + 15)) grep -a -m 1 "^$id " <&3) || return "$NO_ANSWER"
	# shellcheck disable=SC2086	# three words
	set -- $reply
	printf '%s' "${3:-}" | base64 -d
	return "$2"
}

run()
{
	local name=$1 limit=60 rc=0
	shift

	if [ "$1" = -t ]; then
		limit=$2
		shift 2
	fi
	alive "$name" || { say "guest $name is not there"; return "$NO_ANSWER"; }
	ask "$name" "$limit" "$*" || rc=$?
	[ "$rc" -ne "$NO_ANSWER" ] || say "guest $name does not answer"
	return "$rc"
}

stop()
{
	local name=$1

	alive "$name" || return 0
	[ -n "${GUEST_STILL:-}" ] || run "$name" dmesg >"/out/guest-$name.dmesg" || :
	kill_guest "$name"
	rm -f "$RUN/$name".*
}

[ $# -ge 2 ] || { sed -n '6,9s/^# //p' "$0" >&2; exit 2; }
command=$1
shift
case $command in
start|run|stop) "$command" "$@" ;;
log) run "$1" dmesg ;;
*) die "unknown command $command" ;;
esac
