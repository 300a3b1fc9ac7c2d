#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Monitors that do not behave: each ends in one clear line, in bounded time, with nothing changed.
# shellcheck disable=SC2317,SC1091
. "$(dirname "$0")/cli/common.sh"

# misbehaves BEHAVIOUR TEXT: attach fails and says TEXT; the VF is as before, the next guest gets it
misbehaves() {
	run 0 init --vfs 1 --no-bind
	guest a "$1"
	run 1 attach 1 "qmp:$T/a" --timeout 1
	check_one_line
	check_err "guest qmp:$T/a"
	check_err "$2"
	check_driver 1 ''
	check_override 1 '(null)'
	guest b
	run 0 attach 1 "$T/b"
	check_owners 1=b
}

works() {
	run 0 init --vfs 1
	guest a "$@"
	run 0 attach 1 "$T/a"
	check_owners 1=a
	run 0 detach 1
	# an event told it, not the look that comes after seconds without one
	tail -n 1 "$T/a.log" | grep -q '"device_del"' || fail "had to look: $(tail -n 1 "$T/a.log")"
	check_owners ''
}

t_no_greeting() { misbehaves hang:greeting "did not answer 'greeting' in time"; }
t_closed_before_greeting() { misbehaves close:greeting "ended the connection during 'greeting'"; }
t_human_monitor() { misbehaves garbage:greeting "give the socket of a monitor in control mode"; }
t_greeting_is_no_object() { misbehaves text:greeting "no JSON object"; }
t_closed_before_capabilities() { misbehaves close:qmp_capabilities "during 'qmp_capabilities'"; }
t_garbage_instead_of_an_answer() { misbehaves garbage:device_add "does not speak QMP during 'device_add'"; }
t_closed_instead_of_an_answer() { misbehaves close:device_add "ended the connection during 'device_add'"; }
t_answer_without_end() { misbehaves huge:qom-list "message without end"; }
t_answer_of_great_depth() { misbehaves deep:qom-list "nesting too deep"; }
t_question_not_answered() { misbehaves hang:qom-list "did not answer 'qom-list' in time"; }
t_talks_for_ever_and_answers_nothing() { misbehaves talk:qom-list "did not answer 'qom-list' in time"; }
t_question_refused() { misbehaves error:qom-get:no "refused 'qom-get': no"; }
t_refused_with_more_than_a_line() {
	misbehaves "$(printf 'error:device_add:no\nand\033[2Jno')" "did not take 0000:01:00.1: no and [2Jno; QEMU's own log"
}
t_dies_at_a_question() { misbehaves die:qom-list "ended the connection during 'qom-list'"; }

t_device_taken_but_answer_spoilt() {
	run 0 init --vfs 1
	guest a spoil:device_add
	run 1 attach 1 "$T/a"
	check_one_line
	check_err "does not speak QMP during 'device_add'"
	check_owners 1=a
	run 0 detach 1
	check_owners ''
}

t_answers_byte_by_byte() { works bytes; }
t_answers_with_line_breaks() { works pretty; }
t_many_events_between() { works flood; }
t_answers_to_other_commands_between() { works stale; }

t_socket_of_something_else() {
	run 0 init --vfs 1
	python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); time.sleep(60)' "$T/dgram" &
	GUESTS="$GUESTS $!"
	await test -S "$T/dgram"
	run 1 attach 1 "qmp:$T/dgram"
	check_one_line
	check_err "guest qmp:$T/dgram: cannot connect"
}

t_path_that_is_too_long_for_a_socket() {
	run 0 init --vfs 1
	run 1 attach 1 "qmp:/$(printf '%0200d' 1)"
	check_one_line
	check_err "File name too long"
}

t_another_client_holds_the_monitor() {
	run 0 init --vfs 1
	guest a
	python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.recv(100); open(sys.argv[2], "w"); time.sleep(60)' \
		"$T/a" "$T/held" &
	GUESTS="$GUESTS $!"
	await test -e "$T/held"
	run 1 attach 1 "$T/a"
	check_one_line
	check_err "another client holds the monitor"
}

main
