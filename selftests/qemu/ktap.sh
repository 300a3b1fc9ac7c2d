#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ktap.sh FILE...: one line a file, each failed case with its reason, and the totals of all:
#	N passed, N failed, N skipped
# Status 1 if anything failed. A file ends with "# status N", the exit status of the program that wrote it. A
# program that ends before its plan is done, or badly without having said so, has failed.

awk '
function flush() {
	if (name == "")
		return
	missing = plan - p - f - s
	if (missing > 0) {
		f += missing
		print "  " name ": " missing " of " plan " cases have no result (status " status ")"
	} else if (f == 0 && status != 0 && status != 4) {
		f = 1
		print "  " name ": ended with status " status
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
	p = f = s = plan = 0
	status = "none"
}
/^1\.\.[0-9]+/          { plan = substr($1, 4) + 0 }
/^ok [0-9].*# SKIP/     { s++; next }
/^ok [0-9]/             { p++; next }
/^not ok [0-9]/         { f++; print "  " name ": " $0; next }
/^# status /            { status = $3 }
END {
	flush()
	printf "%d passed, %d failed, %d skipped\n", P, F, S
	exit F > 0 || P == 0
}' "$@"
