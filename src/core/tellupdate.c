/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/tellupdate.h"

#include <libknot/libknot.h>

#include "wire/envelope.h"
#include "wire/keystate.h"

const char *ms_tell_step_name(ms_tell_step_t step)
{
	static const char *const names[MS_TELL_STEPS] = {
		"NOTIFY", "KeyState inquiry", "key bootstrap", "UPDATE",
	};
	return names[step];
}

const char *ms_tell_verdict_name(ms_tell_verdict_t verdict)
{
	static const char *const names[] = {
		"inquire", "give it our key", "send UPDATE", "accepted", "wait", "again", "a person must act",
	};
	return names[verdict];
}

/* Once in a round: who forgets our key again would make us go round in circles (L-10). */
static ms_tell_verdict_t give_key(unsigned bootstraps)
{
	return bootstraps == 0 ? MS_TOLD_BOOTSTRAP : MS_TOLD_STOP;
}

static ms_tell_verdict_t judge_keystate(int16_t state, unsigned bootstraps)
{
	switch (state) {
	case MS_KEYSTATE_TRUSTED:
		return MS_TOLD_UPDATE;
	case MS_KEYSTATE_UNKNOWN:
	case MS_KEYSTATE_INVALID:
		return give_key(bootstraps);
	case MS_KEYSTATE_AUTO:
		return MS_TOLD_WAIT;
	case MS_KEYSTATE_REFUSED:
	case MS_KEYSTATE_FAILED:
	case MS_KEYSTATE_MANUAL:
	case MS_KEYSTATE_MANUAL_OLD:
		return MS_TOLD_STOP;
	default:
		/* 0 and 1 are errors in an answer, the rest is unassigned. */
		return MS_TOLD_RETRY;
	}
}

static ms_tell_verdict_t judge_inquiry(const ms_tell_answer_t *answer, unsigned bootstraps)
{
	if (answer->keystate >= 0) {
		return judge_keystate(answer->keystate, bootstraps);
	}
	if (answer->rcode == KNOT_RCODE_BADKEY) {
		return give_key(bootstraps);
	}
	/* It does not know KeyState, or its word has no proof (L-22): the UPDATE will tell. */
	return answer->rcode == KNOT_RCODE_SERVFAIL ? MS_TOLD_RETRY : MS_TOLD_UPDATE;
}

static ms_tell_verdict_t judge_update(const ms_tell_answer_t *answer, unsigned bootstraps)
{
	if (answer->rcode == KNOT_RCODE_BADKEY) {
		return give_key(bootstraps);
	}
	switch (answer->ede) {
	case MS_EDE_KEY_NOT_TRUSTED:
		return MS_TOLD_WAIT;
	case MS_EDE_KEY_FAILED:
	case MS_EDE_KEY_MANUAL:
		return MS_TOLD_STOP;
	default:
		return answer->rcode == KNOT_RCODE_NOERROR ? MS_TOLD_ACCEPTED : MS_TOLD_RETRY;
	}
}

ms_tell_verdict_t ms_tell_judge(ms_tell_step_t step, const ms_tell_answer_t *answer,
                                unsigned bootstraps)
{
	if (!answer->answered) {
		return MS_TOLD_RETRY;
	}
	switch (step) {
	case MS_TELL_INQUIRE:
		return judge_inquiry(answer, bootstraps);
	case MS_TELL_BOOTSTRAP:
		return answer->rcode == KNOT_RCODE_NOERROR ? MS_TOLD_INQUIRE
		     : answer->keystate >= 0 && judge_keystate(answer->keystate, 1) == MS_TOLD_STOP
		     ? MS_TOLD_STOP : MS_TOLD_RETRY;
	case MS_TELL_UPDATE:
		return judge_update(answer, bootstraps);
	default:
		return answer->rcode == KNOT_RCODE_NOERROR && answer->ede < 0 ? MS_TOLD_ACCEPTED
		                                                               : MS_TOLD_RETRY;
	}
}
