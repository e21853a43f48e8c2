#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Does every rule matter? Each line of mutants.table changes one thing in a copy of a file of src/core; the
# program and seed that it names must fail then. Called by 'make check-mutants' in the build directory.
#
#   mutants.sh [--search N] [WORD]   only those whose name or killer contains WORD; where nobody is known to kill
#                                    one, or the known one does not, seeds 1 to N of SEARCH (test_waits) are tried
#
# A seed that fails without any change kills nobody.
# Environment, by make: SRCDIR, COMPILE, LINK, OBJECTS, LIBRARIES.
set -eu

search=0
if [ "${1:-}" = --search ]; then
	search=$2
	shift 2
fi
word=${1:-}
table=$SRCDIR/tests/sim/mutants.table
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tab=$(printf '\t')

# Seconds that a seed may take: some changes let a walk go on for ever.
LIMIT=60

# $1 file, $2 what sed makes of it
mutate()
{
	sed "$2" "$SRCDIR/src/core/$1" > "$work/$1"
	if cmp -s "$SRCDIR/src/core/$1" "$work/$1"; then
		echo "mutants.sh: '$name' changes nothing in src/core/$1: mend mutants.table" >&2
		return 1
	fi
	$COMPILE -w -c -o "$work/mutant.o" "$work/$1"
}

# $1 program
link()
{
	[ -x "$work/$1" ] || $LINK -o "$work/$1" "tests/sim/$1.o" "$work/mutant.o" $OBJECTS $LIBRARIES \
		> "$work/link.log" 2>&1 || { cat "$work/link.log" >&2; return 1; }
}

# $1 program with its directory, $2 seed or nothing
passes()
{
	STOP=1 SEEDS=1 FIRST="${2:-1}" timeout "$LIMIT" "$1" > "$work/out" 2>&1
}

# $1 program, $2 seed or nothing: does it fail, and only when changed?
fails()
{
	link "$1" || exit 1
	! passes "$work/$1" "${2:-}" && passes "tests/sim/$1" "${2:-}"
}

# The first seed that fails, and only when changed.
look_for()
{
	link "$1" || exit 1
	case $name in
	*/*) STORY=${name%%/*} ;;
	*': no barrier'*) STORY=${name%%:*} ;;
	*) unset STORY ;;
	esac
	[ -z "${STORY+x}" ] || export STORY
	next=1
	while [ "$next" -le "$search" ]; do
		STOP=1 SEEDS=$((search - next + 1)) FIRST=$next timeout $((LIMIT * 5)) "$work/$1" \
			> "$work/out" 2>&1 && return 1
		seed=$(sed -n 's/^# again: SEED=\([0-9]*\).*/\1/p' "$work/out" | head -n 1)
		# One that died or took too long has no seed to name.
		[ -n "$seed" ] || return 1
		if passes "tests/sim/$1" "$seed"; then
			echo "$seed"
			return 0
		fi
		next=$((seed + 1))
	done
	return 1
}

judge()
{
	case $killer in
	=*)
		echo "$killer"
		return 0
		;;
	'?'*) ;;
	*)
		# shellcheck disable=SC2086
		if fails $killer; then
			echo "$killer"
			return 0
		fi
		;;
	esac
	seed=$([ "$search" -gt 0 ] && look_for "${SEARCH:-test_waits}") &&
	echo "${SEARCH:-test_waits} $seed (found)" && return 0
	echo "SURVIVES"
	return 1
}

survivors=0
count=0
grep -v '^#' "$table" | sed "s/ | /$tab/g" > "$work/table"
while IFS="$tab" read -r name file change killer; do
	case "$name $killer" in
	*"$word"*) ;;
	*) continue ;;
	esac
	begun=$(date +%s)
	rm -f "$work"/test_* "$work"/mutant.o
	case $killer in
	=*) ;;
	*) mutate "$file" "$change" || exit 1 ;;
	esac
	verdict=$(judge) || survivors=$((survivors + 1))
	count=$((count + 1))
	printf '%-52s %-34s %3d s\n' "$name" "$verdict" $(($(date +%s) - begun))
done < "$work/table"
echo "$count mutants, $survivors survive"
[ "$survivors" -eq 0 ]
