#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The tables in doc/state-machines.rst are those of the code.
doc=${srcdir:-.}/doc/state-machines.rst
./tests/unit/test_peer --print >relation.table || exit 1
sed -n '/^   RELATION  /,/^$/{/^   [A-Z]/p}' "$doc" | sed 1d >relation.doc
if [ -s relation.table ] && cmp -s relation.table relation.doc; then
	echo "ok 1 - the relation table of doc/state-machines.rst is that of core/peer"
else
	diff relation.table relation.doc | sed 's/^/# /'
	echo "not ok 1 - doc/state-machines.rst differs from core/peer: print it anew"
	status=1
fi
rm -f relation.table relation.doc
./tests/unit/test_delegation --print >relation.table || exit 1
sed -n '/^   PARENT  /,/^$/{/^   [a-z]/p}' "$doc" >relation.doc
if [ -s relation.table ] && cmp -s relation.table relation.doc; then
	echo "ok 2 - the parent table of doc/state-machines.rst is that of core/delegation"
else
	diff relation.table relation.doc | sed 's/^/# /'
	echo "not ok 2 - doc/state-machines.rst differs from core/delegation: print it anew"
	status=1
fi
rm -f relation.table relation.doc
./tests/unit/test_process_table --print | sed '/^$/d' >relation.table || exit 1
sed -n '/^   [a-z]*  *OBSERVED /,/^$/p' "$doc" | sed '/^$/d' >relation.doc
if [ -s relation.table ] && cmp -s relation.table relation.doc; then
	echo "ok 3 - the tables of processes in doc/state-machines.rst are those of core/process_table"
else
	diff relation.table relation.doc | sed 's/^/# /'
	echo "not ok 3 - doc/state-machines.rst differs from core/process_table: print them anew"
	status=1
fi
rm -f relation.table relation.doc
echo 1..3
exit ${status:-0}
