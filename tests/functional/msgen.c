/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes and sends one agent message for the functional tests, well-formed or not, and prints what
 * came back as one line of key=value. Uses the wire library alone.
 *
 *   msgen [options] ADDRESS@PORT hello|heartbeat|state|update|query ZONE
 *   msgen -k FILE -s SIGNER -P          prints KEY RDATA (hex) and tag
 *   msgen -y HEX -s KEY …               TSIG by this secret instead of SIG(0), HMAC-SHA-256
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include "base/cursor.h"
#include "client.h"
#include "wire/message.h"
#include "wire/tsig.h"

#define RECORDS_MAX 16
#define OPTIONS_MAX 2

typedef struct {
	const char *key_file;
	const char *signer;
	ms_tsig_key_t tsig;        /* -y; without a secret: none */
	const char *save;          /* -w FILE: the request's octets */
	const char *raw;           /* -f FILE: sends these octets as they are */
	const char *answer_key;    /* -v HEX: KEY RDATA the answer must be signed by */
	const char *records[RECORDS_MAX]; /* -R "owner class type ttl hex" */
	unsigned record_count;
	const char *options[OPTIONS_MAX]; /* -O HEX: payload of our option, as it is (-O "": empty) */
	unsigned option_count;
	int shift;                 /* -t SECONDS: signing time, relative to now */
	bool corrupt;              /* -x: one bit of the signature is flipped */
	bool is_unsigned;          /* -u */
	bool tcp;                  /* -T */
	bool print;                /* -P */
	unsigned repeat;           /* -n COUNT: further copies, each with an id of its own */
	uint16_t qtype;            /* -q TYPE */
	int timeout;               /* -m MILLISECONDS */
} options_t;

static void put_record(ms_writer_t *w, const char *text)
{
	char owner[256], type[32], hex[4096] = "";
	unsigned class, ttl;
	knot_dname_storage_t name;
	uint8_t rdata[2048];
	uint16_t rrtype = 0;
	if (sscanf(text, "%255s %u %31s %u %4095s", owner, &class, type, &ttl, hex) < 4 ||
	    knot_rrtype_from_string(type, &rrtype) != 0 ||
	    knot_dname_from_str(name, owner, sizeof(name)) == NULL) {
		fprintf(stderr, "bad record '%s'\n", text);
		exit(2);
	}
	size_t len = client_from_hex(hex, rdata, sizeof(rdata));
	ms_write_name(w, name);
	ms_write_u16(w, rrtype);
	ms_write_u16(w, class);
	ms_write_u32(w, ttl);
	ms_write_u16(w, len);
	ms_write_bytes(w, rdata, len);
}

/* UPDATEs are put together by hand, so that they can be wrong in every way. */
static int build_update(const options_t *opts, const knot_dname_t *zone, uint16_t id, uint8_t *wire,
                        size_t max)
{
	ms_writer_t w = ms_writer(wire, max);
	memset(ms_write_room(&w, KNOT_WIRE_HEADER_SIZE), 0, KNOT_WIRE_HEADER_SIZE);
	knot_wire_set_id(wire, id);
	knot_wire_set_opcode(wire, KNOT_OPCODE_UPDATE);
	knot_wire_set_qdcount(wire, 1);
	knot_wire_set_nscount(wire, opts->record_count);
	ms_write_name(&w, zone);
	ms_write_u16(&w, KNOT_RRTYPE_SOA);
	ms_write_u16(&w, KNOT_CLASS_IN);
	for (unsigned i = 0; i < opts->record_count; i++) {
		put_record(&w, opts->records[i]);
	}
	/* OPT: reasons come as Extended DNS Errors, and only to those who speak EDNS. */
	static const uint8_t opt[] = { 0, 0, 41, 1232 >> 8, 1232 & 0xff, 0, 0, 0, 0, 0, 0 };
	knot_wire_set_arcount(wire, 1);
	ms_write_bytes(&w, opt, sizeof(opt));
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}

/* A NOTIFY with whatever is given for our option, also what the codec would never write. */
static int build_raw_notify(const options_t *opts, const knot_dname_t *zone, uint16_t id,
                            const ms_codes_t *codes, uint8_t *wire, size_t max)
{
	uint8_t data[OPTIONS_MAX][256];
	size_t len[OPTIONS_MAX], total = 0;
	for (unsigned i = 0; i < opts->option_count; i++) {
		len[i] = client_from_hex(opts->options[i], data[i], sizeof(data[i]));
		total += 4 + len[i];
	}
	ms_writer_t w = ms_writer(wire, max);
	memset(ms_write_room(&w, KNOT_WIRE_HEADER_SIZE), 0, KNOT_WIRE_HEADER_SIZE);
	knot_wire_set_id(wire, id);
	knot_wire_set_opcode(wire, KNOT_OPCODE_NOTIFY);
	knot_wire_set_aa(wire);
	knot_wire_set_qdcount(wire, 1);
	knot_wire_set_arcount(wire, 1);
	ms_write_name(&w, zone);
	ms_write_u16(&w, KNOT_RRTYPE_SOA);
	ms_write_u16(&w, KNOT_CLASS_IN);
	static const uint8_t opt[] = { 0, 0, 41, 1232 >> 8, 1232 & 0xff, 0, 0, 0, 0 };
	ms_write_bytes(&w, opt, sizeof(opt));
	ms_write_u16(&w, total);
	for (unsigned i = 0; i < opts->option_count; i++) {
		ms_write_u16(&w, codes->option_code);
		ms_write_u16(&w, len[i]);
		ms_write_bytes(&w, data[i], len[i]);
	}
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}

static int build_other(const options_t *opts, const char *kind, const knot_dname_t *zone,
                       uint16_t id, const ms_codes_t *codes, uint8_t *wire, size_t max)
{
	bool query = strcmp(kind, "query") == 0;
	ms_msg_t *msg = ms_msg_new(query ? MS_MSG_QUERY : MS_MSG_NOTIFY, zone,
	                           query ? opts->qtype : KNOT_RRTYPE_SOA);
	uint8_t body[MS_STATE_BODY_MAX];
	ms_state_t state = { .session = 1 };
	ms_msopt_t opt = { .transport = MS_TRANSPORT_DNS, .sync = MS_SYNC_LEADER | MS_SYNC_PEER };
	opt.operation = strcmp(kind, "hello") == 0 ? MS_OP_HELLO
	              : strcmp(kind, "heartbeat") == 0 ? MS_OP_HEARTBEAT : MS_OP_STATE;
	if (opt.operation == MS_OP_STATE) {
		opt.body = body;
		opt.body_len = ms_state_encode(&state, body, sizeof(body));
	}
	msg->id = id;
	if (!query) {
		ms_msg_set_option(msg, &opt);
	}
	int len = ms_message_build(msg, codes, wire, max);
	ms_msg_free(msg);
	return len;
}

/* Cuts the TSIG off the answer. */
static const char *check_tsig(const ms_tsig_key_t *key, const uint8_t *request, size_t request_len,
                              uint8_t *wire, size_t *len)
{
	static uint8_t copy[MS_MESSAGE_MAX];
	ms_tsig_t asked, said;
	memcpy(copy, request, request_len);
	if (ms_tsig_cut(copy, &request_len, &asked) != KNOT_EOK ||
	    ms_tsig_cut(wire, len, &said) != KNOT_EOK) {
		return "no";
	}
	uint16_t bad = ms_tsig_verify(key, &said, wire, *len, &asked, said.signed_at);
	return said.error != 0 ? ms_tsig_error_name(said.error)
	     : bad != 0 ? "bad" : "good";
}

static void report(const options_t *opts, const ms_codes_t *codes, const uint8_t *request,
                   size_t request_len, uint8_t *wire, size_t len)
{
	ms_sig0_info_t sig = { 0 };
	ms_keyrr_t key = { 0 };
	const char *verdict = "no";
	if (opts->tsig.secret_len > 0) {
		verdict = check_tsig(&opts->tsig, request, request_len, wire, &len);
	} else if (ms_sig0_find(wire, len, &sig) == KNOT_EOK && sig.present) {
		verdict = "unchecked";
		if (opts->answer_key != NULL) {
			key.len = client_from_hex(opts->answer_key, key.rdata, sizeof(key.rdata));
			verdict = ms_sig0_verdict_text(ms_sig0_verify(wire, len, &sig, &key, 1, request,
			                                              request_len, time(NULL)));
		}
	}
	char reason[MS_REASON_MAX + 1] = "";
	uint16_t rcode = 0;
	ms_msg_t *msg = ms_msg_new(MS_MSG_QUERY, (const knot_dname_t *)"", 0);
	int ret = ms_message_parse(wire, len, codes, msg, &rcode, reason);
	printf("rcode=%s aa=%d tc=%d ede=%d option=%s transport=%u sync=%u answers=%u signed=%s len=%zu "
	       "parse=%d text=\"%s\"\n", ms_rcode_name(msg->rcode), msg->aa, msg->tc, msg->ede,
	       msg->has_option ? ms_op_name(msg->option.operation) : "none",
	       msg->has_option ? msg->option.transport : 0, msg->has_option ? msg->option.sync : 0,
	       msg->answer.rrs.count, verdict, len, ret, msg->ede_text);
	ms_msg_free(msg);
}

static void set_tsig(options_t *opts, const char *hex)
{
	knot_dname_storage_t name;
	uint8_t secret[MS_TSIG_SECRET_MAX];
	size_t len = client_from_hex(hex, secret, sizeof(secret));
	if (opts->signer == NULL || knot_dname_from_str(name, opts->signer, sizeof(name)) == NULL ||
	    ms_tsig_key_set(&opts->tsig, name, DNSSEC_TSIG_HMAC_SHA256, secret, len) != KNOT_EOK) {
		fprintf(stderr, "-y needs a secret in hex, and -s before it\n");
		exit(2);
	}
}

static options_t parse_options(int argc, char *argv[])
{
	options_t opts = { .timeout = 2000, .qtype = KNOT_RRTYPE_DNSKEY };
	int opt;
	while ((opt = getopt(argc, argv, "k:s:y:w:f:v:R:O:t:xuTPn:q:m:")) != -1) {
		switch (opt) {
		case 'k': opts.key_file = optarg; break;
		case 's': opts.signer = optarg; break;
		case 'y': set_tsig(&opts, optarg); break;
		case 'w': opts.save = optarg; break;
		case 'f': opts.raw = optarg; break;
		case 'v': opts.answer_key = optarg; break;
		case 't': opts.shift = atoi(optarg); break;
		case 'x': opts.corrupt = true; break;
		case 'u': opts.is_unsigned = true; break;
		case 'T': opts.tcp = true; break;
		case 'P': opts.print = true; break;
		case 'n': opts.repeat = atoi(optarg); break;
		case 'm': opts.timeout = atoi(optarg); break;
		case 'q': knot_rrtype_from_string(optarg, &opts.qtype); break;
		case 'R':
			if (opts.record_count < RECORDS_MAX) {
				opts.records[opts.record_count++] = optarg;
			}
			break;
		case 'O':
			if (opts.option_count < OPTIONS_MAX) {
				opts.options[opts.option_count++] = optarg;
			}
			break;
		default:
			exit(2);
		}
	}
	return opts;
}

static int make_request(const options_t *opts, const ms_sig0_key_t *key, const char *kind,
                        const knot_dname_t *zone, uint16_t id, const ms_codes_t *codes,
                        uint8_t *wire, size_t max)
{
	int len = strcmp(kind, "update") == 0
	        ? build_update(opts, zone, id, wire, max)
	        : opts->option_count > 0
	        ? build_raw_notify(opts, zone, id, codes, wire, max)
	        : build_other(opts, kind, zone, id, codes, wire, max);
	int64_t now = time(NULL) + opts->shift;
	if (len > 0 && opts->tsig.secret_len > 0) {
		return ms_tsig_sign(&opts->tsig, wire, len, max, NULL, 0, now, NULL);
	}
	if (len > 0 && !opts->is_unsigned) {
		len = ms_sig0_sign(key, wire, len, max, NULL, 0, now);
		if (len > 0 && opts->corrupt) {
			wire[len - 1] ^= 1;
		}
	}
	return len;
}

int main(int argc, char *argv[])
{
	static uint8_t wire[MS_MESSAGE_MAX], answer[65535], pem[8192];
	const ms_codes_t codes = { 65006, 65282 };
	options_t opts = parse_options(argc, argv);
	ms_sig0_key_t key = { 0 };
	if (opts.key_file != NULL) {
		knot_dname_storage_t signer;
		size_t pem_len = client_read_file(opts.key_file, pem, sizeof(pem));
		if (knot_dname_from_str(signer, opts.signer, sizeof(signer)) == NULL ||
		    ms_sig0_key_init(&key, pem, pem_len, signer) != KNOT_EOK) {
			fprintf(stderr, "cannot load the key %s\n", opts.key_file);
			return 2;
		}
	}
	if (opts.print) {
		printf("tag=%u key=", key.tag);
		for (unsigned i = 0; i < key.rr.len; i++) {
			printf("%02x", key.rr.rdata[i]);
		}
		printf("\n");
		ms_sig0_key_deinit(&key);
		return 0;
	}
	knot_dname_storage_t zone;
	if (argc - optind != 3 || knot_dname_from_str(zone, argv[optind + 2], sizeof(zone)) == NULL) {
		fprintf(stderr, "usage: msgen [options] ADDRESS@PORT KIND ZONE\n");
		return 2;
	}
	int fd = client_open(argv[optind], opts.tcp);
	uint16_t id = getpid();
	int len = opts.raw != NULL ? (int)client_read_file(opts.raw, wire, sizeof(wire))
	        : make_request(&opts, &key, argv[optind + 1], zone, id, &codes, wire, sizeof(wire));
	if (fd < 0 || len <= 0) {
		fprintf(stderr, "cannot make or send the message (%d)\n", len);
		return 2;
	}
	if (opts.save != NULL) {
		FILE *file = fopen(opts.save, "wb");
		if (file == NULL || fwrite(wire, 1, len, file) != (size_t)len || fclose(file) != 0) {
			return 2;
		}
	}
	int got = client_exchange(fd, opts.tcp, wire, len, answer, sizeof(answer), opts.timeout);
	for (unsigned i = 1; opts.repeat > 1 && i < opts.repeat; i++) {
		knot_wire_set_id(wire, id + i);
		got = client_exchange(fd, opts.tcp, wire, len, answer, sizeof(answer), opts.timeout);
	}
	ms_sig0_key_deinit(&key);
	if (got < 0) {
		printf("rcode=none\n");
		return 1;
	}
	report(&opts, &codes, wire, len, answer, got);
	return 0;
}
