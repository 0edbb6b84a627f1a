// SPDX-License-Identifier: GPL-2.0-only
/* options_draft.c - see options_draft.h. */
#include <errno.h>
#include <sodium.h>

#include "log.h"
#include "scan/options_draft.h"

static int open_outputs(struct draft *draft)
{
	int err = 0;

	for (unsigned int i = 0; i < draft->output_count && !err; i++)
		err = output_add(&draft->options->output, draft->outputs[i].format,
				 draft->outputs[i].path, draft->options->resumed);
	return err;
}

static int finish_targets(struct draft *draft)
{
	struct targets *targets = &draft->options->targets;
	int err = 0;

	if (draft->target_count == 0 && !draft->list)
		err = targets_add(targets, "localhost", &draft->resolve);
	for (size_t i = 0; i < draft->target_count && !err; i++)
		err = targets_add(targets, draft->targets[i], &draft->resolve);
	if (!err && draft->list)
		err = targets_load(targets, draft->list, false, &draft->resolve);
	for (size_t i = 0; i < draft->exclude_count && !err; i++)
		err = targets_exclude(targets, draft->excludes[i], &draft->resolve);
	if (!err && draft->exclude_file)
		err = targets_load(targets, draft->exclude_file, true, &draft->resolve);
	return err ? err : targets_finish(targets);
}

static void finish_timing(struct draft *draft)
{
	struct timing *timing = &draft->options->config.timing;

	*timing = *timing_template(draft->level);
	if (draft->delay_ns)
		timing->delay_ns = draft->delay_ns;
	if (timing->delay_ns)
		timing->rate_pps = timing->rate_max_pps = 1e9 / (double)timing->delay_ns;
	if (draft->min_rate) {
		timing->rate_min_pps = draft->min_rate;
		if (timing->rate_pps < draft->min_rate)
			timing->rate_pps = draft->min_rate;
	}
	if (draft->max_rate)
		timing->rate_max_pps = draft->max_rate;
	if (timing->rate_pps > timing->rate_max_pps)
		timing->rate_pps = timing->rate_max_pps;
	if (draft->rate) {
		timing->rate_pps = timing->rate_max_pps = draft->rate;
		timing->rate_fixed = true;
	}
	if (draft->retries >= 0)
		timing->tries = timing->tries_max = (unsigned int)draft->retries + 1;
	if (draft->timeout_ns)
		timing->rto_first_ns = draft->timeout_ns;
	if (timing->rto_max_ns < timing->rto_first_ns)
		timing->rto_max_ns = timing->rto_first_ns;
	timing->host_timeout_ns = draft->host_timeout_ns;
	if (draft->options->config.dry_run) {
		timing->rate_pps = timing->rate_max_pps = 1e12;
		timing->rate_fixed = true;
		timing->tries = timing->tries_max = 1;
	}
}

/* Options that are fine alone but not together. */
static int check_together(struct draft *draft)
{
	struct scan_config *config = &draft->options->config;

	if (config->shards > 1 && !draft->seed_given)
		log_error("--shard needs --seed: the parts fit together only in the same order");
	else if (config->tcp == &probe_tcp_connect && config->udp)
		log_error("--udp cannot be combined with --connect; use --syn");
	else if (config->tcp == &probe_tcp_connect && config->source_port)
		log_error("--source-port needs a raw technique such as --syn");
	else if (config->tcp == &probe_tcp_connect && config->ttl != 64)
		log_error("--ttl needs a raw technique such as --syn");
	else if (config->tcp && !config->ping_only && port_set_count(&config->ports.tcp) == 0)
		log_error("the port list has no TCP port");
	else if (config->udp && !config->ping_only && port_set_count(&config->ports.udp) == 0)
		log_error("the port list has no UDP port");
	else
		return 0;
	return -EINVAL;
}

int draft_finish(struct draft *draft)
{
	struct scan_config *config = &draft->options->config;
	int err;

	config->tcp = draft->tcp;
	if (!config->tcp && !config->udp && !config->ping_only)
		config->tcp = &probe_tcp_connect;
	if (!draft->ports_given)
		ports_parse(&config->ports, "1-1023");
	if (!draft->seed_given)
		config->seed = ((__u64)randombytes_random() << 31) ^ randombytes_random();
	if (draft->interface) {
		config->route.ifindex = (int)if_nametoindex(draft->interface);
		if (!config->route.ifindex) {
			log_error("no interface named %s", draft->interface);
			return -EINVAL;
		}
	}
	finish_timing(draft);
	err = check_together(draft);
	if (!err)
		err = finish_targets(draft);
	return err ? err : open_outputs(draft);
}
