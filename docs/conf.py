"""How the site is built: `make docs`, or `sphinx-build -W docs docs/_build/html`.

Pages are Markdown (MyST), tutorials are notebooks in Markdown that are executed; what can be read off the code, `_ext`
writes to `reference/generated` first.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "packaging"), str(HERE / "_ext")]

# `!bgnest` in a tutorial is the command of the environment that builds the site, activated or not
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

project = "bgnest"
author = "the authors of bgnest"
copyright = "the authors of bgnest"
try:
    release = version = version_of("bgnest")
except PackageNotFoundError:  # a checkout that is not installed
    release = version = "0"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "bgnest_reference",
]
exclude_patterns = ["_build", "_ext", "data", "tables", "**/.ipynb_checkpoints"]
templates_path: list[str] = []
default_role = "literal"
nitpicky = False
suppress_warnings = [
    "ref.python",  # words for types in docstrings, such as "folder", are no references
]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "fieldlist", "substitution"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

nb_execution_mode = "cache"
nb_execution_in_temp = True  # what a tutorial writes is gone with it
nb_execution_timeout = 900  # of a cell; models may have to be compiled on a busy machine
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_output_stderr = "remove"
nb_execution_cache_path = str(HERE / "_build" / "notebooks")

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"
html_title = "bgnest"
html_static_path = ["_static"]
html_css_files = ["bgnest.css"]
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "navigation_with_keys": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
    "pygments_dark_style": "github-dark",
}
html_sidebars = {page: [] for page in ("index", "start", "gallery", "contributing", "changelog")}

copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

# the addresses of publications are known to be good, and publishers turn programs away
linkcheck_ignore = [r"https://doi\.org/.*"]
linkcheck_timeout = 20
linkcheck_retries = 2
