/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * page_html.c - one self-contained page: nothing is fetched, no script runs.
 * Light and dark follow the reader's system; it reads on a phone; tables say
 * what the charts show.
 */
#include "names.h"
#include "page.h"
#include "report.h"

#define BARS_MAX 12

typedef unsigned long long ull;

void page_html_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
		}
	}
}

/* Colours: the Okabe-Ito set, which people with any colour vision can tell
 * apart, darkened or lightened for contrast with the ground. */
static const char style[] =
	":root{color-scheme:light dark;--ground:#fff;--card:#f6f7f9;--ink:#1b1f24;--soft:#59636e;"
	"--line:#d5dae0;--alarm:#b3261e;--c1:#0072b2;--c2:#9a6200;--c3:#a03c78;--c4:#b84700;"
	"--c5:#00795b;--c6:#7a5c00;--c7:#59636e;--c8:#59636e;--c9:#5b4fc7}\n"
	"@media(prefers-color-scheme:dark){:root{--ground:#0f1317;--card:#181d23;--ink:#e8ebee;"
	"--soft:#9aa5b1;--line:#333c46;--alarm:#ff8a80;--c1:#56b4e9;--c2:#e69f00;--c3:#e79bc4;"
	"--c4:#ff8f4f;--c5:#2fcfa2;--c6:#f0e442;--c7:#b3bdc7;--c8:#b3bdc7;--c9:#b0a8ff}}\n"
	"*{box-sizing:border-box}body{margin:0 auto;max-width:64rem;padding:1rem;background:"
	"var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}"
	"h1{font-size:1.5rem;line-height:1.2;margin:.5rem 0;overflow-wrap:anywhere}"
	"h2{font-size:1.15rem;margin:0 0 .5rem;overflow-wrap:anywhere}h3{font-size:1rem}"
	".note{color:var(--soft);margin:.25rem 0;font-size:.9rem}\n"
	".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.75rem;"
	"margin:1rem 0}.tiles div,.card,.bars{background:var(--card);border:1px solid var(--line);"
	"border-radius:.5rem;padding:.75rem 1rem}.tiles b{display:block;font-size:1.5rem}"
	".card{margin:1rem 0}.verdict{color:var(--alarm);font-weight:600}\n"
	".chart{overflow-x:auto}.chart svg{display:block;width:100%;min-width:34rem;height:auto}"
	"svg text{font:12px system-ui,sans-serif;fill:var(--soft)}svg .strong{fill:var(--alarm);"
	"font-weight:600}.grid{stroke:var(--line)}.block{stroke:var(--alarm);fill:var(--alarm);"
	"stroke-width:2}.blocked{fill:url(#hatch)}.lane{stroke-width:6}"
	".gone{opacity:.55}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.5rem 0}"
	"dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}"
	"table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
	"th,td{text-align:left;padding:.15rem .5rem .15rem 0;border-bottom:1px solid var(--line)}"
	"th{color:var(--soft);font-weight:400}details{margin:.5rem 0}summary{cursor:pointer}"
	".scroll{overflow-x:auto}.two{display:grid;grid-template-columns:repeat(auto-fit,"
	"minmax(18rem,1fr));gap:1rem}.bars td:last-child{width:55%}.bar{display:inline-block;"
	"height:.8em;background:var(--c1);margin-right:.4em;vertical-align:baseline}"
	".legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:0;list-style:none}"
	".legend svg{width:16px;height:16px;vertical-align:-3px;margin-right:.3rem}\n"
	"@media print{.card,.bars{break-inside:avoid}}\n";

/* One marker per type, around (0,0). */
static const char *const markers[] = {
	[PS_CLASS_NONE] = "<circle r=2 />",
	[PS_CLASS_SYN] = "<circle r=4 />",
	[PS_CLASS_ACK] = "<rect x=-3.5 y=-3.5 width=7 height=7 />",
	[PS_CLASS_NULL] = "<path d=\"M0-5 5 0 0 5-5 0z\"/>",
	[PS_CLASS_XMAS] = "<path d=\"M-4-4 4 4M4-4-4 4\" fill=none stroke-width=2.2 />",
	[PS_CLASS_FIN] = "<path d=\"M0-5 5 4-5 4z\"/>",
	[PS_CLASS_MAIMON] = "<path d=\"M0 5 5-4-5-4z\"/>",
	[PS_CLASS_OTHER] = "<path d=\"M0-5V5M-5 0H5\" fill=none stroke-width=2.2 />",
	[PS_CLASS_REPLY] = "<path d=\"M-5 0H5\" fill=none stroke-width=2.2 />",
	[PS_CLASS_UDP] = "<circle r=4 fill=none stroke-width=2 />",
};
_Static_assert(sizeof(markers) / sizeof(markers[0]) == PS_CLASS_MAX, "a class lacks its marker");

static void definitions(FILE *out)
{
	fputs("<svg width=0 height=0 style=\"position:absolute\" aria-hidden=true><defs>\n", out);
	fputs("<pattern id=hatch width=8 height=8 patternUnits=userSpaceOnUse "
	      "patternTransform=\"rotate(45)\"><rect width=8 height=8 fill=\"var(--alarm)\" "
	      "opacity=.07 /><path d=\"M0 0V8\" stroke=\"var(--alarm)\" stroke-width=2 "
	      "opacity=.35 /></pattern>\n<g id=detected><path d=\"M0-7 7 0 0 7-7 0z\"/></g>\n",
	      out);
	for (unsigned int c = 0; c < PS_CLASS_MAX; c++)
		fprintf(out, "<g id=m%u>%s</g>\n", c, markers[c]);
	fputs("</defs></svg>\n", out);
}

static void head(FILE *out, const struct model *m)
{
	fputs("<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n"
	      "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n<title>Port "
	      "scans in ",
	      out);
	page_html_text(out, m->title);
	fprintf(out, "</title>\n<style>\n%s", style);
	for (unsigned int c = PS_CLASS_SYN; c < PS_CLASS_MAX; c++)
		fprintf(out, ".c%u{fill:var(--c%u);stroke:var(--c%u)}", c, c, c);
	fputs("\n</style></head><body>\n", out);
	definitions(out);
}

static void tile(FILE *out, const char *name, ull value)
{
	fprintf(out, "<div><b>%llu</b>%s</div>\n", value, name);
}

static void overview(FILE *out, const struct model *m)
{
	char start[REPORT_TIME_BYTES], span[PAGE_SPAN_BYTES];
	ull dropped = 0, blocked = 0;

	for (unsigned int i = 0; i < m->sources; i++) {
		dropped += m->source[i]->dropped;
		blocked += m->source[i]->detected_ns && m->source[i]->action == PS_ACTION_BLOCK;
	}
	fputs("<h1>Port scans in ", out);
	page_html_text(out, m->title);
	fputs("</h1>\n", out);
	if (m->sources)
		fprintf(out,
			"<p class=note>From %s, over %s. A scan is %u points within the "
			"rule's window.</p>\n",
			report_time((__s64)m->start_ns, start),
			page_span(m->end_ns - m->start_ns, span), m->threshold);
	fputs("<div class=tiles>\n", out);
	if (m->packets)
		tile(out, "packets", m->packets);
	tile(out, m->detected == 1 ? "scanner" : "scanners", m->detected);
	tile(out, "blocked", blocked);
	tile(out, dropped == 1 ? "packet dropped" : "packets dropped", dropped);
	tile(out, m->sources - m->detected == 1 ? "other source" : "other sources",
	     m->sources - m->detected);
	fputs("</div>\n", out);
	if (m->forgotten)
		fprintf(out, "<p class=note>%llu more sources were not followed.</p>\n",
			(ull)m->forgotten);
	if (!m->sources)
		fputs("<p>No source probed two ports.</p>\n", out);
}

/* Only the types that occur. */
static void legend(FILE *out, const struct model *m)
{
	bool seen[PS_CLASS_MAX] = { false };

	for (unsigned int i = 0; i < m->sources; i++)
		for (unsigned int j = 0; j < m->source[i]->probes; j++)
			seen[m->source[i]->probe[j].class % PS_CLASS_MAX] = true;
	fputs("<ul class=legend aria-label=\"types of probes\">\n", out);
	for (unsigned int c = PS_CLASS_SYN; c < PS_CLASS_MAX; c++)
		if (seen[c])
			fprintf(out,
				"<li><svg viewBox=\"-8 -8 16 16\" aria-hidden=true><use href=#m%u "
				"class=c%u /></svg>%s</li>\n",
				c, c, names_class(c));
	fputs("<li class=note>pale: dropped while blocked</li></ul>\n", out);
}

static void facts(FILE *out, const struct model_source *s)
{
	char text[PREFIX_TEXT_BYTES], time[REPORT_TIME_BYTES], span[PAGE_SPAN_BYTES];

	fputs("<dl>\n", out);
	fprintf(out, "<dt>shape<dd>%s: %u%s port%s of ", shape_name(s->shape.shape), s->shape.ports,
		s->shape.ports_pinned ? "+" : "", s->shape.ports == 1 ? "" : "s");
	if (s->shape.hosts > 1)
		fprintf(out, "%u%s hosts, last ", s->shape.hosts, s->shape.hosts_pinned ? "+" : "");
	fprintf(out, "%s\n<dt>score<dd>%u points\n<dt>probes<dd>", addr_format(&s->dst, text),
		s->score);
	for (unsigned int c = PS_CLASS_SYN, n = 0; c < PS_CLASS_MAX; c++)
		if (s->packets[c])
			fprintf(out, "%s%llu %s", n++ ? ", " : "", (ull)s->packets[c],
				names_class(c));
	fprintf(out, "\n<dt>first seen<dd>%s\n", report_time((__s64)s->first_ns, time));
	if (s->detected_ns)
		fprintf(out, "<dt>detected<dd>%s, after %s\n",
			report_time((__s64)s->detected_ns, time),
			page_span(s->detected_ns - s->first_ns, span));
	if (s->until_ns)
		fprintf(out, "<dt>blocked until<dd>%s\n<dt>dropped<dd>%llu packet%s\n",
			report_time((__s64)s->until_ns, time), (ull)s->dropped,
			s->dropped == 1 ? "" : "s");
	fputs("</dl>\n", out);
}

static void evidence_table(FILE *out, const struct model_source *s)
{
	if (!s->evidence_count)
		return;
	fprintf(out,
		"<details><summary>Evidence at the detection: %u probes</summary><div class=scroll "
		"tabindex=0><table><thead><tr><th>before<th>port<th>service<th>type<th>points</tr>"
		"</thead><tbody>\n",
		s->evidence_count);
	for (unsigned int i = 0; i < s->evidence_count; i++) {
		const struct model_evidence *e = &s->evidence[i];
		bool udp = e->class == PS_CLASS_UDP;
		const char *service = names_service(e->port, udp);

		fprintf(out, "<tr><td>%.3f ms<td>%u/%s<td>", e->age_ms, e->port,
			udp ? "udp" : "tcp");
		page_html_text(out, service ? service : "");
		fprintf(out, "<td>%s<td>%u</tr>\n", names_class(e->class), e->points);
	}
	fputs("</tbody></table></div></details>\n", out);
}

static void card(FILE *out, const struct model_source *s, unsigned int id)
{
	char text[PREFIX_TEXT_BYTES];

	fprintf(out, "<article class=card><h2>%s <span class=%s>%s, %s</span></h2>\n",
		source_format(&s->addr, text), s->detected_ns ? "verdict" : "note",
		names_class(s->class), page_outcome(s));
	page_chart_timeline(out, s, id);
	facts(out, s);
	evidence_table(out, s);
	fputs("</article>\n", out);
}

static void html(FILE *out, const struct model *m)
{
	head(out, m);
	overview(out, m);
	if (m->sources) {
		legend(out, m);
		if (m->sources > 1)
			page_chart_overview(out, m);
	}
	for (unsigned int i = 0; i < m->sources && i < MODEL_CARDS_MAX; i++)
		card(out, m->source[i], i);
	if (m->sources > MODEL_CARDS_MAX)
		fprintf(out, "<p class=note>and %u more sources</p>\n",
			m->sources - MODEL_CARDS_MAX);
	if (m->port_count)
		page_chart_ports(out, m);
	fputs("<div class=two>\n", out);
	page_chart_bars(out, "Busiest ports", m->port, m->port_count, BARS_MAX, true);
	page_chart_bars(out, "Busiest targets", m->target, m->target_count, BARS_MAX, false);
	fputs("</div></body></html>\n", out);
}

const struct page_ops page_html = { .ending = ".html", .write = html };
