#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The same source on other versions of Knot DNS. Each Debian suite is a folder, entered only in own
# namespaces: they take mounts and processes with them whatever ends this script.
set -uo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=samples/lib/setup.sh
. "$TOP/samples/lib/setup.sh"

CHROOTS=${MSIGNER_CHROOTS:-/var/tmp/msigner-chroots}
LOGS=$TOP/build/logs
SUITES=(trixie sid)
MOVING=(sid)               # It changes under us from day to day: its failures do not fail the run.
declare -A EXTRA=([sid]=knot-keymgr)
DAYS=7                     # A folder older than this is made anew.
PREPARE=900 BUILD=300 UNIT=600 FUNCTIONAL=900 SAMPLE=120    # Seconds.
SOURCE=/srv                # Where run has the source in the suite; exec has it where it is.
HEADINGS=(knot build unit functional samples seconds)
declare -A table=()
child='' scratch='' failed=0 tested=()

usage() {
	cat <<-END
	usage: tests/matrix.sh [run|prepare] [SUITE...]     SUITE: a Debian suite; default: ${SUITES[*]}
	       tests/matrix.sh exec SUITE COMMAND...

	  run      builds and tests this source in each suite; prints TAP lines, and a table at the end
	  prepare  makes each suite's folder in $CHROOTS; prints its path as the last line
	  exec     runs a command in a suite, with this source tree, this /tmp and this network

	Needs root. MSIGNER_CHROOTS names another place for the folders, MSIGNER_MIRROR another Debian
	mirror than the one that apt is configured with.
	END
}

# contained COMMAND...: in own namespaces of mounts and processes; ends with this script, or before.
contained() {
	setpriv --pdeathsig KILL unshare --mount --pid --mount-proc --fork --kill-child "$@" &
	child=$!
	wait "$child"
	local status=$?
	child=''
	return "$status"
}

# The first process of the namespace ends, says the kernel, after all others in it.
interrupted() {
	local first
	if [[ -n $child ]]; then
		read -r first _ 2>/dev/null <"/proc/$child/task/$child/children"
		kill -KILL "${first:-$child}"
		wait "$child"
	fi
	(( ! ${#tested[@]} )) || { kill -TERM "${tested[@]}" 2>/dev/null; wait; }
	exit "$1"
}

clean() {
	[[ -z $scratch ]] || rm -rf --one-file-system "$scratch"
}

# Making a suite

# mirror: where this machine's own Debian packages come from.
mirror() {
	local names
	[[ -z ${MSIGNER_MIRROR:-} ]] || { echo "$MSIGNER_MIRROR"; return; }
	names="$(. /etc/os-release; echo "${VERSION_CODENAME:-}")|oldstable|stable|testing|unstable|sid"
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' |
		sed -nE "s/^([^ ]+) ($names) main\$/\1/p" | head -n 1 | grep .
}

# moving SUITE
moving() {
	[[ " ${MOVING[*]} " == *" $1 "* ]]
}

# packages SUITE: what it has to have, for mmdebstrap.
packages() {
	local list=("${TEST_PACKAGES[@]}")
	[[ -z ${EXTRA[$1]:-} ]] || list+=("${EXTRA[$1]}")
	local IFS=,
	echo "${list[*]}"
}

# complete SUITE: made to the end, and of the present list of packages.
complete() {
	[[ -f $CHROOTS/$1/.packages && $(<"$CHROOTS/$1/.packages") == "$(packages "$1")" ]]
}

fresh() {
	complete "$1" && [[ -n $(find "$CHROOTS/$1/.packages" -mtime "-$DAYS") ]]
}

# debian SUITE FOLDER: the suite with all that building and testing needs, without documentation.
debian() {
	local from line options=()
	(ensure_packages mmdebstrap) || return
	from=$(mirror) || { echo "apt names no Debian mirror: set MSIGNER_MIRROR"; return 1; }
	while IFS= read -r line; do
		options+=("--aptopt=$line")
	done < <(apt-config dump --no-empty --format '%f "%v";%n' Acquire |
		grep -E '^Acquire::(https?::|Check-|Retries)')
	# A mirror that is some days behind is past the few days that a moving suite's index is valid.
	! moving "$1" || options+=('--aptopt=Acquire::Check-Valid-Until "false"')
	contained timeout -k 10 "$PREPARE" mmdebstrap --variant=essential --mode=root "${options[@]}" \
		--include="$(packages "$1")" --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		"$1" "$2" "$from"
}

# said LOG: its first error, else its last line.
said() {
	grep -m 1 '^E: ' "$1" || grep . "$1" | tail -n 1
}

# replace SUITE FOLDER: where that fails, an older complete one goes on being used.
replace() {
	echo "# making Debian $1 in $2"
	rm -rf --one-file-system "$2.new"
	if debian "$1" "$2.new" >"$2.log" 2>&1 </dev/null; then
		packages "$1" >"$2.new/.packages"
		rm -rf --one-file-system "$2"
		mv "$2.new" "$2"
		return
	fi
	rm -rf --one-file-system "$2.new"
	why="Debian $1 could not be made: $(said "$2.log") (all of it is in $2.log)"
	complete "$1" || return
	echo "# $why; an older one is used"
}

# prepare SUITE: sets root, or why not. Who uses a folder holds its lock shared: it is not replaced
# under anybody.
prepare() {
	local lock status=0
	root=$CHROOTS/$1 why=''
	(( EUID == 0 )) || { why="only root can make a chroot and enter it"; return 1; }
	mkdir -p "$CHROOTS" || { why="cannot write to $CHROOTS: set MSIGNER_CHROOTS"; return 1; }
	if ! fresh "$1"; then
		exec {lock}>>"$root.lock"
		flock -w "$PREPARE" "$lock" || { why="$root is still in use"; return 1; }
		fresh "$1" || replace "$1" "$root" || status=1
		exec {lock}>&-
	fi
	return "$status"
}

command_prepare() {
	local suite status=0
	(( $# )) || set -- "${SUITES[@]}"
	for suite in "$@"; do
		if prepare "$suite"; then
			echo "$root"
		else
			echo "$why" >&2
			status=1
		fi
	done
	return "$status"
}

# Entering it

# mounts ROOT SOURCE PLACE TMP: all that is seen of this machine, in a mount namespace of its own.
mounts() {
	local each
	mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount -t proc proc "$1/proc" &&
		mount -t tmpfs -o mode=755 tmpfs "$1/run" && mount -t tmpfs -o mode=755 tmpfs "$1/dev" &&
		mount --bind "$4" "$1/tmp" && mount --rbind "$2" "$1$3" || return
	for each in null zero full random urandom tty; do
		[[ -c /dev/$each ]] || continue
		: >"$1/dev/$each" && mount --bind "/dev/$each" "$1/dev/$each" || return
	done
	ln -s /proc/self/fd "$1/dev/fd"
}

# command_exec SUITE COMMAND...: this process becomes the command, with its id and its status.
command_exec() {
	local suite=${1:-} lock dir=$PWD
	(( $# > 1 )) || { usage >&2; die "exec needs a suite and a command"; }
	shift
	prepare "$suite" >&2 || die "$why"
	exec {lock}<"$root.lock" && flock -s "$lock"
	mkdir -p "$root$TOP"
	[[ $dir/ == "$TOP"/* || $dir/ == /tmp/* ]] || dir=/
	# shellcheck disable=SC2016
	exec unshare --mount bash -c 'mounts "$1" "$2" "$2" /tmp && cd / && shift 2 && exec chroot "$@"' \
		enter "$root" "$TOP" "$root" env "--chdir=$dir" "$@"
}

# inside LOG SECONDS COMMAND...: in the suite, without a network. Of this machine it sees the copied
# source, and can write only its folder build (and, once, what autoreconf makes).
inside() {
	local log=$1 seconds=$2
	shift 2
	# shellcheck disable=SC2016
	contained --net bash -c '
		mounts "$1" "$2/source" "$3" "$2/tmp" && mount --bind "$2/build" "$1$3/build" &&
			chroot "$1" ip link set lo up || exit
		[[ ! -f $2/source/configure ]] || mount -o remount,bind,ro "$1$3" || exit
		cd / && root=$1 place=$3 seconds=$4 && shift 4
		timeout -k 10 "$seconds" chroot "$root" env -i "--chdir=$place" HOME=/root LC_ALL=C.UTF-8 \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' \
		inside "$root" "$scratch" "$SOURCE" "$seconds" "$@" >"$log" 2>&1 </dev/null
}

# Testing in it

# result ok|"not ok" TEXT [LOG]: one TAP line, with the end of the log where it failed.
result() {
	local line="$1 - $suite $knot: $2"
	if [[ $1 == ok ]]; then
		echo "$line"
		return
	fi
	keep=1
	[[ -z ${3:-} ]] || tail -n 40 "$3" | sed 's/^/# /'
	if moving "$suite"; then
		echo "$line # TODO $suite is moving"
	else
		echo "$line"
		failed=$((failed + 1))
	fi
}

build() {
	local log=$LOGS/matrix-$suite-build.log
	table[$suite,build]=failed
	{ inside "$log" "$BUILD" autoreconf -fi &&
		inside "$log" "$BUILD" env TOP="$SOURCE" bash -c \
			'. samples/lib/setup.sh; configure_in build --enable-werror && make -C build -j2'; } ||
		{ result "not ok" build "$log"; return 1; }
	result ok build
	table[$suite,build]=ok
}

unit() {
	local log=$LOGS/matrix-$suite-unit.log status=0 trs name good=0 bad=0
	inside "$log" "$UNIT" make -C build -k -j2 check || status=$?
	while IFS= read -r trs; do
		name=${trs#"$scratch/build/"} name=${name%.trs}
		case $(sed -n 's/^:test-result: *\([A-Z]*\).*/\1/p' "$trs" | head -n 1) in
		PASS) result ok "$name"; good=$((good + 1)) ;;
		SKIP) result ok "$name # SKIP $(sed -n 's/.*# SKIP *//p' "${trs%.trs}.log" | head -n 1)" ;;
		*) result "not ok" "$name" "${trs%.trs}.log"; bad=$((bad + 1)) ;;
		esac
	done < <(find "$scratch/build" -name '*.trs' | sort)
	(( good + bad > 0 && (status == 0 || bad > 0) )) ||
		{ result "not ok" "make check" "$log"; bad=$((bad + 1)); }
	table[$suite,unit]=$good/$((good + bad))
}

functional() {
	local log=$LOGS/matrix-$suite-functional.log status=0 line good=0 bad=0 planned
	inside "$log" "$FUNCTIONAL" python3 tests/functional/run.py || status=$?
	while IFS= read -r line; do
		case $line in
		ok\ *) result ok "${line#* - }"; good=$((good + 1)) ;;
		not\ ok\ *) result "not ok" "${line#* - }"; bad=$((bad + 1)) ;;
		'# functional: '*) ;;
		\#*) echo "$line" ;;
		esac
	done <"$log"
	planned=$(sed -n 's/^1\.\.//p' "$log" | head -n 1)
	(( good + bad == ${planned:--1} )) ||
		{ result "not ok" "functional tests ended early, with status $status" "$log"; bad=$((bad + 1)); }
	table[$suite,functional]=$good/$((good + bad))
}

samples() {
	local sample log good=0 bad=0
	for sample in two-providers combiner-signer; do
		log=$LOGS/matrix-$suite-$sample.log
		if inside "$log" "$SAMPLE" "samples/$sample/run.sh"; then
			result ok "samples/$sample"
			good=$((good + 1))
		else
			result "not ok" "samples/$sample within $SAMPLE s" "$log"
			bad=$((bad + 1))
		fi
	done
	table[$suite,samples]=$good/$((good + bad))
}

# test_in SUITE: all of it. What it worked with stays where something failed, until the next time.
test_in() {
	local suite=$1 knot keep='' lock started=$SECONDS
	root=$CHROOTS/$1
	exec {lock}<"$root.lock" && flock -s "$lock"
	find "$CHROOTS" -maxdepth 1 -name "$suite.run.*" -mmin +180 -exec rm -rf --one-file-system {} +
	scratch=$(mktemp -d "$root.run.XXXXXX")
	mkdir "$scratch/source" "$scratch/build" "$scratch/tmp"
	tar -C "$TOP" --exclude='./build*' --exclude=./.git --exclude=./autom4te.cache \
		--exclude='./knot-msigner-*' --exclude=./configure -c . | tar -C "$scratch/source" -x
	mkdir "$scratch/source/build"
	inside "$scratch/version" 10 knotd --version
	knot=$(grep -oE '[0-9]+\.[0-9]+[.0-9a-z]*' "$scratch/version" | head -n 1)
	table[$suite,knot]=${knot:=unknown}
	if build; then
		unit
		functional
		samples
	fi
	exec {lock}>&-
	table[$suite,seconds]=$((SECONDS - started))
	if [[ -n $keep ]]; then
		rm -rf --one-file-system "$root.failed"
		mv "$scratch" "$root.failed"
		echo "# $suite: what it worked with stays in $root.failed, its /tmp is tmp there"
		! moving "$suite" || loud "Knot $knot of Debian $suite fails tests; it is not counted, as" \
			"$suite is moving, but it is what the next Debian will have: see above"
		scratch=''
	else
		clean
	fi
}

loud() {
	printf '!!!!!!!! WARNING: %s\n' "$*"
}

# print_row [SUITE]: without one, the headings.
print_row() {
	local column
	printf '# %-10s' "${1:-version}"
	for column in "${HEADINGS[@]}"; do
		printf ' %-10s' "$( (( $# )) && echo "${table[$1,$column]:--}" || echo "$column")"
	done
	echo
}

# command_test SUITE: tests in a suite that is made, and its row of the table.
command_test() {
	test_in "$1"
	print_row "$1" >"$LOGS/matrix-$1.row"
	(( failed == 0 ))
}

# test_all SUITE...: all at once, as tests mostly wait; what each says is printed in one piece.
test_all() {
	local suite status=0
	declare -A pid=()
	for suite in "$@"; do
		rm -f "$LOGS/matrix-$suite.row"
		"$0" test "$suite" >"$LOGS/matrix-$suite.txt" 2>&1 &
		pid[$suite]=$! tested+=("$!")
	done
	for suite in "$@"; do
		wait "${pid[$suite]}" || status=1
		cat "$LOGS/matrix-$suite.txt"
	done
	tested=()
	return "$status"
}

command_run() {
	local suite knot=none keep='' made=() status=0
	declare -A lost=()
	(( $# )) || set -- "${SUITES[@]}"
	mkdir -p "$LOGS"
	for suite in "$@"; do
		if prepare "$suite"; then
			made+=("$suite")
		else
			lost[$suite]=$why
			loud "$why"
		fi
	done
	# Where one suite can be made and a released one cannot, something is wrong with it.
	for suite in "${!lost[@]}"; do
		if (( ${#made[@]} )) && ! moving "$suite"; then
			result "not ok" "${lost[$suite]}"
		else
			result ok "tests # SKIP ${lost[$suite]}"
		fi
	done
	test_all "${made[@]}" || status=1
	print_row
	for suite in "${made[@]}"; do
		cat "$LOGS/matrix-$suite.row" 2>/dev/null || echo "# $suite ended early"
	done
	(( failed == 0 && status == 0 ))
}

export -f mounts
trap 'interrupted 130' INT
trap 'interrupted 143' TERM HUP
trap clean EXIT

case ${1:-} in
-h|--help) usage; exit 0 ;;
run|prepare|exec|test) command=$1; shift ;;
*) command=run ;;
esac
"command_$command" "$@"
