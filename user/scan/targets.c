// SPDX-License-Identifier: GPL-2.0-only
/* targets.c - see targets.h. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "scan/targets.h"

typedef unsigned __int128 addr_number;

#define V4_BASE ((addr_number)0xffff << 32)

static addr_number number_of(const union ps_addr *addr)
{
	addr_number n = 0;

	for (int i = 0; i < 16; i++)
		n = n << 8 | addr->b[i];
	return n;
}

static void address_of(addr_number n, union ps_addr *addr)
{
	for (int i = 15; i >= 0; i--, n >>= 8)
		addr->b[i] = (__u8)n;
}

static int list_add(struct target_list *list, addr_number first, addr_number last)
{
	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 16;
		struct target_range *grown = reallocarray(list->ranges, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->ranges = grown;
		list->room = room;
	}
	list->ranges[list->n++] = (struct target_range){ .first = first, .last = last };
	return 0;
}

/* ADDRESS/LENGTH; host bits are masked, as people write the address they know. */
static bool parse_prefix(const char *text, addr_number *first, addr_number *last)
{
	const char *slash = strchr(text, '/');
	char host[ADDR_TEXT_BYTES];
	unsigned long length, most;
	union ps_addr addr;
	char *rest;

	if (!slash || (size_t)(slash - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	if (!addr_parse(host, &addr) || slash[1] < '0' || slash[1] > '9')
		return false;
	most = strchr(host, ':') ? 128 : 32;
	length = strtoul(slash + 1, &rest, 10);
	if (*rest || length > most)
		return false;
	length += 128 - most;
	addr_mask(&addr, (unsigned int)length);
	*first = number_of(&addr);
	*last = length ? *first | (((addr_number)1 << (128 - length)) - 1) : ~(addr_number)0;
	return true;
}

static bool parse_span(const char *text, addr_number *first, addr_number *last)
{
	const char *dash = strchr(text, '-');
	char from[ADDR_TEXT_BYTES];
	union ps_addr a, b;

	if (!dash || (size_t)(dash - text) >= sizeof(from))
		return false;
	memcpy(from, text, (size_t)(dash - text));
	from[dash - text] = '\0';
	if (!addr_parse(from, &a) || !addr_parse(dash + 1, &b) ||
	    ps_addr_is_v4(&a) != ps_addr_is_v4(&b))
		return false;
	*first = number_of(&a);
	*last = number_of(&b);
	return *first <= *last;
}

/* "7", "1-9", "-9", "200-", "*", or several of them with commas: a set of octets. */
static const char *parse_octet(const char *text, bool set[256])
{
	memset(set, 0, 256);
	for (;;) {
		unsigned long from = 0, to = 255;
		char *rest = (char *)text;

		if (*text == '*') {
			rest = (char *)text + 1;
		} else {
			if (*text >= '0' && *text <= '9')
				to = from = strtoul(text, &rest, 10);
			else if (*text != '-')
				return NULL;
			if (*rest == '-') {
				text = rest + 1;
				to = 255;
				rest = (char *)text;
				if (*text >= '0' && *text <= '9')
					to = strtoul(text, &rest, 10);
			}
		}
		if (from > to || to > 255)
			return NULL;
		for (unsigned long i = from; i <= to; i++)
			set[i] = true;
		if (*rest != ',')
			return rest;
		text = rest + 1;
	}
}

/* Adds the runs of the last octet below the given first three. */
static int add_last_octet(struct target_list *list, addr_number base, const bool set[256])
{
	int err;

	for (int i = 0; i < 256; i++) {
		int from = i;

		if (!set[i])
			continue;
		while (i < 255 && set[i + 1])
			i++;
		err = list_add(list, base + (addr_number)from, base + (addr_number)i);
		if (err)
			return err;
	}
	return 0;
}

/* True when @text is an IPv4 octet pattern; *err tells whether it could be added. */
static bool add_pattern(struct target_list *list, const char *text, int *err)
{
	bool set[4][256];
	size_t combinations = 1, before = list->n;

	for (int i = 0; i < 4; i++) {
		size_t members = 0;

		text = parse_octet(text, set[i]);
		if (!text || *text != (i < 3 ? '.' : '\0'))
			return false;
		text++;
		for (int octet = 0; octet < 256; octet++)
			members += set[i][octet];
		combinations *= i < 3 ? members : 1;
	}
	*err = combinations > TARGETS_PATTERN_MAX ? -E2BIG : 0;
	for (unsigned int i = 0; i < 1u << 24 && !*err; i++) {
		unsigned int a = i >> 16, b = i >> 8 & 0xff, c = i & 0xff;

		if (!set[0][a])
			i |= 0xffff;
		else if (!set[1][b])
			i |= 0xff;
		else if (set[2][c])
			*err = add_last_octet(list, V4_BASE + ((addr_number)i << 8), set[3]);
	}
	if (*err)
		list->n = before;
	return true;
}

static int remember_name(struct targets *targets, const union ps_addr *addr, const char *text)
{
	struct target_name *grown =
		reallocarray(targets->names, targets->name_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	targets->names = grown;
	grown[targets->name_count].addr = *addr;
	grown[targets->name_count].text = strdup(text);
	if (!grown[targets->name_count].text)
		return -ENOMEM;
	targets->name_count++;
	return 0;
}

static void address_from_sockaddr(const struct sockaddr *sa, union ps_addr *addr)
{
	if (sa->sa_family == AF_INET)
		ps_addr_from_v4(addr,
				((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr);
	else
		memcpy(addr->b, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
}

static int add_name(struct targets *targets, struct target_list *list, const char *text,
		    const struct target_resolve *resolve)
{
	struct addrinfo hints = { .ai_family = resolve->family, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int err = getaddrinfo(text, NULL, &hints, &found);

	if (err) {
		log_error("cannot resolve target %s: %s", text, gai_strerror(err));
		return -ENOENT;
	}
	for (struct addrinfo *ai = found; ai && !err; ai = ai->ai_next) {
		union ps_addr addr;

		address_from_sockaddr(ai->ai_addr, &addr);
		err = list_add(list, number_of(&addr), number_of(&addr));
		if (!err)
			err = remember_name(targets, &addr, text);
		if (!resolve->all_addresses)
			break;
	}
	freeaddrinfo(found);
	return err;
}

static int add_text(struct targets *targets, struct target_list *list, const char *text,
		    const struct target_resolve *resolve)
{
	addr_number first, last;
	union ps_addr addr;
	int err = 0;

	if (addr_parse(text, &addr))
		return list_add(list, number_of(&addr), number_of(&addr));
	if (parse_prefix(text, &first, &last) || parse_span(text, &first, &last))
		return list_add(list, first, last);
	if (add_pattern(list, text, &err)) {
		if (err == -E2BIG)
			log_error("target %s names too many separate blocks; use a prefix", text);
		return err;
	}
	/* What has only digits, dots and the like was meant as an address. */
	if (strchr(text, '/') || strchr(text, ':') ||
	    !strpbrk(text, "abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
		log_error("bad target %s: expected an address, address/length, first-last or a "
			  "host name",
			  text);
		return -EINVAL;
	}
	return add_name(targets, list, text, resolve);
}

int targets_add(struct targets *targets, const char *text, const struct target_resolve *resolve)
{
	return add_text(targets, &targets->include, text, resolve);
}

int targets_exclude(struct targets *targets, const char *text, const struct target_resolve *resolve)
{
	return add_text(targets, &targets->exclude, text, resolve);
}

int targets_load(struct targets *targets, const char *path, bool exclude,
		 const struct target_resolve *resolve)
{
	struct target_list *list = exclude ? &targets->exclude : &targets->include;
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	char *line = NULL, *save, *word;
	size_t room = 0;
	int err = 0;

	if (!file) {
		err = -errno;
		log_error("cannot read the target list %s: %s", path, strerror(-err));
		return err;
	}
	while (!err && getline(&line, &room, file) >= 0) {
		line[strcspn(line, "#")] = '\0';
		for (word = strtok_r(line, " \t\r\n,", &save); word && !err;
		     word = strtok_r(NULL, " \t\r\n,", &save))
			err = add_text(targets, list, word, resolve);
	}
	free(line);
	if (!is_stdin)
		fclose(file);
	return err;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct target_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static void merge(struct target_list *list)
{
	size_t kept = 0;

	if (list->n == 0)
		return;
	qsort(list->ranges, list->n, sizeof(*list->ranges), compare_ranges);
	for (size_t i = 1; i < list->n; i++) {
		struct target_range *last = &list->ranges[kept];

		if (list->ranges[i].first <= last->last ||
		    list->ranges[i].first - 1 == last->last) {
			if (list->ranges[i].last > last->last)
				last->last = list->ranges[i].last;
		} else {
			list->ranges[++kept] = list->ranges[i];
		}
	}
	list->n = kept + 1;
}

/* Both lists are sorted and disjoint: one walk. */
static int subtract(struct targets *targets)
{
	struct target_list left = { 0 };
	size_t e = 0;
	int err = 0;

	for (size_t i = 0; i < targets->include.n && !err; i++) {
		addr_number first = targets->include.ranges[i].first;
		addr_number last = targets->include.ranges[i].last;
		bool used_up = false;

		while (e < targets->exclude.n && targets->exclude.ranges[e].last < first)
			e++;
		for (size_t k = e; k < targets->exclude.n && !used_up && !err; k++) {
			const struct target_range *cut = &targets->exclude.ranges[k];

			if (cut->first > last)
				break;
			if (cut->first > first)
				err = list_add(&left, first, cut->first - 1);
			used_up = cut->last >= last;
			first = cut->last + 1;
		}
		if (!used_up && !err)
			err = list_add(&left, first, last);
	}
	free(targets->include.ranges);
	targets->include = left;
	return err;
}

int targets_finish(struct targets *targets)
{
	addr_number count = 0;
	int err;

	merge(&targets->include);
	merge(&targets->exclude);
	err = subtract(targets);
	if (err)
		return err;
	for (size_t i = 0; i < targets->include.n; i++) {
		struct target_range *range = &targets->include.ranges[i];

		range->before = (__u64)count;
		count += range->last - range->first + 1;
		if (count > TARGETS_MAX || range->last - range->first >= TARGETS_MAX) {
			log_error("too many targets: more than 2^40 addresses; name a smaller "
				  "prefix");
			return -EINVAL;
		}
	}
	if (count == 0) {
		log_error("no target is left after the excludes");
		return -EINVAL;
	}
	targets->count = (__u64)count;
	return 0;
}

void targets_at(const struct targets *targets, __u64 index, union ps_addr *addr)
{
	size_t low = 0, high = targets->include.n;

	while (high - low > 1) {
		size_t mid = (low + high) / 2;

		if (targets->include.ranges[mid].before <= index)
			low = mid;
		else
			high = mid;
	}
	address_of(targets->include.ranges[low].first +
			   (index - targets->include.ranges[low].before),
		   addr);
}

bool targets_find(const struct targets *targets, const union ps_addr *addr, __u64 *index)
{
	addr_number n = number_of(addr);
	size_t low = 0, high = targets->include.n;

	while (high - low > 1) {
		size_t mid = (low + high) / 2;

		if (targets->include.ranges[mid].first <= n)
			low = mid;
		else
			high = mid;
	}
	if (high == 0 || n < targets->include.ranges[low].first ||
	    n > targets->include.ranges[low].last)
		return false;
	*index = targets->include.ranges[low].before +
		 (__u64)(n - targets->include.ranges[low].first);
	return true;
}

__u64 targets_lower_bound(const struct targets *targets, const union ps_addr *addr)
{
	addr_number n = number_of(addr);

	for (size_t i = 0; i < targets->include.n; i++) {
		const struct target_range *range = &targets->include.ranges[i];

		if (range->first >= n)
			return range->before;
		if (range->last >= n)
			return range->before + (__u64)(n - range->first);
	}
	return targets->count;
}

const char *targets_name(const struct targets *targets, const union ps_addr *addr)
{
	for (size_t i = 0; i < targets->name_count; i++)
		if (ps_addr_eq(&targets->names[i].addr, addr))
			return targets->names[i].text;
	return NULL;
}

void targets_free(struct targets *targets)
{
	for (size_t i = 0; i < targets->name_count; i++)
		free(targets->names[i].text);
	free(targets->names);
	free(targets->include.ranges);
	free(targets->exclude.ranges);
	memset(targets, 0, sizeof(*targets));
}
