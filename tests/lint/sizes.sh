#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A gauge, not a gate: how long files and functions are, and which to look at twice (files over 400
# lines, functions over 60). Usage: sizes.sh [SOURCE-DIRECTORY]. Always succeeds.

LC_ALL=C
export LC_ALL
cd "${1:-$(dirname "$0")/../..}" || exit 0

# Reads "LENGTH NAME" lines, prints the distribution and what is over the limit.
gauge()
{
	sort -n | awk -v what="$1" -v limit="$2" '
		{ size[NR] = $1; name[NR] = $2; sum += $1 }
		END {
			if (NR == 0) exit
			printf "%-10s %5d, lines %6d, median %4d, p90 %4d, longest %4d\n", what, NR, sum,
			       size[int((NR + 1) / 2)], size[int(NR * 0.9 + 0.5)], size[NR]
			for (i = NR; i > 0 && size[i] > limit; i--)
				printf "  over %d: %4d %s\n", limit, size[i], name[i]
		}'
}

list()
{
	find "$@" -name '*.c' -type f 2>/dev/null | sort
}

# A function begins where "{" stands alone at the left margin, and ends at such a "}".
functions()
{
	for file in $(list "$@"); do
		awk '
			/^[A-Za-z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name); at = FNR }
			/^\{/ { open = 1; start = at }
			/^\}/ { if (open && /^\}$/) print FNR - start + 1, FILENAME ":" name; open = 0 }
		' "$file"
	done
}

for part in src/base src/wire src/core src/io src/agent src modules tests; do
	[ -n "$(list "$part")" ] || continue
	echo "$part"
	for file in $(list "$part"); do
		echo "$(grep -c '' "$file") $file"
	done | gauge files 400
	functions "$part" | gauge functions 60
done
exit 0
