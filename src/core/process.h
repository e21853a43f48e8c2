/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The multi-signer processes (draft-ietf-dnsop-dnssec-automation section 5; requirement group F,
 * contradictions X-20..X-23, X-26, X-46, X-47): who joins, leaves or rolls a key in a zone, and how far
 * that is.
 *
 * A process has a kind, a subject (a provider) and a step. Its table in process_table.c says for each step
 * what must be observed, and for how long, before the next one; and what is done on entering it. Every
 * agent walks through it by its own observation; three questions are asked at each arrow, each by a
 * function of its own that says why not: is it wanted (core/process), is it safe (core/safety), is it time
 * (core/timing)? The barrier is the fourth: no agent is more than one step ahead of any other signer
 * (F-09); who is in which step travels in STATE.
 *
 * One process per zone at a time (F-11). What is wanted is derived again and again from the HSYNC RRset,
 * the members and the rolls asked for: what is not begun needs no queue of its own.
 */
#pragma once

#include "core/election.h"
#include "core/model.h"

typedef enum {
	MS_PROC_NONE,
	MS_PROC_JOIN,       /*!< A signer comes in. */
	MS_PROC_SERVE,      /*!< A provider that does not sign comes in (F-85). */
	MS_PROC_LEAVE,      /*!< A signer goes. */
	MS_PROC_UNSERVE,    /*!< A provider that does not sign goes. */
	MS_PROC_ZSK,        /*!< The subject rolls its ZSK … */
	MS_PROC_KSK,        /*!< … its KSK … */
	MS_PROC_CSK,        /*!< … its only key. */
	MS_PROC_ALGORITHM,  /*!< All signers roll to another algorithm. */
	MS_PROC_KINDS,
} ms_process_kind_t;

/*! Most steps of one table, the last one included. */
#define MS_PROC_STEPS 24

/*!
 * What is observed (F-13), at every address of every server it is about. A fact holds since a moment and
 * for a certain content: if that changes it must be seen anew.
 */
typedef enum {
	MS_FACT_KEYS,       /*!< All servers of all signers have every contributed DNSKEY. */
	MS_FACT_CDS,        /*!< All of them have our CDS and CDNSKEY. */
	MS_FACT_NS,         /*!< All of them have our NS. */
	MS_FACT_DS,         /*!< All servers of the parent have DS as CDS says. */
	MS_FACT_PARENT_NS,  /*!< All of them have NS as the zone. */
	MS_FACT_SIGNED,     /*!< The subject's servers have signatures by its active key alone. */
	MS_FACT_GONE,       /*!< No server has a DNSKEY that nobody contributes any more. */
	MS_FACT_COUNT,
} ms_fact_t;

/*! TTLs that are remembered, each with the largest that a cache may still have (F-24, X-47). */
typedef enum {
	MS_TTL_DNSKEY,
	MS_TTL_NS,
	MS_TTL_DS,
	MS_TTL_PARENT_NS,
	MS_TTL_COUNT,
} ms_ttl_t;

/*! How long a fact must hold before a step ends. */
typedef enum {
	MS_WAIT_KEYS    = 1 << 0, /*!< DNSKEY-Wait-Time after KEYS. */
	MS_WAIT_DS      = 1 << 1, /*!< DS-Wait-Time after DS. */
	MS_WAIT_DS_KEYS = 1 << 2, /*!< Both, one after the other, after DS and KEYS (F-67). */
	MS_WAIT_NS      = 1 << 3, /*!< NS-Wait-Time after PARENT_NS. */
	MS_WAIT_SIGNED  = 1 << 4, /*!< SigW after SIGNED. */
	MS_WAIT_STEP_KEYS = 1 << 5, /*!< DNSKEY-Wait-Time after the step began. */
	MS_WAIT_STEP_SIG  = 1 << 6, /*!< SigW after the step began. */
} ms_wait_t;

/*! What holds of the subject's data from this step on. */
typedef enum {
	MS_EFFECT_NS      = 1 << 0, /*!< Its NS are in the zone; of who leaves: they are not any more. */
	MS_EFFECT_CDS     = 1 << 1, /*!< Likewise its CDS and CDNSKEY … */
	MS_EFFECT_KEYS    = 1 << 2, /*!< … and its DNSKEYs. */
} ms_effect_t;

typedef struct {
	const char *name;
	uint8_t facts;      /*!< Bits 1 << MS_FACT_x that end the step. */
	uint8_t waits;      /*!< Bits MS_WAIT_x. */
	uint8_t effects;    /*!< Bits MS_EFFECT_x, in force from here on. */
	bool led;           /*!< Only the subject can tell that it is over; the others follow it. */
	uint8_t keys;       /*!< ms_keys_op_t the subject does on entering; MS_KEYS_LIST: nothing. */
	const char *source; /*!< Requirement. */
} ms_step_row_t;

/*! Rows of a kind, the last one with name NULL. */
const ms_step_row_t *ms_process_table(ms_process_kind_t kind);
/*! The row in which the zone's process is; of none: an empty one. */
const ms_step_row_t *ms_process_row(const ms_zone_t *zone);
/*! Number of steps before the end. */
unsigned ms_process_steps(ms_process_kind_t kind);
/*! "none", "join", … */
const char *ms_process_name(ms_process_kind_t kind);
const char *ms_fact_name(ms_fact_t fact);
bool ms_process_is_roll(ms_process_kind_t kind);
/*! Does it bring its subject in, or let it go? Any octet that somebody tells may be asked about. */
bool ms_process_brings(uint8_t kind);
bool ms_process_parts(uint8_t kind);
/*! Bit of ms_process_t.asked. */
uint8_t ms_process_asked_bit(ms_process_kind_t kind);

/*! What is asked, and looked at, on the way. */
typedef enum {
	MS_LOOK_CHILDREN,   /*!< All servers of all providers. */
	MS_LOOK_PARENT,
	MS_LOOKS,
} ms_look_t;

/*! Between two looks at the same, doubled up to the second; a new step or apex begins anew. */
#define MS_PROC_LOOK     (200 * MS_MSEC)
#define MS_PROC_LOOK_MAX (60 * MS_SEC)
/*! A key operation that failed is repeated after this. */
#define MS_PROC_KEYS_RETRY (5 * MS_SEC)
/*! A step without a wait of its own that lasts longer needs a person. */
#define MS_PROC_LONG (3600 * MS_SEC)
/*! Decisions that the state shows. */
#define MS_DECISIONS_MAX 10
/*! Longest sentence about what a step waits for, octets. */
#define MS_WHY_MAX 120

typedef struct ms_process {
	bool founded;              /*!< It is known who the members are … */
	bool member;               /*!< … and that we are one. */
	uint8_t kind;              /*!< ms_process_kind_t. */
	uint8_t step;
	uint8_t asked;             /*!< Rolls wanted of us: bits 1 << ms_key_role_t, 8: algorithm. */
	knot_dname_t *subject;     /*!< Owned; NULL: none, or the group. */
	int64_t entered;           /*!< As all times here: ms_steady(), microseconds. */
	ms_rec_fact_t fact[MS_FACTS_MAX];
	ms_rec_ttl_t ttl[MS_TTLS_MAX];
	uint8_t order_count;
	uint64_t order[MS_ORDERS_MAX];
	bool leading;              /*!< This process goes by a leader (core/leading). */
	ms_election_t election;    /*!< But for the vote. */
	/* not durable */
	int64_t noted, noted_wall, noted_mono; /*!< Of the last settling: ms_rec_process_t. */
	bool votes;                /*!< We take part in the election … */
	bool elected;              /*!< … and it is over. */
	bool vote_new;             /*!< What we vote was not written yet: it must not be told. */
	ms_time_t vote_since;      /*!< First time in this run. */
	ms_time_t vote_at;         /*!< No new term before. */
	ms_time_t vote_look;
	uint32_t vote_said;        /*!< Term whose leader was logged. */
	bool unsaved;              /*!< The record is to be written. */
	bool anew;                 /*!< Founding anew: the parent counts, not what others tell. */
	ms_time_t apart_at;        /*!< They disagree: when that is too long. */
	bool owes;                 /*!< The others let us go: a part of that is ours. */
	bool left;                 /*!< We are OFF, and have done our part of LEAVE. */
	bool news;                 /*!< Members by the word of others are to be written. */
	bool claimed_any;          /*!< Some provider has told who the members are … */
	bool claimed;              /*!< … and that we are one. */
	bool parent_known;         /*!< It was looked at in this run, and … */
	bool delegated;
	bool secure;               /*!< … some server had a DS; … */
	bool early;                /*!< … and NS of a signer that is not in yet. */
	ms_rrset_t parent_ds;      /*!< Until the group is founded. Owned, as … */
	ms_rrset_t parent_ns;
	struct {
		uint64_t id;           /*!< Under way, or 0. */
		ms_time_t lost_at;
		ms_time_t at;          /*!< Next. */
		unsigned failures;     /*!< In a row that changed nothing. */
		int64_t seen_at;       /*!< Last good one in this run; 0: none. */
	} look[MS_LOOKS];
	bool keys_known;           /*!< \a keys is the key manager's word of this run. */
	size_t key_count;
	ms_own_key_t *keys;        /*!< Owned. */
	uint64_t keys_id;          /*!< Operation or list under way, or 0 … */
	uint8_t keys_op;           /*!< … and which, ms_keys_op_t. */
	bool keys_done;            /*!< That of this step is done. */
	uint8_t discard;           /*!< 1 + ms_key_role_t of a new key that is to be thrown away, since its
	                                roll, which is forgotten then, is given up; 0: none. */
	ms_time_t keys_at;         /*!< Not before. */
	int64_t over;              /*!< The wait of this step ends then; 0: it has none, or is over. */
	int64_t looked;            /*!< … and for that end a last look was asked for. */
	bool free_step;            /*!< 'mode: hold': this step may end. */
	bool skip;                 /*!< The operator answers for the parent in this step … */
	int64_t skipped;           /*!< … since then: waits count from it. */
	bool again;                /*!< Something has changed: settle once more. */
	char why[MS_WHY_MAX];      /*!< Which question says no, and what it waits for. */
	char flaw[MS_WHY_MAX];     /*!< Where, as the last look saw it. */
	char *decision[MS_DECISIONS_MAX]; /*!< Owned; the last ones, oldest first. */
} ms_process_t;

/*! Makes it where there is none: the others are told. NULL: no memory. */
ms_process_t *ms_process_get(ms_zone_t *zone);
/*! NULL is fine. */
void ms_process_free(ms_process_t *process);
/*! Begins, goes on, ends; asks for what is due. Level-triggered, safe to call any time. */
int ms_process_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out);
/*! Earliest moment at which ms_process_settle() would do something. */
ms_time_t ms_process_deadline(const ms_agent_t *agent, const ms_zone_t *zone);
/*! Result of an observation. \return false: it was not ours. */
bool ms_process_observed(ms_agent_t *agent, ms_zone_t *zone, const ms_event_t *event);
/*! The key manager's list has come, with or without an operation of ours. */
void ms_process_keys(ms_zone_t *zone, const ms_event_t *event);
/*! What another provider tells about process and members. */
void ms_process_learn(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, const ms_state_t *state);
/*! The same of ours. */
void ms_process_tell(const ms_agent_t *agent, const ms_zone_t *zone, ms_state_t *out);
/*! When the wait of this step is over (ms_steady()); 0: it has none, or nothing to count from. */
int64_t ms_process_wait_over(const ms_agent_t *agent, const ms_zone_t *zone);
/*! A new version of the zone, a reload: look soon. */
void ms_process_again(ms_zone_t *zone, ms_now_t now);

/*!
 * What passed while we were away is what the two clocks agree on: the civil one may have been set, the
 * machine's may have begun anew.
 */
int ms_process_restore(const ms_agent_t *agent, ms_zone_t *zone, const uint8_t *value, size_t len,
                       ms_now_t now);
/*! Durable record of the zone's process. */
int ms_zone_persist_process(const ms_zone_t *zone, ms_actions_t *out);

/*!
 * Civil time that does not jump while the process runs: what waits are counted in.
 */
int64_t ms_steady(const ms_agent_t *agent, ms_now_t now);

/*! Has this provider come as far? Who has ended the process has passed its last step. */
bool ms_process_reached(const ms_zone_t *zone, const ms_pair_t *pair, unsigned step);
/*! The running process is about this provider (NULL: about us). */
bool ms_process_about(const ms_zone_t *zone, const ms_pair_t *pair);
/*! Notes what the clocks say, for the record. */
void ms_process_note(const ms_agent_t *agent, ms_zone_t *zone, ms_now_t now);
/*! Is what this provider has told the process that we are in, or are we both in none? */
bool ms_process_runs_with(const ms_zone_t *zone, const ms_pair_t *pair);
/*! Two subjects; NULL: the group. */
bool ms_process_same_subject(const knot_dname_t *a, const knot_dname_t *b);
/*! Keeps a line among the last decisions, and logs it. */
void ms_process_decide(ms_zone_t *zone, ms_actions_t *out, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
