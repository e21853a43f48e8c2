#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A provider with the drafts' two servers: a combiner and, behind it, the signer with the agent.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
# shellcheck source=samples/lib/setup.sh
. "$TOP/samples/lib/setup.sh"

usage() {
	cat <<-END
	usage: run.sh [--zone FILE] [--dir DIR] [--keep]

	Shows on loopback the two-server set-up of the drafts: at provider alpha one knotd combines the
	owner's zone with what the agent sends by UPDATE with TSIG, and another one signs the result.
	Provider beta does both in one knotd. The zone always validates, and nothing uncombined leaves.

	  --zone FILE  the owner's zone; default: a generated one with 5,000 delegations
	  --dir DIR    where configurations, logs and zones go; default: a new directory in /tmp
	  --keep       leave everything running and write DIR/lab.env for going on by hand

	Missing Debian packages are installed when run as root.
	END
}

STORY_PACKAGES+=(bind9-dnsutils)
tell_story "$HERE/story.py" "$@"
