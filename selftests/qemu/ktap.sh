#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ktap.sh FILE...: one line a file, then each failed case with its reason, and the totals of all:
#	N passed, N failed, N skipped
# Status 1 if anything failed. A file ends with "# status N", the exit status of the program that wrote it. A
# program that ends before its plan is done, or badly without having said so, has failed.

awk '
function bad(what) { failures[++nfailures] = "  " name ": " what }
function flush() {
	if (name == "")
		return
	missing = plan - p - f - s
	if (missing > 0) {
		f += missing
		bad(missing " of " plan " cases have no result (status " status ")")
	} else if (f == 0 && status != 0 && status != 4) {
		f = 1
		bad("ended with status " status)
	}
	if (plan == 0 && p + f + s == 0)
		s = 1
	printf "  %-30s %4d passed %3d failed %3d skipped\n", name, p, f, s
	P += p; F += f; S += s
}
FNR == 1 {
	flush()
	name = FILENAME
	sub(/.*\/ktap[^\/]*\//, "", name)
	if (match(FILENAME, /ktap-[^\/]*/))
		name = name " " substr(FILENAME, RSTART + 5, RLENGTH - 5)
	p = f = s = plan = 0
	status = "none"
}
/^1\.\.[0-9]+/          { plan = substr($1, 4) + 0 }
/^ok [0-9].*# SKIP/     { s++; next }
/^ok [0-9]/             { p++; next }
/^not ok [0-9]/         { f++; bad($0); next }
/^# status /            { status = $3 }
END {
	flush()
	for (i = 1; i <= nfailures; i++)
		print failures[i]
	printf "%d passed, %d failed, %d skipped\n", P, F, S
	exit F > 0 || P == 0
}' "$@"
