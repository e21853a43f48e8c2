/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * A seeded pseudo-random generator (splitmix64) for jitter, weights and the simulator.
 * Never for keys or message identifiers: those come from libdnssec's dnssec_random_buffer().
 */
#pragma once

#include <stdint.h>

typedef struct {
	uint64_t state;
} ms_rng_t;

static inline uint64_t ms_rng_next(ms_rng_t *rng)
{
	uint64_t z = (rng->state += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/*! Uniform in [0, bound); 0 when \a bound is 0. */
static inline uint64_t ms_rng_below(ms_rng_t *rng, uint64_t bound)
{
	return bound > 0 ? ms_rng_next(rng) % bound : 0;
}
