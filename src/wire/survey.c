/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/survey.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/cursor.h"
#include "base/name.h"

uint16_t ms_look_rrtype(ms_look_type_t type)
{
	static const uint16_t types[MS_LOOKS_TYPES] = {
		[MS_LOOK_SOA] = KNOT_RRTYPE_SOA, [MS_LOOK_DNSKEY] = KNOT_RRTYPE_DNSKEY,
		[MS_LOOK_CDS] = KNOT_RRTYPE_CDS, [MS_LOOK_CDNSKEY] = KNOT_RRTYPE_CDNSKEY,
		[MS_LOOK_CSYNC] = KNOT_RRTYPE_CSYNC, [MS_LOOK_NS] = KNOT_RRTYPE_NS,
		[MS_LOOK_KEY] = KNOT_RRTYPE_KEY, [MS_LOOK_SOA_AGAIN] = KNOT_RRTYPE_SOA,
	};
	return types[type];
}

const char *ms_saying_name(uint8_t saying)
{
	static const char *const names[] = {
		[MS_SAID_NOTHING] = "not asked", [MS_SAID_SILENT] = "no usable answer",
		[MS_SAID_BOGUS] = "bogus", [MS_SAID_INSECURE] = "insecure", [MS_SAID_SECURE] = "secure",
	};
	return saying < sizeof(names) / sizeof(names[0]) ? names[saying] : "unknown";
}

void ms_said_clear(ms_said_t *said)
{
	ms_rrset_clear(&said->set);
	ms_rrset_clear(&said->sigs);
	said->saying = MS_SAID_NOTHING;
}

static void clear_look(ms_look_t *look)
{
	for (int i = 0; i < MS_LOOKS_TYPES; i++) {
		ms_said_clear(&look->said[i]);
	}
	for (uint8_t i = 0; i < look->host_count; i++) {
		ms_said_clear(&look->hosts[i].a);
		ms_said_clear(&look->hosts[i].aaaa);
	}
}

void ms_survey_free(ms_survey_t *survey)
{
	if (survey == NULL) {
		return;
	}
	for (uint8_t i = 0; i < survey->look_count; i++) {
		clear_look(&survey->looks[i]);
	}
	for (uint8_t i = 0; i < survey->signal_count; i++) {
		ms_said_clear(&survey->signals[i].cds);
		ms_said_clear(&survey->signals[i].cdnskey);
		ms_said_clear(&survey->signals[i].key);
	}
	free(survey->looks);
	free(survey->signals);
	ms_deleg_clear(&survey->deleg);
	ms_deleg_clear(&survey->proposed);
	free(survey);
}

int ms_signal_name(const char *label, const knot_dname_t *child, const knot_dname_t *ns,
                   knot_dname_storage_t out)
{
	static const char signal[] = "_signal";
	knot_dname_storage_t name;
	ms_writer_t w = ms_writer(name, sizeof(name));
	ms_write_u8(&w, strlen(label));
	ms_write_bytes(&w, label, strlen(label));
	ms_write_bytes(&w, child, knot_dname_size(child) - 1);
	ms_write_u8(&w, sizeof(signal) - 1);
	ms_write_bytes(&w, signal, sizeof(signal) - 1);
	ms_write_name(&w, ns);
	if (w.ret != KNOT_EOK) {
		return KNOT_ESPACE;
	}
	ms_name_copy_lower(out, name);
	return KNOT_EOK;
}
