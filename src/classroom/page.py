"""What a feedback page looks like: one HTML file without scripts, that loads nothing and reads on a phone."""

from pygments.formatters import HtmlFormatter

# No script runs and nothing is fetched, whatever a notebook managed to put into its page.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8886; vertical-align: top; }
th, td { overflow-wrap: break-word; }
.marks td:nth-child(-n + 2) { white-space: nowrap; }
.marks td:last-child { white-space: pre-line; overflow-wrap: anywhere; }
@media (max-width: 30rem) {
  .marks thead { display: none; }
  .marks tr { display: grid; grid-template-columns: 1fr auto; border-bottom: 1px solid #8886; }
  .marks td { border: 0; }
  .marks td:last-child { grid-column: 1 / -1; padding-top: 0; }
}
pre { overflow-x: auto; padding: .6rem; margin: .3rem 0; background: #8881; font-size: .85rem; overflow-wrap: normal; }
img { max-width: 100%; background: white; }
.cell { margin: 1rem 0; }
.graded { border-left: 4px solid #888; padding-left: .8rem; }
.full { border-color: #2a7; }
.lost { border-color: #d43; }
.reason, .message { white-space: pre-wrap; border-left: 4px solid #d43; padding: .3rem .8rem; background: #d431; }
.comment { white-space: pre-wrap; font-style: italic; }
"""

HEAD = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="referrer" content="no-referrer">
<style>{STYLE}
{HtmlFormatter(style="default").get_style_defs(".highlight")}
@media (prefers-color-scheme: dark) {{ .highlight {{ filter: invert(1) hue-rotate(180deg); }} }}
</style>
"""

# resources.classroom: learner, assignment, notebook, state, reason, score, max, tasks.
# In a cell's metadata.nbgrader: score and points from the gradebook, message from the result, comment from a grader.
LEARNER_PAGE = (
    HEAD
    + """<title>{{ resources.classroom.notebook | e }}: {{ resources.classroom.learner | e }}</title>
</head>
<body>
<h1>{{ resources.classroom.assignment | e }}: {{ resources.classroom.notebook | e }}</h1>
<p><strong>{{ "%g" | format(resources.classroom.score) }} of
{{ "%g" | format(resources.classroom.max) }} points</strong>
({{ resources.classroom.learner | e }}, {{ resources.classroom.state | e }})</p>
{% if resources.classroom.reason %}<p class="reason">{{ resources.classroom.reason | e }}</p>{% endif %}
<table class="marks">
<thead><tr><th>task</th><th>points</th><th>what it said</th></tr></thead>
<tbody>
{% for task in resources.classroom.tasks %}<tr>
<td>{% if nb.cells %}<a href="#{{ task.grade_id | e }}">{{ task.grade_id | e }}</a>
{% else %}{{ task.grade_id | e }}{% endif %}</td>
<td>{{ "%g" | format(task.score) }} of {{ "%g" | format(task.max_points) }}</td>
<td>{{ task.message | e }}</td>
</tr>
{% endfor %}</tbody>
</table>
{% for cell in nb.cells %}
{% set graded = cell.metadata.nbgrader or {} %}
<div class="cell{% if graded.grade %} graded {{ 'full' if graded.score == graded.points else 'lost' }}{% endif %}"
{% if graded.grade_id %}id="{{ graded.grade_id | e }}"{% endif %}>
{% if graded.grade %}<p>{{ graded.grade_id | e }}: {{ "%g" | format(graded.score or 0) }}
of {{ "%g" | format(graded.points) }} points</p>{% endif %}
{% if cell.cell_type == "markdown" %}{{ cell.source }}
{% elif cell.cell_type == "code" %}{{ cell.source | highlight_code(metadata=cell.metadata) }}
{% for output in cell.outputs %}
{% if output.output_type == "stream" %}<pre>{{ output.text | strip_ansi | e }}</pre>
{% elif output.output_type == "error" %}<pre>{{ output.traceback | join("\n") | strip_ansi | e }}</pre>
{% elif output.data["text/html"] %}{{ output.data["text/html"] }}
{% elif output.data["image/png"] %}<img alt="output of this cell" src="data:image/png;base64,
{{- output.data['image/png'] | replace('\n', '') | e }}">
{% elif output.data["image/jpeg"] %}<img alt="output of this cell" src="data:image/jpeg;base64,
{{- output.data['image/jpeg'] | replace('\n', '') | e }}">
{% elif output.data["text/plain"] %}<pre>{{ output.data["text/plain"] | strip_ansi | e }}</pre>
{% endif %}{% endfor %}
{% if graded.message %}<p class="message">{{ graded.message | e }}</p>{% endif %}
{% endif %}
{% if graded.comment %}<p class="comment">{{ graded.comment | e }}</p>{% endif %}
</div>
{% endfor %}
</body>
</html>
"""
)

INDEX_PAGE = (
    HEAD
    + """<title>Feedback</title>
</head>
<body>
<h1>Feedback</h1>
<table>
<thead><tr><th>learner</th><th>assignment</th><th>points</th><th>state</th><th>pages</th></tr></thead>
<tbody>
{% for result in results %}<tr>
<td>{{ result.learner | e }}</td>
<td>{{ result.assignment | e }}</td>
<td>{{ "%g" | format(result.total) }} of {{ "%g" | format(result.max) }}</td>
<td>{{ result.state | e }}{% if result.reason %}: {{ result.reason | e }}{% endif %}</td>
<td>{% for page in result.pages %}<a href="{{ page.href | e }}">{{ page.name | e }}</a> {% endfor %}</td>
</tr>
{% endfor %}</tbody>
</table>
</body>
</html>
"""
)
