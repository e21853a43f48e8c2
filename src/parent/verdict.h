/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What a parent decides about a wish of a child, and by which rule: numbered in the order in which they
 * are asked (doc/protocol.rst has the list).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "wire/survey.h"

#define MS_VERDICT_TEXT_MAX 200

typedef enum {
	MS_VERDICT_SAME,     /*!< Nothing is wished, or it is so already. */
	MS_VERDICT_CHANGE,
	MS_VERDICT_WAIT,     /*!< Not now: something may heal by itself. */
	MS_VERDICT_REFUSE,   /*!< Not as it stands. */
} ms_verdict_kind_t;

/*! Rules of acceptance. A change passes all that apply. */
typedef enum {
	MS_RULE_NONE,
	MS_RULE_SURVEY,      /*!< 1. The servers can be found. */
	MS_RULE_ANSWER,      /*!< 2. Every server answers (RFC 9975; K-19, K-20). */
	MS_RULE_VALID,       /*!< 3. Every answer validates (K-23, K-32). */
	MS_RULE_AGREE,       /*!< 4. All say the same (K-21, P-12, P-27). */
	MS_RULE_FORM,        /*!< 5. It is well-formed, and of a kind that is known (K-31, K-33). */
	MS_RULE_MATCH,       /*!< 6. CDS and CDNSKEY mean the same keys (K-18). */
	MS_RULE_POLICY,      /*!< 7. Our policy allows it: algorithms, digests, number of servers. */
	MS_RULE_SIGNER,      /*!< 8. Signed by a key that the present DS names (K-13). */
	MS_RULE_NEWER,       /*!< 9. Not older than what was applied last (K-16). */
	MS_RULE_PATH,        /*!< 10. Afterwards each server can be validated (K-14, K-26). */
	MS_RULE_SERVES,      /*!< 11. Each new name server serves the zone (K-44). */
	MS_RULE_GLUE,        /*!< 12. Name servers below the child have addresses (K-41). */
	MS_RULE_SETTLED,     /*!< 13. The zone did not change meanwhile (K-35, K-37). */
	MS_RULE_IMMEDIATE,   /*!< 14. Nobody's approval is asked for (K-34). */
	MS_RULE_BOOTSTRAP,   /*!< 15. A first DS is authenticated (RFC 9615, K-50..K-56). */
	MS_RULE_OWN,         /*!< 16. UPDATE: only the child's own names and types (M-01, M-02). */
	MS_RULE_WHOLE,       /*!< 17. UPDATE: what is left is a delegation (M-10). */
	MS_RULES,
} ms_rule_t;

typedef struct {
	uint8_t kind;                      /*!< ms_verdict_kind_t. */
	uint8_t rule;                      /*!< ms_rule_t that said no. */
	int32_t ede;                       /*!< Extended DNS Error to report; -1: none. */
	char text[MS_VERDICT_TEXT_MAX];    /*!< Why; printable. */
} ms_verdict_t;

/*! What the operator allows. */
typedef struct {
	uint8_t ns_min;             /*!< Fewest name servers of a child. */
	bool digest[5];             /*!< By digest type: may stand in a DS. */
	bool algorithm[256];        /*!< DNSSEC algorithms. */
	bool ds_delete;             /*!< The delete signal counts. */
	bool drop_silent;           /*!< Servers that stayed silent through all retries do not count. */
	bool signals;               /*!< First DS by RFC 9615. */
	uint32_t hold;              /*!< First DS by RFC 8078: seconds of the same wish; 0: never. */
	bool update_ns, update_ds;  /*!< What an UPDATE may change. */
} ms_policy_t;

/*! Signatures remembered of what was applied last: of each key, the newest. */
#define MS_MEMORY_KEYS_MAX 8

/*! What is remembered of a child's DS between two surveys. Plain memory. */
typedef struct {
	uint8_t count;
	struct {
		uint16_t tag;
		uint32_t inception;
	} applied[MS_MEMORY_KEYS_MAX];
	bool wishing;               /*!< RFC 8078: a wish for a first DS is seen … */
	int64_t since;              /*!< … since then (UNIX seconds) … */
	ms_digest_t wish;           /*!< … and it is this one. */
} ms_memory_t;

/*! Fills in a verdict; returns it for the caller to leave with. */
ms_verdict_t ms_verdict(ms_verdict_kind_t kind, ms_rule_t rule, int32_t ede, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
const char *ms_rule_name(uint8_t rule);
const char *ms_verdict_name(uint8_t kind);

/*! Extended DNS Errors (RFC 8914) that verdicts use. */
enum {
	MS_EDE_NONE = -1, MS_EDE_OTHER = 0, MS_EDE_BOGUS = 6, MS_EDE_DNSKEY_MISSING = 9,
	MS_EDE_RRSIGS_MISSING = 10, MS_EDE_BLOCKED = 15, MS_EDE_PROHIBITED = 18,
	MS_EDE_UNREACHABLE = 22, MS_EDE_INVALID = 24,
};
