// SPDX-License-Identifier: GPL-2.0-only
/* output_text.c - the table for people. Its layout is no promise; scripts read the JSON. */
#include "scan/output.h"
#include "version.h"

static void begin(const struct output *output, FILE *file, const struct scan *scan)
{
	const struct scan_config *config = scan->config;

	(void)output;
	fprintf(file, "pscan-xdp %s: %llu target%s", PSCAN_VERSION,
		(unsigned long long)scan->targets->count, scan->targets->count == 1 ? "" : "s");
	if (config->ping_only)
		fputs(", discovery only", file);
	if (config->tcp && !config->ping_only)
		fprintf(file, ", %u TCP ports (%s)", port_set_count(&config->ports.tcp),
			config->tcp->name);
	if (config->udp && !config->ping_only)
		fprintf(file, ", %u UDP ports", port_set_count(&config->ports.udp));
	fputc('\n', file);
}

static void print_hidden(const struct output *output, FILE *file, const struct output_view *view)
{
	for (unsigned int i = 0; i < view->hidden_count; i++) {
		const struct output_hidden *hidden = &view->hidden[i];

		fprintf(file, "%s %u %s %s", i ? "," : "Not shown:", hidden->count,
			hidden->udp ? "UDP" : "TCP", scan_state_name(hidden->state));
		if (output->options.reason)
			fprintf(file, " (%s)", scan_reason_name(hidden->reason));
	}
	if (view->hidden_count)
		fputc('\n', file);
}

static void print_row(const struct output *output, FILE *file, const struct output_row *row)
{
	char port[16], rtt[24] = "-";

	snprintf(port, sizeof(port), "%u/%s", row->port, output_proto(row->udp));
	if (row->rtt_us)
		snprintf(rtt, sizeof(rtt), "%.2f ms", row->rtt_us / 1000.0);
	if (output->options.reason)
		fprintf(file, "%-10s %-14s %-16s %-17s %9s %4u %6u\n", port,
			scan_state_name(row->state), ports_service(row->port, row->udp),
			scan_reason_name(row->reason), rtt, row->ttl, row->tries);
	else
		fprintf(file, "%-10s %-14s %-16s %-17s %9s\n", port, scan_state_name(row->state),
			ports_service(row->port, row->udp), scan_reason_name(row->reason), rtt);
}

static void print_blocked(FILE *file, const struct canary *canary)
{
	if (canary->blocked)
		fprintf(file,
			"Blocked after probe %llu, %llu ms: silence from then on says nothing "
			"about the ports\n",
			(unsigned long long)canary->blocked_after,
			(unsigned long long)canary->blocked_ms);
}

static void host(const struct output *output, FILE *file, const struct output_view *view)
{
	const struct host *h = view->host;

	if (h->status == HOST_DOWN && view->scan->targets->count > 1)
		return;
	if (output->options.open_only && view->open_count == 0)
		return;
	fprintf(file, "\n%s%s%s%s", view->address, view->name[0] ? " (" : "", view->name,
		view->name[0] ? ")" : "");
	if (h->status == HOST_UP)
		fprintf(file, " is up (%s", scan_reason_name(h->up_reason));
	if (h->status == HOST_UP && h->rtt.samples)
		fprintf(file, ", %.2f ms", (double)h->rtt.srtt_ns / 1e6);
	fputs(h->status == HOST_UP     ? ")\n"
	      : h->status == HOST_DOWN ? " seems down\n"
				       : " gave no answer\n",
	      file);
	if (h->status == HOST_DOWN)
		return;
	print_blocked(file, &h->canary);
	if (view->suspect)
		fprintf(file, "Looks like a %s: %u ports claim to be open, none is believed\n",
			view->suspect, view->open_count);
	print_hidden(output, file, view);
	if (view->row_count == 0)
		return;
	fprintf(file, "%-10s %-14s %-16s %-17s %9s%s\n", "PORT", "STATE", "SERVICE", "REASON",
		"RTT", output->options.reason ? "  TTL  TRIES" : "");
	for (__u32 i = 0; i < view->row_count; i++)
		print_row(output, file, &view->rows[i]);
}

static void end(const struct output *output, FILE *file, const struct scan *scan)
{
	double seconds = (double)(scan->ended_ns - scan->started_ns) / 1e9;

	fprintf(file, "\n%s: %u of %llu up, %llu open; %llu probes in %.2f s",
		scan_interrupted  ? "Interrupted"
		: scan->timed_out ? "Timed out"
				  : "Done",
		output->hosts_up, (unsigned long long)scan->targets->count,
		(unsigned long long)output->open_ports, (unsigned long long)scan->counts.probes,
		seconds);
	if (scan->loss.answers)
		fprintf(file, ", loss %.1f %%", loss_rate(&scan->loss) * 100);
	fprintf(file, ", %llu dropped here\n", (unsigned long long)scan_drops(scan));
}

const struct output_format output_text = {
	.name = "text",
	.begin = begin,
	.host = host,
	.end = end,
};
