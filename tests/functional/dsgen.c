/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plays a child zone for the functional tests of mod-dsync: makes and sends one message to the parent's
 * receiver, well-formed or not, and prints what came back as one line of key=value.
 *
 *   dsgen [options] ADDRESS@PORT notify CHILD      (-q CDS|CSYNC, -c CHANNEL)
 *   dsgen [options] ADDRESS@PORT update PARENT     (-R "OWNER add|del|delset|delname TYPE TTL HEX")
 *   dsgen [options] ADDRESS@PORT inquiry CHILD     (-i TAG)
 *   dsgen -k FILE -s SIGNER -P                     prints KEY RDATA (hex) and tag
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include "base/cursor.h"
#include "client.h"
#include "wire/deltas.h"
#include "wire/envelope.h"

#define MESSAGE_MAX 65535

typedef struct {
	const char *key_file;
	const char *second_key;    /* -K FILE: a second SIG(0) behind the first */
	const char *signer;
	const char *save;          /* -w FILE: the request's octets */
	const char *raw;           /* -f FILE: sends these octets as they are */
	const char *answer_key;    /* -v HEX: KEY RDATA the answer must be signed by */
	const char *channel;       /* -c NAME: Report-Channel */
	int keystate;              /* -o STATE: with this state; -1: without the option */
	unsigned key_id;           /* -i TAG */
	unsigned code;             /* -C CODE of KeyState */
	ms_deltas_t deltas;        /* -R */
	int shift;                 /* -t SECONDS: signing time, relative to now */
	bool corrupt;              /* -x */
	bool is_unsigned;          /* -u */
	bool no_edns;              /* -E */
	bool prerequisite;         /* -p: "CHILD NS exists" */
	bool two;                  /* -2: two questions */
	bool tcp, print;           /* -T, -P */
	uint16_t qtype;            /* -q */
	int timeout;               /* -m MILLISECONDS */
} options_t;

static void die(const char *what, const char *text)
{
	fprintf(stderr, "%s '%s'\n", what, text);
	exit(2);
}

static void to_name(const char *text, knot_dname_storage_t out)
{
	if (knot_dname_from_str(out, text, sizeof(knot_dname_storage_t)) == NULL) {
		die("bad name", text);
	}
}

static void add_delta(options_t *o, const char *text)
{
	static const char *const ops[] = { "add", "del", "delset", "delname" };
	char owner[256], op[16], type[32], hex[2048] = "";
	unsigned ttl, i = 0;
	uint16_t rrtype = 0;
	uint8_t rdata[1024];
	knot_dname_storage_t name;
	if (sscanf(text, "%255s %15s %31s %u %2047s", owner, op, type, &ttl, hex) < 4 ||
	    knot_rrtype_from_string(type, &rrtype) != 0) {
		die("bad operation", text);
	}
	while (i < 4 && strcmp(ops[i], op) != 0) {
		i++;
	}
	to_name(owner, name);
	size_t len = client_from_hex(hex, rdata, sizeof(rdata));
	if (i == 4 || ms_deltas_add(&o->deltas, i, name, rrtype, ttl, rdata, len) != KNOT_EOK) {
		die("bad operation", text);
	}
}

static void load_key(const char *path, const char *signer, ms_sig0_key_t *out)
{
	uint8_t pem[16384];
	knot_dname_storage_t name;
	size_t len = client_read_file(path, pem, sizeof(pem));
	to_name(signer, name);
	if (ms_sig0_key_init(out, pem, len, name) != KNOT_EOK) {
		die("no private key", path);
	}
}

static void to_envelope(const options_t *o, const char *kind, const knot_dname_t *zone,
                        ms_envelope_t *e)
{
	uint8_t opcode = strcmp(kind, "notify") == 0 ? KNOT_OPCODE_NOTIFY
	               : strcmp(kind, "update") == 0 ? KNOT_OPCODE_UPDATE : KNOT_OPCODE_QUERY;
	ms_envelope_init(e, opcode, zone, opcode == KNOT_OPCODE_UPDATE ? KNOT_RRTYPE_SOA : o->qtype);
	struct timespec now;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	e->id = now.tv_nsec >> 8 ^ getpid();
	e->edns = !o->no_edns;
	if (o->channel != NULL) {
		e->has_channel = true;
		to_name(o->channel, e->channel);
	}
	if (o->keystate >= 0) {
		e->has_keystate = true;
		e->keystate = (ms_keystate_t){ .key_id = o->key_id, .state = o->keystate };
	}
}

/* What the codecs would not write. */
static int spoil(const options_t *o, uint8_t *wire, int len)
{
	uint8_t copy[MESSAGE_MAX];
	size_t question = knot_dname_size(wire + 12) + 4;
	if (!o->two && !o->prerequisite) {
		return len;
	}
	memcpy(copy, wire, len);
	size_t at = 12 + question;
	size_t more = question + (o->prerequisite ? 6 : 0);
	memcpy(wire + at, copy + 12, question); /* A second question, or a record's owner, type, class. */
	if (o->prerequisite) {
		memset(wire + at + question, 0, 6); /* TTL 0, no RDATA … */
		knot_wire_write_u16(wire + at + question - 2, KNOT_CLASS_ANY);
		knot_wire_set_ancount(wire, 1);
	} else {
		knot_wire_set_qdcount(wire, 2);
	}
	memcpy(wire + at + more, copy + at, len - at);
	return len + more;
}

static int build(const options_t *o, const char *kind, const knot_dname_t *zone, uint8_t *wire)
{
	static uint8_t body[MESSAGE_MAX];
	ms_envelope_t e;
	to_envelope(o, kind, zone, &e);
	int len = ms_deltas_build(&o->deltas, body, sizeof(body));
	len = ms_envelope_build(&e, o->code, body, len, o->deltas.count, wire, MESSAGE_MAX);
	len = spoil(o, wire, len);
	if (o->key_file != NULL && !o->is_unsigned) {
		ms_sig0_key_t key;
		load_key(o->key_file, o->signer, &key);
		len = ms_sig0_sign(&key, wire, len, MESSAGE_MAX, NULL, 0, time(NULL) + o->shift);
		ms_sig0_key_deinit(&key);
		if (o->second_key != NULL) {
			load_key(o->second_key, o->signer, &key);
			len = ms_sig0_sign(&key, wire, len, MESSAGE_MAX, NULL, 0, time(NULL));
			ms_sig0_key_deinit(&key);
		}
		if (o->corrupt) {
			wire[len - 1] ^= 1;
		}
	}
	return len;
}

static const char *rcode_name(uint16_t rcode)
{
	const knot_lookup_t *found = knot_lookup_by_id(knot_rcode_names, rcode);
	const knot_lookup_t *tsig = rcode >= 16 ? knot_lookup_by_id(knot_tsig_rcode_names, rcode) : NULL;
	return tsig != NULL ? tsig->name : found != NULL ? found->name : "unassigned";
}

static void report(const options_t *o, const uint8_t *request, size_t request_len,
                   const uint8_t *wire, size_t len)
{
	ms_envelope_t e;
	ms_keyrr_t key = { 0 };
	const char *verdict = "no";
	int ret = ms_envelope_parse(wire, len, o->code, &e);
	if (e.sig.present && o->answer_key != NULL) {
		key.len = client_from_hex(o->answer_key, key.rdata, sizeof(key.rdata));
		verdict = ms_sig0_verdict_text(ms_sig0_verify(wire, len, &e.sig, &key, 1, request,
		                                              request_len, time(NULL)));
	} else if (e.sig.present) {
		verdict = "unchecked";
	}
	printf("rcode=%s ede=%d tc=%d keystate=\"%s\" id=%u signed=\"%s\" len=%zu asked=%zu parse=%d "
	       "text=\"%s\"\n", rcode_name(e.rcode), e.ede, e.tc,
	       e.has_keystate ? ms_keystate_name(e.keystate.state) : "none", e.keystate.key_id, verdict,
	       len, request_len, ret, e.ede_text);
}

static options_t parse_options(int argc, char *argv[])
{
	options_t o = { .timeout = 8000, .qtype = KNOT_RRTYPE_CDS, .keystate = -1,
	                .code = MS_KEYSTATE_CODE };
	int opt;
	while ((opt = getopt(argc, argv, "k:K:s:w:f:v:c:o:i:C:R:t:xuEp2TPq:m:")) != -1) {
		switch (opt) {
		case 'k': o.key_file = optarg; break;
		case 'K': o.second_key = optarg; break;
		case 's': o.signer = optarg; break;
		case 'w': o.save = optarg; break;
		case 'f': o.raw = optarg; break;
		case 'v': o.answer_key = optarg; break;
		case 'c': o.channel = optarg; break;
		case 'o': o.keystate = atoi(optarg); break;
		case 'i': o.key_id = atoi(optarg); break;
		case 'C': o.code = atoi(optarg); break;
		case 'R': add_delta(&o, optarg); break;
		case 't': o.shift = atoi(optarg); break;
		case 'x': o.corrupt = true; break;
		case 'u': o.is_unsigned = true; break;
		case 'E': o.no_edns = true; break;
		case 'p': o.prerequisite = true; break;
		case '2': o.two = true; break;
		case 'T': o.tcp = true; break;
		case 'P': o.print = true; break;
		case 'q': (void)knot_rrtype_from_string(optarg, &o.qtype); break;
		case 'm': o.timeout = atoi(optarg); break;
		default: exit(2);
		}
	}
	return o;
}

static int print_key(const options_t *o)
{
	ms_sig0_key_t key;
	load_key(o->key_file, o->signer, &key);
	for (uint16_t i = 0; i < key.rr.len; i++) {
		printf("%02x", key.rr.rdata[i]);
	}
	printf(" %u\n", key.tag);
	ms_sig0_key_deinit(&key);
	return 0;
}

int main(int argc, char *argv[])
{
	static uint8_t wire[MESSAGE_MAX], answer[2 + MESSAGE_MAX];
	options_t o = parse_options(argc, argv);
	if (o.print) {
		return print_key(&o);
	}
	if (argc - optind != 3) {
		die("usage: see the head of", __FILE__);
	}
	if (strcmp(argv[optind + 1], "inquiry") == 0) {
		o.keystate = o.keystate < 0 ? MS_KEYSTATE_INQUIRY : o.keystate;
		o.qtype = o.qtype == KNOT_RRTYPE_CDS ? KNOT_RRTYPE_KEY : o.qtype;
	}
	knot_dname_storage_t zone;
	to_name(argv[optind + 2], zone);
	int len = o.raw != NULL ? (int)client_read_file(o.raw, wire, sizeof(wire))
	                        : build(&o, argv[optind + 1], zone, wire);
	if (len <= 0) {
		die("cannot build", argv[optind + 1]);
	}
	if (o.save != NULL) {
		FILE *file = fopen(o.save, "wb");
		if (file == NULL || fwrite(wire, 1, len, file) != (size_t)len || fclose(file) != 0) {
			die("cannot write", o.save);
		}
	}
	int fd = client_open(argv[optind], o.tcp);
	if (fd < 0) {
		die("cannot connect to", argv[optind]);
	}
	int got = client_exchange(fd, o.tcp, wire, len, answer, sizeof(answer), o.timeout);
	close(fd);
	ms_deltas_clear(&o.deltas);
	if (got < 0) {
		printf("rcode=none\n");
		return 0;
	}
	report(&o, wire, len, answer, got);
	return 0;
}
