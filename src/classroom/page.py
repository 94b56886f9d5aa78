"""What feedback looks like: HTML files without scripts, that load nothing and read on a phone, by day and by night."""

import base64
import hashlib

import jinja2
from markupsafe import Markup

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fbfaf7; --raised: #fff; --sunk: #f3f1ec; --line: #e2dfd8;
  --ink: #22252a; --quiet: #62666d; --link: #0b57a4;
  --good: #1c7a43; --part: #8a5b00; --bad: #b3372b; --wait: #51559e;
  --keyword: #8a3a8f; --string: #2f6d3a; --number: #a04a00; --name: #0b57a4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #17191d; --raised: #1f2227; --sunk: #24272d; --line: #363a42;
    --ink: #e4e6ea; --quiet: #a0a6b0; --link: #8ab8f5;
    --good: #6cc491; --part: #e0b35c; --bad: #f08f84; --wait: #aab0f2;
    --keyword: #d7a3dd; --string: #9bcf9f; --number: #e9ad7a; --name: #8ab8f5;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere;
}
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
main.wide { max-width: 62rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; letter-spacing: -.01em; }
h2 { font-size: 1.1rem; margin: 2.75rem 0 .75rem; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.quiet { color: var(--quiet); margin: 0; font-size: .92rem; }
.score { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem .6rem; margin: 1.5rem 0 .4rem; }
.score strong { font-size: 2.5rem; line-height: 1.1; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
progress {
  appearance: none; display: block; width: 100%; height: .5rem; border: 0; border-radius: 1rem; overflow: hidden;
  background: var(--line); margin-bottom: .5rem;
}
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--good); border-radius: 1rem; }
progress::-moz-progress-bar { background: var(--good); border-radius: 1rem; }
.invalid .score strong { text-decoration: line-through; color: var(--quiet); }
.invalid progress { display: none; }
.notice, .message, .note, .comment {
  margin: .75rem 0; padding: .6rem .9rem; border-radius: .5rem; background: var(--sunk);
  border-left: .25rem solid var(--part); white-space: pre-wrap; unicode-bidi: plaintext;
}
.notice { margin: 1.5rem 0 0; }
.quarantined .notice, .none .message { border-color: var(--bad); }
.note { border-color: var(--line); color: var(--quiet); font-size: .92rem; }
.comment { border-color: var(--wait); }
.comment b { display: block; font-size: .85rem; color: var(--wait); }
.tasks { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line); }
.tasks li {
  display: grid; grid-template-columns: 1fr auto; gap: .1rem 1rem; padding: .6rem 0;
  border-bottom: 1px solid var(--line);
}
.tasks .points { text-align: right; }
.tasks p { grid-column: 1 / -1; margin: 0; color: var(--quiet); font-size: .92rem; white-space: pre-wrap; }
.tasks .comment { color: var(--ink); margin: .3rem 0; }
.tasks code, .mark code { font-size: .92rem; }
.points { white-space: nowrap; font-variant-numeric: tabular-nums; }
.points::before {
  content: ""; display: inline-block; width: .6em; height: .6em; border-radius: 50%; margin-right: .5em;
}
.full .points::before, .full.points::before { background: var(--good); }
.part .points::before, .part.points::before { background: var(--part); }
.none .points::before, .none.points::before { background: var(--bad); }
.wait .points::before, .wait.points::before { background: var(--wait); }
.invalid .points::before { background: var(--line); }
.cell { margin: 1.25rem 0; }
.cell > :first-child { margin-top: 0; }
.work { padding: .9rem 1rem; border: 1px solid var(--line); border-radius: .75rem; background: var(--raised); }
.mark { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; margin: 0 0 .5rem; }
.cell > :last-child { margin-bottom: 0; }
pre, .text pre {
  margin: .4rem 0; padding: .75rem .9rem; border-radius: .5rem; background: var(--sunk);
  overflow: auto;
  font: .85rem/1.5 ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  overflow-wrap: normal; unicode-bidi: isolate; tab-size: 4;
}
code { font-family: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.text code { background: var(--sunk); border-radius: .3rem; padding: .1em .3em; font-size: .88em; }
.text pre code { background: none; padding: 0; font-size: 1em; }
.text h1, .text h2, .text h3, .text h4 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.text blockquote { margin: .75rem 0; padding-left: 1rem; border-left: .2rem solid var(--line); color: var(--quiet); }
.text table { display: block; overflow-x: auto; border-collapse: collapse; }
.text th, .text td { border-bottom: 1px solid var(--line); padding: .25rem .75rem .25rem 0; text-align: left; }
.out { max-height: 24rem; background: none; border: 1px solid var(--line); color: var(--quiet); }
.out.error { color: var(--bad); }
img { max-width: 100%; height: auto; background: #fff; border-radius: .4rem; }
.code [class^="c"] { color: var(--quiet); font-style: italic; }
.code [class^="k"], .code .ow { color: var(--keyword); }
.code [class^="s"] { color: var(--string); }
.code [class^="m"] { color: var(--number); }
.code .nf, .code .nc, .code .nd, .code .nn, .code .fm { color: var(--name); }
table.class { width: 100%; border-collapse: collapse; }
.class th { text-align: left; font-size: .85rem; font-weight: 600; color: var(--quiet); }
.class th, .class td { padding: .5rem 1rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.class td:first-child { min-width: 9rem; }
.class td:last-child { min-width: 7rem; padding-right: 0; }
.class td:nth-child(2) { white-space: nowrap; }
.class small { display: block; color: var(--quiet); }
@media (max-width: 36rem) {
  main { padding: 1.5rem 1rem 3rem; }
  .class thead { display: none; }
  .class tr { display: grid; grid-template-columns: 1fr auto; border-bottom: 1px solid var(--line); padding: .5rem 0; }
  .class td { border: 0; padding: 0 1rem 0 0; }
  .class td:nth-child(even) { padding: 0; text-align: right; min-width: 0; }
}
@media print { .out { max-height: none; } pre { white-space: pre-wrap; } }
"""

# No script runs and nothing is fetched, whatever a notebook managed to put into its page; only this style applies.
POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)

BASE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{% block title %}{% endblock %}</title>
<style>{{ style }}</style>
</head>
<body>
{% block body %}{% endblock %}
</body>
</html>
"""

# What it is given: see `feedback.view`.
LEARNER_PAGE = """{% extends "base" %}
{% block title %}{{ notebook }}: {{ score | points }} of {{ max | points }}, {{ learner }}{% endblock %}
{% block body %}<main class="{{ look }}">
<header>
<p class="quiet">{{ assignment }}</p>
<h1>{{ notebook }}</h1>
<p class="quiet"><bdi>{{ learner }}</bdi> · {{ state }}{% if handed_in %} · handed in {{ handed_in }}{% endif %}</p>
<p class="score"><strong>{{ score | points }}</strong> of {{ max | points }} points</p>
<progress value="{{ score }}" max="{{ max }}" aria-label="points"></progress>
{% if penalty %}<p class="quiet">Handed in late: {{ penalty | points }} less.</p>{% endif %}
{% if waiting %}<p class="quiet">Waiting for a person: {{ waiting }} of {{ tasks | length }} tasks.</p>{% endif %}
{% if notice %}<p class="notice">{{ notice }}</p>{% endif %}
</header>
<h2 id="tasks">Tasks</h2>
<ul class="tasks">
{% for task in tasks %}<li class="{{ task.look }}">
<span>{% if task.shown %}<a href="#task-{{ loop.index }}"><code>{{ task.grade_id }}</code></a>
{%- else %}<code>{{ task.grade_id }}</code>{% endif %}</span>
<span class="points">{{ task.words }}</span>
{% if task.message %}<p>{{ task.message }}</p>{% endif %}
{% if task.comment %}<p class="comment"><b>from your grader</b>{{ task.comment }}</p>{% endif %}
</li>
{% endfor %}</ul>
{% if set_aside %}<h2>Set aside</h2>
<ul class="tasks">
{% for file, reason in set_aside %}<li><code>{{ file }}</code><p>{{ reason }}</p></li>
{% endfor %}</ul>{% endif %}
{% if cells %}<h2>Your notebook, as it was graded</h2>
{% for cell in cells %}
<section class="cell{% if cell.task %} work {{ cell.task.look }}{% endif %}"
{%- if cell.task %} id="task-{{ cell.task.number }}"{% endif %}>
{% if cell.task %}<p class="mark"><code>{{ cell.task.grade_id }}</code>
<span class="points">{{ cell.task.words }}</span></p>{% endif %}
{% if cell.text %}<div class="text">{{ cell.text }}</div>{% endif %}
{% if cell.code %}{{ cell.code }}{% elif cell.task and not cell.text %}<p class="quiet">a hidden test</p>{% endif %}
{% for kind, content in cell.outputs %}
{% if kind == "picture" %}<img alt="a picture that this cell drew" src="{{ content }}">
{% else %}<pre class="out {{ kind }}">{{ content }}</pre>{% endif %}
{% endfor %}
{% if cell.note %}<p class="note">{{ cell.note }}</p>{% endif %}
{% if cell.task and cell.task.message %}<p class="message">{{ cell.task.message }}</p>{% endif %}
{% if cell.comment %}<p class="comment"><b>from your grader</b>{{ cell.comment }}</p>{% endif %}
</section>
{% endfor %}{% endif %}
</main>{% endblock %}
"""

INDEX_PAGE = """{% extends "base" %}
{% block title %}Feedback{% endblock %}
{% block body %}<main class="wide">
<h1>Feedback</h1>
<p class="quiet">For instructors: it lists everybody. Hand each learner their own page only.</p>
{% for assignment, rows in assignments %}
<h2>{{ assignment }}</h2>
<table class="class">
<thead><tr><th>learner</th><th>points</th><th>state</th><th>page</th></tr></thead>
<tbody>
{% for row in rows %}<tr>
<td><bdi>{{ row.learner }}</bdi></td>
<td><span class="points {{ row.look }}">{{ row.score | points }} of {{ row.max | points }}</span></td>
<td>{{ row.state }}{% if row.reason %}<small>{{ row.reason }}</small>{% endif %}
{%- if row.waiting %}<small>waiting for a person: {{ row.waiting }} of {{ row.tasks }} tasks</small>{% endif %}</td>
<td>{% for name, href in row.pages %}<a href="{{ href }}">{{ name }}</a> {% endfor %}</td>
</tr>
{% endfor %}</tbody>
</table>
{% endfor %}
</main>{% endblock %}
"""


def render(name, **values):
    """The page `name`, "learner" or "index". Every value is escaped, but for what `safe` has made HTML of."""
    return _environment.get_template(name).render(policy=POLICY, style=Markup(STYLE), **values)


def points(number):
    """12, 7.5 or 0.33: as many decimals as it takes, at most two."""
    return f"{round(number, 2) + 0.0:.10g}"


_environment = jinja2.Environment(
    loader=jinja2.DictLoader({"base": BASE, "learner": LEARNER_PAGE, "index": INDEX_PAGE}),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters["points"] = points
