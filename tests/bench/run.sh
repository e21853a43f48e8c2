#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what is missing, builds without sanitizers, and runs benchmarks: figures, no verdicts.
set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=samples/lib/setup.sh
. "$TOP/samples/lib/setup.sh"

ALL=(query zones dnskey-sync axfr notify update scan)
SUITE=trixie               # Debian with a Knot that has dnskey-sync.
BUILD=$TOP/build-bench
MODULE=modules/msigner/.libs/msigner.so
TARGETS=(modules/msigner/msigner.la tests/functional/msgen tests/bench/watch
	modules/dsync/dsync.la tests/functional/dsgen tests/bench/sig0)

usage() {
	cat <<-END
	usage: tests/bench/run.sh [NAME...] [-- OPTION...]     NAME: ${ALL[*]}; default: all
	  OPTIONs go to each benchmark named: tests/bench/NAME/bench.py --help
	END
}

# logged LOG COMMAND...
logged() {
	local log=$1
	shift
	"$@" >"$log" 2>&1 </dev/null || { tail -n 20 "$log" >&2; die "failed, see $log: $*"; }
}

build_here() {
	configure_in "$BUILD" && make -C "$BUILD" -j2 "${TARGETS[@]}"
}

# build_there SUITE: the same source with that Debian's Knot and build tools, which must not touch
# ours: from a copy.
build_there() {
	local dir=$BUILD-$1
	mkdir -p "$dir/source"
	tar -C "$TOP" --exclude='./build*' --exclude=./.git --exclude=./autom4te.cache \
		--exclude='./knot-msigner-*' --exclude=./configure --exclude=./Makefile.in \
		--exclude=./aclocal.m4 --exclude=./build-aux --exclude='./m4/l*.m4' -c . |
		tar -C "$dir/source" -x
	cd "$dir"
	# shellcheck disable=SC2016
	"$TOP/tests/matrix.sh" exec "$1" bash -c '
		[[ -x source/configure ]] || (cd source && autoreconf -fi) || exit
		[[ -f Makefile ]] || source/configure -q || exit
		exec make -j2 "$@"' build "${TARGETS[@]}"
}

case ${1:-} in
-h|--help) usage; exit 0 ;;
esac

names=()
while (( $# )) && [[ $1 != -- ]]; do
	[[ " ${ALL[*]} " == *" $1 "* ]] || { usage >&2; die "unknown benchmark $1"; }
	names+=("$1")
	shift
done
(( ${#names[@]} )) || names=("${ALL[@]}")

ensure_packages "${TEST_PACKAGES[@]}"
mkdir -p "$BUILD"
logged "$BUILD/build.log" build_here
[[ " ${names[*]} " != *' dnskey-sync '* ]] ||
	logged "$BUILD/build-$SUITE.log" build_there "$SUITE"

export MSIGNER_SO=$BUILD/$MODULE
for name in "${names[@]}"; do
	echo "== $name"
	"$TOP/tests/bench/$name/bench.py" "${@:2}"
done
