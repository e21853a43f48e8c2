/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What is kept of one child over a restart: its SIG(0) keys, what was applied last, and a change that
 * is under way (M-11, M-40). One record of the store.
 *
 * Key: 'D', the child's name. Value: version 1 and the fields.
 */
#pragma once

#include "parent/trust.h"
#include "parent/verdict.h"

#define MS_ROW_KEY_MAX (1 + KNOT_DNAME_MAXLEN)
/*! Largest value: the keys, and a delegation with all it may have. */
#define MS_ROW_VALUE_MAX 32768

typedef enum {
	MS_TODO_NONE,
	MS_TODO_APPLY,       /*!< Is approved; is to be brought into the zone. */
} ms_todo_t;

typedef struct {
	knot_dname_storage_t child;    /*!< Lower case. */
	knot_dname_storage_t parent;
	ms_trust_t trust;
	ms_memory_t memory;
	uint32_t inception;            /*!< Newest SIG(0) of an UPDATE that counted; 0: none. */
	uint8_t todo;                  /*!< ms_todo_t. */
	ms_deleg_t wanted;             /*!< Owned. */
} ms_row_t;

/*! Is there anything worth a record? */
bool ms_row_empty(const ms_row_t *row);
void ms_row_clear(ms_row_t *row);

/*! \return Length; so with ms_row_encode(). */
int ms_row_key(const knot_dname_t *child, uint8_t *buf, size_t max);
int ms_row_encode(const ms_row_t *row, uint8_t *buf, size_t max);
/*! \retval KNOT_EMALF, KNOT_ENOTSUP (another version), KNOT_ENOMEM. *out is owned afterwards. */
int ms_row_decode(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
                  ms_row_t *out);
