#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Two independent DNS providers, each a stock knotd with mod-msigner, sign one zone together.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
# shellcheck source=samples/lib/setup.sh
. "$TOP/samples/lib/setup.sh"

usage() {
	cat <<-END
	usage: run.sh [--zone FILE] [--dir DIR] [--keep]

	Shows on loopback how two DNS providers, each a stock knotd with mod-msigner, find each other by
	the zone owner's HSYNC records, exchange their keys and serve one zone that always validates.

	  --zone FILE  the owner's zone; default: a generated one with 50,000 delegations
	  --dir DIR    where configurations, logs and zones go; default: a new directory in /tmp
	  --keep       leave everything running and write DIR/lab.env for going on by hand

	Missing Debian packages are installed when run as root.
	END
}

zone='' dir='' keep=''
while (( $# )); do
	case $1 in
	--zone|--dir) (( $# > 1 )) || die "$1 needs a value"
		printf -v "${1#--}" %s "$(realpath -m -- "$2")"
		shift 2 ;;
	--keep) keep=1; shift ;;
	-h|--help) usage; exit 0 ;;
	*) usage >&2; die "unknown option $1" ;;
	esac
done
[[ -z $zone || -r $zone ]] || die "cannot read the zone file $zone"

ensure_packages build-essential autoconf automake libtool pkg-config knot knot-dnsutils unbound \
	libknot-dev libunbound-dev libevent-dev libgnutls28-dev libjansson-dev liburcu-dev python3

# The 120 seconds that this sample may take begin here, after the installation.
export MSIGNER_T0=${EPOCHREALTIME/,/.}
if [[ ${LAB_NO_MODULE:-} != 1 ]]; then
	echo "building mod-msigner in $TOP/build"
	mkdir -p "$TOP/build"
	{ configure_in "$TOP/build" && make -s -C "$TOP/build" -j"$(nproc)" modules/msigner/msigner.la; } \
		>"$TOP/build/sample.log" 2>&1 || {
		tail -n 20 "$TOP/build/sample.log" >&2
		die "the build failed, its output is in $TOP/build/sample.log"
	}
fi

exec python3 "$HERE/story.py" ${zone:+--zone "$zone"} ${dir:+--dir "$dir"} ${keep:+--keep}
