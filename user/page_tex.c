/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * page_tex.c - the report as LaTeX. pdflatex of a base installation compiles
 * it: no packages but geometry and longtable, charts in the picture
 * environment.
 */
#include "names.h"
#include "page.h"
#include "report.h"

#define BARS_MAX 15
#define CHART_WIDTH 150.0 /* mm */
#define CHART_HEIGHT 50.0

typedef unsigned long long ull;

static void tex_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '\\':
			fputs("\\textbackslash{}", out);
			break;
		case '^':
			fputs("\\textasciicircum{}", out);
			break;
		case '~':
			fputs("\\textasciitilde{}", out);
			break;
		case '<':
			fputs("\\textless{}", out);
			break;
		case '>':
			fputs("\\textgreater{}", out);
			break;
		case '#':
		case '$':
		case '%':
		case '&':
		case '_':
		case '{':
		case '}':
			fprintf(out, "\\%c", *text);
			break;
		default:
			/* Other scripts than Latin would need fonts of their own. */
			fputc(*text < ' ' || *text > '~' ? '?' : *text, out);
		}
	}
}

/* One mark per type, as in the legend. */
static const char *const marks[] = {
	[PS_CLASS_NONE] = "$\\cdot$",
	[PS_CLASS_SYN] = "$\\bullet$",
	[PS_CLASS_ACK] = "$\\ast$",
	[PS_CLASS_NULL] = "$\\diamond$",
	[PS_CLASS_XMAS] = "$\\times$",
	[PS_CLASS_FIN] = "$\\bigtriangleup$",
	[PS_CLASS_MAIMON] = "$\\bigtriangledown$",
	[PS_CLASS_OTHER] = "$+$",
	[PS_CLASS_REPLY] = "$-$",
	[PS_CLASS_UDP] = "$\\circ$",
};
_Static_assert(sizeof(marks) / sizeof(marks[0]) == PS_CLASS_MAX, "a class lacks its mark");

/* A span in plain ASCII. */
static void tex_span(FILE *out, __u64 ns)
{
	char text[PAGE_SPAN_BYTES];

	if (ns < 1000000)
		fprintf(out, "%.0f $\\mu$s", (double)ns / 1e3);
	else
		fputs(page_span(ns, text), out);
}

static double x_of(__u64 at_ns, __u64 start_ns, __u64 end_ns)
{
	double part = end_ns > start_ns
			      ? (double)(__s64)(at_ns - start_ns) / (double)(end_ns - start_ns)
			      : 0.5;

	return (part < 0 ? 0 : part > 1 ? 1 : part) * CHART_WIDTH;
}

static void timeline(FILE *out, const struct model_source *s)
{
	static const __u16 ticks[] = { 0, 22, 80, 443, 2000, 8080, 65535 };
	__u64 start_ns, end_ns;

	if (!s->probes)
		return;
	start_ns = s->probe[0].at_ns;
	end_ns = s->probe[s->probes - 1].at_ns;
	if (s->detected_ns > end_ns)
		end_ns = s->detected_ns;
	fprintf(out,
		"\\noindent\\setlength{\\unitlength}{1mm}\\begin{picture}(%.0f,%.0f)(-14,-8)\n",
		CHART_WIDTH + 14, CHART_HEIGHT + 12);
	fprintf(out, "\\put(0,0){\\line(1,0){%.0f}}\\put(0,0){\\line(0,1){%.0f}}\n", CHART_WIDTH,
		CHART_HEIGHT);
	for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++)
		fprintf(out, "\\put(-1,%.1f){\\makebox(0,0)[r]{\\scriptsize %u}}\n",
			page_port_place(ticks[i]) * CHART_HEIGHT, ticks[i]);
	fprintf(out,
		"\\put(0,-3){\\makebox(0,0)[l]{\\scriptsize 0}}\\put(%.0f,-3){\\makebox(0,0)[r]"
		"{\\scriptsize ",
		CHART_WIDTH);
	tex_span(out, end_ns - start_ns);
	fputs("}}\n", out);
	for (unsigned int i = 0; i < s->probes; i++)
		fprintf(out, "\\put(%.1f,%.1f){\\makebox(0,0){\\tiny %s}}\n",
			x_of(s->probe[i].at_ns, start_ns, end_ns),
			page_port_place(s->probe[i].port) * CHART_HEIGHT,
			marks[s->probe[i].class % PS_CLASS_MAX]);
	if (s->detected_ns)
		fprintf(out,
			"\\thicklines\\put(%.1f,0){\\line(0,1){%.0f}}\\put(%.1f,%.0f)"
			"{\\makebox(0,0){\\scriptsize %s}}\\thinlines\n",
			x_of(s->detected_ns, start_ns, end_ns), CHART_HEIGHT,
			x_of(s->detected_ns, start_ns, end_ns), CHART_HEIGHT + 2,
			s->action == PS_ACTION_BLOCK ? "blocked" : "detected");
	fputs("\\end{picture}\n\n", out);
}

static void facts(FILE *out, const struct model_source *s)
{
	char text[PREFIX_TEXT_BYTES], time[REPORT_TIME_BYTES];

	fprintf(out, "\\begin{tabular}{@{}ll}\nShape & %s: %u port%s of ",
		shape_name(s->shape.shape), s->shape.ports, s->shape.ports == 1 ? "" : "s");
	if (s->shape.hosts > 1)
		fprintf(out, "%u hosts, last ", s->shape.hosts);
	fprintf(out, "%s \\\\\nScore & %u points \\\\\nProbes & ", addr_format(&s->dst, text),
		s->score);
	for (unsigned int c = PS_CLASS_SYN, n = 0; c < PS_CLASS_MAX; c++)
		if (s->packets[c])
			fprintf(out, "%s%llu %s", n++ ? ", " : "", (ull)s->packets[c],
				names_class(c));
	fprintf(out, " \\\\\nFirst seen & %s \\\\\n", report_time((__s64)s->first_ns, time));
	if (s->detected_ns) {
		fprintf(out, "Detected & %s, after ", report_time((__s64)s->detected_ns, time));
		tex_span(out, s->detected_ns - s->first_ns);
		fputs(" \\\\\n", out);
	}
	if (s->until_ns)
		fprintf(out, "Blocked until & %s, %llu packets dropped \\\\\n",
			report_time((__s64)s->until_ns, time), (ull)s->dropped);
	fputs("\\end{tabular}\n\n", out);
}

static void evidence_table(FILE *out, const struct model_source *s)
{
	if (!s->evidence_count)
		return;
	fputs("\\begin{longtable}{rrllr}\nbefore & port & service & type & points "
	      "\\\\\\hline\\endhead\n",
	      out);
	for (unsigned int i = 0; i < s->evidence_count; i++) {
		const struct model_evidence *e = &s->evidence[i];
		bool udp = e->class == PS_CLASS_UDP;
		const char *service = names_service(e->port, udp);

		fprintf(out, "%.3f ms & %u/%s & ", e->age_ms, e->port, udp ? "udp" : "tcp");
		tex_text(out, service ? service : "");
		fprintf(out, " & %s & %u \\\\\n", names_class(e->class), e->points);
	}
	fputs("\\end{longtable}\n", out);
}

static void source(FILE *out, const struct model_source *s)
{
	char text[PREFIX_TEXT_BYTES];

	fprintf(out, "\\section*{%s: %s, %s}\n", source_format(&s->addr, text), names_class(s->class),
		page_outcome(s));
	timeline(out, s);
	facts(out, s);
	evidence_table(out, s);
}

static void counts(FILE *out, const char *title, const struct model_count *count, unsigned int n,
		   bool ports)
{
	char text[PREFIX_TEXT_BYTES];

	if (!n)
		return;
	fprintf(out, "\\section*{%s}\n\\begin{tabular}{@{}lrl}\n", title);
	for (unsigned int i = 0; i < n && i < BARS_MAX; i++) {
		const char *service = ports ? names_service(count[i].port, count[i].udp) : NULL;

		if (ports)
			fprintf(out, "%u/%s ", count[i].port, count[i].udp ? "udp" : "tcp");
		else
			fputs(addr_format(&count[i].addr, text), out);
		tex_text(out, service ? service : "");
		fprintf(out, " & %llu & \\rule{%.1fmm}{2mm} \\\\\n", (ull)count[i].packets,
			60.0 * (double)count[i].packets / (double)count[0].packets);
	}
	fputs("\\end{tabular}\n\n", out);
	if (n > BARS_MAX)
		fprintf(out, "and %u more\n\n", n - BARS_MAX);
}

static void legend(FILE *out)
{
	fputs("\\noindent Marks: ", out);
	for (unsigned int c = PS_CLASS_SYN; c < PS_CLASS_MAX; c++)
		fprintf(out, "%s%s~%s", c > PS_CLASS_SYN ? ", " : "", marks[c], names_class(c));
	fputs(". Ports on a logarithmic scale.\n\n", out);
}

static void tex(FILE *out, const struct model *m)
{
	char time[REPORT_TIME_BYTES];

	fputs("\\documentclass[a4paper,10pt]{article}\n\\usepackage[margin=2cm]{geometry}\n"
	      "\\usepackage{longtable}\n\\setlength{\\parindent}{0pt}\n"
	      "\\begin{document}\n\\begin{center}\\Large\\bfseries Port scans in ",
	      out);
	tex_text(out, m->title);
	fputs("\\end{center}\n\n", out);
	if (m->packets)
		fprintf(out, "%llu packets. ", (ull)m->packets);
	fprintf(out, "%u scanner%s, %u other source%s.", m->detected, m->detected == 1 ? "" : "s",
		m->sources - m->detected, m->sources - m->detected == 1 ? "" : "s");
	if (m->sources) {
		fprintf(out, " From %s, over ", report_time((__s64)m->start_ns, time));
		tex_span(out, m->end_ns - m->start_ns);
		fprintf(out, ". A scan is %u points within the rule's window.\n\n", m->threshold);
		legend(out);
	}
	for (unsigned int i = 0; i < m->sources && i < MODEL_CARDS_MAX; i++)
		source(out, m->source[i]);
	if (m->sources > MODEL_CARDS_MAX)
		fprintf(out, "and %u more sources\n\n", m->sources - MODEL_CARDS_MAX);
	counts(out, "Ports", m->port, m->port_count, true);
	counts(out, "Targets", m->target, m->target_count, false);
	fputs("\\end{document}\n", out);
}

const struct page_ops page_tex = { .ending = ".tex", .write = tex };
