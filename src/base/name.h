/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Copying names. A valid name always fits into a knot_dname_storage_t, so there is nothing to
 * check, which the library's own function insists on.
 */
#pragma once

#include <stdbool.h>

#include <libknot/dname.h>

static inline void ms_name_copy(knot_dname_storage_t dst, const knot_dname_t *src)
{
	if (knot_dname_store(dst, src) == 0) {
		dst[0] = '\0'; /* not a name: the root, which is nobody's identity */
	}
}

/*! Same, in lower case: the form in which names are compared. */
static inline void ms_name_copy_lower(knot_dname_storage_t dst, const knot_dname_t *src)
{
	ms_name_copy(dst, src);
	knot_dname_to_lower(dst);
}

/*! Is the first label of \a name this one (length octet and text, lower case)? */
static inline bool ms_label_equal(const knot_dname_t *name, const uint8_t *label)
{
	for (uint8_t i = 0; i <= label[0]; i++) {
		uint8_t c = name[i];
		if ((i > 0 && c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != label[i]) {
			return false;
		}
	}
	return true;
}
