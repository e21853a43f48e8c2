#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# doc/requirements.rst is what the tests say, and they name no requirement that does not exist.
if ! command -v python3 >/dev/null; then
	echo '1..0 # SKIP python3 is not installed'
	exit 77
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 "${srcdir:-.}/tests/lint/requirements.py" "${srcdir:-.}"
