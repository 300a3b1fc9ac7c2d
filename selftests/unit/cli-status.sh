#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# svff status, svff list: what there is; and what all commands have in common.
# shellcheck disable=SC2317,SC1091,SC2154
. "$(dirname "$0")/cli/common.sh"

t_status_of_a_card_with_guests() {
	run 0 init --vfs 2
	guest a
	run 0 attach 2 "$T/a"
	run 0 status
	check_out "card 0000:01:00.0  EQDMA 5.0  driver svff_pf"
	check_out "VFs     2 of 8"
	grep -Eq '^ +2  0000:01:00.2 +ready +16-23 +0 +102  vfio-pci +qmp:' "$T/out" || fail "$(cat "$T/out")"
	run 0 status --json
	check_json 'j["cards"][0]["vf"][1]["guest_state"] == "attached" and j["cards"][0]["vf"][1]["queue_base"] == 16'
	check_json 'j["cards"][0]["vf"][0]["guest"] is None and j["cards"][0]["vf"][0]["guest_state"] == "detached"'
	check_json 'j["cards"][0]["queues_total"] == 2048 and j["cards"][0]["vfs_total"] == 8'
}

t_status_tells_errors() {
	run 0 init --vfs 2
	run 0 status
	grep -q error "$T/out" && fail "$(cat "$T/out")"
	echo 2 >"$T/sys/bus/pci/devices/0000:01:00.0/svff/errors/trq_qid_range"
	echo 1 >"$T/sys/bus/pci/devices/0000:01:00.0/svff/errors/dsc_dma"
	echo 3 >"$T/sys/bus/pci/devices/0000:01:00.0/svff/vf2/stats/errors"
	run 0 status
	check_out "errors  dsc_dma 1, trq_qid_range 2"
	grep -Eq '0000:01:00.2 .*\(3 errors\)' "$T/out" || fail "$(cat "$T/out")"
	run 0 status --json
	check_json 'j["cards"][0]["errors"] == {"dsc_dma": 1, "trq_qid_range": 2}'
	check_json 'j["cards"][0]["vf"][1]["errors"] == 3 and j["cards"][0]["vf"][0]["errors"] == 0'
}

t_status_tells_a_guest_that_is_gone() {
	run 0 init --vfs 1
	guest a
	run 0 attach 1 "$T/a"
	stop_guests
	run 0 status
	check_out "qmp:$T/a (gone)"
}

t_status_asks_a_guest_that_is_silent_once() {
	run 0 init --vfs 3
	guest a --ports 3
	for vf in 1 2 3; do
		run 0 attach "$vf" "$T/a"
	done
	kill -STOP "$pid_a"
	begin=$(date +%s)
	run 0 status
	took=$(($(date +%s) - begin))
	kill -CONT "$pid_a"
	[ "$(grep -cF "qmp:$T/a (silent)" "$T/out")" = 3 ] || fail "$(cat "$T/out")"
	[ "$took" -lt 10 ] || fail "takes $took s, a monitor has 5 s to answer"
}

t_status_tells_of_a_muted_vf() {
	run 0 init --vfs 2
	echo 1 >"$T/sys/bus/pci/devices/0000:01:00.0/svff/vf2/muted"
	run 0 status
	check_out "(muted: it floods the mailbox)"
	run 0 status --json
	check_json '[v["muted"] for v in j["cards"][0]["vf"]] == [False, True]'
}

t_status_needs_no_run_folder() {
	run 0 status
	check_out "VFs     0 of 8"
	[ ! -e "$SVFF_RUN" ] || fail "made $SVFF_RUN"
}

# Others than root may see it, whatever root's umask is.
t_status_is_for_all_users() {
	umask 077
	run 0 init --vfs 1
	guest a
	run 0 attach 1 "$T/a"
	[ "$(stat -c %a "$SVFF_RUN")" = 755 ] || fail "folder has mode $(stat -c %a "$SVFF_RUN")"
	[ "$(stat -c %a "$SVFF_RUN/0000:01:00.0.json")" = 644 ] || fail "note has mode $(stat -c %a "$SVFF_RUN"/*.json)"
}

t_status_without_a_card_fails() {
	machine --cards 0
	run 1 status
	check_one_line
	check_err "no card with QDMA"
	run 1 status --card 0000:00:1f.0 --json
	check_json 'not j["ok"] and j["error"]["errno"] == "ENODEV"'
}

t_list_shows_all_cards() {
	machine --cards 2
	rm "$T/sys/bus/pci/devices/0000:02:00.0/driver"
	run 0 list
	check_out "0000:01:00.0  10ee:903f  svff_pf     EQDMA 5.0  VFs 0/8"
	check_out "0000:02:00.0  10ee:903f  -"
	check_out "not bound to svff_pf: 'modprobe svff_pf'"
	run 0 list --json
	check_json '[c["bound"] for c in j["cards"]] == [True, False]'
}

t_list_of_a_machine_without_cards_is_empty() {
	machine --cards 0
	run 0 list
	[ ! -s "$T/out" ] || fail "prints $(cat "$T/out")"
	run 0 list --json
	check_json 'j["cards"] == []'
}

t_list_knows_all_ids_of_the_driver() {
	n=0
	grep -o 'XILINX, 0x[0-9a-f]*' "$TOP/driver/pf/ids.h" | sed 's/.* //' >"$T/ids"
	while read -r id; do
		n=$((n + 1))
		dir=$T/sys/bus/pci/devices/$(printf '%04x:00:00.0' "$n")
		mkdir "$dir"
		echo 0x10ee >"$dir/vendor"
		echo "$id" >"$dir/device"
	done <"$T/ids"
	[ "$n" -gt 100 ] || fail "only $n ids"
	run 0 list --json
	check_json "len(j['cards']) == $n + 1"
}

t_list_names_another_driver() {
	machine --driver qdma-pf
	run 0 list
	check_out "another driver has it"
}

t_counts_that_cannot_be() {
	run 0 init --vfs 2
	for counts in '8 9' '8 -1' '8 99999' '2000000000 2' '1 2'; do
		echo "${counts% *}" >"$PF/sriov_totalvfs"
		echo "${counts#* }" >"$PF/sriov_numvfs"
		for command in status 'reconf --vfs 1'; do
			# shellcheck disable=SC2086	# words
			timeout -s KILL 10 "$SVFF" $command >"$T/out" 2>"$T/err"
			[ $? = 1 ] || fail "$command with $counts: $(head -c 300 "$T/err")"
			check_one_line
			check_err "sysfs says that it has"
		done
	done
}

t_machine_without_pci() {
	rm -rf "$T/sys"
	run 1 list
	check_one_line
	check_err "cannot list PCI devices"
}

t_each_command_has_help() {
	run 0 --help
	run 0 --version
	for command in init attach detach reconf pause unpause recover status list doctor; do
		run 0 "$command" --help
		check_out "Usage: svff $command"
		check_out "--json"
	done
}

t_wrong_usage_ends_with_2_and_one_line() {
	for words in '' 'nonsense' 'init' 'init --vfs' 'init --vfs x' 'init --vfs -1' 'init --vfs 99999999999' \
		'init --vfs 2 more' 'init --nonsense' 'init --vfs 2 --queues 0' 'init --vfs 2 --queues 257' 'reconf --vfs 2 --queues 257' 'attach' 'attach 1' \
		'attach 1 a b' 'attach 1 a --timeout 0' 'detach' 'reconf' 'reconf --vfs 1 --attach 1' \
		'reconf --vfs 1 --attach 1=' 'pause' 'unpause' 'recover x' 'init --vfs 1 --spare 1 --no-bind' 'status x' 'list x' 'doctor x'; do
		# shellcheck disable=SC2086
		run 2 $words
		check_one_line
		[ ! -s "$T/out" ] || fail "svff $words prints to stdout"
	done
}

t_full_disk_is_a_failure() {
	timeout 10 "$SVFF" list >/dev/full 2>"$T/err"
	[ $? = 1 ] || fail "does not fail"
	check_one_line
	check_err "cannot write the result"
}

# What would be written there does not go to a guest's monitor or a file that takes the number.
t_closed_stdout_and_stderr() {
	run 0 init --vfs 2
	guest a
	run 0 attach 1 "$T/a"
	timeout 10 "$SVFF" reconf --vfs 3 --verbose <&- 2>&- >"$T/out" || fail "fails"
	! grep -v '^{' "$T/a.log" || fail "the guest got $(grep -v '^{' "$T/a.log")"
	[ ! -s "$T/a.out" ] || fail "the guest got something odd: $(tail -n 1 "$T/a.out")"
	check_owners 1=a
	timeout 10 "$SVFF" list >&- 2>"$T/err"
	[ $? = 1 ] || fail "does not fail"
	check_one_line
	check_err "cannot write the result"
}

t_terminal_sees_progress_and_files_do_not() {
	run 0 init --vfs 2
	! grep -q '1/2' "$T/err" || fail "progress in a file"
	command -v script >/dev/null || skip "no script(1)"
	script -qec "$SVFF reconf --vfs 3 >/dev/null" /dev/null >"$T/out" </dev/null
	check_out '[2/4] disable 2 VFs'
}

t_man_pages_name_each_option() {
	for command in init attach detach reconf pause unpause recover status list doctor; do
		page=$TOP/tools/man/svff-${command#un}.1
		[ -f "$page" ] || fail "no page svff-$command.1"
		"$SVFF" "$command" --help | grep -o -- '--[a-z-]*' | sort -u | while read -r option; do
			case $option in --help | --usage | --version) continue ;; esac
			sed 's/\\-/-/g' "$page" | grep -q -- "Fl ${option#-}\( \|$\)" || fail "$(basename "$page") lacks $option"
			grep -q -- "$option" "$TOP/tools/completion/svff" || fail "completion lacks $option"
		done || exit 1
		sed 's/\\-/-/g' "$TOP/tools/man/svff.1" | grep -q "svff-${command#un}" || fail "svff.1 lacks svff-$command"
	done
}

t_man_pages_render_without_a_warning() {
	for page in "$TOP"/tools/man/*.1; do
		if command -v mandoc >/dev/null; then
			mandoc -Tlint -W warning "$page" >"$T/out" || fail "$(head -n 1 "$T/out")"
		fi
		if command -v man >/dev/null; then
			MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>"$T/err" >/dev/null
			[ ! -s "$T/err" ] || fail "$(basename "$page"): $(head -n 1 "$T/err")"
		fi
	done
}

t_completion_offers_commands_options_and_guests() {
	command -v bash >/dev/null || skip "no bash"
	cat >"$T/complete" <<-'END'
	source "$1"
	COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2)) COMPREPLY=()
	_svff
	printf '%s\n' "${COMPREPLY[@]}"
	END
	offers() {
		PATH=$(dirname "$SVFF"):$PATH bash "$T/complete" "$TOP/tools/completion/svff" "$@" >"$T/out"
	}
	offers svff ''
	check_out reconf
	offers svff reconf --d
	check_out --dry-run
	offers svff init --card ''
	check_out 0000:01:00.0
}

main
