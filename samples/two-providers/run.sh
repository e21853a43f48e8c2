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
	usage: run.sh [--zone FILE] [--dir DIR] [--keep] [--parent notify|update|manual]

	Shows on loopback how two DNS providers, each a stock knotd with mod-msigner, find each other by
	the zone owner's HSYNC records, exchange their keys and serve one zone that always validates.

	  --zone FILE  the owner's zone; default: a generated one with 50,000 delegations
	  --dir DIR    where configurations, logs and zones go; default: a new directory in /tmp
	  --parent     who changes the delegation: the parent's knotd with mod-dsync, once a provider tells
	               it by NOTIFY (default) or by an UPDATE signed with SIG(0); manual: its operator
	  --keep       leave everything running and write DIR/lab.env for going on by hand

	Missing Debian packages are installed when run as root.
	END
}

tell_story "$HERE/story.py" "$@"
