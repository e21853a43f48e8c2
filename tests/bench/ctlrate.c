/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ctlrate SOCKET OLD NEW < ZONES: how fast knotd takes zone edits from anybody. One connection and
 * one transaction per zone: begin, unset the TXT record OLD at the apex, set NEW, commit. Prints the
 * seconds it took, and how many transactions had to be tried again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libknot/libknot.h>

#define TTL      "60"
#define TRIES    50
#define PAUSE_NS 5000000

static const char *path;

static void fail(const char *zone, const char *what, const char *why)
{
	fprintf(stderr, "ctlrate: %s: %s: %s\n", zone, what, why);
	exit(1);
}

/* One command. \return knotd's error text, kept until the next call, or NULL. */
static const char *call(knot_ctl_t *ctl, const char *zone, const char *cmd, const char *ttl,
                        const char *text)
{
	static char error[256];
	knot_ctl_data_t data = {
		[KNOT_CTL_IDX_CMD] = cmd, [KNOT_CTL_IDX_ZONE] = zone,
	};
	if (text != NULL) {
		data[KNOT_CTL_IDX_OWNER] = zone;
		data[KNOT_CTL_IDX_TYPE] = "TXT";
		data[KNOT_CTL_IDX_TTL] = ttl;
		data[KNOT_CTL_IDX_DATA] = text;
	}
	int ret = knot_ctl_send(ctl, KNOT_CTL_TYPE_DATA, &data);
	ret = ret == KNOT_EOK ? knot_ctl_send(ctl, KNOT_CTL_TYPE_BLOCK, NULL) : ret;
	knot_ctl_type_t type = KNOT_CTL_TYPE_DATA;
	error[0] = '\0';
	while (ret == KNOT_EOK && type != KNOT_CTL_TYPE_BLOCK && type != KNOT_CTL_TYPE_END) {
		ret = knot_ctl_receive(ctl, &type, &data);
		if (ret == KNOT_EOK && data[KNOT_CTL_IDX_ERROR] != NULL) {
			(void)snprintf(error, sizeof(error), "%s", data[KNOT_CTL_IDX_ERROR]);
		}
	}
	if (ret != KNOT_EOK) {
		fail(zone, cmd, knot_strerror(ret));
	}
	return error[0] != '\0' ? error : NULL;
}

/* One transaction. \return false: somebody else has one, or the zone is busy. */
static bool edit(const char *zone, const char *old, const char *new)
{
	knot_ctl_t *ctl = knot_ctl_alloc();
	int ret = ctl != NULL ? knot_ctl_connect(ctl, path) : KNOT_ENOMEM;
	if (ret != KNOT_EOK) {
		fail(zone, path, knot_strerror(ret));
	}
	bool done = call(ctl, zone, "zone-begin", NULL, NULL) == NULL;
	if (done) {
		/* Nothing to unset: this is the first round. */
		(void)call(ctl, zone, "zone-unset", NULL, old);
		const char *error = call(ctl, zone, "zone-set", TTL, new);
		if (error != NULL) {
			fail(zone, "zone-set", error);
		}
		done = call(ctl, zone, "zone-commit", NULL, NULL) == NULL;
		if (!done) {
			(void)call(ctl, zone, "zone-abort", NULL, NULL);
		}
	}
	(void)knot_ctl_send(ctl, KNOT_CTL_TYPE_END, NULL);
	knot_ctl_close(ctl);
	knot_ctl_free(ctl);
	return done;
}

static double clock_s(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: ctlrate SOCKET OLD NEW < ZONES\n");
		return 2;
	}
	path = argv[1];
	unsigned again = 0;
	char zone[KNOT_DNAME_TXT_MAXLEN + 2];
	double start = clock_s();
	while (fgets(zone, sizeof(zone), stdin) != NULL) {
		zone[strcspn(zone, "\n")] = '\0';
		for (unsigned tries = 0; !edit(zone, argv[2], argv[3]); tries++) {
			if (tries == TRIES) {
				fail(zone, "zone-begin or zone-commit", "still busy");
			}
			again++;
			(void)nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
		}
	}
	printf("%.3f %u\n", clock_s() - start, again);
	return 0;
}
