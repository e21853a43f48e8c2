/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <libknot/errcode.h>

#include "io/place.h"

/* Nobody but the owner. */
#define MODE_MASK 07777
#define MODE_OTHERS 077

static int fail_errno(const ms_place_t *place, const char *what)
{
	int code = errno;
	return ms_place_fail(place, knot_map_errno_code(code), "%s: %s", what, strerror(code));
}

static int check_file(const ms_place_t *place, const struct stat *st)
{
	if (!S_ISREG(st->st_mode)) {
		return ms_place_fail(place, KNOT_EDENIED, "is not a regular file; name a PEM file");
	}
	if ((st->st_mode & MODE_OTHERS) != 0) {
		return ms_place_fail(place, KNOT_EDENIED, "has mode %04o, others than its owner may access "
		            "the private key; run: chmod 600 %s", st->st_mode & MODE_MASK, place->path);
	}
	if (st->st_size == 0) {
		return ms_place_fail(place, KNOT_EMALF, "is empty; delete it, then a new key is made");
	}
	if (st->st_size > MS_KEYRING_FILE_MAX) {
		return ms_place_fail(place, KNOT_EMALF, "is longer than %d octets; it is no key file",
		            MS_KEYRING_FILE_MAX);
	}
	return KNOT_EOK;
}

static int read_fully(const ms_place_t *place, int fd, ms_pem_t *pem)
{
	while (pem->len < MS_KEYRING_FILE_MAX) {
		ssize_t got = read(fd, pem->data + pem->len, MS_KEYRING_FILE_MAX - pem->len);
		if (got == 0) {
			return KNOT_EOK;
		}
		if (got < 0 && errno != EINTR) {
			return fail_errno(place, "cannot be read");
		}
		pem->len += got > 0 ? got : 0;
	}
	return KNOT_EOK;
}

static int check_pem(const ms_place_t *place, const ms_pem_t *pem)
{
	gnutls_x509_privkey_t key;
	if (gnutls_x509_privkey_init(&key) != GNUTLS_E_SUCCESS) {
		return ms_place_fail(place, KNOT_ENOMEM, "cannot be checked: out of memory");
	}
	gnutls_datum_t data = { (unsigned char *)pem->data, pem->len };
	int ret = gnutls_x509_privkey_import_pkcs8(key, &data, GNUTLS_X509_FMT_PEM, NULL,
	                                           GNUTLS_PKCS_PLAIN);
	gnutls_x509_privkey_deinit(key);
	return ret == GNUTLS_E_SUCCESS ? KNOT_EOK
	       : ms_place_fail(place, KNOT_EMALF, "holds no private key in unencrypted PKCS#8 PEM form "
	              "(%s); restore it, or delete it, then a new key is made", gnutls_strerror(ret));
}

static int read_key(const ms_place_t *place, int fd, ms_pem_t *out)
{
	struct stat st;
	if (fstat(fd, &st) != 0) {
		return fail_errno(place, "cannot be looked at");
	}
	int ret = check_file(place, &st);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_pem_t pem = { .data = calloc(1, MS_KEYRING_FILE_MAX + 1) };
	if (pem.data == NULL) {
		return ms_place_fail(place, KNOT_ENOMEM, "cannot be read: out of memory");
	}
	ret = read_fully(place, fd, &pem);
	ret = ret == KNOT_EOK ? check_pem(place, &pem) : ret;
	if (ret != KNOT_EOK) {
		ms_pem_clear(&pem);
		return ret;
	}
	*out = pem;
	return KNOT_EOK;
}

static int load(const ms_place_t *place, ms_pem_t *out)
{
	/* O_NONBLOCK: a FIFO shall be refused, not waited for. */
	int fd = open(place->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		return fail_errno(place, "cannot be opened");
	}
	int ret = read_key(place, fd, out);
	close(fd);
	return ret;
}

static int generate(const ms_place_t *place, uint8_t algorithm, gnutls_datum_t *out)
{
	bool ed = algorithm == MS_KEYRING_ED25519;
	if (!ed && algorithm != MS_KEYRING_ECDSAP256SHA256) {
		return ms_place_fail(place, KNOT_ENOTSUP, "cannot be made for algorithm %u; use 15 (ED25519) "
		            "or 13 (ECDSAP256SHA256)", algorithm);
	}
	gnutls_x509_privkey_t key;
	if (gnutls_x509_privkey_init(&key) != GNUTLS_E_SUCCESS) {
		return ms_place_fail(place, KNOT_ENOMEM, "cannot be made: out of memory");
	}
	gnutls_ecc_curve_t curve = ed ? GNUTLS_ECC_CURVE_ED25519 : GNUTLS_ECC_CURVE_SECP256R1;
	int ret = gnutls_x509_privkey_generate(key, ed ? GNUTLS_PK_EDDSA_ED25519 : GNUTLS_PK_ECDSA,
	                                       GNUTLS_CURVE_TO_BITS(curve), 0);
	if (ret == GNUTLS_E_SUCCESS) {
		ret = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL,
		                                        GNUTLS_PKCS_PLAIN, out);
	}
	gnutls_x509_privkey_deinit(key);
	return ret == GNUTLS_E_SUCCESS ? KNOT_EOK
	       : ms_place_fail(place, KNOT_ERROR, "cannot be made: %s", gnutls_strerror(ret));
}

static int write_fully(const ms_place_t *place, int fd, const gnutls_datum_t *pem)
{
	for (unsigned done = 0; done < pem->size; ) {
		ssize_t put = write(fd, pem->data + done, pem->size - done);
		if (put < 0 && errno != EINTR) {
			return fail_errno(place, "cannot be written");
		}
		done += put > 0 ? put : 0;
	}
	return fchmod(fd, 0600) == 0 && fsync(fd) == 0
	       ? KNOT_EOK : fail_errno(place, "cannot be written");
}

/* So that the new name survives a crash, too. */
static void sync_directory(const char *path)
{
	char copy[PATH_MAX];
	(void)snprintf(copy, sizeof(copy), "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
}

/* link() fails where the name is taken: only a complete file appears, and only one. */
static int publish(const ms_place_t *place, const char *temporary, bool *made)
{
	if (link(temporary, place->path) == 0) {
		sync_directory(place->path);
		*made = true;
		return KNOT_EOK;
	}
	*made = false;
	return errno == EEXIST ? KNOT_EOK : fail_errno(place, "cannot be made");
}

static int store(const ms_place_t *place, const gnutls_datum_t *pem, bool *made)
{
	char temporary[PATH_MAX];
	int len = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", place->path);
	if (len < 0 || (size_t)len >= sizeof(temporary)) {
		return ms_place_fail(place, KNOT_EINVAL, "has too long a name");
	}
	/* Mode 0600 from the beginning. */
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		return fail_errno(place, "cannot be made (its directory must be writable)");
	}
	int ret = write_fully(place, fd, pem);
	close(fd);
	if (ret == KNOT_EOK) {
		ret = publish(place, temporary, made);
	}
	(void)unlink(temporary);
	return ret;
}

int ms_keyring_load(const char *path, ms_pem_t *out, char *reason, size_t reason_size)
{
	ms_place_t place = { "key file", path, reason, reason_size };
	return load(&place, out);
}

int ms_keyring_load_or_make(const char *path, uint8_t algorithm, ms_pem_t *out, bool *made,
                            char *reason, size_t reason_size)
{
	ms_place_t place = { "key file", path, reason, reason_size };
	bool ours = false;
	int ret = load(&place, out);
	if (ret == KNOT_ENOENT) {
		gnutls_datum_t pem = { 0 };
		ret = generate(&place, algorithm, &pem);
		if (ret == KNOT_EOK) {
			ret = store(&place, &pem, &ours);
			gnutls_memset(pem.data, 0, pem.size);
			gnutls_free(pem.data);
		}
		/* From the file in any case: perhaps somebody else was first. */
		ret = ret == KNOT_EOK ? load(&place, out) : ret;
	}
	if (ret == KNOT_EOK) {
		*made = ours;
		if (reason_size > 0) {
			reason[0] = '\0';
		}
	}
	return ret;
}

void ms_pem_clear(ms_pem_t *pem)
{
	if (pem->data != NULL) {
		gnutls_memset(pem->data, 0, MS_KEYRING_FILE_MAX + 1);
		free(pem->data);
	}
	*pem = (ms_pem_t){ 0 };
}
