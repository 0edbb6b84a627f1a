// SPDX-License-Identifier: GPL-2.0-only
/* ports.c - see ports.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "scan/ports.h"

/* Which protocols the words of a list go to. */
struct target_sets {
	struct ports *ports;
	bool tcp;
	bool udp;
};

unsigned int port_set_count(const struct port_set *set)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < 65536 / 64; i++)
		n += (unsigned int)__builtin_popcountll(set->bits[i]);
	return n;
}

static void add_range(const struct target_sets *to, unsigned long from, unsigned long last)
{
	for (unsigned long port = from; port <= last; port++) {
		if (to->tcp)
			port_set_add(&to->ports->tcp, (unsigned int)port);
		if (to->udp)
			port_set_add(&to->ports->udp, (unsigned int)port);
	}
}

static bool parse_number(const char *text, char **rest, unsigned long *out)
{
	if (*text < '0' || *text > '9')
		return false;
	*out = strtoul(text, rest, 10);
	return *out <= 65535;
}

/* "N", "N-M", "N-", "-M", "-": an open end means 1 or 65535; port 0 only when named. */
static bool parse_range(const char *word, unsigned long *from, unsigned long *last)
{
	char *rest = (char *)word;

	*from = 1;
	if (*word != '-' && !parse_number(word, &rest, from))
		return false;
	*last = *from;
	if (*rest == '-') {
		const char *end = rest + 1;

		*last = 65535;
		rest = (char *)end;
		if (*end && !parse_number(end, &rest, last))
			return false;
	}
	return *rest == '\0' && *from <= *last;
}

static bool add_service(const struct target_sets *to, const char *name)
{
	struct servent *entry = to->tcp ? getservbyname(name, "tcp") : NULL;
	bool found = false;

	if (entry) {
		port_set_add(&to->ports->tcp, ntohs((__u16)entry->s_port));
		found = true;
	}
	entry = to->udp ? getservbyname(name, "udp") : NULL;
	if (entry) {
		port_set_add(&to->ports->udp, ntohs((__u16)entry->s_port));
		found = true;
	}
	return found;
}

int ports_parse(struct ports *ports, const char *text)
{
	struct target_sets to = { .ports = ports, .tcp = true, .udp = true };
	char *copy = strdup(text), *save = NULL, *word;
	unsigned long from, last;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	word = strtok_r(copy, ",", &save);
	if (!word)
		err = -EINVAL;
	for (; word && !err; word = strtok_r(NULL, ",", &save)) {
		if ((word[0] == 'T' || word[0] == 'U') && word[1] == ':') {
			to.tcp = word[0] == 'T';
			to.udp = word[0] == 'U';
			word += 2;
		}
		if (parse_range(word, &from, &last))
			add_range(&to, from, last);
		else if (!add_service(&to, word))
			err = -EINVAL;
	}
	if (err)
		log_error(
			"bad port list \"%s\": expected numbers 0 to 65535, ranges, service names, "
			"T: or U:",
			text);
	free(copy);
	return err;
}

int ports_top(struct ports *ports, const char *text)
{
	unsigned int tcp_count, udp_count;
	const __u16 *tcp = top_ports_tcp(&tcp_count), *udp = top_ports_udp(&udp_count);
	char *rest;
	unsigned long n = strtoul(text, &rest, 10);

	if (*text < '0' || *text > '9' || *rest || n == 0 || n > tcp_count) {
		log_error("bad number of top ports \"%s\": the list has 1 to %u", text, tcp_count);
		return -EINVAL;
	}
	for (unsigned long i = 0; i < n; i++) {
		port_set_add(&ports->tcp, tcp[i]);
		if (i < udp_count)
			port_set_add(&ports->udp, udp[i]);
	}
	return 0;
}

const char *ports_service(unsigned int port, bool udp)
{
	struct servent *entry = getservbyport(htons((__u16)port), udp ? "udp" : "tcp");

	return entry ? entry->s_name : "";
}
