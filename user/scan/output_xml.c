// SPDX-License-Identifier: GPL-2.0-only
/*
 * output_xml.c - the XML that existing pipelines import (element and attribute
 * names as nmap's -oX has them).
 */
#include <time.h>

#include "scan/output.h"
#include "version.h"

static void put_escaped(FILE *file, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", file);
			break;
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		default:
			/* XML 1.0 allows no other control characters at all. */
			fputc((unsigned char)*text < ' ' ? ' ' : *text, file);
		}
	}
}

/* "1-3,7": the ports as ranges. */
static void put_services(FILE *file, const struct port_set *ports)
{
	const char *comma = "";

	for (unsigned int port = 0; port < 65536; port++) {
		unsigned int from = port;

		if (!port_set_has(ports, port))
			continue;
		while (port < 65535 && port_set_has(ports, port + 1))
			port++;
		fprintf(file, from == port ? "%s%u" : "%s%u-%u", comma, from, port);
		comma = ",";
	}
}

static void put_info(FILE *file, const char *type, const char *proto, const struct port_set *ports)
{
	fprintf(file, "<scaninfo type=\"%s\" protocol=\"%s\" numservices=\"%u\" services=\"", type,
		proto, port_set_count(ports));
	put_services(file, ports);
	fputs("\"/>\n", file);
}

static void begin(const struct output *output, FILE *file, const struct scan *scan)
{
	const struct scan_config *config = scan->config;

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE nmaprun>\n"
	      "<nmaprun scanner=\"pscan-xdp\" args=\"",
	      file);
	put_escaped(file, output->options.arguments);
	fprintf(file, "\" start=\"%llu\" version=\"%s\" xmloutputversion=\"1.05\">\n",
		(unsigned long long)output->started_at, PSCAN_VERSION);
	if (config->tcp && !config->ping_only)
		put_info(file, config->tcp->name, "tcp", &config->ports.tcp);
	if (config->udp && !config->ping_only)
		put_info(file, "udp", "udp", &config->ports.udp);
}

static void put_row(FILE *file, const struct output_row *row)
{
	const char *service = ports_service(row->port, row->udp);

	fprintf(file,
		"<port protocol=\"%s\" portid=\"%u\"><state state=\"%s\" reason=\"%s\" "
		"reason_ttl=\"%u\"/>",
		output_proto(row->udp), row->port, scan_state_name(row->state),
		scan_reason_name(row->reason), row->ttl);
	if (*service) {
		fputs("<service name=\"", file);
		put_escaped(file, service);
		fputs("\" method=\"table\" conf=\"3\"/>", file);
	}
	fputs("</port>\n", file);
}

static void host(const struct output *output, FILE *file, const struct output_view *view)
{
	const struct host *h = view->host;
	bool down = h->status == HOST_DOWN;

	if (output->options.open_only && view->open_count == 0)
		return;
	fprintf(file, "<host><status state=\"%s\" reason=\"%s\" reason_ttl=\"0\"/>\n",
		down ? "down" : "up",
		scan_reason_name(down                   ? REASON_NO_RESPONSE
				 : h->status == HOST_UP ? h->up_reason
							: REASON_USER_SET));
	fprintf(file, "<address addr=\"%s\" addrtype=\"%s\"/>\n<hostnames>", view->address,
		ps_addr_is_v4(&h->addr) ? "ipv4" : "ipv6");
	if (view->name[0]) {
		fputs("<hostname name=\"", file);
		put_escaped(file, view->name);
		fputs("\" type=\"user\"/>", file);
	}
	fputs("</hostnames>\n", file);
	if (!down && !view->scan->config->ping_only) {
		fputs("<ports>", file);
		for (unsigned int i = 0; i < view->hidden_count; i++)
			fprintf(file,
				"<extraports state=\"%s\" count=\"%u\"><extrareasons reason=\"%s\" "
				"count=\"%u\" proto=\"%s\"/></extraports>\n",
				scan_state_name(view->hidden[i].state), view->hidden[i].count,
				scan_reason_name(view->hidden[i].reason), view->hidden[i].count,
				output_proto(view->hidden[i].udp));
		for (__u32 i = 0; i < view->row_count; i++)
			put_row(file, &view->rows[i]);
		fputs("</ports>\n", file);
	}
	if (h->rtt.samples)
		fprintf(file, "<times srtt=\"%llu\" rttvar=\"%llu\" to=\"%llu\"/>\n",
			(unsigned long long)h->rtt.srtt_ns / 1000,
			(unsigned long long)h->rtt.var_ns / 1000,
			(unsigned long long)rtt_timeout(&h->rtt, &view->scan->config->timing) /
				1000);
	fputs("</host>\n", file);
}

static void end(const struct output *output, FILE *file, const struct scan *scan)
{
	fprintf(file,
		"<runstats><finished time=\"%llu\" elapsed=\"%.2f\" exit=\"%s\"/>"
		"<hosts up=\"%u\" down=\"%llu\" total=\"%llu\"/></runstats>\n</nmaprun>\n",
		(unsigned long long)time(NULL), (double)(scan->ended_ns - scan->started_ns) / 1e9,
		scan_interrupted || scan->timed_out ? "error" : "success", output->hosts_up,
		(unsigned long long)scan->targets->count - output->hosts_up,
		(unsigned long long)scan->targets->count);
}

const struct output_format output_xml = {
	.name = "XML",
	.begin = begin,
	.host = host,
	.end = end,
};
