# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2119,SC2120
# For the cli-*.sh tests: a recorded machine, guests that are fakes, and the tool with a fake kernel.
#
# A test is a function t_NAME; its name is its promise. It fails by "fail why", as the check_* helpers do; "skip why" tells
# that there is nothing to be tested.
# Each test starts with a new machine in $T.

HERE=$(cd "$(dirname "$0")" && pwd)/cli
TOP=$(cd "$HERE/../../.." && pwd)
BUILD=${BUILD:-$TOP/build}
SVFF=$BUILD/unit-cli/bin/svff
T=
GUESTS=
SANITIZER=99

export ASAN_OPTIONS=exitcode=$SANITIZER:detect_leaks=1 LSAN_OPTIONS=exitcode=$SANITIZER
export UBSAN_OPTIONS=print_stacktrace=1:exitcode=$SANITIZER

need() {
	mkdir -p "$BUILD"
	for tool in python3 pkg-config cc; do
		command -v $tool >/dev/null && continue
		printf 'KTAP version 1\n1..0 # SKIP %s is missing\n' "$tool"
		exit 4
	done
	(
		flock 9
		make -s -C "$HERE" BUILD="$BUILD" >&2
	) 9>"$BUILD/.unit-cli.lock" && return
	printf 'KTAP version 1\n1..1\nnot ok 1 build # the tool with a fake kernel does not build\n'
	exit 1
}

fail() {
	echo "$*" >"$W/why"
	exit 1
}

skip() {
	echo "$*" >"$W/skip"
	exit 0
}

# await COMMAND...: until it succeeds
await() {
	tries=0
	until "$@"; do
		sleep 0.02
		tries=$((tries + 1))
		[ $tries -lt 1500 ] || fail "never: $*"
	done
}

# machine [tree.py's options]: a new machine in $T
machine() {
	T=$W/m
	rm -rf "$T"
	mkdir -p "$T"
	python3 "$HERE/tree.py" "$T" "$@" || fail "no machine"
	export SVFF_SYSFS="$T/sys" SVFF_PROC="$T/proc" SVFF_DEV="$T/dev" SVFF_RUN="$T/run"
	export SVFF_MODULE_DIR="$T/modules" FAKE_LOG="$T/writes"
	PF=$T/sys/bus/pci/devices/0000:01:00.0
}

# guest NAME [fake-qemu.py's options]: start a guest, its socket is $T/NAME
guest() {
	name=$1
	shift
	python3 "$HERE/fake-qemu.py" "$T/$name" "$T" "$@" >"$T/$name.out" 2>&1 &
	GUESTS="$GUESTS $!"
	eval "pid_$name=$!"
	tries=0
	until [ -S "$T/$name" ]; do
		sleep 0.02
		tries=$((tries + 1))
		[ $tries -lt 250 ] || fail "guest $name does not start: $(cat "$T/$name.out")"
	done
}

stop_guests() {
	for pid in $GUESTS; do	# one may be stopped
		kill "$pid" 2>/dev/null; kill -CONT "$pid" 2>/dev/null; wait "$pid" 2>/dev/null
	done
	GUESTS=
}

# run STATUS ARGS...: the tool has to end so; its words are in $T/out and $T/err
run() {
	want=$1
	shift
	timeout -k 5 60 "$SVFF" "$@" >"$T/out" 2>"$T/err"
	got=$?
	[ $got != $SANITIZER ] || fail "sanitizer: $(grep -m1 -E 'ERROR|error' "$T/err") in svff $*"
	[ $got = "$want" ] || fail "svff $* ends with $got, not $want: $(head -c 300 "$T/err")"
}

# one failure is one line that begins with the tool's name
check_one_line() {
	[ "$(wc -l <"$T/err")" = 1 ] || fail "not one line on stderr: $(cat "$T/err")"
	grep -q '^svff' "$T/err" || fail "line does not begin with svff: $(cat "$T/err")"
}

check_err() {
	grep -qF -- "$1" "$T/err" || fail "stderr lacks '$1': $(head -c 400 "$T/err")"
}

check_out() {
	grep -qF -- "$1" "$T/out" || fail "stdout lacks '$1': $(head -c 400 "$T/out")"
}

# check_json EXPRESSION: python, j is the result; beside(a, b), after(a, b): so went two steps whose names begin so
check_json() {
	python3 -c 'import json, sys
j = json.load(open(sys.argv[1]))
def span(name):
    return next((s["begin_ms"], round(s["begin_ms"] + s["ms"], 3)) for s in j["steps"] if s["name"].startswith(name))
def beside(a, b):
    return span(a)[0] < span(b)[1] and span(b)[0] < span(a)[1]
def after(a, b):
    return span(a)[0] >= span(b)[1]
sys.exit(0 if eval(sys.argv[2]) else 1)' "$T/out" "$1" 2>"$T/json.err" ||
		fail "not so: $1; $(tail -n1 "$T/json.err") $(tr -d '\n' <"$T/out" | head -c 400)"
}

attribute() {
	cat "$PF/$1"
}

check_attribute() {
	[ "$(attribute "$1")" = "$2" ] || fail "$1 is $(attribute "$1"), not $2"
}

# driver VF: what it is bound to
driver() {
	basename "$(readlink "$PF/virtfn$(($1 - 1))/driver")" 2>/dev/null
}

check_driver() {
	[ "$(driver "$1")" = "$2" ] || fail "VF $1 has driver '$(driver "$1")', not '$2'"
}

check_override() {
	[ "$(cat "$PF/virtfn$(($1 - 1))/driver_override")" = "$2" ] ||
		fail "VF $1 has override '$(cat "$PF/virtfn$(($1 - 1))/driver_override")', not '$2'"
}

# what guests have the VFs, as the tool sees it: "1=a 2=b"
owners() {
	"$SVFF" status --json 2>/dev/null | python3 -c 'import json, os, sys
for card in json.load(sys.stdin)["cards"]:
    print(" ".join("%d=%s" % (v["vf"], os.path.basename(v["guest"]))
                   for v in card["vf"] if v["guest_state"] == "attached"))'
}

# await has_owners: of a guest that has stood still, which check_owners could take to be silent
has_owners() {
	now=$(owners)
	[ "$now" = "$1" ]
}

check_owners() {
	has_owners "$1" || fail "guests have '$now', not '$1'"
}

# the host holds no device open
is_free() {
	! grep -l busy "$T"/dev/vfio/* 2>/dev/null | grep -q .
}

check_free() {
	is_free || fail "a device is still open"
}

# a picture of what the tool may change, to compare
picture() {
	(
		cd "$T/sys" || exit
		find . -type l -name driver -o -type f -name driver_override -o -name 'sriov_*' -type f \
			-o -path '*/svff/vf*/queues' -type f | sort | while read -r file; do
			printf '%s ' "$file"
			if [ -L "$file" ]; then readlink "$file"; else printf '%s\n' "$(cat "$file")"; fi
		done
	)
}

main() {
	need
	# ONLY: names of tests, for those who debug one
	tests=${ONLY:-$(sed -n 's/^\(t_[a-z0-9_]*\)() *{.*/\1/p' "$0")}
	# shellcheck disable=SC2086
	set -- $tests
	printf 'KTAP version 1\n1..%d\n' $#
	number=0 failed=0
	for test; do
		number=$((number + 1))
		W=$(mktemp -d)
		(
			trap stop_guests EXIT
			machine
			$test
		)
		status=$? not='' why=''
		if [ $status != 0 ]; then
			not='not ' why=" # $(tr '\n' ' ' <"$W/why" 2>/dev/null)" failed=1
		elif [ -e "$W/skip" ]; then
			why=" # SKIP $(cat "$W/skip")"
		fi
		printf '%sok %d %s%s\n' "$not" $number "$(echo "${test#t_}" | tr _ ' ')" "$why"
		rm -rf "$W"
	done
	exit $failed
}
