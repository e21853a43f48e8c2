/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

static const ms_codes_t codes = { 65006, 65282 };

/* Lives of a validated locator, seconds. */
#define LOCATOR_LIFE 300

static void base64(const uint8_t *data, size_t len, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = data[i] << 16 | (i + 1 < len ? data[i + 1] << 8 : 0) |
		                (i + 2 < len ? data[i + 2] : 0);
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = i + 1 < len ? digits[bits >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[bits & 63] : '=';
	}
	*out = '\0';
}

/* A private key that depends on node and number alone, so that a seed is the same octets always. */
void sim_key_make(sim_world_t *world, unsigned node, unsigned number)
{
	sim_node_t *n = &world->node[node];
	/* RFC 8410 section 7: the frame of an Ed25519 private key in PKCS #8. */
	uint8_t der[48] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70,
	                    0x04, 0x22, 0x04, 0x20 };
	ms_rng_t rng = { 1000 * node + number };
	for (unsigned i = 16; i < sizeof(der); i++) {
		der[i] = ms_rng_next(&rng);
	}
	char text[65], pem[160];
	base64(der, sizeof(der), text);
	int len = snprintf(pem, sizeof(pem), "-----BEGIN PRIVATE KEY-----\n%s\n"
	                   "-----END PRIVATE KEY-----\n", text);
	ms_sig0_key_deinit(&n->key);
	if (ms_sig0_key_init(&n->key, (const uint8_t *)pem, len, n->config.host) != KNOT_EOK) {
		sim_fail(world, "a test key cannot be loaded");
	}
	n->config.key = n->key.rr;
	n->key_number = number;
}

void sim_locator(const sim_world_t *world, unsigned node, int64_t wall, ms_locator_t *out)
{
	const sim_node_t *n = &world->node[node];
	memset(out, 0, sizeof(*out));
	memcpy(out->host, n->config.host, sizeof(out->host));
	out->addr_count = 1;
	out->addr[0] = (ms_addr_t){ .family = AF_INET, .port = 5399, .ip = { 127, 0, 0, node } };
	out->key_count = 1;
	out->key[0] = n->key.rr;
	out->expires = wall + LOCATOR_LIFE;
}

typedef struct {
	unsigned from, to;
	bool answer;
	uint64_t send_id;
	unsigned life;
	uint8_t *wire;
	size_t len;
} datagram_t;

static void drop_datagram(void *data)
{
	datagram_t *d = data;
	free(d->wire);
	free(d);
}

static void deliver(sim_world_t *world, void *data);

static void post(sim_world_t *world, const datagram_t *what, int64_t delay)
{
	datagram_t *d = malloc(sizeof(*d));
	*d = *what;
	d->wire = malloc(what->len);
	memcpy(d->wire, what->wire, what->len);
	sim_later(world, delay, deliver, d, drop_datagram);
}

static void transmit(sim_world_t *world, const datagram_t *what)
{
	world->messages++;
	if (world->parted[what->from][what->to] || sim_chance(world, world->faults.loss)) {
		return;
	}
	post(world, what, sim_between(world, 1, 50) * MS_MSEC);
	if (sim_chance(world, world->faults.dup)) {
		post(world, what, sim_between(world, 1, 500) * MS_MSEC);
	}
	if (!what->answer && sim_chance(world, world->faults.replay)) {
		post(world, what, sim_between(world, 1, 280) * MS_SEC);
	}
}

/* Requests: sending. */

static sim_send_t *find_send(sim_node_t *node, uint64_t id)
{
	for (unsigned i = 0; i < SIM_SENDS; i++) {
		if (node->sends[i].id == id) {
			return &node->sends[i];
		}
	}
	return NULL;
}

static void end_send(sim_world_t *world, unsigned node, sim_send_t *send, int ret, ms_msg_t *answer)
{
	ms_event_t *event = calloc(1, sizeof(*event));
	event->kind = MS_EV_ANSWERED;
	event->id = send->id;
	event->ret = ret;
	event->answer = answer;
	free(send->request);
	memset(send, 0, sizeof(*send));
	sim_feed_later(world, 0, node, event);
}

typedef struct {
	unsigned node, life;
	uint64_t id;
} tick_t;

static void on_timer(sim_world_t *world, void *data);

static void put_on_wire(sim_world_t *world, unsigned node, sim_send_t *send)
{
	datagram_t d = { .from = node, .to = send->to, .send_id = send->id,
	                 .life = world->node[node].life, .wire = send->request, .len = send->len };
	tick_t *timer = malloc(sizeof(*timer));
	*timer = (tick_t){ node, world->node[node].life, send->id };
	send->tries_left--;
	sim_later(world, send->timeout, on_timer, timer, free);
	send->timeout *= 2;
	transmit(world, &d);
}

static void on_timer(sim_world_t *world, void *data)
{
	tick_t timer = *(tick_t *)data;
	sim_node_t *node = &world->node[timer.node];
	free(data);
	sim_send_t *send = node->up && node->life == timer.life ? find_send(node, timer.id) : NULL;
	if (send == NULL) {
		return;
	}
	if (send->tries_left > 0) {
		put_on_wire(world, timer.node, send);
	} else {
		end_send(world, timer.node, send, send->denied ? KNOT_EDENIED : KNOT_ETIMEOUT, NULL);
	}
}

void sim_net_send(sim_world_t *world, unsigned node, ms_action_t *action)
{
	sim_node_t *n = &world->node[node];
	uint8_t wire[MS_MESSAGE_MAX];
	sim_send_t *send = find_send(n, 0);
	action->send.msg->id = sim_between(world, 0, UINT16_MAX);
	int len = ms_message_build(action->send.msg, &codes, wire, sizeof(wire));
	if (len > 0) {
		len = ms_sig0_sign(&n->key, wire, len, sizeof(wire), NULL, 0, sim_now(world, node).wall.s);
	}
	if (len <= 0 || send == NULL) {
		sim_fail(world, "%s cannot send: %d", sim_node_name(node), len);
		return;
	}
	*send = (sim_send_t){
		.id = action->id,
		.to = action->send.to->addr[0].ip[3],
		.locator = *action->send.to,
		.request = malloc(len),
		.len = len,
		.tries_left = action->send.tries,
		.timeout = action->send.first_timeout,
	};
	memcpy(send->identity, action->send.identity, sizeof(send->identity));
	memcpy(send->request, wire, len);
	put_on_wire(world, node, send);
}

/* Requests: receiving, as src/agent/answer.c does it. */

static void answer(sim_world_t *world, unsigned node, const datagram_t *request,
                   const ms_msg_t *msg, bool sign, const uint8_t *hash)
{
	sim_node_t *n = &world->node[node];
	uint8_t wire[MS_MESSAGE_MAX];
	int len = ms_message_build(msg, &codes, wire, sizeof(wire));
	if (len > 0 && sign) {
		len = ms_sig0_sign(&n->key, wire, len, sizeof(wire), request->wire, request->len,
		                   sim_now(world, node).wall.s);
	}
	if (len <= 0) {
		sim_fail(world, "%s cannot answer: %d", sim_node_name(node), len);
		return;
	}
	if (hash != NULL) {
		ms_replay_answered(&n->replay, hash, msg->rcode, wire, len);
	}
	datagram_t d = { .from = node, .to = request->from, .answer = true,
	                 .send_id = request->send_id, .life = request->life, .wire = wire, .len = len };
	transmit(world, &d);
}

static void answer_rcode(sim_world_t *world, unsigned node, const datagram_t *request,
                         uint16_t rcode, bool sign)
{
	ms_msg_t *question = ms_msg_new(MS_MSG_NOTIFY, (const knot_dname_t *)"", KNOT_RRTYPE_SOA);
	char reason[MS_REASON_MAX + 1];
	uint16_t ignored;
	if (ms_message_parse(request->wire, request->len, &codes, question, &ignored,
	                     reason) == KNOT_EOK) {
		ms_msg_t *msg = ms_msg_reply(question, rcode);
		answer(world, node, request, msg, sign, NULL);
		ms_msg_free(msg);
	}
	ms_msg_free(question);
}

static void queue(sim_world_t *world, unsigned node, const datagram_t *d, ms_admission_t *in)
{
	sim_node_t *n = &world->node[node];
	sim_reply_t *reply = n->replies;
	while (reply < n->replies + SIM_REPLIES && reply->handle != 0) {
		reply++;
	}
	if (reply == n->replies + SIM_REPLIES) {
		sim_fail(world, "%s: too many replies wait", sim_node_name(node));
		return;
	}
	*reply = (sim_reply_t){ .handle = n->next_handle++, .from = d->from, .send_id = d->send_id,
	                        .request = malloc(d->len), .len = d->len,
	                        .update = in->msg->kind == MS_MSG_UPDATE,
	                        .inception = in->msg->sig.inception };
	memcpy(reply->request, d->wire, d->len);
	memcpy(reply->hash, in->hash, sizeof(reply->hash));
	memcpy(reply->zone, in->msg->qname, sizeof(reply->zone));
	ms_event_t *event = calloc(1, sizeof(*event));
	event->kind = MS_EV_MESSAGE;
	event->message.msg = in->msg;
	event->message.reply = reply->handle;
	memcpy(event->message.hash, in->hash, sizeof(in->hash));
	memcpy(event->message.from, in->peer->identity, sizeof(event->message.from));
	in->msg = NULL;
	sim_feed_later(world, 0, node, event);
}

static void receive(sim_world_t *world, unsigned node, const datagram_t *d)
{
	sim_node_t *n = &world->node[node];
	ms_admission_t in;
	ms_now_t now = sim_now(world, node);
	if (ms_admit(n->view, d->wire, d->len, now.wall, &in) != KNOT_EOK) {
		sim_fail(world, "ms_admit");
		return;
	}
	if (in.verdict != MS_ADMIT_ACCEPT) {
		sim_trace(world, "%s: from %s: %s -> %s", sim_node_name(node), sim_node_name(d->from),
		          in.reason, ms_rcode_name(in.rcode));
		answer_rcode(world, node, d, in.rcode, in.verified);
		ms_msg_free(in.msg);
		return;
	}
	const ms_replay_entry_t *entry;
	switch (ms_replay_see(&n->replay, in.hash, ms_replay_group(in.peer->identity),
	                      in.peer->zones, in.msg->sig.expiration, now.wall.s, &entry)) {
	case MS_REPLAY_NEW:
		queue(world, node, d, &in);
		break;
	case MS_REPLAY_ANSWERED:
		if (entry->answer != NULL) {
			datagram_t again = { .from = node, .to = d->from, .answer = true, .life = d->life,
			                     .send_id = d->send_id, .wire = entry->answer,
			                     .len = entry->answer_len };
			transmit(world, &again);
		} else {
			answer_rcode(world, node, d, entry->rcode, true);
		}
		break;
	default:
		break;
	}
	ms_msg_free(in.msg);
}

static void note_confirmed(sim_world_t *world, unsigned node, const sim_reply_t *reply)
{
	ms_msg_t *msg = ms_msg_new(MS_MSG_NOTIFY, (const knot_dname_t *)"", KNOT_RRTYPE_SOA);
	char reason[MS_REASON_MAX + 1];
	uint16_t ignored;
	if (ms_message_parse(reply->request, reply->len, &codes, msg, &ignored, reason) != KNOT_EOK) {
		sim_fail(world, "%s confirms what cannot be read", sim_node_name(node));
	} else {
		sim_note_confirmed(world, node, reply->from, msg);
	}
	ms_msg_free(msg);
}

void sim_net_reply(sim_world_t *world, unsigned node, ms_action_t *action)
{
	sim_node_t *n = &world->node[node];
	for (unsigned i = 0; i < SIM_REPLIES; i++) {
		sim_reply_t *reply = &n->replies[i];
		if (reply->handle == 0 || reply->handle != action->reply.handle) {
			continue;
		}
		if (action->reply.msg->rcode == KNOT_RCODE_NOERROR && reply->update) {
			sim_check_confirmed(world, node, reply);
			note_confirmed(world, node, reply);
		}
		datagram_t request = { .from = reply->from, .send_id = reply->send_id,
		                       .life = world->node[reply->from].life,
		                       .wire = reply->request, .len = reply->len };
		answer(world, node, &request, action->reply.msg, true, reply->hash);
		free(reply->request);
		memset(reply, 0, sizeof(*reply));
		return;
	}
}

static void take_answer(sim_world_t *world, unsigned node, const datagram_t *d)
{
	sim_node_t *n = &world->node[node];
	sim_send_t *send = d->life == n->life ? find_send(n, d->send_id) : NULL;
	if (send == NULL) {
		return;
	}
	ms_msg_t *msg = NULL;
	int ret = ms_admit_answer(&send->locator, send->identity, &codes, send->request, send->len,
	                          d->wire, d->len, sim_now(world, node).wall, &msg);
	if (ret == KNOT_EDENIED) {
		send->denied = true;
	} else {
		end_send(world, node, send, ret, msg);
	}
}

static void deliver(sim_world_t *world, void *data)
{
	datagram_t *d = data;
	if (world->node[d->to].up) {
		(d->answer ? take_answer : receive)(world, d->to, d);
	}
	drop_datagram(d);
}
