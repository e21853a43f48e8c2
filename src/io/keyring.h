/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The private key that signs our messages (SIG(0)): a PKCS#8 PEM file, unencrypted, of mode 0600,
 * made at the first start. The octets are wiped when they are freed.
 *
 * Each error leaves one sentence in the caller's reason buffer: file, fault, remedy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*! Longest file read; the largest RSA key has a quarter of it. */
#define MS_KEYRING_FILE_MAX (16 * 1024)
#define MS_KEYRING_REASON_MAX 384

/*! DNSSEC algorithm numbers that a key can be made for. */
#define MS_KEYRING_ECDSAP256SHA256 13
#define MS_KEYRING_ED25519         15

typedef struct {
	char *data;   /*!< Owned, ends with NUL. */
	size_t len;   /*!< Without the NUL. */
} ms_pem_t;

/*!
 * Reads the key in \a path. *out is replaced on success only.
 * \retval KNOT_ENOENT   no such file.
 * \retval KNOT_EACCES   may not be read.
 * \retval KNOT_EDENIED  not a regular file, or accessible to group or others.
 * \retval KNOT_EMALF    empty, too long or no private key in unencrypted PKCS#8 PEM.
 * \retval KNOT_E*       KNOT_ENOMEM or that of a system call.
 */
int ms_keyring_load(const char *path, ms_pem_t *out, char *reason, size_t reason_size);

/*!
 * Reads the key in \a path; where there is no such file, one for \a algorithm is made first. Of
 * several who do that at the same time one wins and all get its key. *made tells whether it was
 * us. Errors as above, and KNOT_ENOTSUP for another algorithm.
 */
int ms_keyring_load_or_make(const char *path, uint8_t algorithm, ms_pem_t *out, bool *made,
                            char *reason, size_t reason_size);

/*! Wipes and frees. */
void ms_pem_clear(ms_pem_t *pem);
