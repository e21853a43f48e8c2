/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parent/verdict.h"

#include <stdarg.h>
#include <stdio.h>

ms_verdict_t ms_verdict(ms_verdict_kind_t kind, ms_rule_t rule, int32_t ede, const char *fmt, ...)
{
	ms_verdict_t v = { .kind = kind, .rule = rule, .ede = ede };
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(v.text, sizeof(v.text), fmt, args);
	va_end(args);
	return v;
}

const char *ms_rule_name(uint8_t rule)
{
	static const char *const names[MS_RULES] = {
		[MS_RULE_NONE] = "none", [MS_RULE_SURVEY] = "survey", [MS_RULE_ANSWER] = "answer",
		[MS_RULE_VALID] = "valid", [MS_RULE_AGREE] = "agree", [MS_RULE_FORM] = "form",
		[MS_RULE_MATCH] = "match", [MS_RULE_POLICY] = "policy", [MS_RULE_SIGNER] = "signer",
		[MS_RULE_NEWER] = "newer", [MS_RULE_PATH] = "path", [MS_RULE_SERVES] = "serves",
		[MS_RULE_GLUE] = "glue", [MS_RULE_SETTLED] = "settled",
		[MS_RULE_IMMEDIATE] = "immediate", [MS_RULE_BOOTSTRAP] = "bootstrap",
		[MS_RULE_OWN] = "own", [MS_RULE_WHOLE] = "whole",
	};
	return rule < MS_RULES ? names[rule] : "unknown";
}

const char *ms_verdict_name(uint8_t kind)
{
	static const char *const names[] = {
		[MS_VERDICT_SAME] = "same", [MS_VERDICT_CHANGE] = "change",
		[MS_VERDICT_WAIT] = "wait", [MS_VERDICT_REFUSE] = "refused",
	};
	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}
