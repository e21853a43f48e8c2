# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Installing what is missing and building; sourced by samples/*/run.sh and tests/run.sh.

export PATH="$PATH:/usr/sbin:/sbin"

# What building and all tests need, in every Debian that they run on (tests/matrix.sh).
# shellcheck disable=SC2034
TEST_PACKAGES=(build-essential autoconf automake libtool pkg-config knot libknot-dev knot-dnsutils
	libunbound-dev libevent-dev unbound libgnutls28-dev libcmocka-dev liburcu-dev libjansson-dev
	dns-root-data bind9 bind9-dnsutils iproute2 openssl python3 libnet-dns-sec-perl faketime xz-utils)

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# stop_service NAME: a daemon that apt started, under systemd or without (containers).
stop_service() {
	if [[ -d /run/systemd/system ]]; then
		systemctl stop "$1" || true
	elif [[ -x /etc/init.d/$1 ]]; then
		"/etc/init.d/$1" stop >/dev/null 2>&1 || true
	fi
}

# ensure_packages NAME...: installs those that are missing. Only daemons that came with this very
# installation are stopped: an administrator's own knotd or unbound is left alone.
ensure_packages() {
	local package missing=()
	for package in "$@"; do
		[[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
			missing+=("$package")
	done
	(( ${#missing[@]} )) || return 0
	(( EUID == 0 )) ||
		die "these Debian packages are missing, install them as root: apt-get install ${missing[*]}"
	echo "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	local log
	log=$(mktemp)
	{ apt-get -qy update && apt-get -qy install --no-install-recommends "${missing[@]}"; } \
		>"$log" 2>&1 </dev/null || { tail -n 20 "$log" >&2; die "apt-get failed, its output is in $log"; }
	rm -f "$log"
	for package in "${missing[@]}"; do
		case $package in
		knot|unbound) stop_service "$package" ;;
		bind9) stop_service named ;;
		esac
	done
}

# configure_in DIR OPTION...: an out-of-tree build directory, configured once.
configure_in() {
	local dir=$1
	shift
	[[ -x $TOP/configure && -f $TOP/Makefile.in ]] || (cd "$TOP" && autoreconf -fi) || return
	mkdir -p "$dir"
	[[ -f $dir/Makefile ]] || (cd "$dir" && "$TOP/configure" -q "$@")
}

# What the samples' stories run on.
STORY_PACKAGES=(build-essential autoconf automake libtool pkg-config knot knot-dnsutils unbound
	libknot-dev libunbound-dev libevent-dev libgnutls28-dev libjansson-dev liburcu-dev python3)

# build_module: in build; quiet unless it fails.
build_module() {
	echo "building mod-msigner in $TOP/build"
	mkdir -p "$TOP/build"
	{ configure_in "$TOP/build" && make -s -C "$TOP/build" -j"$(nproc)" modules/msigner/msigner.la; } \
		>"$TOP/build/sample.log" 2>&1 || {
		tail -n 20 "$TOP/build/sample.log" >&2
		die "the build failed, its output is in $TOP/build/sample.log"
	}
}

# tell_story STORY OPTION...: installs, builds and runs STORY. Knows the options that all samples
# have; usage() is the sample's own.
tell_story() {
	local story=$1 zone='' dir='' keep='' parent=''
	shift
	while (( $# )); do
		case $1 in
		--zone|--dir) (( $# > 1 )) || die "$1 needs a value"
			printf -v "${1#--}" %s "$(realpath -m -- "$2")"
			shift 2 ;;
		--keep) keep=1; shift ;;
		--parent) (( $# > 1 )) || die "$1 needs a value"
			parent=$2
			shift 2 ;;
		-h|--help) usage; exit 0 ;;
		*) usage >&2; die "unknown option $1" ;;
		esac
	done
	[[ -z $zone || -r $zone ]] || die "cannot read the zone file $zone"

	ensure_packages "${STORY_PACKAGES[@]}"
	# The 120 seconds that a sample may take begin here, after the installation.
	export MSIGNER_T0=${EPOCHREALTIME/,/.}
	[[ ${LAB_NO_MODULE:-} == 1 ]] || build_module
	exec python3 "$story" ${zone:+--zone "$zone"} ${dir:+--dir "$dir"} ${keep:+--keep} \
		${parent:+--parent "$parent"}
}
