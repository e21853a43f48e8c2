#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what is missing, builds, and runs every test. Ends with "N passed, N failed".
set -uo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=samples/lib/setup.sh
. "$TOP/samples/lib/setup.sh"

ALL=(unit functional sample asan distcheck)
LOGS=$TOP/build/logs
passed=0 failed=0 skipped=0

usage() {
	cat <<-END
	usage: tests/run.sh [PART...]     PART: ${ALL[*]} matrix; default: all but matrix
	  unit        build with warnings as errors; unit tests, fuzz seeds, simulator, lint
	  functional  scenarios with real knotd and unbound on loopback
	  sample      samples/two-providers/run.sh (by NOTIFY, by UPDATE), samples/combiner-signer/run.sh
	  asan        unit and functional with AddressSanitizer and UBSan, in build-asan
	  distcheck   make distcheck
	  matrix      unit, functional and sample on other versions of Knot DNS (tests/matrix.sh)
	END
}

# count PASSED FAILED SKIPPED
count() {
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# lines REGEX FILE: how many
lines() {
	grep -cE -- "$1" "$2" 2>/dev/null || true
}

# fail TEXT [LOG]: one failed test, with the end of its log.
fail() {
	count 0 1 0
	echo "not ok - $1"
	[[ -z ${2:-} ]] || tail -n 40 "$2" | sed 's/^/# /'
}

# part NAME: a heading; the difference of the counts is told by done_part.
part() {
	name=$1 before=("$passed" "$failed" "$skipped") started=$SECONDS
	echo "== $name"
}

done_part() {
	echo "== $name: $((passed - before[0])) passed, $((failed - before[1])) failed," \
		"$((skipped - before[2])) skipped ($((SECONDS - started)) s)"
}

# count_program TRS: what one program of `make check` found: its TAP lines where it printed some,
# else its exit status. A program that failed without a "not ok" line (a crash) is one failure.
count_program() {
	local result log=${1%.trs}.log ok bad skip
	result=$(sed -n 's/^:test-result: *\([A-Z]*\).*/\1/p' "$1" | head -n 1)
	skip=$(lines '^ok .*# *(SKIP|skip)' "$log")
	ok=$(($(lines '^ok ' "$log") - skip))
	bad=$(lines '^not ok ' "$log")
	case $result in
	PASS) (( ok + bad + skip )) || ok=1 ;;
	SKIP) (( ok + bad + skip )) || skip=1 ;;
	*) (( bad )) || bad=1 ;;
	esac
	count "$ok" "$bad" "$skip"
	(( bad == 0 )) || { echo "not ok - ${1%.trs}"; tail -n 40 "$log" | sed 's/^/# /'; }
}

# build DIR OPTION...
build() {
	local dir=$1 log=$LOGS/build-${1##*/}.log
	shift
	{ configure_in "$dir" --enable-werror "$@" && make -C "$dir" -j2; } >"$log" 2>&1 </dev/null &&
		return
	fail "build in $dir" "$log"
	return 1
}

# check DIR: make check
check() {
	local log=$LOGS/check-${1##*/}.log failed_before=$failed status=0 trs
	find "$1" -name '*.trs' -delete
	timeout -k 10 900 make -C "$1" -k -j2 check >"$log" 2>&1 </dev/null || status=$?
	while IFS= read -r trs; do
		count_program "$trs"
	done < <(find "$1" -name '*.trs' | sort)
	(( status == 0 || failed > failed_before )) || fail "make check in $1" "$log"
}

# functional BUILD-DIR [NAME…]
functional() {
	local log=$LOGS/functional-${1##*/}.log ok bad planned
	MSIGNER_SO=$1/modules/msigner/.libs/msigner.so timeout -k 15 900 \
		python3 "$TOP/tests/functional/run.py" "${@:2}" </dev/null 2>&1 | tee "$log"
	ok=$(lines '^ok ' "$log") bad=$(lines '^not ok ' "$log")
	planned=$(sed -n 's/^1\.\.//p' "$log" | head -n 1)
	count "$ok" "$bad" 0
	(( ${planned:-0} > 0 )) || fail "functional tests did not start" "$log"
	(( ok + bad >= ${planned:-0} )) || count 0 $((planned - ok - bad)) 0
}

part_unit() {
	build "$TOP/build" && check "$TOP/build"
}

part_functional() {
	build "$TOP/build" && functional "$TOP/build"
}

part_sample() {
	local sample log
	for sample in two-providers "two-providers --parent update" combiner-signer; do
		log="$LOGS/sample-${sample// /-}.log"
		# shellcheck disable=SC2086
		set -- $sample
		if timeout -k 15 120 "$TOP/samples/$1/run.sh" "${@:2}" </dev/null >"$log" 2>&1; then
			count 1 0 0
			cat "$log"
		else
			fail "samples/$1/run.sh ${*:2} within 120 s" "$log"
		fi
	done
}

part_asan() {
	local MSIGNER_PRELOAD scenarios
	build "$TOP/build-asan" --enable-sanitizers || return
	check "$TOP/build-asan"
	MSIGNER_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
	export MSIGNER_PRELOAD
	# Of processes and parents those that walk through the most: the others run the same code, for minutes.
	mapfile -t scenarios < <(cd "$TOP/tests/functional" && printf '%s\n' */test.py |
		sed 's,/test.py$,,' | grep -Ev '^(process_(abort|algorithm|csk|hold|ksk|swap|twin)|parent_both)$')
	functional "$TOP/build-asan" "${scenarios[@]}"
	export -n MSIGNER_PRELOAD
}

part_distcheck() {
	local log=$LOGS/distcheck.log
	build "$TOP/build" || return
	if timeout -k 15 900 make -C "$TOP/build" -j2 distcheck >"$log" 2>&1 </dev/null; then
		count 1 0 0
	else
		fail "make distcheck" "$log"
	fi
}

# A moving suite's failures are "not ok" with TODO: said loudly, counted as skipped.
part_matrix() {
	local log=$LOGS/matrix.log status soft bad
	timeout --foreground -k 30 1500 "$TOP/tests/matrix.sh" run </dev/null 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	soft=$(lines '^(not )?ok .*# (SKIP|TODO)' "$log")
	bad=$(($(lines '^not ok ' "$log") - $(lines '^not ok .*# TODO' "$log")))
	count $(($(lines '^(not )?ok ' "$log") - soft - bad)) "$bad" "$soft"
	(( status == 0 || bad > 0 )) || fail "tests/matrix.sh ended with status $status" "$log"
}

case ${1:-} in
-h|--help) usage; exit 0 ;;
esac
PARTS=("${@:-${ALL[@]}}")
for each in "${PARTS[@]}"; do
	declare -F "part_$each" >/dev/null || { usage >&2; die "unknown part $each"; }
done

ensure_packages "${TEST_PACKAGES[@]}"
mkdir -p "$LOGS"
for each in "${PARTS[@]}"; do
	part "$each"
	"part_$each"
	done_part
done

tail=''
(( skipped == 0 )) || tail=", $skipped skipped"
echo "$passed passed, $failed failed$tail"
(( failed == 0 && passed > 0 ))
