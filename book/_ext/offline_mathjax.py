"""Make the built book self-contained: MathJax beside the pages, and nothing that would be fetched from elsewhere.

The package sphinx-mathjax-offline ships 24 MB of MathJax 3; the course's formulas need one script and its fonts.
They are copied to `_static/mathjax`, the place where that script itself looks for its fonts.
"""

from __future__ import annotations

import os
import shutil
from importlib.metadata import distribution
from pathlib import Path

from sphinx.errors import ExtensionError

MATHJAX = "sphinx-mathjax-offline/static/mathjax"  # a folder whose name, with its hyphens, cannot be imported
SCRIPT = "tex-chtml.js"
FONTS = "output/chtml/fonts/woff-v2"


def copy_mathjax(app, exception):
    """Put the script and its fonts into the finished site."""
    if exception is not None or app.builder.format != "html":
        return
    source = Path(distribution("sphinx-mathjax-offline").locate_file(MATHJAX))
    target = Path(app.outdir, "_static", "mathjax")
    fonts = sorted((source / FONTS).glob("*.woff"))
    if not (source / SCRIPT).is_file() or not fonts:
        raise ExtensionError("the installed sphinx-mathjax-offline has no tex-chtml.js with its fonts; reinstall it")
    (target / FONTS).mkdir(parents=True, exist_ok=True)
    for file in [source / SCRIPT, *fonts]:
        shutil.copyfile(file, target / file.relative_to(source))


def silence_thebe(app, config):
    """Unhook the launcher of live cells: Jupyter Book always loads it, and all it does here is point to a CDN."""
    for listeners in app.events.listeners.values():
        listeners[:] = [one for one in listeners if not one.handler.__module__.startswith("sphinx_thebe")]
    app.registry.css_files[:] = [file for file in app.registry.css_files if "thebe" not in file[0]]


def setup(app):
    # For the kernels that run the pages: a progress bar becomes a widget that needs a CDN, and is of no use afterwards.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    app.config.mathjax_path = f"mathjax/{SCRIPT}"
    app.connect("config-inited", silence_thebe)
    app.connect("build-finished", copy_mathjax)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
