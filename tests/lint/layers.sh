#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Arrows only point down (doc/architecture.rst): base <- wire <- core, parent and io <- agent, receiver
# <- modules; core, parent and io do not know each other, nor do agent and receiver. No clock, random
# source, socket, file or thread in base, wire, core and parent. Usage: layers.sh [SOURCE-DIRECTORY]. Exit status 1: some line breaks a rule.

LC_ALL=C
export LC_ALL
top=${1:-$(dirname "$0")/../..}
cd "$top" || exit 2
if ! [ -d src ] || ! [ -d modules ]; then
	echo "layers: no src and modules in $(pwd)" >&2
	exit 2
fi
status=0

files()
{
	find "$1" -name '*.[ch]' -type f | sort
}

# The code of a file with its line numbers, comments blanked out.
code()
{
	awk '{
		line = $0; out = ""
		while (line != "") {
			if (comment) {
				end = index(line, "*/")
				if (end == 0) break
				comment = 0; line = substr(line, end + 2)
			} else {
				start = index(line, "/*"); slash = index(line, "//")
				if (slash && (!start || slash < start) && line !~ /"[^"]*\/\//) {
					out = out substr(line, 1, slash - 1); break
				}
				if (start == 0) { out = out line; break }
				out = out substr(line, 1, start - 1); comment = 1
				line = substr(line, start + 2)
			}
		}
		print FILENAME ":" FNR ":" out
	}' "$1"
}

# complain RULE: every line read is a breach of it.
complain()
{
	while IFS= read -r line; do
		echo "$line  <- $1"
		echo breach >&3
	done
}

# may_include DIRECTORY LAYERS: quoted includes name only these folders of src.
may_include()
{
	for file in $(files "$1"); do
		code "$file" | grep -E ':[[:space:]]*#[[:space:]]*include[[:space:]]*"' |
			grep -vE "\"($2)/" | complain "$1 may include only $2"
	done
}

# may_not_use DIRECTORY REGEX WHAT. compat.h only names calls for others to make; what trial.c ends is
# a child of its own.
may_not_use()
{
	for file in $(files "$1" | grep -vx -e src/base/compat.h -e src/io/trial.c); do
		code "$file" | grep -E "$2" | complain "$1 may not use $3"
	done
}

calls()
{
	echo "(^|[^A-Za-z0-9_])($1)[[:space:]]*\("
}

check()
{
	may_include src/base 'base'
	may_include src/wire 'base|wire'
	may_include src/core 'base|wire|core'
	may_include src/parent 'base|wire|parent'
	may_include src/io 'base|wire|io'
	may_include src/agent 'base|wire|core|io|agent'
	may_include src/receiver 'base|wire|parent|io|receiver'

	clock='time|clock|clock_gettime|gettimeofday|timespec_get|localtime|localtime_r'
	random='rand|srand|random|srandom|rand_r|drand48|getrandom|getentropy|dnssec_random_[a-z0-9_]+'
	socket='socket|connect|bind|listen|accept4?|send|sendto|sendmsg|recv|recvfrom|recvmsg|poll|ppoll|select|getaddrinfo|knot_ctl_[a-z_]+'
	file='open|openat|fopen|read|write|fread|fwrite|unlink|mkdir|rename|knot_db_[a-z_]+|mdb_[a-z_]+'
	thread='pthread_[a-z_]+|sleep|usleep|nanosleep|fork|execv[pe]*|system|popen|getenv'
	for dir in src/base src/wire src/core src/parent; do
		may_not_use "$dir" "$(calls "$clock")" 'a clock'
		may_not_use "$dir" "$(calls "$random")" 'a random source'
		may_not_use "$dir" "$(calls "$socket")" 'a socket'
		may_not_use "$dir" "$(calls "$file")" 'a file or database'
		may_not_use "$dir" "$(calls "$thread")" 'threads, processes or the environment'
	done
	for dir in src/base src/wire src/core src/parent src/io src/agent src/receiver; do
		may_not_use "$dir" 'include[[:space:]]*<knot/' 'knotd (modules only)'
		may_not_use "$dir" "$(calls 'exit|_exit|abort|assert')" 'the end of its host'
	done
	may_not_use modules "$(calls 'exit|_exit|abort|assert')" 'the end of its host'
}

breaches=$(mktemp) || exit 2
trap 'rm -f "$breaches"' EXIT
check 3>"$breaches"
if [ -s "$breaches" ]; then
	echo "layers: $(grep -c . "$breaches") breaches"
	status=1
else
	echo "layers: sound"
fi
exit $status
