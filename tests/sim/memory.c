/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory that runs out: the linker puts these in front of the allocator (--wrap), so that one
 * allocation within a step of an agent can fail.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

/* Allocations left until one fails; 0 = none will. */
static unsigned left;

void sim_memory_fails_after(unsigned allocations)
{
	left = allocations;
}

static bool out_of_memory(void)
{
	return left > 0 && --left == 0;
}

void *__wrap_malloc(size_t size)
{
	return out_of_memory() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return out_of_memory() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return out_of_memory() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return out_of_memory() ? NULL : __real_strdup(text);
}
