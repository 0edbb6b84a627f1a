// SPDX-License-Identifier: GPL-2.0-only
/* output_grep.c - one line per host for grep and awk, in the layout of nmap's -oG. */
#include <time.h>

#include "scan/output.h"
#include "version.h"

static void put_date(FILE *file)
{
	time_t now = time(NULL);
	char text[64];
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm);
	fputs(text, file);
}

static void begin(const struct output *output, FILE *file, const struct scan *scan)
{
	(void)scan;
	fprintf(file, "# pscan-xdp %s scan initiated ", PSCAN_VERSION);
	put_date(file);
	fprintf(file, " as: %s\n", output->options.arguments);
}

static void host(const struct output *output, FILE *file, const struct output_view *view)
{
	const char *separator = "\tPorts: ";

	if (view->host->status == HOST_DOWN || (output->options.open_only && view->open_count == 0))
		return;
	fprintf(file, "Host: %s (%s)\tStatus: Up\n", view->address, view->name);
	if (view->scan->config->ping_only)
		return;
	fprintf(file, "Host: %s (%s)", view->address, view->name);
	for (__u32 i = 0; i < view->row_count; i++) {
		const struct output_row *row = &view->rows[i];

		fprintf(file, "%s%u/%s/%s//%s///", separator, row->port,
			scan_state_name(row->state), output_proto(row->udp),
			ports_service(row->port, row->udp));
		separator = ", ";
	}
	for (unsigned int i = 0; i < view->hidden_count; i++)
		fprintf(file, "\tIgnored State: %s (%u)", scan_state_name(view->hidden[i].state),
			view->hidden[i].count);
	fputc('\n', file);
}

static void end(const struct output *output, FILE *file, const struct scan *scan)
{
	fprintf(file, "# pscan-xdp %s at ", scan_interrupted ? "interrupted" : "done");
	put_date(file);
	fprintf(file, " -- %llu IP addresses (%u hosts up) scanned in %.2f seconds\n",
		(unsigned long long)scan->targets->count, output->hosts_up,
		(double)(scan->ended_ns - scan->started_ns) / 1e9);
}

const struct output_format output_grep = {
	.name = "grepable",
	.begin = begin,
	.host = host,
	.end = end,
};
