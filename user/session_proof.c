/* SPDX-License-Identifier: GPL-2.0-only */
/* session_proof.c - see session_proof.h. */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "session_proof.h"

/* Writes a block that changed; one that was lifted meanwhile stays lifted. */
static bool write_block(const struct xdp *xdp, const union ps_addr *addr,
			const struct ps_block *block)
{
	int err = xdp_block_set(xdp, addr, block);

	if (err && err != -ENOENT)
		log_warn("cannot write a block: %s", strerror(-err));
	return err == 0;
}

bool session_prove_block(const struct xdp *xdp, const struct proof *proof,
			 const struct ps_rule *rule, const union ps_addr *addr,
			 struct ps_block *block)
{
	struct ps_block raised = *block;
	struct ps_offender offender;
	struct proof_found found;
	int err;

	if (!proof_find(proof, &block->evidence, block->since_ns, block->ttl, &found))
		return false;
	if (!found.proof) {
		raised.proof_ttl = found.ttl;
		if (block->proof_ttl != found.ttl && write_block(xdp, addr, &raised))
			*block = raised;
		return false;
	}
	xdp_offender_get(xdp, addr, &offender);
	proof_raise(rule, &found, &raised, &offender);
	if (!write_block(xdp, addr, &raised))
		return false;
	*block = raised;
	err = xdp_offender_set(xdp, addr, &offender);
	if (err)
		log_warn("cannot note a proven block: %s", strerror(-err));
	return true;
}

void session_prove_event(const struct xdp *xdp, const struct proof *proof,
			 const struct ps_rule *rule, struct ps_event *event)
{
	const union ps_addr *addr = &event->source.addr;
	struct proof_found found;
	struct ps_block block;

	if (event->action != PS_ACTION_BLOCK) {
		if (proof_find(proof, &event->source, event->at_ns, event->ttl, &found)) {
			event->proof = (__u8)found.proof;
			event->proof_ttl = found.ttl;
		}
		return;
	}
	if (xdp_block_get(xdp, addr, &block) || block.since_ns != event->at_ns)
		return; /* lifted, or another one by now */
	if (!block.proof)
		session_prove_block(xdp, proof, rule, addr, &block);
	event->proof = block.proof;
	event->proof_ttl = block.proof_ttl;
	event->until_ns = block.until_ns;
}
